"""The loop of `connector watch`: waits for whatever may mean work, and begins passes."""

from __future__ import annotations

import select
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from connector.watch import events2
from connector.watch.exporter_process import NoExporter
from connector.watch.notify import Systemd
from connector.watch.pass_process import PassProcess, Told
from connector.watch.polling import POLL_S
from connector.watch.schedule import Ended, Pace, Schedule

MAX_REASONS = 5


class Reader(Protocol):
    """What says that DRBD has changed; see reader.py."""

    next_start_s: float

    @property
    def running(self) -> bool: ...
    def fileno(self) -> int: ...
    def start_if_due(self, now_s: float) -> bool: ...
    def lines(self, now_s: float) -> list[str]: ...


class Bell(Protocol):
    """What other programs ring; see doorbell.py."""

    def fileno(self) -> int: ...
    def rings(self) -> list[str]: ...


class Beside(Protocol):
    """What runs beside the passes; see exporter_process.py. `next_s` is when to look after it."""

    next_s: float

    @property
    def running(self) -> bool: ...
    def fileno(self) -> int: ...
    def look_after(self, now_s: float) -> None: ...
    def restart(self, now_s: float) -> None: ...


class Wishes(Protocol):
    """What signals have asked for since the last time; `fileno` is readable when there is one."""

    def fileno(self) -> int: ...
    def take(self) -> set[str]: ...


@dataclass
class Watch:
    """Everything the loop touches, passed in. `clock` never jumps; times are in seconds.

    `begin_pass` starts a pass with the settings in force. `reload` reads them anew and says what
    came of it. `tell` gets what a pass told and what had woken it, `log` single sentences.
    """

    reader: Reader
    bell: Bell
    wishes: Wishes
    systemd: Systemd
    clock: Callable[[], float]
    begin_pass: Callable[[], PassProcess]
    reload: Callable[[], str]
    states_now: Callable[[], bytes]
    tell: Callable[[Told, list[str]], None]
    log: Callable[[str], None]
    exporter: Beside = field(default_factory=NoExporter)
    pace: Pace = field(default_factory=Pace)
    reasons: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.schedule = Schedule.begin(self.pace, self.clock())
        self.passing: PassProcess | None = None
        self.pass_reasons: list[str] = []
        self._states = self.states_now()
        self._next_poll_s = self.clock() + POLL_S
        self._next_ping_s = 0.0
        self._ending = False

    def run(self) -> None:
        """Watch until a signal asks to end; a pass that is at work may end in good order."""
        self.systemd.ready("watching")
        while not (self._ending and self.passing is None):
            self._turn()
        self.systemd.stopping()

    def _turn(self) -> None:
        """Go round once: wait for what comes first, hear all of it, begin a pass if one is due."""
        now_s = self.clock()
        if not self._ending:
            self.reader.start_if_due(now_s)
            self.exporter.look_after(now_s)
        ready = self._wait(self._until_s(now_s) - now_s)
        now_s = self.clock()
        self._ping(now_s)
        self._hear_signals()
        if self.bell.fileno() in ready:
            self._news([f"told: {what}" for what in self.bell.rings()], now_s)
        if self.reader.running and self.reader.fileno() in ready:
            self._hear_drbd(now_s)
        self._poll(now_s)
        self._hear_pass(now_s)
        if not self._ending and self.passing is None and now_s >= self.schedule.due_s:
            self._begin(now_s)

    # What is waited for

    def _until_s(self, now_s: float) -> float:
        moments = [self._next_ping_s] if self.systemd.ping_every_s else []
        if self.passing is not None:
            moments.append(self.passing.overdue_s)
        elif not self._ending:
            moments.append(self.schedule.due_s)
        if not self._ending:
            moments.append(self.exporter.next_s)
        if not (self.reader.running or self._ending):
            moments += [self._next_poll_s, self.reader.next_start_s]
        return max(now_s, min(moments))

    def _wait(self, seconds: float) -> set[int]:
        sources = [self.bell.fileno(), self.wishes.fileno()]
        if self.reader.running:
            sources.append(self.reader.fileno())
        if self.passing is not None:
            sources.append(self.passing.fileno())
        if self.exporter.running and not self._ending:
            sources.append(self.exporter.fileno())
        return set(select.select(sources, [], [], seconds)[0])

    # What may mean work

    def _news(self, reasons: list[str], now_s: float, *, final: bool = False) -> None:
        if reasons:
            self.schedule = self.schedule.news(now_s, final=final)
            self.reasons = (self.reasons + reasons)[:MAX_REASONS]

    def _hear_drbd(self, now_s: float) -> None:
        news = []
        final = False
        for line in self.reader.lines(now_s):
            event = events2.parse(line)
            if event is None:
                self.log(f"drbdsetup events2 says: {line[:200]}")
                news.append("a line that is no event")
            elif events2.ends_dump(event):
                # What happened until now, while nobody read, is not told again.
                news.append("events are read")
            elif events2.is_news(event):
                news.append(events2.describe(event))
                final |= events2.is_final(event)
        if not self.reader.running:
            # It may have ended before it told what had happened.
            news.append("events are not read any more")
            self._states, self._next_poll_s = self.states_now(), now_s + POLL_S
        self._news(news, now_s, final=final)

    def _poll(self, now_s: float) -> None:
        if self.reader.running or now_s < self._next_poll_s:
            return
        before, self._states = self._states, self.states_now()
        self._next_poll_s = now_s + POLL_S
        if self._states != before:
            self._news(["/proc/drbd has changed"], now_s)

    def _hear_signals(self) -> None:
        wishes = self.wishes.take()
        if "reload" in wishes:
            self.systemd.reloading()
            self.log(self.reload())
            self.exporter.restart(self.clock())
            self.schedule = self.schedule.asked(self.clock())
            self.systemd.ready("watching")
        if "end" in wishes:
            self._ending = True
            if self.passing is not None:
                self.passing.ask_to_end()

    def _ping(self, now_s: float) -> None:
        every_s = self.systemd.ping_every_s
        if every_s is not None and now_s >= self._next_ping_s:
            self.systemd.alive()
            self._next_ping_s = now_s + every_s

    # Passes

    def _begin(self, now_s: float) -> None:
        self.schedule = self.schedule.started(now_s)
        self.pass_reasons, self.reasons = self.reasons, []
        try:
            self.passing = self.begin_pass()
        except OSError as error:  # no memory, no process numbers: that may pass
            self.log(f"no pass could be begun: {error.strerror}; tried again soon")
            self.schedule = self.schedule.ended(now_s, Ended(healthy=False, look_again=True))

    def _hear_pass(self, now_s: float) -> None:
        if self.passing is None:
            return
        told = self.passing.read()
        if told is None and now_s >= self.passing.overdue_s:
            told = self.passing.kill()
        if told is not None:
            self.passing = None
            self.schedule = self.schedule.ended(now_s, told.ended)
            self.tell(told, self.pass_reasons)
