"""A watch with everything that it touches played, on a clock of its own or on the real one."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from connector.watch.loop import Watch
from connector.watch.notify import Systemd
from connector.watch.pass_process import PassProcess, Told
from connector.watch.polling import essence
from connector.watch.schedule import Ended

CONNECTED = b" 0: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----\n    ns:%d\n"
STANDALONE = b" 0: cs:StandAlone ro:Primary/Unknown ds:UpToDate/DUnknown   r-----\n    ns:%d\n"
HEALTHY = Told(exit_status=0)
FRUITLESS = Told(exit_status=1, ended=Ended(acted=True, healthy=False), eventful=True)
LOCKED = Told(exit_status=75, ended=Ended(healthy=False, look_again=True))
CREATED = "create connection name:mail"
DESTROYED = "destroy connection name:mail peer-node-id:0 conn-name:peer"
TICK_S = 0.025


class Line:
    """A descriptor that is readable while something waits there."""

    def __init__(self) -> None:
        self._here, self._there = socket.socketpair()
        self._here.setblocking(False)
        self._waiting: list[str] = []

    def say(self, *words: str) -> None:
        """Let something wait there."""
        self._waiting += words
        self._there.send(b"x")

    def fileno(self) -> int:
        """For select."""
        return self._here.fileno()

    def hear(self) -> list[str]:
        """All that waits there; never waits itself."""
        with suppress(BlockingIOError):
            self._here.recv(65536)
        heard, self._waiting = self._waiting, []
        return heard

    def hang_up(self) -> None:
        """Close it."""
        self._here.close()
        self._there.close()


Some = TypeVar("Some", bound=Line)


class Bell(Line):
    """What handlers ring."""

    def rings(self) -> list[str]:
        """As `Doorbell.rings`."""
        return self.hear()


class Reader(Line):
    """`drbdsetup events2`, which a test lets die and come again."""

    def __init__(self, at: Callable[[float, Callable[[], object]], None]) -> None:
        super().__init__()
        self._at = at
        self.tells_after_s = 0.3
        self.running = False
        self.next_start_s = 0.0
        self.startable = True
        self.starts: list[float] = []
        self._dying = False

    def die(self, *last_words: str) -> None:
        """End, after these last words."""
        self._dying = True
        self.say(*last_words)

    def start_if_due(self, now_s: float) -> bool:
        """As `Reader.start_if_due`, with a pause of a minute; its dump comes a little later."""
        if self.running or now_s < self.next_start_s:
            return False
        if not self.startable:
            self.next_start_s = now_s + 60.0
            return False
        self.starts.append(now_s)
        self.running = True
        dump = ("exists resource name:mail role:Primary suspended:no", "exists -")
        if self.tells_after_s:
            self._at(now_s + self.tells_after_s, lambda: self.say(*dump))
        else:
            self.say(*dump)
        return True

    def lines(self, now_s: float) -> list[str]:
        """As `Reader.lines`."""
        heard = self.hear()
        if self._dying:
            self.running = self._dying = False
            self.next_start_s = now_s + 60.0
        return heard


class Pass(PassProcess):
    """A pass without a process, which ends when its time has come."""

    def __init__(self, story: Story, told: Told, lasts_s: float) -> None:
        self.overdue_s = story.now_s + 60.0
        self.line = story.opened(Line())
        self._story, self._told = story, told
        self.asked = 0
        story.at(story.now_s + lasts_s, self.end)
        self.has_ended = False

    def end(self) -> None:
        """Its time has come."""
        self.has_ended = True
        self.line.say("")

    def fileno(self) -> int:
        """For select."""
        return self.line.fileno()

    def read(self) -> Told | None:
        """As `PassProcess.read`."""
        return self._told if self.has_ended else None

    def kill(self) -> Told:
        """As `PassProcess.kill`."""
        self._story.killed.append(self._story.now_s)
        return FRUITLESS

    def ask_to_end(self) -> None:
        """As `PassProcess.ask_to_end`; it is only counted."""
        self.asked += 1


class Story:
    """A watch, and what happens around it at which second of its clock.

    The clock moves a tick each time that it is asked. Something is always to be read, so that
    nothing waits: `wishes` is asked in each turn, and then does what its time has come for.
    """

    def __init__(
        self, told: Callable[[int], Told] = lambda _number: HEALTHY, *, lasts_s: float = 0.0
    ) -> None:
        self.now_s = 0.0
        self.told_by = told
        self.lasts_s = lasts_s
        self.lines: list[Line] = []
        self.plan: list[tuple[float, Callable[[], object]]] = []
        self.reader, self.bell = self.opened(Reader(self.at)), self.opened(Bell())
        self.always = self.opened(Line())
        self.always.say("")
        self.wanted: set[str] = set()
        self.text = CONNECTED
        self.passes: list[Pass] = []
        self.begun: list[float] = []
        self.killed: list[float] = []
        self.reasons: list[list[str]] = []
        self.logged: list[str] = []
        self.no_process_until_s = 0.0

    def opened(self, line: Some) -> Some:
        """The same line, which is hung up at the end."""
        self.lines.append(line)
        return line

    def clock(self) -> float:
        """Seconds, a tick later each time."""
        self.now_s += TICK_S
        return self.now_s

    def at(self, moment_s: float, happens: Callable[[], object]) -> None:
        """Let something happen at that second."""
        self.plan.append((moment_s, happens))

    def fileno(self) -> int:
        """For select: there are always signals to look for."""
        return self.always.fileno()

    def take(self) -> set[str]:
        """What signals have asked for; and what is planned for by now happens."""
        due = [happens for moment_s, happens in self.plan if moment_s <= self.now_s]
        self.plan = [item for item in self.plan if item[0] > self.now_s]
        for happens in due:
            happens()
        wanted, self.wanted = self.wanted, set()
        return wanted

    def wish(self, what: str) -> Callable[[], None]:
        """What asks for that when it is called, as a signal does."""
        return lambda: self.wanted.add(what)

    def begin_pass(self) -> PassProcess:
        """A pass that is told by `told`; no process can be had before `no_process_until_s`."""
        if self.now_s < self.no_process_until_s:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        self.begun.append(self.now_s)
        self.passes.append(Pass(self, self.told_by(len(self.begun)), self.lasts_s))
        return self.passes[-1]

    def show(self, text: bytes) -> None:
        """From now on this stands in /proc/drbd, with counters that never rest."""
        self.text = text

    def states_now(self) -> bytes:
        """As polling.states_now."""
        return essence(self.text % int(self.now_s * 1000))

    def play(self, until_s: float, environment: dict[str, str] | None = None) -> None:
        """Let the watch run from its start to its end."""
        self.at(until_s, self.wish("end"))
        try:
            self.watch(environment).run()
        finally:
            for line in self.lines:
                line.hang_up()

    def watch(self, environment: dict[str, str] | None = None) -> Watch:
        """The watch itself."""
        return Watch(
            reader=self.reader,
            bell=self.bell,
            wishes=self,
            systemd=Systemd(environment or {}),
            clock=self.clock,
            begin_pass=self.begin_pass,
            reload=lambda: "the configuration was read again",
            states_now=self.states_now,
            tell=lambda _told, reasons: self.reasons.append(reasons),
            log=self.logged.append,
        )

    def begun_after(self, moment_s: float) -> list[float]:
        """When passes began after that second."""
        return [begun_s for begun_s in self.begun if begun_s > moment_s]


class Awake(Story):
    """The same on the real clock, where the loop has to sleep between two things that happen."""

    turns = 0

    def clock(self) -> float:
        """This machine's."""
        self.now_s = time.monotonic()
        return self.now_s

    def take(self) -> set[str]:
        """The same, counted."""
        self.turns += 1
        self.always.hear()
        return super().take()

    def later(self, after_s: float, happens: Callable[[], object]) -> threading.Timer:
        """Let it happen, and wake the loop for it."""
        self.now_s = time.monotonic()
        self.at(self.now_s + after_s, happens)
        timer = threading.Timer(after_s + 0.01, self.always.say, [""])
        timer.start()
        return timer
