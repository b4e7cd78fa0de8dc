"""The rules about passes: a recording that keeps each, and one that breaks it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.lab.recording import Event

from .reading import read
from .recordings import CONNECT, by_time, command, found, heads, one_pass, said, story

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


@pytest.mark.parametrize(
    ("later", "broken"),
    [
        ([story(51, "", "over")], ["invariant 5: beta"]),
        ([story(49, "", "over")], []),
        ([story(3, "beta", "crashed"), story(90, "", "over")], []),
        ([story(3, "alpha", "crashed"), story(90, "", "over")], ["invariant 5: beta"]),
    ],
    ids=["too long", "not yet", "crashed", "the other one crashed"],
)
def test_a_pass_without_an_end_is_caught(later: Sequence[Event], broken: list[str]) -> None:
    assert heads(found([said(0, "beta", "pass 400 reconcile"), *later])) == broken


def test_a_pass_that_was_killed_has_ended() -> None:
    events = [said(0, "beta", "pass 400 reconcile"), said(1, "beta", "ended 400 137 1.000")]
    assert found([*events, story(90, "", "over")]) == []
    assert read(events).passes[0].exit_status == 137
