"""Everything that the simulated pair remembers, as plain values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from connector.model import ConnectionState, DiskState, Role
from connector.simulate.configuration import SimulatedResource, other
from connector.simulate.identifiers import Identifiers, fresh_identifier

# enum drbd_conns and enum drbd_disk_state of linux/drbd.h are declared in this order too.
CONNECTION_ORDER = {state: number for number, state in enumerate(ConnectionState)}
DISK_ORDER = {state: number for number, state in enumerate(DiskState)}

KIB_PER_BLOCK = 4  # one bit of the bitmap


class Refused(Exception):
    """What was asked for is not possible now on a real node either; the text says why."""


def connected(state: ConnectionState) -> bool:
    """C_CONNECTED and above: the nodes have agreed on the data."""
    return CONNECTION_ORDER[state] >= CONNECTION_ORDER[ConnectionState.CONNECTED]


@dataclass(slots=True)
class VolumeSide:
    """One volume on one node: its state, its meta-data and its content.

    `blocks` is the content, by number of the 4 KiB block; `changed` is the bitmap.
    """

    volume: int
    minor: int
    connection: ConnectionState = ConnectionState.STANDALONE
    role: Role = Role.SECONDARY
    peer_role: Role = Role.UNKNOWN
    disk: DiskState = DiskState.UP_TO_DATE
    peer_disk: DiskState = DiskState.DUNKNOWN
    identifiers: Identifiers = field(default_factory=Identifiers)
    peer_identifiers: Identifiers = field(default_factory=Identifiers)
    changed: set[int] = field(default_factory=set)
    blocks: dict[int, str] = field(default_factory=dict)
    crashed_primary: bool = False
    resync_bits: int = 0
    mount_points: list[str] = field(default_factory=list)
    swap: bool = False
    holders: list[str] = field(default_factory=list)
    sent_kib: int = 0
    received_kib: int = 0
    written_kib: int = 0

    @property
    def held_open(self) -> bool:
        """Whether somebody has opened the device: then it cannot be demoted."""
        return bool(self.mount_points or self.swap or self.holders)

    @property
    def primary(self) -> bool:
        """Whether this side may write."""
        return self.role is Role.PRIMARY


@dataclass(slots=True)
class ResourceSide:
    """One resource on one node.

    `discard_my_data` is the setting of the next connection attempt (`net_conf`), and
    `discarding` what the handshake of the present one took from it (device flag DISCARD_MY_DATA).
    `tentative` makes each handshake a rehearsal, until the side is StandAlone.
    """

    name: str
    volumes: list[VolumeSide]
    discard_my_data: bool = False
    discarding: bool = False
    tentative: bool = False
    receiver_pid: int = 0

    @property
    def connection(self) -> ConnectionState:
        """That of its volumes; where they differ, the lowest."""
        return min((v.connection for v in self.volumes), key=CONNECTION_ORDER.__getitem__)


@dataclass(frozen=True, slots=True)
class LogLine:
    """One record of the kernel log: printk's level, microseconds since boot, and the text."""

    level: int
    at_us: int
    text: str


@dataclass(frozen=True, slots=True)
class Mounted:
    """One line of mountinfo; the kernel gives the smallest number that is free."""

    number: int
    minor: int
    where: str


@dataclass(slots=True)
class NodeState:
    """One node; `log` is what its kernel has said since it booted, `mounts` are by age."""

    name: str
    booted_s: float
    up: bool = True
    boots: int = 1
    next_pid: int = 181
    log: list[LogLine] = field(default_factory=list)
    mounts: list[Mounted] = field(default_factory=list)
    resources: dict[str, ResourceSide] = field(default_factory=dict)

    def volumes(self) -> Iterator[VolumeSide]:
        """Every volume, in the order of the minors."""
        every = [volume for side in self.resources.values() for volume in side.volumes]
        return iter(sorted(every, key=lambda volume: volume.minor))


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to a resource by itself, and when."""

    kind: str
    due_s: float


@dataclass(slots=True)
class PairState:
    """Both nodes, the link, the time, and what is going to happen.

    `link_up` is whether both directions work: DRBD needs both. `lost_from` is the node whose frames
    alone are lost, where one direction still works.

    `instant` lets every step follow at once. `hangs_up_first` names the node that, in a handshake
    that it refuses, closes the connection before its peer has looked: then that peer stays in
    WFConnection (which of the two it is, or neither, is a race in the kernel).
    """

    resources: tuple[SimulatedResource, ...]
    seed: int
    now_s: float
    nodes: dict[str, NodeState]
    link_up: bool = True
    lost_from: str | None = None
    identifiers_given: int = 0
    instant: bool = False
    hangs_up_first: str | None = None
    steps: dict[str, Step] = field(default_factory=dict)

    def side(self, node: str, resource: str) -> ResourceSide:
        """One resource on one node."""
        return self.nodes[node].resources[resource]

    def peer_of(self, node: str) -> NodeState:
        """The other node."""
        return self.nodes[other(node)]

    def peer_volume(self, node: str, resource: str, volume: VolumeSide) -> VolumeSide:
        """The same volume on the other node."""
        return self.side(other(node), resource).volumes[volume.volume]

    def configured(self, resource: str) -> SimulatedResource:
        """What drbd.conf says of it."""
        return next(item for item in self.resources if item.name == resource)

    def fresh_identifier(self) -> int:
        """The next random identifier."""
        self.identifiers_given += 1
        return fresh_identifier(self.seed, self.identifiers_given)
