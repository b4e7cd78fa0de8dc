"""The pair that stories are played on, simulated, on a clock that goes as fast as it is told.

What happens is recorded in the lines in which the real laboratory records it, stamped with the
simulated time, so that the same checker reads both. What a real node refuses raises what the
laboratory raises there: CommandFailed, and NodeDied on a node without power.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from connector.model import AfterSplitBrain
from connector.simulate import SimulatedPair, SimulatedResource
from tests.lab.administration import MINORS
from tests.lab.connector_toml import mode_of
from tests.lab.recording import Recording, Source
from tests.lab.split_brains import Seen, Splittable
from tests.stories.ending import Ending
from tests.stories.goings_on import GoingsOn, SimulatedCron
from tests.stories.simulated_node import ACT_S, SimulatedStoryNode
from tests.stories.vocabulary import StoryNode

WAIT_S = 60.0
STEP_S = 0.5
_AFTER_SB = {
    "after-sb-0pri": "zero_primaries",
    "after-sb-1pri": "one_primary",
    "after-sb-2pri": "two_primaries",
}


class SimulatedStories(Splittable):
    """A simulated pair that understands the words of stories (vocabulary.py)."""

    def __init__(self, folder: Path) -> None:
        """Begin with a clean pair; `folder` takes what the nodes show and keep, by their names."""
        self.folder = folder
        # Whether this story lets DRBD's own policies throw data away, on purpose.
        self.allow_policy_losses = False
        self.alpha = SimulatedStoryNode(self, "alpha")
        self.beta = SimulatedStoryNode(self, "beta")
        self.pair: SimulatedPair
        self.goings_on = GoingsOn(self)
        self._pids = itertools.count(1000)
        self._recording = Recording(lambda: self._newest_s)
        self._newest_s = 0.0
        self._taken: dict[tuple[str, int], int] = {}
        self.begin()

    @property
    def nodes(self) -> tuple[SimulatedStoryNode, SimulatedStoryNode]:
        """Both nodes, alpha first."""
        return self.alpha, self.beta

    # A clean state

    def begin(self, after_sb: Mapping[str, str] | None = None) -> None:
        """Make a new pair with DRBD's after-sb policies, and forget the old one."""
        policies = AfterSplitBrain(
            **{_AFTER_SB[key]: policy for key, policy in (after_sb or {}).items()}
        )
        self.pair = SimulatedPair(
            [SimulatedResource(name, minors, policies) for name, minors in MINORS.items()]
        )
        self.allow_policy_losses = False
        self.goings_on.begin()
        self._taken.clear()
        for node in self.nodes:
            node.begin()
        for resource in MINORS:
            self.alpha.secondary(resource)
        self.pair.settle()
        self._new_kernel_lines()  # of a time before the story
        self._newest_s = self.pair.state.now_s
        self._recording.clear()

    def configure(
        self,
        policy: Mapping[str, object] | None = None,
        *,
        run: Mapping[str, object] | None = None,
        more: str = "",
    ) -> None:
        """Give both nodes the same connector.toml: keys of [policy], of [run], and more lines."""
        for node in self.nodes:
            node.configure(policy, run, more)
            self.note(node.name, Source.STORY, mode_of(policy))
        self.pair.sleep(ACT_S)

    # The link, and time

    def cut_link(self) -> None:
        """Nothing gets through any more; DRBD notices within about 2 s."""
        self.note("", Source.FAULT, "link cut")
        self.pair.cut_link()

    def cut_link_from(self, sender: StoryNode) -> None:
        """Nothing that `sender` sends gets through any more; what its peer sends still does."""
        self.note("", Source.FAULT, f"link cut one way, from {sender.name}")
        self.pair.cut_link(sender.name)

    def restore_link(self) -> None:
        """Everything gets through again."""
        self.note("", Source.STORY, "link restored")
        self.pair.restore_link()

    def let_time_pass(self, seconds: float) -> None:
        """Wait."""
        self.goings_on.let_time_pass(seconds)

    def cron(self, minute_s: float) -> SimulatedCron:
        """Passes on both nodes as cron starts them, with minutes that last `minute_s` seconds."""
        return SimulatedCron(self.goings_on, minute_s)

    def wait_until(self, seen: Callable[[], Seen | None], what: str) -> Seen:
        """Let time pass until what `seen` returns is true, and return that.

        Raises AssertionError with what both nodes show, when it takes longer than WAIT_S.
        """
        end_s = self.pair.state.now_s + WAIT_S
        while not (found := seen()):
            if self.pair.state.now_s >= end_s:
                raise AssertionError(
                    f"not within {WAIT_S:g} s: {what}; at the end:\n{self.shown()}"
                )
            self.let_time_pass(STEP_S)
        return found

    def wait_all(self, connection: str = "Connected", *, minors: Iterable[int] = (0, 1, 2)) -> None:
        """Return when both nodes show `connection`, and both disks UpToDate, for every minor."""
        wanted = sorted(set(minors))
        self.wait_until(
            lambda: self._settled(wanted, connection),
            f"minors {wanted} {connection} with disks UpToDate",
        )

    def _settled(self, minors: Sequence[int], connection: str = "Connected") -> bool:
        return all(
            (state.connection, state.disk, state.peer_disk) == (connection, "UpToDate", "UpToDate")
            for node in self.nodes
            for state in map(node.state, minors)
        )

    def shown(self) -> str:
        """/proc/drbd of both nodes, as text for a person."""
        return "\n".join(
            f"-- {node.name}\n"
            + ((node.root / "proc/drbd").read_text(encoding="utf-8") if node.up else "is down\n")
            for node in self.nodes
        )

    # Trouble

    def diverge(
        self,
        resource: str = "mail",
        *,
        still_active: Iterable[str] = ("alpha", "beta"),
        written: Iterable[int] | None = None,
    ) -> None:
        """Cut the link and have both nodes take the resource over, or go on, and write a record.

        On the minors in `written` (default: all of the resource). Then those not in
        `still_active` let go of it.
        """
        first = MINORS[resource][0]
        minors = tuple(written) if written is not None else MINORS[resource]
        active = tuple(still_active)
        self.cut_link()
        for node in self.nodes:
            node.wait_for_connection("WFConnection", minor=first)
        for node in self.nodes:
            if not node.mounted(first):
                node.take_over(resource)
            for minor in minors:
                node.write(minor, 1)
            if node.name not in active:
                node.let_go(resource)

    # What was recorded

    @property
    def recording(self) -> Recording:
        """Everything that has happened since the story began."""
        self._catch_up()
        return self._recording

    def note(self, node: str, source: Source, text: str) -> None:
        """Record a line now, after everything that the kernels have said by now."""
        self._catch_up()
        self._recording.add(node, source, text)

    def fresh_pid(self) -> int:
        """The number of one more process; no two are the same, on whatever node."""
        return next(self._pids)

    def _catch_up(self) -> None:
        """Record what the kernels have said meanwhile, each line at its time."""
        for at_s, node, text in self._new_kernel_lines():
            self._newest_s = max(self._newest_s, at_s)
            self._recording.add(node, Source.KERNEL, text)
        self._newest_s = max(self._newest_s, self.pair.state.now_s)

    def _new_kernel_lines(self) -> list[tuple[float, str, str]]:
        """The simulated time, the node and the message of each, in order. A boot begins anew."""
        found = []
        for name, node in self.pair.state.nodes.items():
            key = name, node.boots
            found += [
                (node.booted_s + line.at_us / 1e6, name, line.text)
                for line in node.log[self._taken.get(key, 0) :]
            ]
            self._taken[key] = len(node.log)
        return sorted(found, key=lambda line: line[0])

    # The end

    def disks(self) -> dict[tuple[str, int], frozenset[str]]:
        """The records on every disk, by node and minor."""
        return {
            (node.name, minor): node.on_disk(minor)
            for node in self.nodes
            for minors in MINORS.values()
            for minor in minors
        }

    def connected(self) -> frozenset[str]:
        """The resources that are Connected and UpToDate on both nodes."""
        if not all(node.up for node in self.nodes):
            return frozenset()
        return frozenset(name for name, minors in MINORS.items() if self._settled(minors))

    def ending(self) -> Ending:
        """What the checker looks at."""
        return Ending(
            self.recording.events(),
            self.disks(),
            {node.name: node.given_up() for node in self.nodes},
            self.connected(),
            self.allow_policy_losses,
            {
                (node.name, minor): node.rescued(minor)
                for node in self.nodes
                for minors in MINORS.values()
                for minor in minors
            },
        )
