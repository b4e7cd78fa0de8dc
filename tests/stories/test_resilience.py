"""The tally: what each number counts, and what it does not."""

from __future__ import annotations

import json

import pytest

from .checker import Lost
from .checker.journal import Ending
from .checker.reading import read
from .checker.recordings import (
    BOTH_WROTE,
    BY_1PRI,
    CONNECT,
    DISCARD,
    HEALED,
    HEALING,
    by_time,
    conn,
    cut,
    fault,
    one_pass,
    recorded,
    refused,
    said,
    solved,
    split,
    story,
)
from .resilience import Tally, recoveries, split_brains


def test_the_real_recording_is_one_split_brain_healed() -> None:
    events = recorded(HEALED)
    tally = Tally()
    tally.add("healed", events, ())

    (met,) = split_brains(read(events))
    assert (met.resource, met.refusals, met.ended, met.healed) == (
        "mail",
        1,
        Ending.MANUALLY,
        True,
    )
    (recovery,) = recoveries(read(events))
    assert recovery.resources == ("mail", "db")
    assert recovery.took_s == pytest.approx(91.12 - 58.88)
    told = tally.to_json()
    assert told["faults"] == {"link cut": 1}
    assert (told["passes"], told["commands"], told["split_brains_refused"]) == (3, 2, 1)
    assert (told["split_brains_healed"], told["healed_manually"]) == (1, 1)


def test_a_refusal_again_is_the_same_split_brain() -> None:
    events = by_time(split(), refused(12), refused(19), solved(30))
    (met,) = split_brains(read(events))
    assert (met.refusals, met.healed) == (3, True)


def test_a_split_brain_after_one_was_healed_is_another() -> None:
    events = by_time(HEALING, cut(30), refused(33))
    first, second = split_brains(read(events))
    assert (first.healed, second.healed) == (True, False)
    assert second.ended is None


def test_a_side_that_was_picked_without_a_connection_after_it_is_not_healed() -> None:
    events = [
        event
        for event in by_time(split(), solved(20))
        if "WFBitMapT -> Connected" not in event.text
    ]
    (met,) = split_brains(read(events))
    assert (met.ended, met.healed) == (Ending.MANUALLY, False)


def test_a_split_brain_that_drbd_never_refused_is_counted_apart() -> None:
    tally = Tally()
    tally.add("policy", by_time(cut(1), solved(20, how=BY_1PRI)), ())
    told = tally.to_json()
    assert (told["split_brains_refused"], told["split_brains_never_refused"]) == (0, 1)


def test_a_split_brain_that_was_refused_may_be_healed_automatically() -> None:
    tally = Tally()
    tally.add("policy", by_time(split(), solved(20, how=BY_1PRI)), ())
    told = tally.to_json()
    assert (told["healed_manually"], told["healed_automatically"]) == (0, 1)


def test_a_recovery_lasts_until_both_nodes_are_connected() -> None:
    (recovery,) = recoveries(read(HEALING))
    assert recovery.resources == ("mail",)
    assert recovery.took_s == pytest.approx(20.5 - 2.5)


def test_a_recovery_that_the_next_cut_comes_before_is_none() -> None:
    events = by_time(split(), [fault(10, "", "link cut")], solved(30))
    (recovery,) = recoveries(read(events))
    assert recovery.took_s is None


def test_a_link_that_was_never_cut_or_not_noticed_is_no_recovery() -> None:
    restored = [story(0, "", "link restored")]
    short = [fault(1, "", "link cut"), story(1.2, "", "link restored")]
    elsewhere = [conn(3, "alpha", "Connected", "Disconnecting", resource="db")]
    assert recoveries(read(by_time(restored, short, elsewhere))) == []


def test_stories_add_up() -> None:
    killed = [said(50, "beta", "pass 9 reconcile"), said(51, "beta", "ended 9 137 1.000")]
    looking = one_pass(60, "beta", arguments="status --json")
    crash = [fault(70, "alpha", "node crashed"), fault(71, "", "link cut one way, from beta")]
    given_up = Lost("beta", 0, "mail", "beta-1", 2.2, ("beta",), True)
    tally = Tally()
    tally.add("one", by_time(HEALING, BOTH_WROTE), [given_up])
    tally.add("two", by_time(split(), one_pass(10, "beta", CONNECT), killed, looking, crash), ())

    told = tally.to_json()

    assert told["stories"] == 2
    assert told["faults"] == {"link cut": 3, "node crashed": 1}
    assert (told["passes"], told["passes_killed"], told["commands"]) == (4, 1, 3)
    assert (told["split_brains_refused"], told["split_brains_healed"]) == (2, 1)
    assert (told["links_restored"], told["not_recovered"]) == (2, 1)
    assert told["recovery_mean_s"] == told["recovery_worst_s"] == pytest.approx(18.0)
    assert (told["records_acknowledged"], told["records_given_up"]) == (2, 1)
    assert told["records_lost"] == 0


def test_the_lines_are_short_and_say_it_all() -> None:
    tally = Tally()
    tally.add("one", by_time(HEALING, BOTH_WROTE), ())
    shown = tally.lines()
    assert shown[0] == "stories                         1"
    assert "links recovered                 1  mean 18.0 s, worst 18.0 s" in shown
    assert "  lost on survivors             0" in shown
    assert max(map(len, shown)) <= 80


def test_no_story_at_all_has_lines_too() -> None:
    assert Tally().lines()[0].split() == ["stories", "0"]
    assert Tally().to_json()["recovery_mean_s"] is None


def test_the_commands_of_the_healing_are_those_of_the_story() -> None:
    ran = [" ".join(command.arguments) for command in read(HEALING).commands]
    assert ran == [DISCARD, CONNECT]


def test_two_processes_add_up_to_what_one_would_have_said() -> None:
    both, one, other = Tally(), Tally(), Tally()
    both.add("healed", recorded(HEALED), ())
    both.add("refused", split(), ())
    one.add("healed", recorded(HEALED), ())
    other.add("refused", split(), ())

    one.include(json.loads(json.dumps(other.sums())))

    assert one.to_json() == both.to_json()
    assert one.lines() == both.lines()
