"""The pair as a test or a demonstration sees it: two nodes, a link, people and time."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from connector.model import ConnectionState, DiskState, Role
from connector.program import Completed, Run
from connector.simulate import command, connection, power, resync
from connector.simulate.configuration import NODES, SimulatedResource
from connector.simulate.kernel_files import kmsg
from connector.simulate.kernel_log import KernelLog
from connector.simulate.node_clock import NodeClock
from connector.simulate.people import People
from connector.simulate.persistence import from_json, to_json
from connector.simulate.render import render
from connector.simulate.state import PairState, ResourceSide
from connector.world import World

__all__ = ["SimulatedPair"]

DEFAULT_RESOURCES = (SimulatedResource("mail", (0,)), SimulatedResource("db", (1, 2)))

COMMAND_S = 0.12  # what one drbdadm takes

_STEPS: dict[str, Callable[[PairState, str], None]] = {
    connection.MEET: connection.meet,
    connection.AGREE: connection.agree,
    connection.START_RESYNC: resync.start,
    connection.FINISH_RESYNC: resync.finish,
    connection.NOTICE_LOSS: connection.notice_loss,
}
# A command on a resource, or a write to it, waits for the end of these.
_HELD_UP = frozenset({connection.AGREE, connection.NOTICE_LOSS})


class SimulatedPair(People):
    """Nodes `alpha` and `beta`, healthy at first: everything in sync, alpha Primary of all.

    The same calls in the same order give the same bytes. Nothing is read from this machine.
    """

    def __init__(
        self, resources: Iterable[SimulatedResource] = DEFAULT_RESOURCES, *, seed: int = 0
    ) -> None:
        """`seed` decides the identifiers that a kernel would draw at random."""
        super().__init__(power.healthy_pair(tuple(resources), seed))
        self._roots: dict[str, list[Path]] = {node: [] for node in NODES}
        self._wait: Callable[[float], None] = self.advance
        self.settle()
        for resource in self.state.resources:
            self.run_on("alpha")(("drbdadm", "primary", resource.name), 15.0)

    # Time

    def sleep(self, seconds: float) -> None:
        """Let time pass; what falls due happens in its order."""
        self._pass_time(seconds)
        self.render_all()

    def settle(self) -> None:
        """Let time pass until nothing more happens by itself."""
        while self.state.steps:
            due_s = max(step.due_s for step in self.state.steps.values())
            self._pass_time(max(0.0, due_s - self.state.now_s))
        self.render_all()

    def clock(self, node: str) -> NodeClock:
        """A node's clocks."""
        state = self.state
        return NodeClock(
            now_s=lambda: state.now_s,
            booted_s=lambda: state.nodes[node].booted_s,
            log=lambda: state.nodes[node].log,
            sleep=self.sleep,
        )

    def wait_with(self, wait: Callable[[float], None]) -> None:
        """Have `wait` let time pass instead, so that others go on while somebody waits.

        It has to `advance` the pair by that time, or more, before it comes back.
        """
        self._wait = wait

    def _pass_time(self, seconds: float) -> None:
        self._wait(seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass for DRBD; what falls due happens in its order. Shows nothing."""
        end_s = self.state.now_s + seconds
        while self.state.steps:
            resource, step = min(
                self.state.steps.items(), key=lambda item: (item[1].due_s, item[0])
            )
            if step.due_s > end_s:
                break
            self.state.now_s = max(self.state.now_s, step.due_s)
            del self.state.steps[resource]
            self.happen(step.kind, resource)
        self.state.now_s = end_s

    def happen(self, kind: str, resource: str) -> None:
        """What happens to a resource by itself, at its time."""
        _STEPS[kind](self.state, resource)

    def _held_up_s(self, resources: Iterable[str]) -> float:
        """How long until the resources take commands and writes again."""
        due_s = [
            step.due_s
            for name, step in self.state.steps.items()
            if name in resources and step.kind in _HELD_UP
        ]
        return max(0.0, max(due_s) - self.state.now_s) if due_s else 0.0

    # Programs

    def run_on(self, node: str) -> Run:
        """The programs of a node, of which there is one: `drbdadm`."""

        def run(argv: Sequence[str], timeout_s: float) -> Completed:
            began_s = self.state.now_s
            while held_up_s := self._held_up_s(command.resources_of(self.state, argv)):
                if self.state.now_s - began_s + held_up_s > timeout_s:
                    self.sleep(timeout_s - (self.state.now_s - began_s))
                    return Completed(tuple(argv), None, duration_s=timeout_s)
                self._pass_time(held_up_s)
            given = command.answer(self.state, node, argv)
            self._pass_time(0.0 if self.state.instant else COMMAND_S)
            self.render_all()
            return Completed(
                argv=tuple(argv),
                exit_status=given.exit_status,
                stdout=given.stdout,
                stderr=given.stderr,
                duration_s=round(self.state.now_s - began_s, 6),
                error=given.error,
            )

        return run

    def world(self, node: str, root: Path) -> World:
        """What a pass on `node` touches; `root` is kept as the node's kernel shows it."""
        self.show_in(node, root)
        return World(root, self.run_on(node), self.clock(node), node, root / "etc")

    # What can be seen

    def show_in(self, node: str, root: Path) -> None:
        """Render the node below `root` now and after every command and every step of time."""
        self._roots[node].append(root)
        self.render(node, root)

    def render(self, node: str, root: Path) -> None:
        """Write /proc, /sys, /dev/kmsg and drbd.conf of `node` below `root`."""
        render(self.state, node, root)

    def render_all(self) -> None:
        """Render every registered root; a node that is down shows nothing new."""
        for node, roots in self._roots.items():
            if roots and self.state.nodes[node].up:
                for root in roots:
                    render(self.state, node, root)

    def kernel_log(self, node: str) -> str:
        """All records of the node's /dev/kmsg since it booted."""
        return kmsg(self.state.nodes[node].log)

    def side(self, node: str, resource: str) -> ResourceSide:
        """One resource on one node, with everything there is to know about it."""
        return self.state.side(node, resource)

    def connection(self, node: str, resource: str) -> ConnectionState:
        """The connection state; the lowest where the volumes differ."""
        return self.side(node, resource).connection

    def role(self, node: str, resource: str) -> Role:
        """Primary if any volume is."""
        primary = any(volume.primary for volume in self.side(node, resource).volumes)
        return Role.PRIMARY if primary else Role.SECONDARY

    def disk(self, node: str, resource: str, volume: int = 0) -> DiskState:
        """The disk state of one volume."""
        return self.side(node, resource).volumes[volume].disk

    def blocks(self, node: str, resource: str, volume: int = 0) -> dict[int, str]:
        """What a node's disk holds: whose data survived."""
        return dict(self.side(node, resource).volumes[volume].blocks)

    def notice(self, node: str, text: str) -> None:
        """Something else that the node's kernel says."""
        KernelLog(self.state, node).say(text)
        self.render_all()

    # Keeping it

    def save(self, path: Path) -> None:
        """Write the pair as JSON, whole or not at all; registered roots are not part of it."""
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.write_text(json.dumps(to_json(self.state), indent=1), encoding="utf-8")
        temporary.replace(path)

    @classmethod
    def load(cls, path: Path) -> SimulatedPair:
        """The pair that `save` wrote."""
        pair = cls.__new__(cls)
        People.__init__(pair, from_json(json.loads(path.read_text(encoding="utf-8"))))
        pair._roots = {node: [] for node in NODES}
        pair._wait = pair.advance
        return pair
