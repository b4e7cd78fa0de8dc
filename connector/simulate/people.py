"""What people, programs and accidents do to the pair, apart from `drbdadm`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from itertools import count

from connector.model import ConnectionState, DiskState
from connector.simulate import power
from connector.simulate.configuration import NODES
from connector.simulate.connection import (
    NOTICE_LOSS,
    PING_TIMEOUT_S,
    arrange,
    look_for_peer,
)
from connector.simulate.kernel_log import KernelLog
from connector.simulate.state import (
    KIB_PER_BLOCK,
    Mounted,
    PairState,
    Refused,
    VolumeSide,
    connected,
)

_FIRST_MOUNT = 34  # below it are those of the system (render.py)


class People(ABC):
    """Acts upon the state of a pair. What a real node refuses raises Refused."""

    def __init__(self, state: PairState) -> None:
        self.state = state

    @abstractmethod
    def render_all(self) -> None:
        """Show what has changed."""

    @abstractmethod
    def _pass_time(self, seconds: float) -> None:
        """Let time pass."""

    @abstractmethod
    def _held_up_s(self, resources: Iterable[str]) -> float:
        """How long until the resources take commands and writes again."""

    # The link

    def cut_link(self, sender: str | None = None) -> None:
        """Nothing gets through any more, or nothing that `sender` sends; a dead link stays dead.

        The nodes notice after their ping time-out.
        """
        if not self.state.link_up:
            return
        self.state.link_up, self.state.lost_from = False, sender
        for resource in (item.name for item in self.state.resources):
            talking = any(
                volume.peer_disk is not DiskState.DUNKNOWN
                or volume.connection is ConnectionState.WF_REPORT_PARAMS
                for node in NODES
                for volume in self.state.side(node, resource).volumes
            )
            if talking:
                arrange(self.state, resource, NOTICE_LOSS, PING_TIMEOUT_S)
            else:
                look_for_peer(self.state, resource)
        self.render_all()

    def restore_link(self) -> None:
        """The nodes can reach each other again. A cut that they had not noticed yet is a cut."""
        names = [item.name for item in self.state.resources]
        self._pass_time(self._held_up_s(names))
        self.state.link_up, self.state.lost_from = True, None
        for name in names:
            if name not in self.state.steps:
                look_for_peer(self.state, name)
        self.render_all()

    # Users of a device

    def mount(self, node: str, resource: str, where: str, volume: int = 0) -> None:
        """Mount a volume; only a Primary can be opened, read-only or not."""
        side = self._opened(node, resource, volume, "mount")
        mounts = self.state.nodes[node].mounts
        taken = {mount.number for mount in mounts}
        number = next(n for n in count(_FIRST_MOUNT) if n not in taken)
        mounts.append(Mounted(number, side.minor, where))
        side.mount_points.append(where)
        KernelLog(self.state, node).say(
            f"EXT4-fs (drbd{side.minor}): mounted filesystem with ordered data mode. "
            "Quota mode: none."
        )
        self.render_all()

    def umount(self, node: str, resource: str, where: str, volume: int = 0) -> None:
        """Unmount a volume."""
        side = self.state.side(node, resource).volumes[volume]
        if where not in side.mount_points:
            raise Refused(f"umount: {where}: not mounted.")
        side.mount_points.remove(where)
        mounts = self.state.nodes[node].mounts
        mounts.remove(next(m for m in mounts if (m.minor, m.where) == (side.minor, where)))
        self.render_all()

    def swapon(self, node: str, resource: str, volume: int = 0) -> None:
        """Swap on a volume."""
        self._opened(node, resource, volume, "swapon").swap = True
        self.render_all()

    def swapoff(self, node: str, resource: str, volume: int = 0) -> None:
        """No longer swap on a volume."""
        self.state.side(node, resource).volumes[volume].swap = False
        self.render_all()

    def hold(self, node: str, resource: str, holder: str, volume: int = 0) -> None:
        """Put another block device (LVM, dm-crypt) on top of a volume."""
        self._opened(node, resource, volume, "dmsetup").holders.append(holder)
        self.render_all()

    def let_go(self, node: str, resource: str, holder: str, volume: int = 0) -> None:
        """Take that block device away."""
        self.state.side(node, resource).volumes[volume].holders.remove(holder)
        self.render_all()

    def write(self, node: str, resource: str, volume: int, block: int, text: str) -> None:
        """Write one block: to both disks while connected, else it is marked as changed.

        It comes back when DRBD knows whether the peer is there.
        """
        side = self._opened(node, resource, volume, "write")
        if held_up_s := self._held_up_s([resource]):
            self._pass_time(held_up_s)
            side = self._opened(node, resource, volume, "write")
        side.blocks[block] = text
        side.written_kib += KIB_PER_BLOCK
        if connected(side.connection):
            peer = self.state.peer_volume(node, resource, side)
            peer.blocks[block] = text
            peer.written_kib += KIB_PER_BLOCK
            peer.received_kib += KIB_PER_BLOCK
            side.sent_kib += KIB_PER_BLOCK
            side.changed.discard(block)
            peer.changed.discard(block)
        else:
            side.changed.add(block)
        self.render_all()

    # Power

    def crash(self, node: str) -> None:
        """The node is gone at once; its peer notices after its ping time-out."""
        power.crash(self.state, node)
        self.render_all()

    def boot(self, node: str, *, connecting: bool = True) -> None:
        """The node is up again, Secondary everywhere; `connecting` as the init script does."""
        names = [item.name for item in self.state.resources]
        self._pass_time(self._held_up_s(names))
        power.boot(self.state, node, connecting=connecting)
        self.render_all()

    def _opened(self, node: str, resource: str, volume: int, what: str) -> VolumeSide:
        if not self.state.nodes[node].up:
            raise Refused(f"{node} is down")
        side = self.state.side(node, resource).volumes[volume]
        if not side.primary:
            # drbd_open gives EMEDIUMTYPE, which mount reports so, with exit status 32.
            raise Refused(f"{what}: /dev/drbd{side.minor}: Wrong medium type.")
        return side
