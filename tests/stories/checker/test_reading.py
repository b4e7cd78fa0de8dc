"""Lines become values; a real recording is read as it was."""

from __future__ import annotations

from collections.abc import Sequence

from .journal import Handshake, Seen
from .reading import read
from .recordings import (
    DISCARD,
    HEALED,
    by_time,
    command,
    conn,
    kernel,
    one_pass,
    recorded,
    said,
    split,
    story,
)
from .rules import violations


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


def test_what_was_seen_under_the_same_pid_before_a_reboot_does_not_count() -> None:
    never_run = command(9, "beta", DISCARD, parent=400, used=[0])[:-1]
    events = by_time(split(), never_run, [story(9.5, "beta", "crashed")])
    events += one_pass(10, "beta", "connect mail")
    assert read(events).commands[0].used == frozenset()


def test_a_node_without_power_is_not_connected() -> None:
    events = by_time(
        [story(5, "beta", "crashed"), conn(9, "beta", "StandAlone", "WFConnection")],
        [kernel(10, "beta", "conn( WFReportParams -> Connected ) ")],
    )
    spans = read(events).connected(["beta"], [0])
    assert spans == [(float("-inf"), 5), (10, float("inf"))]


def test_torn_lines_are_passed_over() -> None:
    torn = [
        said(0, "beta", text)
        for text in ("saw", "saw x 0 cs:A", "saw 1 x cs:A", "ended 400", "wrote 0", "wrote 9 r", "")
    ]
    assert violations([*torn, story(1, "", "")], {}, {}) == []
