"""cron on both nodes, with minutes that are as short as a story wants them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from .drbd_node import DrbdNode
from .errors import CommandTimedOut, LabError, NodeDied

# A pass ends by itself at its deadline; the rest is for the emulation.
PASS_TIMEOUT_S = 240.0
# A pass's deadline is shorter than a real minute, so that there are never more of them at once. In
# short minutes on a busy host they would pile up until the node did nothing else.
MOST_AT_ONCE = 2


class Cron:
    """Starts a pass on each node every minute, unless the last two still run there.

    A context manager: it runs from entering to leaving, and what it has started has ended then.
    A node without power has no cron. Raises LabError on leaving where a pass never ended.
    """

    def __init__(
        self,
        nodes: Sequence[DrbdNode],
        minute_s: float,
        job: Callable[[DrbdNode], int] = lambda node: node.run_pass().exit_status,
    ) -> None:
        """`minute_s` is how long a minute lasts; `job` runs in a node, and returns how it ended."""
        self.minutes = 0
        self.exit_statuses: list[int] = []
        self._nodes = nodes
        self._minute_s = minute_s
        self._job = job
        self._stop = threading.Event()
        self._passes: list[tuple[DrbdNode, threading.Thread]] = []
        self._unanswered: list[str] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        """Begin with the first minute."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Start no more passes, and wait for those that run."""
        self._stop.set()
        self._thread.join()
        end_s = time.monotonic() + PASS_TIMEOUT_S
        for _, one in self._passes:
            one.join(max(0.0, end_s - time.monotonic()))
        running = sum(one.is_alive() for _, one in self._passes)
        if error is None and (running or self._unanswered):
            raise LabError(f"{running} passes never ended; {'; '.join(self._unanswered)}")

    def _run(self) -> None:
        next_s = time.monotonic()
        while not self._stop.wait(max(0.0, next_s - time.monotonic())):
            next_s += self._minute_s
            ready = [node for node in self._nodes if node.booted and not self._busy(node)]
            for node in ready:
                one = threading.Thread(target=self._pass, args=(node,), daemon=True)
                one.start()
                self._passes.append((node, one))
            # Where both nodes are busy, this minute lasts longer.
            self.minutes += bool(ready)

    def _busy(self, node: DrbdNode) -> bool:
        running = sum(one.is_alive() for where, one in self._passes if where is node)
        return running >= MOST_AT_ONCE

    def _pass(self, node: DrbdNode) -> None:
        try:
            self.exit_statuses.append(self._job(node))
        except NodeDied:
            return  # the pass has gone with its node
        except CommandTimedOut as error:
            self._unanswered.append(str(error))
