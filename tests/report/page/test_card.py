"""One resource on the page, drawn or in a table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from connector.decide.context import Context, Policy
from connector.decide.policy import decide
from connector.decide.table import TABLE, Row
from connector.model import (
    Action,
    ActionKind,
    ConnectionState,
    Decision,
    DecisionName,
    Evidence,
    Gate,
    GateName,
    Generation,
    Handshake,
    Mode,
    Resource,
    Role,
)
from connector.model.seen import Cause
from connector.report.page.card import MOST_VOLUMES, Moment, card
from connector.report.page.listing import listing
from connector.report.page.order import Urgency, urgency
from connector.report.page.past import Past, last_actions
from connector.report.passes import ResourceReport
from tests import builders
from tests.report.captured import report_of
from tests.report.page import example
from tests.report.page.reading import Element, part, with_class, words

NOW = Moment(example.NOW_WALL_S, example.NOW_BOOT_S)
PAST = example.view().past
C = ConnectionState


def facts(item: ResourceReport, past: Past = PAST) -> dict[str, str]:
    """The card's list as a dictionary of words."""
    return dict(listed(shown(item, past)))


def shown(item: ResourceReport, past: Past = PAST) -> Element:
    return part(card(item, last_actions(past, item.resource.name), (), NOW))[0]


def listed(article: Element) -> list[tuple[str, str]]:
    names = [words(element) for element in article.iter("dt")]
    return list(zip(names, [words(element) for element in article.iter("dd")], strict=True))


def decided(seen: Resource, mode: Mode = Mode.RECONNECT) -> ResourceReport:
    return builders.resource_report(seen, decision=decide(seen, Context(Policy(mode))))


def split(role: Role = Role.SECONDARY) -> Resource:
    handshakes = (Handshake(0, 0x10, 0x11, 256, 1, 0, 0),)
    evidence = Evidence(cause=Cause.SPLIT_BRAIN, handshakes=handshakes)
    return builders.resource(connection=C.STANDALONE, role=role, evidence=evidence)


def test_a_split_brain_tells_row_reason_gates_and_what_each_side_changed() -> None:
    told = facts(decided(split()))
    assert told["Decision"].startswith(
        "reconnect-standby row 4 of the decision table; its step: connect, watch the state come up"
    )
    assert "split brain, and mode reconnect gives nothing up" in told["Decision"]
    assert told["Held by"] == "mode: only a person can open it"
    assert told["Next pass"] == "runs nothing; without what holds it: drbdadm connect mail"
    assert told["Since the split"].startswith("changed on this node: 1.0 MiB; on the peer: 4 KiB")
    article = shown(decided(split()))
    assert [words(badge) for badge in with_class(article, "badge")] == [
        "operator needed",
        "StandAlone",
    ]
    assert "connector recover mail --discard-my-data" in [
        words(code) for code in article.iter("code")
    ]


def test_several_commands_are_told_in_their_order() -> None:
    seen = builders.resource(connection=C.STANDALONE, in_use=False)
    context = Context(Policy(demote_grace_s=0))
    item = builders.resource_report(seen, decision=decide(seen, context))
    assert facts(item)["Next pass"] == ("runs drbdadm secondary mail, then drbdadm connect mail")


def test_gates_that_open_by_themselves_say_so() -> None:
    seen = builders.resource(connection=C.STANDALONE, in_use=False)
    told = facts(decided(seen))
    assert told["Held by"] == "grace: opens by itself"


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_every_row_of_the_table_is_told_with_its_number(row: Row) -> None:
    place = TABLE.index(row)
    seen = builders.resource(
        connection=min(row.connections) if row.connections else None,
        role=min(row.roles) if row.roles else Role.PRIMARY,
        in_use=row.in_use,
        out_of_sync_kib=4 if row.diverged else 0,
    )
    generation = row.generation or Generation.EIGHT
    seen = replace(seen, generation=generation, alone=row.alone is not False)
    told = facts(decided(seen))
    assert told["Decision"].startswith(f"{row.name} row {place + 1} of the decision table")
    assert row.sentence in told["Decision"]


def test_each_peer_of_several_has_its_picture(tmp_path: Path) -> None:
    """alpha is Primary, split from beta and connected to gamma."""
    (item,) = report_of("3n-split-brain-alpha-beta", "alpha", tmp_path).resources
    article = shown(item)
    assert [words(element) for element in with_class(article, "between")] == [
        "split brain: each side has changes that the other one lacks; "
        "cut off: this node does not look for its peer",
        "connected",
    ]
    titles = [element.text for element in article.iter("text")]
    assert [title for title in titles if title and "peer" in title] == ["peer beta", "peer gamma"]
    told = facts(item)
    assert told["Decision"].startswith("reconnect-survivor row 1 of the decision table")
    assert told["Next pass"] == "runs drbdadm connect mail:beta"
    assert told["Since the split"].startswith("beta: changed on this node: 1.5 MiB; on the peer:")


def test_a_client_on_purpose_is_no_trouble(tmp_path: Path) -> None:
    for node in ("alpha", "gamma"):
        (item,) = report_of("3n-gamma-diskless-client", node, tmp_path / node).resources
        assert urgency(item) is Urgency.HEALTHY


def test_what_differs_on_a_connection_is_told_as_such(tmp_path: Path) -> None:
    (item,) = report_of("2n-tentative", "alpha", tmp_path).resources
    article = shown(item)
    assert [words(element) for element in with_class(article, "between")] == [
        "connected, but the copies differ and no resync is under way"
    ]
    assert urgency(item) is Urgency.NEEDS_OPERATOR
    assert [words(badge) for badge in with_class(article, "badge")][-1] == "Connected"
    assert len(with_class(article, "bad")) > 3


def test_watching_is_told_where_it_waits() -> None:
    seen = builders.resource(connection=C.WF_CONNECTION, role=Role.SECONDARY)
    assert facts(decided(seen))["Next pass"] == "watches the state come up"
    assert facts(decided(builders.resource()))["Next pass"] == "runs nothing"


def test_a_name_that_is_never_handed_to_drbdadm_breaks_nothing() -> None:
    seen = builders.resource("--force", connection=C.STANDALONE)
    action = Action(ActionKind.CONNECT, "--force", seen.picture)
    decision = Decision("--force", DecisionName.RECONNECT_SURVIVOR, "x", actions=(action,))
    told = facts(builders.resource_report(seen, decision=decision))
    assert told["Next pass"] == "runs connect"


def test_a_reason_that_was_cut_off_inside_a_command_is_plain_text() -> None:
    decision = Decision("mail", DecisionName.HEALTHY, "run `connector rec", gates=())
    told = facts(builders.resource_report(decision=decision))
    assert told["Decision"].endswith("run `connector rec")


def test_uses_of_several_volumes() -> None:
    volumes = [
        builders.volume(builders.device(n), number=n, used_by=None if n else ())
        for n in range(MOST_VOLUMES + 2)
    ]
    told = facts(decided(builders.resource(volumes=volumes)))["In use here by"]
    assert told.startswith("volume 0: nothing; volume 1: could not be found out; ")
    assert told.endswith("and 2 more volumes")


def test_last_actions_with_outcome_and_when() -> None:
    by_name = {item.resource.name: item for item in example.reports()}
    assert facts(by_name["projects"])["Last actions"] == (
        "1 min ago connect: done; dropped"
        "2 min ago connect: done; dropped"
        "3 min ago connect: done; dropped"
    )
    assert facts(by_name["home"])["Last actions"] == "2 d 7 h ago a person: connect; reconnected"
    assert facts(by_name["backup"])["Last actions"] == "none in the journal"
    article = shown(by_name["projects"])
    assert with_class(article, "when")[0].get("title") == "2026-11-25 07:58:20 UTC"
    failed = [words(bad) for bad in with_class(article, "bad") if bad.tag == "span"]
    assert failed == ["operator needed", "StandAlone"] + ["connect: done; dropped"] * 3


def test_a_pause_has_a_badge() -> None:
    article = shown(builders.resource_report(paused=True))
    assert [words(badge) for badge in with_class(article, "badge")] == ["paused", "Connected"]


def test_a_line_of_the_table_has_all_that_a_drawing_begins_with() -> None:
    volumes = [builders.volume(builders.device(n), number=n) for n in range(3)]
    items = [
        decided(builders.resource(volumes=volumes)),
        decided(split()),
        decided(builders.resource("off", volumes=[builders.volume(minor=9, used_by=None)])),
    ]
    frame = part(listing(items, "3 resources"))[0]
    assert (frame.get("role"), frame.get("aria-label"), frame.get("tabindex")) == (
        "region",
        "3 resources",
        "0",
    )
    assert [element.get("scope") for element in frame.iter("th")] == ["col"] * 7 + ["row"] * 3
    assert [[words(cell) for cell in row] for row in frame.iter("tr")][1:] == [
        [
            "mail",
            "Connected",
            "Primary / Secondary",
            "UpToDate / UpToDate",
            "in use",
            "0",
            "healthy",
        ],
        [
            "mail",
            "operator needed StandAlone",
            "Secondary / Unknown",
            "UpToDate / DUnknown",
            "not in use",
            "0",
            "reconnect-standby",
        ],
        [
            "off",
            "Connected",
            "Primary / Secondary",
            "not up",
            "use not known",
            "not known",
            "healthy",
        ],
    ]


def test_gates_are_named_one_by_one() -> None:
    gates = (Gate(GateName.MODE, "a", True), Gate(GateName.PAUSE, "b", False))
    decision = Decision("mail", DecisionName.HOLD, "x", gates=gates)
    article = shown(builders.resource_report(decision=decision), Past())
    assert [words(item) for item in article.iter("li")] == [
        "mode: only a person can open it",
        "pause: opens by itself",
    ]
