"""What people, programs and accidents do to the cluster, apart from commands of DRBD."""

from __future__ import annotations

from abc import ABC, abstractmethod

from connector.model import ConnectionState
from connector.simulate.nine import power, resync, use
from connector.simulate.nine.kernel_log import KernelLog
from connector.simulate.nine.pacing import (
    AGREE,
    MEET,
    NOTICE,
    NOTICE_S,
    arrange,
    look_for_peer,
    pair,
)
from connector.simulate.nine.render import SWAPON
from connector.simulate.nine.state import ClusterState, Step
from connector.simulate.state import Refused


class People(ABC):
    """Acts upon the state of a cluster. What a real node refuses raises Refused."""

    def __init__(self, state: ClusterState) -> None:
        self.state = state

    @abstractmethod
    def render_all(self) -> None:
        """Show what has changed."""

    @abstractmethod
    def sleep(self, seconds: float) -> None:
        """Let time pass."""

    # Links

    def cut_link(self, node: str, peer: str) -> None:
        """Nothing gets through between two nodes; each notices in its own time."""
        state, nodes = self.state, frozenset((node, peer))
        if nodes in state.cut:
            return
        state.cut.add(nodes)
        for resource in (item.name for item in state.resources):
            resync.stall(state, resource, node, peer)
            for one, other in ((node, peer), (peer, node)):
                side = state.side(one, resource)
                link = side.connections.get(other)
                if link is not None and link.connection is ConnectionState.CONNECTED:
                    step = Step(NOTICE, resource, one, other)
                    if step not in state.steps:
                        arrange(state, step, state.draw(*NOTICE_S))
            for kind in (MEET, AGREE):
                state.steps.pop(Step(kind, resource, *pair(node, peer)), None)
        self.render_all()

    def mend_link(self, node: str, peer: str) -> None:
        """They can reach each other again; a cut that neither has noticed has not been one."""
        state = self.state
        state.cut.discard(frozenset((node, peer)))
        for resource in (item.name for item in state.resources):
            sides = ((node, peer), (peer, node))
            talking = [
                (one, other)
                for one, other in sides
                if other in state.side(one, resource).connections
                and state.link(one, resource, other).connection is ConnectionState.CONNECTED
            ]
            if len(talking) == len(sides) and state.reachable(node, peer):
                for one, other in sides:
                    state.steps.pop(Step(NOTICE, resource, one, other), None)
                resync.resume(state, resource, node, peer)
            look_for_peer(state, resource, node, peer)
        self.render_all()

    def isolate(self, node: str) -> None:
        """Cut all links of a node at once."""
        for peer in self.state.others(node):
            self.cut_link(node, peer)

    def rejoin(self, node: str) -> None:
        """Mend all links of a node at once."""
        for peer in self.state.others(node):
            self.mend_link(node, peer)

    # Users of a device

    def mount(
        self, node: str, resource: str, where: str, volume: int = 0, *, read_only: bool = False
    ) -> None:
        """Mount a volume; where a peer reads it, a plain mount falls back to read-only."""
        self._wait_for_silent_peers(node, resource)
        side = use.volume_of(self.state, node, resource, volume)
        try:
            use.open_device(
                self.state, node, resource, volume, "mount", writes=not read_only, where=where
            )
        except Refused:
            if read_only or not self._read_by_peer(node, resource, volume):
                raise
            use.open_device(self.state, node, resource, volume, "mount", writes=False, where=where)
        else:
            if not read_only:
                use.write_block(self.state, node, resource, volume, use.SUPERBLOCK, "mount")
        KernelLog(self.state, node, resource).say(
            f"EXT4-fs (drbd{side.minor}): mounted filesystem with ordered data mode. "
            "Quota mode: none."
        )
        self.render_all()

    def umount(self, node: str, resource: str, where: str) -> None:
        """Unmount a volume; what was mounted to write is written to once more."""
        self._wait_for_silent_peers(node, resource)
        number, opener = use.opener_at(self.state, node, resource, where)
        side = self.state.side(node, resource)
        if opener.writes and side.primary and not (side.force_io_failures or side.suspended):
            use.write_block(self.state, node, resource, number, use.SUPERBLOCK, "umount")
        minor = side.volumes[number].minor
        KernelLog(self.state, node, resource).say(f"EXT4-fs (drbd{minor}): unmounting filesystem.")
        use.close_device(self.state, node, resource, number, opener, "umount")
        self.render_all()

    def open(
        self, node: str, resource: str, program: str, volume: int = 0, *, read_only: bool = False
    ) -> None:
        """A program opens a device."""
        self._wait_for_silent_peers(node, resource)
        use.open_device(self.state, node, resource, volume, program, writes=not read_only)
        self.render_all()

    def close(self, node: str, resource: str, program: str, volume: int = 0) -> None:
        """It closes the device, as often as it had opened it."""
        self._wait_for_silent_peers(node, resource)
        openers = self.state.side(node, resource).volumes[volume].openers
        for opener in [one for one in openers if one.program == program and not one.where]:
            use.close_device(self.state, node, resource, volume, opener, program)
        self.render_all()

    def swapon(self, node: str, resource: str, volume: int = 0) -> None:
        """Swap on a volume, which opens it twice."""
        for _ in range(2):
            self.open(node, resource, SWAPON, volume)

    def swapoff(self, node: str, resource: str, volume: int = 0) -> None:
        """No longer swap on a volume."""
        self.close(node, resource, SWAPON, volume)

    def write(self, node: str, resource: str, block: int, volume: int = 0) -> int:
        """Write one block; the number of the write, which DRBD has acknowledged.

        It comes back when DRBD knows which peers are there.

        Raises:
            Refused: it has not been acknowledged.
        """
        self._wait_for_silent_peers(node, resource)
        number = use.write_block(self.state, node, resource, volume, block)
        self.render_all()
        return number

    def spoil(self, node: str, resource: str, block: int, volume: int = 0) -> None:
        """A block of the disk changes behind DRBD's back; a verify finds it."""
        blocks = self.state.side(node, resource).volumes[volume].blocks
        blocks[block] = (*blocks.get(block, ()), 0)

    # Power

    def crash(self, node: str) -> None:
        """The node is gone at once; its peers notice after their ping time-outs."""
        power.crash(self.state, node)
        self.render_all()

    def boot(self, node: str, *, up: bool = True) -> None:
        """The node is up again, Secondary everywhere; `up` as the init script does."""
        power.boot(self.state, node)
        if up:
            for resource in self.state.resources:
                power.up(self.state, node, resource.name)
        self.render_all()

    def _read_by_peer(self, node: str, resource: str, volume: int) -> bool:
        return any(
            self.state.side(peer, resource).volumes[volume].openers
            for peer in self.state.connected(node, resource)
        )

    def _wait_for_silent_peers(self, node: str, resource: str) -> None:
        """Nothing is decided before DRBD knows which peers are there."""
        while due_s := self._silent_until_s(node, resource):
            self.sleep(max(0.0, due_s - self.state.now_s))

    def _silent_until_s(self, node: str, resource: str) -> float:
        return max(
            (
                due_s
                for step, due_s in self.state.steps.items()
                if step.kind == NOTICE and (step.resource, step.node) == (resource, node)
            ),
            default=0.0,
        )
