"""What DRBD says in a rehearsal: lines of a real pair, the simulated pair's, and the words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from connector.model import AfterSplitBrain, Cause, ConnectionState, Resource, Role
from connector.observe.kernel_log import LogRecord
from connector.recover.recommend import Victim
from connector.recover.rehearse import forbidden, wrong_kernel
from connector.recover.rehearsed import Answer, answer_in, lines
from connector.simulate import story
from connector.simulate.pair import SimulatedPair
from tests.builders import device, resource, volume

CAPTURED = Path(__file__).parent / "captured"
OF_MINOR = {0: "mail"}
SOURCE, TARGET = "SyncSource", "SyncTarget"
STANDALONE = resource(connection=ConnectionState.STANDALONE, role=Role.SECONDARY, in_use=False)

ANSWERS = {
    "victim_peer_waits": Answer(met=True, minor=0, sync=TARGET),
    "victim_waits_first": Answer(met=True, minor=0, sync=TARGET),
    "survivor_peer_stays_split": Answer(met=True, refused=Cause.SPLIT_BRAIN),
    "survivor_peer_discards": Answer(met=True, minor=0, sync=SOURCE, peer_asked_to_discard=True),
    "standby_behind": Answer(met=True, minor=0, sync=TARGET),
    "standby_equal": Answer(met=True, minor=0, sync=None),
}


def records(name: str) -> list[LogRecord]:
    """What a real kernel said."""
    text = (CAPTURED / f"{name}.txt").read_text(encoding="utf-8")
    return [LogRecord(10.0 + i / 1000, line) for i, line in enumerate(text.splitlines())]


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_what_a_real_kernel_said(name: str) -> None:
    assert answer_in(records(name), "mail", OF_MINOR) == ANSWERS[name]
    assert answer_in(records(name), "db", {1: "db"}) == Answer()


@pytest.mark.parametrize("name", ["victim_peer_waits", "standby_equal"])
def test_before_the_last_word_is_said_there_is_no_answer(name: str) -> None:
    whole = records(name)
    answered = next(i for i, record in enumerate(whole) if "dry-run" in record.text)
    for known in range(answered + 1):
        assert answer_in(whole[:known], "mail", OF_MINOR) == Answer()


def test_words_of_a_program_are_no_answer() -> None:
    line = "block drbd0: dry-run connect: Would become SyncTarget, doing a full resync."
    assert answer_in([LogRecord(1.0, line)], "mail", OF_MINOR).full
    assert answer_in([LogRecord(1.0, f"evil[1]: {line}")], "mail", OF_MINOR) == Answer()


def test_an_earlier_handshake_says_nothing_about_the_answer() -> None:
    solved = "block drbd0: Split-Brain detected, 1 primaries, automatically solved. Sync from "
    earlier = [*records("survivor_peer_discards")[:7], LogRecord(9.0, f"{solved}this node")]
    assert not any("dry-run" in record.text for record in earlier)
    found = answer_in([*earlier, *records("standby_behind")], "mail", OF_MINOR)
    assert found == ANSWERS["standby_behind"]


def test_a_policy_of_drbds_own_is_told() -> None:
    text = [
        "block drbd0: drbd_sync_handshake:",
        "block drbd0: Split-Brain detected, 1 primaries, automatically solved. Sync from peer node",
        "block drbd0: dry-run connect: Would become SyncTarget, doing a bit-map based resync.",
    ]
    found = answer_in([LogRecord(1.0, line) for line in text], "mail", OF_MINOR)
    assert found == Answer(met=True, minor=0, sync=TARGET, by_policy=True)
    assert not found.as_planned(None)
    assert any(
        "own after-sb policy" in line for line in lines(found, STANDALONE, None, waited_s=30.0)
    )


# -- the simulated pair says the same ----------------------------------------------------------


def split_pair() -> SimulatedPair:
    """A split brain of mail; alpha is active, beta Secondary, both StandAlone."""
    pair = story.told("split-brain-with-idle-standby")
    story.drbdadm(pair, "beta", "secondary", "mail")
    return pair


def said(pair: SimulatedPair, node: str, since: int) -> list[LogRecord]:
    """What the node's kernel has said since."""
    return [LogRecord(line.at_us / 1e6, line.text) for line in pair.state.nodes[node].log[since:]]


@pytest.mark.parametrize(
    ("first", "node", "options", "name"),
    [
        ("alpha", "beta", ("--discard-my-data",), "victim_peer_waits"),
        ("beta", "beta", ("--discard-my-data",), "victim_waits_first"),
        ("alpha", "beta", (), "survivor_peer_stays_split"),
        ("beta", "alpha", (), "survivor_peer_discards"),
    ],
)
def test_the_simulated_pair_behaves_as_the_real_one(
    first: str, node: str, options: tuple[str, ...], name: str
) -> None:
    pair = split_pair()
    other = "alpha" if node == "beta" else "beta"
    discards = ("--discard-my-data",) if name == "survivor_peer_discards" else ()
    commands = {
        node: ("connect", "--tentative", *options, "mail"),
        other: ("connect", *discards, "mail"),
    }
    before = {n: str(pair.side(n, "mail").volumes[0].identifiers) for n in commands}
    since = {n: len(pair.state.nodes[n].log) for n in commands}
    for one in (first, "alpha" if first == "beta" else "beta"):
        story.drbdadm(pair, one, *commands[one])
    pair.settle()
    assert answer_in(said(pair, node, since[node]), "mail", OF_MINOR) == ANSWERS[name]
    assert pair.connection(node, "mail") is ConnectionState.STANDALONE
    assert pair.connection(other, "mail") is ConnectionState.WF_CONNECTION
    assert {n: str(pair.side(n, "mail").volumes[0].identifiers) for n in commands} == before
    assert story.survivors(pair, "mail") == {"alpha": "alpha's word", "beta": "beta's word"}
    told = [record.text for record in said(pair, other, since[other])]
    assert "drbd mail: conn( WFReportParams -> ProtocolError ) " in told


def test_two_that_rehearse_at_once_are_left_waiting() -> None:
    pair = split_pair()
    for node in ("alpha", "beta"):
        story.drbdadm(pair, node, "connect", "--tentative", "mail")
    pair.settle()
    for node in ("alpha", "beta"):
        assert pair.connection(node, "mail") is ConnectionState.WF_CONNECTION


# -- where none is made ------------------------------------------------------------------------


@pytest.mark.parametrize("version", [None, "9.2.12", "8.3.11", "0.7.25", "84"])
def test_only_on_an_8_4_kernel(version: str | None) -> None:
    assert wrong_kernel("8.4.11") is None
    assert "a rehearsal is one on 8.4 only" in (wrong_kernel(version) or "")


@pytest.mark.parametrize(
    ("changes", "discard", "why"),
    [
        ({"connection": ConnectionState.WF_CONNECTION}, False, "it must be StandAlone"),
        ({"connection": ConnectionState.CONNECTED}, False, "it must be StandAlone"),
        ({"role": Role.PRIMARY}, True, "Primary here, and a rehearsal demotes nothing"),
        ({"role": Role.PRIMARY, "in_use": True}, True, "in use here"),
        (
            {"after_sb": AfterSplitBrain(one_primary="call-pri-lost-after-sb")},
            False,
            "may reboot a node",
        ),
        (
            {"after_sb": AfterSplitBrain(two_primaries="call-pri-lost-after-sb")},
            True,
            "may reboot a node",
        ),
        ({"name": "all"}, False, "is not handed to drbdadm"),
    ],
)
def test_why_not(changes: dict[str, object], discard: bool, why: str) -> None:
    base: dict[str, object] = {
        "connection": ConnectionState.STANDALONE,
        "role": Role.SECONDARY,
        "in_use": False,
    }
    seen = resource(**{**base, **changes})  # type: ignore[arg-type]
    assert why in (forbidden(seen, discard=discard) or "")
    assert forbidden(STANDALONE, discard=discard) is None


def test_the_node_in_use_may_ask_without_discarding() -> None:
    active = resource(connection=ConnectionState.STANDALONE, role=Role.PRIMARY, in_use=True)
    assert forbidden(active, discard=False) is None


# -- the words ---------------------------------------------------------------------------------


def told(found: Answer, victim: Victim | None, seen: Resource = STANDALONE) -> str:
    """The words as one text; they always end with how the node was left."""
    text = lines(found, seen, victim, waited_s=30.0)
    assert text[-1] == "  mail is StandAlone here as before; nothing was changed on the disks"
    return "\n".join(text)


def test_the_answer_in_words() -> None:
    target = Answer(met=True, minor=0, sync=TARGET)
    assert "would be overwritten HERE with the other node's" in told(target, Victim.HERE)
    assert "NOT what" not in told(target, Victim.HERE)
    assert "that is NOT what --victim peer should do" in told(target, Victim.PEER)
    source = Answer(met=True, minor=0, sync=SOURCE)
    assert "that is NOT what --victim here should do" in told(source, Victim.HERE)
    assert "all blocks would" in told(replace(source, full=True), None)
    assert "the disks are equal" in told(Answer(met=True, minor=0), None)
    assert "DRBD would refuse (split brain)" in told(ANSWERS["survivor_peer_stays_split"], None)
    assert "has used that up" in told(ANSWERS["survivor_peer_discards"], None)
    refused = Answer(met=True, refused=Cause.AUTHENTICATION)
    assert "DRBD would refuse: authentication" in told(refused, None)
    assert "no answer in 30 s. The other node must wait" in told(Answer(), None)


def test_of_several_volumes_only_the_first_is_told() -> None:
    two = replace(
        STANDALONE, volumes=(*STANDALONE.volumes, volume(device(1), number=1, used_by=()))
    )
    text = told(Answer(met=True, minor=0, sync=TARGET), None, two)
    assert "first volume (minor 0): of the others it says nothing" in text


@pytest.mark.parametrize(
    ("found", "victim", "good"),
    [
        (Answer(met=True, sync=TARGET), Victim.HERE, True),
        (Answer(met=True, sync=SOURCE), Victim.HERE, False),
        (Answer(met=True, sync=SOURCE), Victim.PEER, True),
        (Answer(met=True, sync=TARGET), Victim.PEER, False),
        (Answer(met=True, sync=TARGET), None, True),
        (Answer(met=True), Victim.HERE, True),
        (Answer(met=True, refused=Cause.SPLIT_BRAIN), None, False),
        (Answer(met=True, sync=SOURCE, by_policy=True), None, False),
        (Answer(), None, False),
    ],
)
def test_whether_it_is_as_planned(found: Answer, victim: Victim | None, good: bool) -> None:
    assert found.as_planned(victim) is good
