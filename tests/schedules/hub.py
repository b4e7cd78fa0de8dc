"""Lets several things go on at once on the simulated clock, always in the same order.

Each of them is a greenlet: ordinary code, production's too, that is left where it waits and goes on
when its time has come. Nothing else happens between two waits, so a run can be repeated exactly.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass

from greenlet import greenlet

from connector.simulate import SimulatedPair


class Killed(BaseException):
    """What a process meets that is killed. No Exception: production must not take it for one."""


@dataclass(eq=False)
class Process:
    """Something that goes on; `node` is whose processor it runs on, None for the world's.

    `looks`: it reads what the node's kernel shows.
    """

    name: str
    node: str | None
    work: Callable[[], None]
    looks: bool = False
    greenlet: greenlet | None = None
    alive: bool = True


class Hub:
    """The time of the pair, and who waits for it. `resumed` is told of whoever goes on."""

    def __init__(self, pair: SimulatedPair, resumed: Callable[[Process], None]) -> None:
        self._pair = pair
        self._resumed = resumed
        # When, in what order at the same moment, and who: no two have the same number.
        self._due: list[tuple[float, int, Process]] = []
        self._number = 0
        self._current: Process | None = None
        self._hub = greenlet.getcurrent()
        pair.wait_with(self.wait)

    @property
    def now_s(self) -> float:
        """The simulated time."""
        return self._pair.state.now_s

    @property
    def current(self) -> Process:
        """Who runs now."""
        assert self._current is not None, "nobody runs"
        return self._current

    def begin(
        self,
        name: str,
        node: str | None,
        work: Callable[[], None],
        *,
        in_s: float = 0.0,
        looks: bool = False,
    ) -> Process:
        """Have `work` begin in so many seconds."""
        process = Process(name, node, work, looks)
        self._later(process, self.now_s + in_s)
        return process

    def wait(self, seconds: float) -> None:
        """Let time pass for whoever runs now; others go on meanwhile."""
        if self._current is None:
            self._pair.advance(seconds)
            return
        if not self._current.alive:
            raise Killed  # it is being ended, and would wait on its way out
        self._later(self._current, self.now_s + seconds)
        self._hub.switch()

    def run(self, until_s: float) -> None:
        """Let everything go on until that time."""
        while self._due and self._due[0][0] <= until_s:
            at_s, _, process = heapq.heappop(self._due)
            if not process.alive:
                continue
            self._pair.advance(max(0.0, at_s - self.now_s))
            self._resume(process)
        self._pair.advance(max(0.0, until_s - self.now_s))

    def kill(self, node: str) -> None:
        """End everything that runs on a node, wherever it is; whoever asks for it goes on."""
        for _, _, process in list(self._due):
            if process.node == node and process is not self._current:
                self._end(process)

    def end(self) -> None:
        """End everything: what is left would keep its files open."""
        for _, _, process in self._due:
            self._end(process)
        self._due.clear()

    def _later(self, process: Process, at_s: float) -> None:
        self._number += 1
        heapq.heappush(self._due, (at_s, self._number, process))

    def _resume(self, process: Process) -> None:
        if process.greenlet is None:
            process.greenlet = greenlet(process.work, parent=self._hub)
        before, self._current = self._current, process
        self._resumed(process)
        try:
            process.greenlet.switch()
        except Killed:
            pass
        finally:
            self._current = before
        process.alive = process.alive and not process.greenlet.dead

    def _end(self, process: Process) -> None:
        was_alive, process.alive = process.alive, False
        if not was_alive or process.greenlet is None:
            return
        before, self._current = self._current, process
        # Its end comes back to here, not to the hub.
        process.greenlet.parent = greenlet.getcurrent()
        try:
            process.greenlet.throw(Killed)
        except Killed:
            pass
        finally:
            self._current = before
