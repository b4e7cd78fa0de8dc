"""The loop: what makes a pass begin, with everything that it touches passed in."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from connector.watch.loop import Watch
from connector.watch.notify import Systemd
from connector.watch.pass_process import Told
from connector.watch.schedule import Ended, Pace

HEALTHY = Told(0)
IN_VAIN = Told(1, ended=Ended(acted=True, healthy=False), eventful=True)
TURNS = 400  # far more than any of these needs; each waits a moment at the most


class Wire:
    """A descriptor that can be made readable, and what is to be read there."""

    open_ones: ClassVar[list[Wire]] = []

    def __init__(self) -> None:
        self.open_ones.append(self)
        self.here, self.there = socket.socketpair()
        self.here.setblocking(False)
        self.said: list[str] = []

    def say(self, *words: str) -> None:
        self.said += words
        self.there.send(b"x")

    def fileno(self) -> int:
        return self.here.fileno()

    def take_all(self) -> list[str]:
        with suppress(BlockingIOError):
            self.here.recv(4096)
        said, self.said = self.said, []
        return said

    rings = take_all

    def take(self) -> set[str]:
        return set(self.take_all())


@dataclass
class FakeReader(Wire):
    """A reader that a test starts, stops and makes speak."""

    running: bool = True
    next_start_s: float = 0.0

    def __post_init__(self) -> None:
        super().__init__()

    def start_if_due(self, now_s: float) -> bool:
        return False

    def lines(self, now_s: float) -> list[str]:
        found = self.take_all()
        if "END" in found:
            self.running, self.next_start_s = False, now_s + 1e6
        return [line for line in found if line != "END"]


class FakePass(Wire):
    """A pass that ends when a test says so."""

    overdue_s = 1e9

    def __init__(self) -> None:
        super().__init__()
        self.told: Told | None = None
        self.killed = self.asked = False

    def end(self, told: Told) -> None:
        self.told = told
        self.say("ended")

    def read(self) -> Told | None:
        return self.told

    def kill(self) -> Told:
        self.killed = True
        return IN_VAIN

    def ask_to_end(self) -> None:
        self.asked = True


@dataclass
class Stage:
    """A watch on a clock that a test moves. The pace is such that no real second is waited for."""

    now_s: float = 1000.0
    reader: FakeReader = field(default_factory=FakeReader)
    bell: Wire = field(default_factory=Wire)
    wishes: Wire = field(default_factory=Wire)
    passes: list[FakePass] = field(default_factory=list)
    told: list[list[str]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    states: bytes = b" 0: cs:Connected"
    environment: dict[str, str] = field(default_factory=dict)
    turns: int = 0

    def __post_init__(self) -> None:
        def begin() -> FakePass:
            self.passes.append(FakePass())
            return self.passes[-1]

        self.watch = Watch(
            reader=self.reader,
            bell=self.bell,
            wishes=self.wishes,
            systemd=Systemd(self.environment, pid=1),
            clock=lambda: self.now_s,
            begin_pass=begin,  # type: ignore[arg-type]
            reload=lambda: "read again",
            states_now=lambda: self.states,
            tell=lambda _told, reasons: self.told.append(reasons),
            log=self.log.append,
            pace=Pace(interval_s=0.02, quiet_s=0.0, longest_wait_s=0.0, first_pause_s=0.01),
        )

    def turn(self, move_s: float = 0.0) -> None:
        """Go round once, `move_s` later; a wish that nobody knows keeps it from waiting."""
        self.now_s += move_s
        self.wishes.say("nothing")
        self.watch.step()
        self.turns += 1

    def until(self, seen: Callable[[], bool], move_s: float = 0.001) -> None:
        """Go round until it is so."""
        for _ in range(TURNS):
            if seen():
                return
            self.turn(move_s)
        raise AssertionError("it never came to that")


@pytest.fixture(autouse=True)
def _nothing_left_open() -> Iterator[None]:
    yield
    while Wire.open_ones:
        wire = Wire.open_ones.pop()
        wire.here.close()
        wire.there.close()


@pytest.fixture
def stage() -> Stage:
    """A watch whose first pass has ended, healthy."""
    stage = Stage()
    stage.until(lambda: len(stage.passes) == 1)
    stage.passes[0].end(HEALTHY)
    stage.until(lambda: len(stage.told) == 1)
    return stage


def test_the_first_pass_begins_at_once() -> None:
    stage = Stage()
    stage.turn()
    assert len(stage.passes) == 1


def test_an_event_begins_a_pass_and_is_named(stage: Stage) -> None:
    stage.reader.say("destroy connection name:mail peer-node-id:0 conn-name:beta")
    stage.turn()
    assert len(stage.passes) == 2
    stage.passes[1].end(HEALTHY)
    stage.until(lambda: len(stage.told) == 2)
    assert stage.told[1] == ["mail: destroy connection"]


def test_what_is_no_news_begins_none(stage: Stage) -> None:
    stage.reader.say(
        "exists connection name:mail connection:Connected", "response helper name:mail"
    )
    stage.turn()
    assert len(stage.passes) == 1


def test_an_event_during_a_pass_begins_another_after_it(stage: Stage) -> None:
    stage.bell.say("handler split-brain mail")
    stage.turn()
    assert len(stage.passes) == 2
    stage.reader.say("change device name:mail volume:0 disk:Inconsistent")
    stage.turn()
    stage.turn()
    assert len(stage.passes) == 2
    stage.passes[1].end(HEALTHY)
    stage.until(lambda: len(stage.passes) == 3)
    stage.passes[2].end(HEALTHY)
    stage.until(lambda: len(stage.told) == 3)
    assert stage.told[1:] == [
        ["told: handler split-brain mail"],
        ["mail: change device Inconsistent"],
    ]


def test_a_line_that_is_no_event_is_told_and_looked_into(stage: Stage) -> None:
    stage.reader.say("Segmentation fault")
    stage.turn()
    assert stage.log == ["drbdsetup events2 says: Segmentation fault"]
    assert len(stage.passes) == 2


def test_an_overdue_pass_is_killed(stage: Stage) -> None:
    stage.bell.say("x")
    stage.turn()
    stage.passes[1].overdue_s = stage.now_s + 0.01
    stage.until(lambda: stage.passes[1].killed)
    assert len(stage.told) == 2


def test_a_reload_is_said_and_followed_by_a_pass(stage: Stage) -> None:
    stage.wishes.say("reload")
    stage.turn()
    assert stage.log == ["read again"]
    assert len(stage.passes) == 2


def test_it_ends_when_its_pass_has_ended(stage: Stage) -> None:
    stage.bell.say("x")
    stage.turn()
    stage.wishes.say("end")
    stage.turn()
    assert stage.passes[1].asked
    assert not stage.watch.over
    stage.passes[1].end(HEALTHY)
    stage.turn()
    assert stage.watch.over
    assert len(stage.passes) == 2


def test_it_pings_the_watchdog_also_while_a_pass_is_at_work(tmp_path: object) -> None:
    place = f"{tmp_path}/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(place)
        systemd.setblocking(False)
        stage = Stage(environment={"NOTIFY_SOCKET": place, "WATCHDOG_USEC": "20000"})
        stage.turn()
        for _ in range(5):
            stage.turn(0.02)
        pings = 0
        while True:
            try:
                pings += systemd.recv(100) == b"WATCHDOG=1"
            except BlockingIOError:
                break
        assert pings == 6
        assert len(stage.passes) == 1


def test_it_does_not_spin(stage: Stage) -> None:
    """With nothing to hear a turn lasts until something is due: a fiftieth of a second here."""
    stage.watch.schedule = stage.watch.schedule.started(stage.now_s)
    began_s = time.monotonic()
    stage.watch.step()
    assert time.monotonic() - began_s >= 0.019
