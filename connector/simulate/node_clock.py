"""The clocks of a simulated node, on the time that all nodes have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from connector.simulate.kernel_files import LogLine

# The wall clock of the nodes when their simulated time began.
WALL_S = 1_764_000_000.0


@dataclass(frozen=True, slots=True)
class NodeClock:
    """The clocks of one node. `sleep` lets the time of all nodes go on."""

    now_s: Callable[[], float]
    booted_s: Callable[[], float]
    log: Callable[[], Sequence[LogLine]]
    sleep: Callable[[float], None]

    def wall_s(self) -> float:
        """The same on all nodes."""
        return WALL_S + self.now_s()

    def boot_s(self) -> float:
        """Since this node's last boot."""
        return self.now_s() - self.booted_s()

    def log_s(self) -> float:
        """The kernel log's clock, never before its newest record."""
        log = self.log()
        return max(self.boot_s(), log[-1].at_us / 1e6) if log else self.boot_s()
