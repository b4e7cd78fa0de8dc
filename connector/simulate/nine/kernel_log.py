"""What the simulated kernels say, in the words and the order of the captured ones.

Kernel sources: drbd_int.h (`drbd_info` and its likes), drbd_state.c (`print_state_change`),
drbd_nl.c (`drbd_khelper`, whose handlers are not configured here and so end with 0).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from connector.model import ConnectionState, DiskState, ReplicationState, Role
from connector.simulate.nine.configuration import node_id
from connector.simulate.nine.state import ClusterState, ResourceSide, VolumeSide
from connector.simulate.state import LogLine

ALERT, ERROR, WARNING, INFO = 1, 3, 4, 6
_BETWEEN_LINES_US = 30
_FACILITY_KERNEL = 0


class KernelLog:
    """The log of one node about one resource."""

    def __init__(self, state: ClusterState, node: str, resource: str) -> None:
        self._state = state
        self.node = state.nodes[node]
        self.side: ResourceSide = state.side(node, resource)

    def say(self, text: str, level: int = INFO) -> None:
        """One record at the present time, never before or at the one before it."""
        at_us = round((self._state.now_s - self.node.booted_s) * 1e6)
        if self.node.log:
            at_us = max(at_us, self.node.log[-1].at_us + _BETWEEN_LINES_US)
        self.node.log.append(LogLine(level, at_us, text))

    def resource(self, text: str, level: int = INFO) -> None:
        """About the resource: `drbd mail: ...`."""
        self.say(f"drbd {self.side.name}: {text}", level)

    def connection(self, peer: str, text: str, level: int = INFO) -> None:
        """About a connection: `drbd mail beta: ...`."""
        self.say(f"drbd {self.side.name} {peer}: {text}", level)

    def device(self, volume: VolumeSide, text: str, level: int = INFO) -> None:
        """About a device: `drbd mail/0 drbd0: ...`."""
        self.say(f"drbd {self.side.name}/{volume.volume} drbd{volume.minor}: {text}", level)

    def peer_device(self, volume: VolumeSide, peer: str, text: str, level: int = INFO) -> None:
        """About a device towards a peer: `drbd mail/0 drbd0 beta: ...`."""
        self.say(f"drbd {self.side.name}/{volume.volume} drbd{volume.minor} {peer}: {text}", level)

    def called(self, handler: str, peer: str = "", volume: VolumeSide | None = None) -> None:
        """A handler of drbd.conf."""
        command = f"helper command: /sbin/drbdadm {handler}"
        for text in (command, f"{command} exit code 0"):
            if volume is None:
                self.connection(peer, text)
            elif peer:
                self.peer_device(volume, peer, text)
            else:
                self.device(volume, text)

    def change(self, tag: str = "") -> Change:
        """A change of state to be put together, and then applied and told at once."""
        return Change(self, f" [{tag}]" if tag else "")


@dataclass(slots=True)
class Change:
    """What changes in one moment on one node. Chain the setters and end with `apply`."""

    log: KernelLog
    tag: str
    role: Role | None = None
    suspended: set[str] | None = None
    force_io_failures: bool | None = None
    links: dict[str, tuple[ConnectionState | None, Role | None]] = field(default_factory=dict)
    disks: dict[int, DiskState] = field(default_factory=dict)
    quorums: dict[int, bool] = field(default_factory=dict)
    peers: dict[tuple[int, str], dict[str, str]] = field(default_factory=dict)

    def connection(
        self, peer: str, state: ConnectionState | None, role: Role | None = None
    ) -> Change:
        """A connection's state and the peer's role."""
        self.links[peer] = (state, role)
        return self

    def disk(self, volume: VolumeSide, disk: DiskState) -> Change:
        """This node's disk."""
        self.disks[volume.volume] = disk
        return self

    def peer(
        self,
        volume: VolumeSide,
        peer: str,
        *,
        disk: DiskState | None = None,
        replication: ReplicationState | None = None,
        suspended: str | None = None,
    ) -> Change:
        """The peer's disk, the replication, and who holds a resync up."""
        found = self.peers.setdefault((volume.volume, peer), {})
        found |= {"pdsk": disk} if disk is not None else {}
        found |= {"repl": replication} if replication is not None else {}
        found |= {"resync-susp": suspended} if suspended is not None else {}
        return self

    def apply(self) -> None:
        """Make the change, and tell what is different: the resource, connections, devices."""
        side = self.log.side
        self._tell_resource(side)
        for peer, (state, role) in self.links.items():
            link = side.connections[peer]
            told = _told("conn", link.connection, state) + _told("peer", link.peer_role, role)
            link.connection, link.peer_role = state or link.connection, role or link.peer_role
            if told:
                self.log.connection(peer, f"{told[:-1]}{self.tag}")
        for volume in side.volumes:
            self._tell_device(volume)
            for (number, peer), changes in self.peers.items():
                if number == volume.volume:
                    self._tell_peer_device(volume, peer, changes)

    def _tell_resource(self, side: ResourceSide) -> None:
        told = _told("role", side.role, self.role)
        side.role = self.role or side.role
        if self.suspended is not None:
            told += _told("susp-io", _reasons(side.suspended), _reasons(self.suspended))
            side.suspended = self.suspended
        if self.force_io_failures is not None:
            told += _told(
                "force-io-failures", _yes(side.force_io_failures), _yes(self.force_io_failures)
            )
            side.force_io_failures = self.force_io_failures
        if told:
            self.log.resource(f"{told[:-1]}{self.tag}")

    def _tell_device(self, volume: VolumeSide) -> None:
        disk, quorum = self.disks.get(volume.volume), self.quorums.get(volume.volume)
        told = _told("disk", volume.disk, disk)
        volume.disk = disk or volume.disk
        if quorum is not None:
            told += _told("quorum", _yes(volume.quorum), _yes(quorum))
            volume.quorum = quorum
        if told:
            self.log.device(volume, f"{told[:-1]}{self.tag}")

    def _tell_peer_device(self, volume: VolumeSide, peer: str, changes: Mapping[str, str]) -> None:
        towards, told = volume.peers[peer], ""
        if "pdsk" in changes:
            told += _told("pdsk", towards.peer_disk, changes["pdsk"])
            towards.peer_disk = DiskState(changes["pdsk"])
        if "repl" in changes:
            told += _told("repl", towards.replication, changes["repl"])
            towards.replication = ReplicationState(changes["repl"])
        if "resync-susp" in changes:
            told += _told("resync-susp", towards.resync_suspended, changes["resync-susp"])
            towards.resync_suspended = changes["resync-susp"]
        if told:
            self.log.peer_device(volume, peer, f"{told[:-1]}{self.tag}")


def _told(word: str, before: str, after: str | None) -> str:
    return f"{word}( {before} -> {after} ) " if after is not None and after != before else ""


def _reasons(suspended: set[str]) -> str:
    names = {"user": "user", "no-data": "no-disk", "quorum": "quorum", "fencing": "fencing"}
    return ",".join(names[name] for name in sorted(suspended)) or "no"


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def say_generation(log: KernelLog, volume: VolumeSide, reached: set[str]) -> None:
    """A new current UUID; the nodes that did not see it made are weak (`new_current_uuid`)."""
    mask = 0xFFFF_FFFF_FFFF_FFFF
    for name in reached:
        mask &= ~(1 << node_id(name))
    bit = 1 if log.side.primary else 0
    log.device(volume, f"new current UUID: {volume.current | bit:016X} weak: {mask:016X}")
