"""The loop with an exporter beside it, which is played."""

from __future__ import annotations

import math
import threading
import time

from connector.watch.loop import Watch
from tests.watch.story import Awake, Line, Story

PAUSE_S = 1.0


class Beside(Line):
    """An exporter that a test lets die; it comes again after a second."""

    def __init__(self, story: Story) -> None:
        super().__init__()
        self._story = story
        self.running = False
        self.next_s = 0.0
        self.happened: list[tuple[str, float]] = []
        self.looks = 0

    def die(self) -> None:
        """End, so that its descriptor is readable from now on."""
        self.say("")

    def look_after(self, now_s: float) -> None:
        """As `ExporterProcess.look_after`; what it does is written down."""
        self.looks += 1
        if self.running and self._waiting:
            self.hear()
            self.running, self.next_s = False, now_s + PAUSE_S
            self.happened.append(("ended", now_s))
        elif not self.running and now_s >= self.next_s:
            self.running, self.next_s = True, math.inf
            self.happened.append(("started", now_s))

    def restart(self, now_s: float) -> None:
        """As `ExporterProcess.restart`."""
        self._story.logged.append("the exporter is asked for a restart")
        self.happened.append(("restart", now_s))

    def times(self, what: str) -> list[float]:
        """When that happened."""
        return [moment_s for happened, moment_s in self.happened if happened == what]


class Both(Story):
    """A story with an exporter in it."""

    def watch(self, environment: dict[str, str] | None = None) -> Watch:
        """The same with the exporter."""
        made = super().watch(environment)
        made.exporter = self.beside
        return made

    beside: Beside


class AwakeBoth(Both, Awake):
    """The same on the real clock."""


def with_exporter(story: Both) -> Both:
    story.beside = story.opened(Beside(story))
    return story


def test_it_is_started_at_once_and_again_when_its_pause_is_over() -> None:
    story = with_exporter(Both())
    story.at(20.0, story.beside.die)
    story.play(until_s=50.0)
    started, again = story.beside.times("started")
    [ended] = story.beside.times("ended")
    assert started < 0.2
    assert 20.0 <= ended < 20.3
    assert ended + PAUSE_S <= again < ended + PAUSE_S + 0.3


def test_the_passes_are_those_of_a_watch_without_it() -> None:
    alone, beside = Story(), with_exporter(Both())
    for story in (alone, beside):
        story.at(10.0, lambda story=story: story.reader.say("destroy connection name:mail"))  # type: ignore[misc]
        story.play(until_s=200.0)
    beside_s = [round(begun_s) for begun_s in beside.begun]
    assert beside_s == [round(begun_s) for begun_s in alone.begun]
    assert beside.reasons == alone.reasons


def test_after_the_settings_are_read_anew_it_is_restarted() -> None:
    story = with_exporter(Both())
    story.at(10.0, story.wish("reload"))
    story.play(until_s=20.0)
    assert story.logged == [
        "the configuration was read again",
        "the exporter is asked for a restart",
    ]


def test_it_wakes_the_loop_by_its_end_and_by_its_time() -> None:
    story = with_exporter(AwakeBoth())
    assert isinstance(story, AwakeBoth)
    story.reader.tells_after_s = 0.0
    # Nothing else wakes the loop for that.
    timers = [threading.Timer(0.2, story.beside.die), story.later(2.5, story.wish("end"))]
    timers[0].start()
    story.play(until_s=time.monotonic() + 1e6)
    for timer in timers:
        timer.join()
    [ended] = story.beside.times("ended")
    _, again = story.beside.times("started")
    assert PAUSE_S <= again - ended < 2.0
    assert story.turns < 30


def test_asked_to_end_it_looks_after_nothing_and_sleeps_until_its_pass_is_over() -> None:
    story = with_exporter(AwakeBoth(lasts_s=1e9))
    assert isinstance(story, AwakeBoth)
    timers = [
        story.later(0.2, story.wish("end")),
        story.later(0.3, story.beside.die),
        story.later(0.9, lambda: story.passes[0].end()),
    ]
    story.play(until_s=time.monotonic() + 1e6)
    for timer in timers:
        timer.join()
    assert story.beside.times("ended") == []
    assert story.turns < 30
