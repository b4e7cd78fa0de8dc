"""The checker itself: for each rule a recording that keeps it, and one that breaks it.

A checker that cannot fail is worth nothing: each broken recording differs from its sound twin
only in what breaks it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.lab.recording import Event, Source

from .checker import Lost, lost, violations
from .journal import Handshake, Seen, read

HEALED = Path(__file__).parent / "data" / "healed_split_brain.txt"
_LINE = re.compile(r"^ *(\d+\.\d\d) (\w*) +(kernel|node|story|fault) +(.*)$", re.MULTILINE)
CONNECT, DISCARD = "connect mail", "connect --discard-my-data mail"
MET, SYNCED = 3.0, 20.0


def recorded(path: Path) -> list[Event]:
    """A recording as it was printed."""
    return [
        Event(float(at_s), node, Source(source), text)
        for at_s, node, source, text in _LINE.findall(path.read_text())
    ]


def kernel(at_s: float, node: str, text: str, *, minor: int = 0) -> Event:
    """A kernel line of a minor."""
    return Event(at_s, node, Source.KERNEL, f"block drbd{minor}: {text}")


def conn(at_s: float, node: str, before: str, after: str, *, resource: str = "mail") -> Event:
    """A resource's connection state becomes another one."""
    return Event(at_s, node, Source.KERNEL, f"drbd {resource}: conn( {before} -> {after} ) ")


def said(at_s: float, node: str, text: str) -> Event:
    """A line of a program in a node."""
    return Event(at_s, node, Source.NODE, text)


def story(at_s: float, node: str, text: str) -> Event:
    """What the story or a person did."""
    return Event(at_s, node, Source.STORY, text)


def fault(at_s: float, node: str, text: str) -> Event:
    """What the story broke."""
    return Event(at_s, node, Source.FAULT, text)


def command(
    at_s: float,
    node: str,
    line: str,
    *,
    parent: int,
    connection: str = "StandAlone",
    role: str = "Secondary",
    used: Sequence[int] = (),
) -> list[Event]:
    """One drbdadm of a pass, with what was seen right before it."""
    pid = parent + 1
    state = f"cs:{connection} ro:{role}/Unknown ds:UpToDate/DUnknown   r-----"
    return [
        *(said(at_s, node, f"saw {pid} {minor} {state}") for minor in (0, 1, 2)),
        *(said(at_s, node, f"used {pid} {minor} mount") for minor in used),
        said(at_s, node, f"drbdadm {pid} {parent} {line}"),
    ]


def one_pass(
    at_s: float,
    node: str,
    line: str = "",
    *,
    pid: int = 400,
    arguments: str = "reconcile --json",
    took_s: float = 2.0,
    connection: str = "StandAlone",
    role: str = "Secondary",
    used: Sequence[int] = (),
) -> list[Event]:
    """A pass with at most one command, in its middle."""
    ran = command(
        at_s + took_s / 2,
        node,
        line,
        parent=pid,
        connection=connection,
        role=role,
        used=used,
    )
    return [
        said(at_s, node, f"pass {pid} {arguments}"),
        *(ran if line else []),
        said(at_s + took_s, node, f"ended {pid} 0 {took_s:.3f}"),
    ]


def cut(at_s: float) -> list[Event]:
    """The link is cut, and both nodes notice it for mail."""
    changes = [("Connected", "NetworkFailure"), ("NetworkFailure", "WFConnection")]
    return [
        fault(at_s, "", "link cut"),
        *(
            conn(at_s + 0.5, node, before, after)
            for node in ("alpha", "beta")
            for before, after in changes
        ),
    ]


def sides(at_s: float, node: str, mine: int, its: int, *, bits: int = 13) -> list[Event]:
    """The handshake lines; 1 is a Primary, 0 a Secondary: the lowest bit says it."""
    uuids = "0000000000000002:0000000000000000:0000000000000000"
    return [
        conn(at_s, node, "WFConnection", "WFReportParams"),
        kernel(at_s, node, f"self E75E31AC211112F{6 + mine}:{uuids} bits:{bits} flags:0"),
        kernel(at_s, node, f"peer 3411CC56E399410{6 + its}:{uuids} bits:13 flags:0"),
        kernel(at_s, node, "uuid_compare()=100 by rule 90"),
    ]


def refused(at_s: float, *, alpha: int = 1, beta: int = 0) -> list[Event]:
    """The link comes back, or they meet again; both refuse, and both are StandAlone."""
    events = []
    for node, mine, its in (("alpha", alpha, beta), ("beta", beta, alpha)):
        events += sides(at_s, node, mine, its)
        events.append(
            kernel(at_s, node, "Split-Brain detected but unresolved, dropping connection!")
        )
        events.append(conn(at_s + 0.3, node, "WFReportParams", "Disconnecting"))
        events.append(conn(at_s + 0.3, node, "Disconnecting", "StandAlone"))
    return sorted(events, key=lambda event: event.at_s)


def solved(
    at_s: float, *, how: str = "manually", victim: str = "beta", bits: int = 13
) -> list[Event]:
    """DRBD picks a side, and the victim takes the other one's data."""
    events = []
    for node in ("alpha", "beta"):
        loses = node == victim
        source, letter = ("peer", "T") if loses else ("this", "S")
        text = f"Split-Brain detected, {how} solved. Sync from {source} node"
        events += [
            *sides(at_s, node, int(not loses), int(loses), bits=bits if loses else 13),
            kernel(at_s, node, text),
            kernel(at_s, node, f"conn( WFReportParams -> WFBitMap{letter} ) "),
            kernel(at_s + 0.5, node, f"conn( WFBitMap{letter} -> Connected ) "),
        ]
    return sorted(events, key=lambda event: event.at_s)


def modes(mode: str) -> list[Event]:
    """Both nodes' mode from the beginning on."""
    return [story(0, node, f"mode {mode}") for node in ("alpha", "beta")]


def split(*, alpha: int = 1, beta: int = 0, mode: str = "discard") -> list[Event]:
    """The beginning of most stories: a cut, and a split brain that DRBD refuses."""
    return [
        *modes(mode),
        *cut(1),
        story(2.5, "", "link restored"),
        *refused(MET, alpha=alpha, beta=beta),
    ]


def by_time(*parts: Sequence[Event]) -> list[Event]:
    """All of them in the order of their times."""
    return sorted((event for part in parts for event in part), key=lambda event: event.at_s)


def found(events: Sequence[Event]) -> list[str]:
    """The violations of a story without records, without the time and the command."""
    return violations(events, {}, {})


def heads(sentences: Sequence[str]) -> list[str]:
    """Which rules were broken where."""
    return [" ".join(sentence.split()[:3]).rstrip(",") for sentence in sentences]


HEALING = by_time(
    split(),
    one_pass(10, "beta", DISCARD),
    one_pass(15, "alpha", CONNECT, role="Primary", used=[0]),
    solved(SYNCED),
)


def test_a_split_brain_that_the_standby_ends_is_sound() -> None:
    assert found(HEALING) == []


def test_a_real_split_brain_that_was_healed_is_sound() -> None:
    """Recorded on the real pair before modes were: the two `mode discard` lines were added."""
    events = recorded(HEALED)
    journal = read(events)

    assert violations(events, {}, {}) == []
    assert [(one.node, one.pid, one.command) for one in journal.passes] == [
        ("beta", 449, "reconcile"),
        ("alpha", 474, "reconcile"),
        ("beta", 468, "reconcile"),
    ]
    assert [one.arguments for one in journal.commands] == [
        ("connect", "--discard-my-data", "mail"),
        ("connect", "mail"),
    ]
    assert journal.commands[1].used == {0}
    assert journal.commands[0].states[0] == Seen("StandAlone", "Secondary", "Unknown", "UpToDate")
    assert _told(journal.handshakes) == [
        ("beta", "refused", "", False, True, 13),
        ("alpha", "refused", "", True, False, 13),
        ("beta", "manually", "peer", False, True, 13),
        ("alpha", "manually", "this", True, False, 13),
    ]


def _told(handshakes: Sequence[Handshake]) -> list[tuple[object, ...]]:
    return [
        (
            one.node,
            str(one.ending),
            one.sync_from,
            one.self_primary,
            one.peer_primary,
            one.self_bits,
        )
        for one in handshakes
    ]


def test_a_real_recording_in_the_default_mode_would_break_invariant_2() -> None:
    events = [event for event in recorded(HEALED) if not event.text.startswith("mode")]
    assert heads(found(events)) == ["invariant 2: beta"]


# -- 1: never where it is Primary or in use ----------------------------------------------------


def test_a_discard_while_primary_is_caught() -> None:
    events = by_time(split(), one_pass(10, "beta", DISCARD, role="Primary"))
    (sentence,) = found(events)
    assert sentence.startswith("invariant 1: beta at 11.00 s: `drbdadm connect --discard-my-data ")
    assert sentence.endswith("was run while it was Primary (minor 0)")


def test_a_discard_while_in_use_is_caught() -> None:
    events = by_time(split(), one_pass(10, "beta", DISCARD, used=[0]))
    assert heads(found(events)) == ["invariant 1: beta"]
    assert found(by_time(split(), one_pass(10, "beta", DISCARD, used=[1]))) == []


def test_a_discard_before_which_nothing_was_seen_is_caught() -> None:
    events = by_time(split(), one_pass(10, "beta", DISCARD))
    events = [event for event in events if not event.text.startswith("saw ")]
    assert heads(found(events)) == ["invariant 1: beta"]


def test_a_volume_that_is_not_configured_is_neither_primary_nor_in_use() -> None:
    events = by_time(split(), one_pass(10, "beta", DISCARD))
    unconfigured = [
        replace(event, text="saw 401 0 cs:Unconfigured") if "saw 401 0" in event.text else event
        for event in events
    ]
    assert unconfigured != events
    assert found(unconfigured) == []


def test_what_was_seen_under_the_same_pid_before_a_reboot_does_not_count() -> None:
    never_run = command(9, "beta", DISCARD, parent=400, used=[0])[:-1]
    events = by_time(split(), never_run, [story(9.5, "beta", "crashed")])
    events += one_pass(10, "beta", "connect mail")
    assert read(events).commands[0].used == frozenset()


# -- 2: never unasked --------------------------------------------------------------------------


def test_a_discard_in_mode_reconnect_is_caught() -> None:
    events = by_time(split(mode="reconnect"), one_pass(10, "beta", DISCARD))
    assert heads(found(events)) == ["invariant 2: beta"]


def test_a_persons_recover_may_discard_in_any_mode() -> None:
    word = "--config /etc/c.toml recover mail --yes"
    events = by_time(split(mode="observe"), one_pass(10, "beta", DISCARD, arguments=word))
    assert found(events) == []


@pytest.mark.parametrize(
    ("told", "broken"),
    [
        ("mode mail discard", []),
        ("mode db discard", ["invariant 2: beta"]),
    ],
)
def test_a_mode_may_be_one_resources(told: str, broken: list[str]) -> None:
    events = by_time(
        split(mode="reconnect"), [story(1, "beta", told)], one_pass(10, "beta", DISCARD)
    )
    assert heads(found(events)) == broken


def test_a_new_configuration_ends_a_resources_mode() -> None:
    told = [story(1, "beta", "mode mail discard"), story(2, "beta", "mode reconnect")]
    events = by_time(split(mode="reconnect"), told, one_pass(10, "beta", DISCARD))
    assert heads(found(events)) == ["invariant 2: beta"]


def test_a_mode_that_changed_under_a_pass_is_not_held_against_it() -> None:
    told = [story(10.5, "beta", "mode reconnect")]
    assert found(by_time(split(), told, one_pass(10, "beta", DISCARD))) == []


# -- 8: only where the handshake named the other one, and never both ---------------------------


@pytest.mark.parametrize(("alpha", "beta"), [(0, 0), (1, 1), (0, 1)])
def test_a_discard_after_a_handshake_with_other_roles_is_caught(alpha: int, beta: int) -> None:
    events = by_time(split(alpha=alpha, beta=beta), one_pass(10, "beta", DISCARD))
    (sentence,) = found(events)
    assert sentence.startswith("invariant 8: beta at 11.00 s: ")
    assert ("and its peer Primary" in sentence) == bool(alpha)


def test_the_newest_handshake_counts() -> None:
    again = refused(6, alpha=0, beta=0)
    events = by_time(split(), again, one_pass(10, "beta", DISCARD))
    assert heads(found(events)) == ["invariant 8: beta"]


def test_a_handshake_before_the_last_connected_does_not_count() -> None:
    together = [
        change
        for node in ("alpha", "beta")
        for change in (
            conn(6, node, "StandAlone", "WFConnection"),
            kernel(7, node, "conn( WFReportParams -> Connected ) "),
            conn(8, node, "Connected", "StandAlone"),
        )
    ]
    events = by_time(split(), together, one_pass(10, "beta", DISCARD))
    (sentence,) = found(events)
    assert sentence.endswith("and no handshake since it was last Connected had been refused")


def test_a_handshake_that_was_not_refused_does_not_count() -> None:
    in_vain = [
        *sides(5, "beta", 0, 1),
        kernel(5, "beta", "Split-Brain detected, manually solved. Sync from peer node"),
        conn(5.5, "beta", "WFReportParams", "StandAlone"),
    ]
    events = by_time(modes("discard"), cut(1), in_vain, one_pass(10, "beta", DISCARD))
    assert heads(found(events)) == ["invariant 8: beta"]


def test_a_person_may_recover_without_a_handshake() -> None:
    events = by_time(
        modes("discard"), cut(1), one_pass(10, "beta", DISCARD, arguments="recover mail --yes")
    )
    assert found(events) == []
    agent = by_time(modes("discard"), cut(1), one_pass(10, "beta", DISCARD))
    assert heads(found(agent)) == ["invariant 8: beta"]


def test_two_victims_are_caught() -> None:
    """Both of them by `recover`, which picks the standby: rule 8 for one node does not see it."""
    word = "recover mail --yes"
    events = by_time(
        split(),
        one_pass(10, "beta", DISCARD, arguments=word),
        one_pass(15, "alpha", DISCARD, arguments=word),
    )
    (sentence,) = found(events)
    assert sentence.startswith("invariant 8: alpha at 16.00 s: ")
    assert sentence.endswith("although beta was giving its changes up already")


def test_two_victims_of_two_split_brains_are_sound() -> None:
    events = by_time(
        HEALING,
        cut(30),
        refused(33, alpha=0, beta=1),
        one_pass(40, "alpha", DISCARD),
        solved(50, victim="alpha"),
    )
    assert found(events) == []


def test_a_second_victim_after_a_new_refusal_is_sound() -> None:
    """The refusal has ended the first one's discard, and said that the roles are others now."""
    events = by_time(
        split(),
        one_pass(10, "beta", DISCARD),
        refused(13, alpha=0, beta=1),
        one_pass(15, "alpha", DISCARD),
    )
    assert found(events) == []


@pytest.mark.parametrize(
    ("word", "node"), [("recover mail --yes --discard-my-data", "alpha"), ("recover mail", "beta")]
)
def test_what_a_person_chose_or_one_node_tries_again_is_sound(word: str, node: str) -> None:
    events = by_time(
        split(),
        one_pass(10, "beta", DISCARD, arguments="recover mail --yes"),
        one_pass(15, node, DISCARD, arguments=word),
    )
    assert found(events) == []


def test_a_victim_of_before_the_last_connected_is_none_of_this_split_brain() -> None:
    later = one_pass(40, "alpha", DISCARD, arguments="recover mail --yes")
    assert found(by_time(HEALING, cut(30), later)) == []


# -- 3: no loss by a policy --------------------------------------------------------------------


def test_a_policy_loss_that_connect_led_to_is_caught() -> None:
    lost_by_policy = solved(SYNCED, how="1 primaries, automatically")
    events = by_time(split(mode="reconnect"), one_pass(10, "beta", CONNECT), lost_by_policy)
    (sentence,) = found(events)
    assert sentence.startswith("invariant 3: beta at 11.00 s: `drbdadm connect mail` had DRBD give")
    by_discard = by_time(split(mode="discard"), one_pass(10, "beta", CONNECT), lost_by_policy)
    assert found(by_discard) == []


def test_a_policy_loss_that_a_demotion_led_to_is_caught() -> None:
    demoted = [kernel(11.2, "beta", "role( Primary -> Secondary ) ")]
    events = by_time(
        modes("reconnect"),
        cut(1),
        one_pass(10, "beta", "secondary mail", connection="WFConnection", role="Primary"),
        demoted,
        [story(15, "", "link restored")],
        solved(SYNCED, how="1 primaries, automatically"),
    )
    assert heads(found(events)) == ["invariant 3: beta"]


def test_a_policy_loss_of_drbds_own_making_is_sound() -> None:
    """Without any command; with one that had no effect; and with one that was over."""
    lost_by_policy = solved(SYNCED, how="0 primaries, automatically")
    link = [story(15, "", "link restored")]
    waiting = one_pass(10, "beta", CONNECT, connection="WFConnection")
    over = [conn(12, "beta", "WFConnection", "StandAlone")]
    assert found(by_time(modes("reconnect"), cut(1), link, lost_by_policy)) == []
    assert found(by_time(modes("reconnect"), cut(1), waiting, link, lost_by_policy)) == []
    assert (
        found(by_time(split(mode="reconnect"), one_pass(10, "beta", CONNECT), over, lost_by_policy))
        == []
    )


def test_a_policy_that_gives_up_a_side_without_changes_is_sound() -> None:
    nothing = solved(SYNCED, how="0 primaries, automatically", bits=0)
    events = by_time(split(mode="reconnect"), one_pass(10, "beta", CONNECT), nothing)
    assert found(events) == []


def test_a_policy_loss_after_others_changed_a_role_is_not_held_against_connector() -> None:
    others = [kernel(15, "alpha", "role( Secondary -> Primary ) ")]
    lost_by_policy = solved(SYNCED, how="1 primaries, automatically")
    events = by_time(split(mode="reconnect"), one_pass(10, "beta", CONNECT), others, lost_by_policy)
    assert found(events) == []


def test_a_demotion_without_effect_leads_to_nothing() -> None:
    lost_by_policy = solved(SYNCED, how="1 primaries, automatically")
    no_effect = one_pass(10, "beta", "secondary mail", connection="WFConnection")
    assert found(by_time(modes("reconnect"), cut(1), no_effect, lost_by_policy)) == []


def test_a_command_leads_to_nothing_once_they_had_agreed() -> None:
    together = [
        change
        for node in ("alpha", "beta")
        for change in (
            kernel(13, node, "conn( WFReportParams -> Connected ) "),
            conn(15, node, "Connected", "NetworkFailure"),
        )
    ]
    lost_by_policy = solved(SYNCED, how="1 primaries, automatically")
    connects = one_pass(10, "beta", CONNECT)
    events = by_time(split(mode="reconnect"), connects, together, lost_by_policy)
    assert found(events) == []


def test_a_demotion_by_a_person_on_the_other_node_is_a_change_by_others() -> None:
    demoted = [kernel(11.2, "beta", "role( Primary -> Secondary ) ")]
    others = [kernel(13, "alpha", "role( Primary -> Secondary ) ")]
    ours = one_pass(10, "beta", "secondary mail", connection="WFConnection", role="Primary")
    lost_by_policy = solved(SYNCED, how="0 primaries, automatically")
    events = by_time(modes("reconnect"), cut(1), ours, demoted, others, lost_by_policy)
    assert found(events) == []


def test_what_a_person_has_recover_do_is_not_held_against_the_agent() -> None:
    person = one_pass(10, "beta", CONNECT, arguments="recover mail --keep-my-data --yes")
    lost_by_policy = solved(SYNCED, how="1 primaries, automatically")
    assert found(by_time(split(mode="reconnect"), person, lost_by_policy)) == []


# -- 4: one at a time --------------------------------------------------------------------------


def acting(node: str, pid: int, from_s: float, to_s: float) -> list[Event]:
    """A pass with two commands."""
    return [
        said(from_s - 1, node, f"pass {pid} reconcile"),
        *command(from_s, node, CONNECT, parent=pid),
        *command(to_s, node, "connect db", parent=pid),
        said(to_s + 1, node, f"ended {pid} 0 {to_s - from_s + 2:.3f}"),
    ]


def test_passes_that_act_at_the_same_time_are_caught() -> None:
    events = by_time(acting("beta", 400, 10, 14), acting("beta", 500, 13, 17))
    (sentence,) = found(events)
    assert sentence.startswith("invariant 4: beta at 4.00 s: passes 400 and 500 ran commands")


def test_passes_one_after_the_other_and_on_two_nodes_are_sound() -> None:
    after, elsewhere = acting("beta", 500, 14.2, 17), acting("alpha", 400, 11, 12)
    assert found(by_time(acting("beta", 400, 10, 14), after, elsewhere)) == []


def test_a_pid_that_repeats_after_a_reboot_is_another_pass() -> None:
    crash = [story(20, "beta", "crashed"), story(25, "beta", "booted")]
    again = acting("beta", 400, 30, 31)
    events = by_time(acting("beta", 400, 10, 14), crash, again)
    assert found(events) == []
    assert len({one.run_by for one in read(events).commands}) == 2


def test_a_command_of_a_pass_that_has_ended_is_caught() -> None:
    events = [*one_pass(10, "beta"), *command(20, "beta", CONNECT, parent=400)]
    assert heads(found(events)) == ["invariant 4: beta"]


def test_a_command_of_no_pass_is_caught() -> None:
    assert heads(found(command(20, "beta", CONNECT, parent=1))) == ["invariant 4: beta"]


# -- 5: in time --------------------------------------------------------------------------------


@pytest.mark.parametrize(("took_s", "broken"), [(59.0, []), (61.0, ["invariant 5: beta"])])
def test_a_pass_that_takes_too_long_is_caught(took_s: float, broken: list[str]) -> None:
    assert heads(found(one_pass(0, "beta", took_s=took_s))) == broken


def test_a_pass_without_an_end_is_caught() -> None:
    began = [said(0, "beta", "pass 400 reconcile")]
    assert heads(found([*began, story(51, "", "over")])) == ["invariant 5: beta"]
    assert found([*began, story(49, "", "over")]) == []
    assert found([*began, story(3, "beta", "crashed"), story(90, "", "over")]) == []
    elsewhere = [*began, story(3, "alpha", "crashed"), story(90, "", "over")]
    assert heads(found(elsewhere)) == ["invariant 5: beta"]


def test_a_pass_that_was_killed_has_ended() -> None:
    events = [said(0, "beta", "pass 400 reconcile"), said(1, "beta", "ended 400 137 1.000")]
    assert found([*events, story(90, "", "over")]) == []
    assert read(events).passes[0].exit_status == 137


# -- 9: the three commands only, and no demotion of what is in use -----------------------------


@pytest.mark.parametrize(
    "line",
    [
        "secondary --force mail",
        "connect --tentative mail",
        "primary --overwrite-data-of-peer mail",
        "connect all",
        "connect mail db",
        "connect nosuch",
        "disconnect mail",
        "secondary",
    ],
)
def test_any_other_command_is_caught(line: str) -> None:
    events = by_time(split(), one_pass(10, "beta", line))
    assert heads(found(events)) == ["invariant 9: beta"]


@pytest.mark.parametrize("line", ["secondary mail", "connect mail", "connect db"])
def test_the_commands_of_a_pass_are_sound(line: str) -> None:
    assert found(by_time(split(), one_pass(10, "beta", line))) == []


def test_a_discard_of_all_resources_is_measured_by_all_of_them() -> None:
    line = "connect --discard-my-data all"
    events = by_time(split(), one_pass(10, "beta", line, used=[2]))
    assert {"invariant 1: beta", "invariant 9: beta"} <= set(heads(found(events)))


def test_a_demotion_while_in_use_is_caught() -> None:
    used = one_pass(10, "beta", "secondary db", used=[2], role="Primary")
    elsewhere = one_pass(10, "beta", "secondary db", used=[0], role="Primary")
    assert heads(found(used)) == ["demotion: beta at"]
    assert found(elsewhere) == []


# -- data --------------------------------------------------------------------------------------


def wrote(at_s: float, node: str, record: str) -> Event:
    """A writer was told that its record is on the disk."""
    return said(at_s, node, f"wrote 0 {record}")


def on_disks(*, alpha: str = "", beta: str = "") -> dict[tuple[str, int], frozenset[str]]:
    """Minor 0's records on both disks."""
    return {("alpha", 0): frozenset(alpha.split()), ("beta", 0): frozenset(beta.split())}


BOTH_WROTE = [wrote(2.2, "alpha", "alpha-1"), wrote(2.2, "beta", "beta-1")]
MAIL = frozenset({"mail"})
KEPT = on_disks(alpha="alpha-1", beta="alpha-1")
RECORDED = {"beta": ["mail"], "alpha": []}


def test_what_a_victim_gave_up_is_sound_and_counted() -> None:
    events = by_time(HEALING, BOTH_WROTE)
    assert violations(events, KEPT, RECORDED, connected=MAIL) == []
    assert lost(events, KEPT, RECORDED, connected=MAIL) == (
        Lost("beta", 0, "mail", "beta-1", 2.2, ("alpha", "beta"), True),
    )


def test_what_was_given_up_without_a_record_of_it_is_caught() -> None:
    events = by_time(HEALING, BOTH_WROTE)
    (sentence,) = violations(events, KEPT, {"beta": ["db"], "alpha": []}, connected=MAIL)
    assert sentence.startswith("data: beta at 2.20 s: records (1, the first is beta-1) ")
    assert "are missing on alpha and beta" in sentence


def test_a_node_that_could_not_be_asked_for_its_records_is_not_judged_by_them() -> None:
    assert violations(by_time(HEALING, BOTH_WROTE), KEPT, {}, connected=MAIL) == []


def test_a_survivors_loss_is_caught() -> None:
    events = by_time(HEALING, BOTH_WROTE)
    wrong = on_disks(alpha="beta-1", beta="beta-1")
    assert heads(violations(events, wrong, RECORDED, connected=MAIL)) == ["data: alpha at"]
    (one,) = lost(events, wrong, RECORDED, connected=MAIL)
    assert (one.record, one.allowed) == ("alpha-1", False)


def test_disks_that_differ_though_connected_are_caught() -> None:
    events = by_time(HEALING, BOTH_WROTE)
    differ = on_disks(alpha="alpha-1")
    assert violations(events, differ, RECORDED) == []
    assert heads(violations(events, differ, RECORDED, connected=MAIL)) == ["data: alpha at"]


def test_a_record_written_while_connected_is_never_a_victims_to_give_up() -> None:
    early = [wrote(0.2, "beta", "beta-0")]
    events = by_time(HEALING, BOTH_WROTE, early)
    assert heads(violations(events, KEPT, RECORDED)) == ["data: beta at"]
    both = on_disks(alpha="alpha-1 beta-0", beta="alpha-1 beta-0")
    assert violations(events, both, RECORDED, connected=MAIL) == []


def test_a_record_that_was_synced_is_never_a_later_victims_to_give_up() -> None:
    """alpha's was taken over by beta; then alpha is the victim of another split brain."""
    events = by_time(
        HEALING,
        BOTH_WROTE,
        cut(30),
        [wrote(31.5, "alpha", "alpha-2")],
        refused(33, alpha=0, beta=1),
        one_pass(40, "alpha", DISCARD),
        solved(50, victim="alpha"),
    )
    given_up = {"alpha": ["mail"], "beta": ["mail"]}
    assert violations(events, KEPT, given_up, connected=MAIL) == []
    assert heads(violations(events, on_disks(), given_up, connected=MAIL)) == ["data: alpha at"]


def test_a_record_that_only_the_peer_lacks_was_not_given_up() -> None:
    events = by_time(HEALING, BOTH_WROTE)
    odd = on_disks(alpha="alpha-1", beta="alpha-1 beta-1")
    assert heads(violations(events, odd, RECORDED, connected=MAIL)) == ["data: beta at"]


def test_a_record_written_after_its_node_was_a_victim_is_not_given_up_by_that() -> None:
    events = by_time(HEALING, BOTH_WROTE, cut(30), [wrote(32, "beta", "beta-2")])
    assert heads(violations(events, KEPT, RECORDED)) == ["data: beta at"]


def test_a_record_written_as_the_connection_was_lost_may_be_a_victims() -> None:
    events = by_time(HEALING, BOTH_WROTE, [wrote(1.4, "beta", "beta-0")])
    assert violations(events, KEPT, RECORDED, connected=MAIL) == []


def test_an_unallowed_discard_excuses_no_loss() -> None:
    events = by_time(
        split(mode="reconnect"), BOTH_WROTE, one_pass(10, "beta", DISCARD), solved(SYNCED)
    )
    assert heads(violations(events, KEPT, RECORDED)) == ["invariant 2: beta", "data: beta at"]


@pytest.mark.parametrize(
    "first",
    [
        one_pass(10, "beta", DISCARD),
        [story(10, "beta", "drbdadm connect --discard-my-data mail")],
    ],
)
def test_the_discard_of_an_earlier_split_brain_excuses_no_later_loss(
    first: Sequence[Event],
) -> None:
    again = [*cut(30), wrote(32, "beta", "beta-2"), *solved(50, how="1 primaries, automatically")]
    events = by_time(split(), BOTH_WROTE, first, solved(SYNCED), again)
    (sentence,) = violations(events, KEPT, RECORDED)
    assert "the first is beta-2" in sentence


def test_what_a_person_gave_up_is_sound() -> None:
    word = story(10, "beta", "drbdadm connect --discard-my-data mail")
    events = by_time(split(mode="reconnect"), BOTH_WROTE, [word], solved(SYNCED))
    assert violations(events, KEPT, {"beta": []}, connected=MAIL) == []
    elsewhere = [story(10, "alpha", word.text)]
    events = by_time(split(mode="reconnect"), BOTH_WROTE, elsewhere, solved(SYNCED))
    assert heads(violations(events, KEPT, {"beta": []}, connected=MAIL)) == ["data: beta at"]


def test_a_policys_loss_is_sound_only_where_the_story_allows_it() -> None:
    by_policy = solved(SYNCED, how="1 primaries, automatically")
    events = by_time(modes("reconnect"), cut(1), BOTH_WROTE, by_policy)
    assert violations(events, KEPT, RECORDED, connected=MAIL, allow_policy_losses=True) == []
    assert heads(violations(events, KEPT, RECORDED, connected=MAIL)) == ["data: beta at"]


def test_allowing_policies_allows_no_other_loss() -> None:
    events = by_time(modes("reconnect"), cut(1), BOTH_WROTE, solved(SYNCED))
    assert heads(violations(events, KEPT, RECORDED, allow_policy_losses=True)) == ["data: beta at"]


def test_a_loss_without_any_split_brain_is_caught() -> None:
    events = by_time(modes("discard"), cut(1), BOTH_WROTE)
    assert violations(events, on_disks(alpha="alpha-1", beta="beta-1"), {}) == []
    assert heads(violations(events, KEPT, RECORDED)) == ["data: beta at"]


def test_a_side_that_was_picked_in_vain_explains_no_loss() -> None:
    primary = kernel(SYNCED + 0.1, "beta", "I shall become SyncTarget, but I am primary!")
    events = by_time(HEALING, BOTH_WROTE, [primary])
    assert heads(violations(events, KEPT, RECORDED)) == ["data: beta at"]


def test_a_disk_that_was_not_read_is_not_judged() -> None:
    events = by_time(modes("discard"), cut(1), BOTH_WROTE)
    assert violations(events, {("alpha", 0): frozenset({"alpha-1"})}, {}) == []


def test_a_node_without_power_is_not_connected() -> None:
    events = by_time(
        [story(5, "beta", "crashed"), conn(9, "beta", "StandAlone", "WFConnection")],
        [kernel(10, "beta", "conn( WFReportParams -> Connected ) ")],
    )
    spans = read(events).connected(["beta"], [0])
    assert spans == [(float("-inf"), 5), (10, float("inf"))]


def test_nothing_recorded_is_sound() -> None:
    assert violations([], {}, {}) == []
    assert lost([], {}, {}) == ()


def test_torn_lines_are_passed_over() -> None:
    torn = [
        said(0, "beta", text)
        for text in ("saw", "saw x 0 cs:A", "saw 1 x cs:A", "ended 400", "wrote 0", "wrote 9 r", "")
    ]
    assert violations([*torn, story(1, "", "")], {}, {}) == []
