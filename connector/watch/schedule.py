"""When the next pass begins: pure. Times are seconds on a clock that never jumps."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Pace:
    """How eager it is; seconds.

    Events come in bursts: a pass begins `quiet_s` after the last one, and at the latest
    `longest_wait_s` after the first; after one that is final at once, but no more often than each
    `longest_wait_s`. After a pass that ran commands and did not bring the pair
    together the next one waits `first_pause_s`, then twice as long each time, up to `interval_s`:
    events of our own making must not use up all attempts at once. Where time alone may
    change the answer, the next look comes after `again_s`.
    """

    interval_s: float = 60.0
    quiet_s: float = 0.2
    longest_wait_s: float = 1.0
    first_pause_s: float = 2.0
    again_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Ended:
    """What the schedule has to know of a pass that has ended.

    `look_again`: time alone may change the answer: a gate opens by itself, or another pass was at
    work and may not have seen what this one was woken for.
    """

    acted: bool = False
    healthy: bool = True
    look_again: bool = False


@dataclass(frozen=True, slots=True)
class Schedule:
    """What has happened so far, as far as it decides when the next pass begins.

    `woken_s` and `last_news_s` are the first and the last event since a pass began; None if none.
    `at_once`: one of them was final, and the last pass that began at once is long enough ago.
    """

    pace: Pace
    regular_s: float
    woken_s: float | None = None
    last_news_s: float | None = None
    at_once: bool = False
    next_at_once_s: float = 0.0
    not_before_s: float = 0.0
    fruitless: int = 0

    @classmethod
    def begin(cls, pace: Pace, now_s: float) -> Schedule:
        """The first pass begins at once."""
        return cls(pace, regular_s=now_s)

    @property
    def due_s(self) -> float:
        """When the next pass begins, if nothing happens until then."""
        if self.woken_s is None or self.last_news_s is None:
            return self.regular_s
        settled_s = min(
            self.last_news_s + (0.0 if self.at_once else self.pace.quiet_s),
            self.woken_s + self.pace.longest_wait_s,
        )
        return min(self.regular_s, max(settled_s, self.not_before_s))

    def news(self, now_s: float, *, final: bool = False) -> Schedule:
        """Something has happened; `final` where nothing more of it is to be waited for."""
        first_s = now_s if self.woken_s is None else self.woken_s
        at_once = self.at_once or (final and now_s >= self.next_at_once_s)
        return replace(self, woken_s=first_s, last_news_s=now_s, at_once=at_once)

    def asked(self, now_s: float) -> Schedule:
        """Somebody wants a pass now, such as a person who has changed the configuration."""
        return replace(self, regular_s=now_s)

    def started(self, now_s: float) -> Schedule:
        """A pass begins: what has happened by now it will see."""
        regular_s = now_s + self.pace.interval_s
        next_s = now_s + self.pace.longest_wait_s if self.at_once else self.next_at_once_s
        return replace(
            self,
            woken_s=None,
            last_news_s=None,
            at_once=False,
            next_at_once_s=next_s,
            regular_s=regular_s,
        )

    def ended(self, now_s: float, ended: Ended) -> Schedule:
        """A pass has ended; what happened meanwhile still counts."""
        fruitless = 0 if ended.healthy else self.fruitless + ended.acted
        not_before_s = self.not_before_s
        if ended.healthy:
            not_before_s = 0.0
        elif ended.acted:
            pause_s = self.pace.first_pause_s * 2.0 ** min(fruitless - 1, 16)
            not_before_s = now_s + min(pause_s, self.pace.interval_s)
        regular_s = self.regular_s
        if ended.look_again:
            regular_s = min(regular_s, max(now_s + self.pace.again_s, not_before_s))
        return replace(
            self,
            fruitless=fruitless,
            not_before_s=not_before_s,
            regular_s=regular_s,
        )
