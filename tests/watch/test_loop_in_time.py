"""Hours of the whole loop on a clock of its own; and that it sleeps on the real one."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path

import pytest

from connector.watch.loop import MAX_REASONS
from tests.watch.story import (
    CREATED,
    DESTROYED,
    FRUITLESS,
    HEALTHY,
    LOCKED,
    STANDALONE,
    Awake,
    Story,
)


def test_on_a_quiet_node_passes_come_by_the_interval() -> None:
    story = Story()
    story.play(until_s=300.0)
    # At once, when the events are read, and then each minute.
    assert len(story.begun) == 6
    assert story.begun[0] < 0.2
    assert 0.5 <= story.begun[1] < 1.0
    gaps = [after - before for before, after in pairwise(story.begun[1:])]
    assert all(60.0 <= gap < 60.2 for gap in gaps)
    assert story.reasons == [[], ["events are read"], [], [], [], []]
    assert story.reader.starts == [story.reader.starts[0]]


def test_an_event_is_followed_by_one_pass_soon() -> None:
    story = Story()
    story.at(10.0, lambda: story.reader.say(CREATED))
    story.play(until_s=50.0)
    (begun_s,) = story.begun_after(5.0)
    assert 10.2 <= begun_s < 10.5
    assert story.reasons[-1] == ["mail: create connection"]


def test_the_end_of_a_connection_is_followed_by_a_pass_at_once() -> None:
    story = Story()
    story.at(10.0, lambda: story.reader.say(DESTROYED))
    story.play(until_s=50.0)
    (begun_s,) = story.begun_after(5.0)
    assert 10.0 <= begun_s < 10.1
    assert story.reasons[-1] == ["mail: destroy connection"]


def test_endless_ends_of_connections_begin_no_endless_passes() -> None:
    story = Story()
    for number in range(200):
        story.at(30.0 + number / 10, lambda: story.reader.say(DESTROYED))
    story.play(until_s=58.0)
    assert 18 <= len(story.begun_after(29.0)) <= 21


def test_a_burst_makes_one_pass_and_endless_events_do_not_keep_it_away() -> None:
    story = Story()
    for number in range(5):
        story.at(10.0 + number / 10, lambda: story.reader.say(CREATED))
    for number in range(200):
        story.at(30.0 + number / 10, lambda: story.reader.say(CREATED))
    story.play(until_s=58.0)
    in_burst = [begun_s for begun_s in story.begun if 9.0 < begun_s < 29.0]
    assert len(in_burst) == 1
    assert 10.6 <= in_burst[0] < 10.9
    endless = story.begun_after(29.0)
    assert 31.0 <= endless[0] < 31.3
    assert 18 <= len(endless) <= 21
    assert all(len(reasons) <= MAX_REASONS for reasons in story.reasons)


def test_what_is_no_news_begins_no_pass() -> None:
    story = Story()
    lines = (
        "response helper name:mail helper:split-brain status:0",
        "change connection name:mail peer-node-id:0 conn-name:peer",
        "change resource name:mail may_promote:no promotion_score:10101",
    )
    story.at(10.0, lambda: story.reader.say(*lines))
    story.play(until_s=50.0)
    assert story.begun_after(5.0) == []
    assert story.logged == []


def test_events_during_a_pass_begin_another_right_after_it() -> None:
    story = Story(lasts_s=5.0)
    story.at(20.0, lambda: story.bell.say("handler split-brain mail"))
    story.at(22.0, lambda: story.reader.say(DESTROYED))
    story.at(23.0, lambda: story.reader.say(CREATED))
    story.play(until_s=55.0)
    first_s, second_s = story.begun_after(15.0)
    assert 20.2 <= first_s < 20.5
    assert first_s + 5.0 <= second_s < first_s + 5.3
    assert story.reasons[-2:] == [
        ["told: handler split-brain mail"],
        ["mail: destroy connection", "mail: create connection"],
    ]


def test_where_the_reader_dies_its_last_moment_is_looked_into() -> None:
    """It may have died of what happened; then nobody tells it, and the states have changed."""
    story = Story()
    story.at(10.0, lambda: story.show(STANDALONE))
    story.at(10.0, story.reader.die)
    story.play(until_s=50.0)
    (begun_s,) = story.begun_after(5.0)
    assert 10.2 <= begun_s < 10.5
    assert story.reasons[-1] == ["events are not read any more"]


def test_while_no_events_are_read_changed_states_are_seen_and_changed_counters_not() -> None:
    story = Story()
    story.at(2.0, lambda: story.reader.die("change resource name:mail role:Secondary"))
    story.at(30.0, lambda: story.show(STANDALONE))
    story.play(until_s=55.0)
    died_s, seen_s = story.begun_after(1.0)
    assert died_s < 2.6
    assert 30.2 <= seen_s < 31.6
    assert story.reasons[-2:] == [
        ["mail: change resource Secondary", "events are not read any more"],
        ["/proc/drbd has changed"],
    ]


def test_a_reader_that_cannot_be_started_leaves_proc_drbd_to_be_looked_at() -> None:
    story = Story()
    story.reader.startable = False
    story.at(30.0, lambda: story.show(STANDALONE))
    story.play(until_s=55.0)
    first_s, seen_s = story.begun
    assert first_s < 0.2
    assert 30.2 <= seen_s < 31.6
    assert story.reasons == [[], ["/proc/drbd has changed"]]


def test_a_change_between_the_first_pass_and_the_first_event_is_seen() -> None:
    """A reader needs its time to begin; what it has missed by then it does not tell."""
    story = Story()
    story.reader.startable = False
    story.at(0.3, lambda: story.show(STANDALONE))
    story.play(until_s=55.0)
    assert len(story.begun) == 2
    assert story.begun[1] < 1.8


def test_the_reader_is_started_again_and_what_it_missed_is_looked_into() -> None:
    story = Story()
    story.at(10.0, story.reader.die)
    # Nobody sees it come, and nobody sees it go.
    story.at(70.0, lambda: story.reader.say(DESTROYED))
    story.play(until_s=100.0)
    first_s, again_s = story.reader.starts
    assert first_s < 0.2
    assert 70.0 <= again_s < 70.3
    assert [begun_s for begun_s in story.begun if again_s <= begun_s < again_s + 1] != []
    assert "events are read" in story.reasons[-1]


def test_a_line_that_is_no_event_is_logged_and_wakes() -> None:
    story = Story()
    story.at(10.0, lambda: story.reader.say("- skipped 5", "x" * 5000))
    story.play(until_s=50.0)
    assert story.logged == [
        "drbdsetup events2 says: - skipped 5", f"drbdsetup events2 says: {'x' * 200}",
    ]  # fmt: skip
    assert len(story.begun_after(5.0)) == 1
    assert story.reasons[-1] == ["a line that is no event"] * 2


def test_fruitless_passes_are_followed_by_longer_and_longer_waits() -> None:
    """Each of them makes events of its own."""
    story = Story(lambda _number: FRUITLESS)
    for tenths in range(5, 3000):
        story.at(tenths / 10, lambda: story.reader.say(DESTROYED))
    story.play(until_s=300.0)
    waits = [after - before for before, after in pairwise(story.begun)]
    expected = [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    assert waits[: len(expected)] == pytest.approx(expected, abs=0.3)


def test_a_pass_that_found_the_lock_taken_is_made_up_for() -> None:
    story = Story(lambda number: LOCKED if number == 3 else HEALTHY)
    story.at(10.0, lambda: story.reader.say(DESTROYED))
    story.play(until_s=50.0)
    locked_s, made_up_s = story.begun_after(5.0)
    assert made_up_s - locked_s == pytest.approx(5.0, abs=0.3)


def test_a_pass_that_cannot_be_begun_is_said_and_made_up_for() -> None:
    story = Story()
    story.no_process_until_s = 12.0
    story.play(until_s=50.0)
    assert set(story.logged) == {
        "no pass could be begun: Resource temporarily unavailable; tried again soon"
    }
    assert 1 <= len(story.logged) <= 5
    assert 12.0 <= story.begun[0] <= 17.5


def test_an_overdue_pass_is_killed_and_the_next_one_comes() -> None:
    story = Story(lasts_s=0.0)
    story.at(10.0, lambda: setattr(story, "lasts_s", 1e6))
    story.at(11.0, lambda: story.reader.say(DESTROYED))
    story.at(20.0, lambda: setattr(story, "lasts_s", 0.0))
    story.play(until_s=100.0)
    hung_s, next_s = story.begun_after(10.0)[:2]
    (killed_s,) = story.killed
    assert hung_s + 60.0 <= killed_s < hung_s + 60.3
    assert killed_s <= next_s < killed_s + 2.5


def test_asked_to_end_it_waits_for_its_pass_and_begins_no_other() -> None:
    story = Story(lasts_s=10.0)
    story.at(2.0, story.wish("end"))
    story.at(3.0, lambda: story.reader.say(DESTROYED))
    story.at(4.0, lambda: story.bell.say("hello"))
    story.at(5.0, story.wish("reload"))
    story.play(until_s=1e6)
    assert len(story.begun) == 1
    assert story.passes[0].asked == 1
    assert 10.0 <= story.now_s < 10.5
    assert len(story.reasons) == 1


def test_asked_to_end_it_does_not_wait_for_ever() -> None:
    story = Story(lasts_s=1e6)
    story.at(2.0, story.wish("end"))
    story.play(until_s=1e6)
    assert len(story.killed) == 1
    assert 60.0 <= story.now_s < 61.0


def test_asked_to_end_between_two_passes_it_ends_at_once() -> None:
    story = Story()
    story.play(until_s=30.0)
    assert 30.0 <= story.now_s < 30.2
    assert all(item.asked == 0 for item in story.passes)


@contextmanager
def manager(path: Path) -> Iterator[Callable[[], list[str]]]:
    """What starts services, and hears what they say."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listens:
        listens.bind(str(path))
        listens.setblocking(False)

        def heard() -> list[str]:
            said = []
            with suppress(BlockingIOError):
                while True:
                    said.append(listens.recv(4096).decode().partition("\n")[0])
            return said

        yield heard


def test_systemd_is_told_of_the_start_a_reload_and_the_end(tmp_path: Path) -> None:
    story = Story()
    story.at(10.0, story.wish("reload"))
    with manager(tmp_path / "notify") as heard:
        story.play(until_s=20.0, environment={"NOTIFY_SOCKET": str(tmp_path / "notify")})
        assert heard() == ["READY=1", "RELOADING=1", "READY=1", "STOPPING=1"]
    assert story.logged == ["the configuration was read again"]
    # With the new settings at once.
    (begun_s,) = story.begun_after(5.0)
    assert 10.0 <= begun_s < 10.2


def test_the_watchdog_is_pinged_twice_in_its_time_also_during_a_pass(tmp_path: Path) -> None:
    pings: list[float] = []
    story = Story(lasts_s=20.0)
    with manager(tmp_path / "notify") as heard:

        def listen() -> None:
            pings.extend(story.now_s for said in heard() if said == "WATCHDOG=1")

        for tenths in range(500):
            story.at(tenths / 10, listen)
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "4000000"}
        story.play(until_s=50.0, environment=environment)
    gaps = [after - before for before, after in pairwise(pings)]
    assert len(pings) == pytest.approx(25, abs=2)
    assert max(gaps) < 2.5


def test_with_nothing_to_do_it_sleeps() -> None:
    story = Awake()
    story.reader.tells_after_s = 0.0
    timer = story.later(0.8, story.wish("end"))
    story.play(until_s=1e9)
    timer.join()
    assert len(story.begun) == 1
    # What wakes it, and a few besides; a loop that spins makes thousands.
    assert story.turns < 20


def test_without_a_reader_it_sleeps_from_look_to_look() -> None:
    story = Awake()
    story.reader.startable = False
    timer = story.later(1.3, story.wish("end"))
    story.play(until_s=1e9)
    timer.join()
    assert story.turns < 20


def test_while_it_waits_for_its_last_pass_it_sleeps() -> None:
    """Its reader has died and may come again by now: that is no work any more."""
    story = Awake(lasts_s=1e9)
    story.reader.startable = False
    timers = [
        story.later(0.2, lambda: setattr(story.reader, "next_start_s", 0.0)),
        story.later(0.2, story.wish("reload")),
        story.later(0.2, story.wish("end")),
        story.later(0.9, lambda: story.passes[0].end()),
    ]
    story.play(until_s=1e9)
    for timer in timers:
        timer.join()
    assert len(story.begun) == 1
    assert story.turns < 30
