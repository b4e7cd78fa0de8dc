"""What goes on by itself while simulated time passes: cron's passes, and writers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from tests.lab.errors import CommandFailed, LabError
from tests.stories.simulated_node import SimulatedStoryNode

if TYPE_CHECKING:
    from types import TracebackType

    from tests.stories.simulated import SimulatedStories

WRITE_EVERY_S = 0.5


class SimulatedCron:
    """cron on both nodes, as tests/lab/cron.py; two passes of a node never overlap here."""

    def __init__(self, goings_on: GoingsOn, minute_s: float) -> None:
        """`minute_s` is how long a minute lasts."""
        self.minutes = 0
        self.exit_statuses: list[int] = []
        self.minute_s = minute_s
        self.next_s = 0.0
        self._goings_on = goings_on

    def __enter__(self) -> Self:
        """Begin with the first minute."""
        self.next_s = self._goings_on.now_s
        self._goings_on.cron = self
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Start no more passes."""
        self._goings_on.cron = None

    def tick(self, nodes: Sequence[SimulatedStoryNode]) -> None:
        """Begin a minute: a pass on each node that has power, one after the other."""
        self.minutes += 1
        self.exit_statuses += [node.run_pass().exit_status for node in nodes if node.up]
        self.next_s = max(self.next_s + self.minute_s, self._goings_on.now_s)


class GoingsOn:
    """Lets the time of a simulated pair pass, with what goes on meanwhile."""

    def __init__(self, stories: SimulatedStories) -> None:
        """Begin with nothing going on."""
        self.cron: SimulatedCron | None = None
        self._stories = stories
        self._writers: dict[tuple[str, int], float] = {}  # when each writes next

    @property
    def now_s(self) -> float:
        """The simulated time."""
        return self._stories.pair.state.now_s

    def begin(self) -> None:
        """Forget what went on."""
        self.cron = None
        self._writers.clear()

    def start_writer(self, node: str, minor: int) -> None:
        """Have a record written every now and then, until that fails or it is stopped."""
        self._writers[node, minor] = self.now_s

    def stop_writer(self, node: str, minor: int) -> None:
        """End it."""
        self._writers.pop((node, minor), None)

    def let_time_pass(self, seconds: float) -> None:
        """Let it pass; what takes time meanwhile may make it longer."""
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            due_s = min([end_s, *self._writers.values()])
            if self.cron is not None:
                due_s = min(due_s, self.cron.next_s)
            self._stories.pair.sleep(max(0.0, due_s - self.now_s))
            self._write()
            if self.cron is not None and self.cron.next_s <= self.now_s:
                self.cron.tick(self._stories.nodes)

    def _write(self) -> None:
        nodes = {node.name: node for node in self._stories.nodes}
        for (name, minor), due_s in list(self._writers.items()):
            if due_s > self.now_s:
                continue
            try:
                nodes[name].write(minor, 1)
            except (CommandFailed, LabError):
                del self._writers[name, minor]
            else:
                self._writers[name, minor] = self.now_s + WRITE_EVERY_S
