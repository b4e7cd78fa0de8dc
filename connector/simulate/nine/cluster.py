"""The cluster as a test or a demonstration sees it: nodes, links, people and time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from connector.model import ConnectionState, DiskState, ReplicationState, Role
from connector.program import Completed, Run
from connector.simulate.kernel_files import kmsg
from connector.simulate.nine import (
    connection,
    drbdadm,
    pacing,
    parting,
    power,
    resync,
    settling,
    upkeep,
)
from connector.simulate.nine.command_line import unwrapped
from connector.simulate.nine.configuration import NODES, ClusterResource
from connector.simulate.nine.people import People
from connector.simulate.nine.render import render
from connector.simulate.nine.state import ClusterState, ResourceSide, Write
from connector.simulate.nine.status import status_json
from connector.simulate.node_clock import NodeClock
from connector.world import World

COMMAND_S = 0.18  # what one drbdadm takes
_MOST_STEPS = 10_000


class SimulatedCluster(People):
    """Two or three nodes, healthy at first: everything in sync, Secondary on all.

    The same calls in the same order give the same bytes. Nothing is read from this machine.
    """

    def __init__(
        self,
        nodes: int = 2,
        resources: Iterable[ClusterResource] = (ClusterResource("mail"),),
        *,
        seed: int = 0,
        race: str = "",
    ) -> None:
        """`seed` decides identifiers, delays and races; `race` one of them (`ClusterState`)."""
        names = NODES[:nodes]
        super().__init__(power.new_cluster(tuple(resources), names, seed))
        self.state.race = race
        self._roots: dict[str, list[Path]] = {name: [] for name in names}
        self.newer_utils = False
        self.settle()

    # Time

    def sleep(self, seconds: float) -> None:
        """Let time pass; what falls due happens in its order."""
        end_s = self.state.now_s + seconds
        while self._next_step(end_s):
            pass
        self.state.now_s = end_s
        self.render_all()

    def settle(self) -> None:
        """Let time pass until nothing more happens by itself.

        Raises:
            RuntimeError: something happens again and again.
        """
        for _ in range(_MOST_STEPS):
            if not self._next_step(float("inf")):
                self.render_all()
                return
        raise RuntimeError(f"still at it after {_MOST_STEPS} steps: {sorted(self.state.steps)}")

    def _next_step(self, end_s: float) -> bool:
        if not self.state.steps:
            return False
        step, due_s = min(self.state.steps.items(), key=lambda item: (item[1], item[0]))
        if due_s > end_s:
            return False
        self.state.now_s = max(self.state.now_s, due_s)
        del self.state.steps[step]
        if self.state.side(step.node, step.resource).up:
            _STEPS[step.kind](self.state, step.resource, step.node, step.peer)
        return True

    def clock(self, node: str) -> NodeClock:
        """A node's clocks."""
        state = self.state
        return NodeClock(
            now_s=lambda: state.now_s,
            booted_s=lambda: state.nodes[node].booted_s,
            log=lambda: state.nodes[node].log,
            sleep=self.sleep,
        )

    def run_on(self, node: str) -> Run:
        """The programs of a node: `drbdadm` and `drbdsetup`."""

        def run(argv: Sequence[str], timeout_s: float) -> Completed:
            began_s = self.state.now_s
            for resource in self._resources_of(argv):
                silent_s = self._silent_until_s(node, resource) - self.state.now_s
                if silent_s > timeout_s:
                    self.sleep(timeout_s)
                    return Completed(tuple(argv), None, duration_s=timeout_s)
                self._wait_for_silent_peers(node, resource)
            given = drbdadm.answer(self.state, node, argv, newer=self.newer_utils)
            self.sleep(COMMAND_S)
            return Completed(
                argv=tuple(argv),
                exit_status=given.exit_status,
                stdout=given.stdout,
                stderr=given.stderr,
                duration_s=round(self.state.now_s - began_s, 6),
                error=given.error,
            )

        return run

    def _resources_of(self, argv: Sequence[str]) -> list[str]:
        """Those that a command line wants to change, which waits for silent peers."""
        words = unwrapped(argv)
        if len(words) < 2 or words[1] in ("status", "dump-xml", "sh-resources"):
            return []
        named = {word.split(":")[0] for word in words[2:]}
        every = [item.name for item in self.state.resources]
        return every if "all" in named else [name for name in every if name in named]

    def drbdadm(self, node: str, *words: str) -> Completed:
        """Run `drbdadm` with these words on a node."""
        return self.run_on(node)(("drbdadm", *words), 15.0)

    def world(self, node: str, root: Path) -> World:
        """What a pass on `node` touches; `root` is kept as the node's kernel shows it."""
        self.show_in(node, root)
        return World(root, self.run_on(node), self.clock(node), node, root / "etc")

    # What can be seen

    def show_in(self, node: str, root: Path) -> None:
        """Render the node below `root` now and after every act and every step of time."""
        self._roots[node].append(root)
        render(self.state, node, root)

    def render_all(self) -> None:
        """Render every registered root; a node that is down shows nothing new."""
        for node, roots in self._roots.items():
            if self.state.nodes[node].up:
                for root in roots:
                    render(self.state, node, root)

    def status(self, node: str, *, newer: bool = False) -> str:
        """`drbdsetup status --json --verbose --statistics`; `newer` of drbd-utils 9.34."""
        return status_json(self.state, node, newer=newer)

    def kernel_log(self, node: str) -> str:
        """All records of the node's /dev/kmsg since it booted."""
        return kmsg(self.state.nodes[node].log)

    def side(self, node: str, resource: str) -> ResourceSide:
        """One resource on one node, with everything there is to know about it."""
        return self.state.side(node, resource)

    def connection(self, node: str, resource: str, peer: str) -> ConnectionState:
        """One connection's state; StandAlone where there is no such connection now."""
        link = self.side(node, resource).connections.get(peer)
        return ConnectionState.STANDALONE if link is None else link.connection

    def role(self, node: str, resource: str) -> Role:
        """A node's role."""
        return self.side(node, resource).role

    def disk(self, node: str, resource: str, volume: int = 0) -> DiskState:
        """The disk state of one volume."""
        return self.side(node, resource).volumes[volume].disk

    def replication(self, node: str, resource: str, peer: str, volume: int = 0) -> ReplicationState:
        """The replication state of one volume towards one peer."""
        return self.side(node, resource).volumes[volume].peers[peer].replication

    # What is true, for whoever checks

    def held(self, node: str, resource: str, volume: int = 0) -> frozenset[int]:
        """The writes that a node's disk has seen, whatever its state says."""
        blocks = self.side(node, resource).volumes[volume].blocks
        return frozenset(number for past in blocks.values() for number in past if number)

    def acknowledged(self, resource: str, volume: int = 0) -> tuple[Write, ...]:
        """Somebody's writes that DRBD has acknowledged, in their order."""
        return tuple(
            write
            for write in self.state.writes
            if (write.resource, write.volume, write.program) == (resource, volume, "write")
        )

    def lost(self, resource: str, volume: int = 0) -> tuple[Write, ...]:
        """Those of them that no disk of the cluster holds any more."""
        kept: set[int] = set()
        for node in self.state.names:
            kept |= self.held(node, resource, volume)
        return tuple(
            write for write in self.acknowledged(resource, volume) if write.number not in kept
        )


def _start_resync(state: ClusterState, resource: str, node: str, peer: str) -> None:
    if not state.reachable(node, peer):
        return
    for target in resync.start(state, resource, (node, peer)):
        parting.drop(state, resource, target, peer if target == node else node)


def _finish_resync(state: ClusterState, resource: str, node: str, peer: str) -> None:
    for sync in resync.finish(state, resource, (node, peer)):
        settling.finished(sync)


_STEPS: dict[str, Callable[[ClusterState, str, str, str], None]] = {
    pacing.NOTICE: parting.notice,
    pacing.CLOSED: parting.closed,
    pacing.MEET: connection.meet,
    pacing.AGREE: connection.agree,
    pacing.START_RESYNC: _start_resync,
    pacing.FINISH_RESYNC: _finish_resync,
    pacing.FINISH_VERIFY: upkeep.finish_verify,
}
