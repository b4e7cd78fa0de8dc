"""Everything that the simulated cluster remembers, as plain values."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from connector.model import ConnectionState, DiskState, ReplicationState, Role
from connector.simulate.identifiers import fresh_identifier
from connector.simulate.nine.configuration import ClusterResource
from connector.simulate.state import LogLine

JUST_CREATED = 4  # drbd_int.h UUID_JUST_CREATED


@dataclass(slots=True)
class PeerVolume:
    """One volume towards one peer (DRBD's peer device). `changed` is the bitmap of 4 KiB blocks.

    `resync_total` is how many blocks the resync that runs began with.
    """

    replication: ReplicationState = ReplicationState.OFF
    peer_disk: DiskState = DiskState.DUNKNOWN
    bitmap_uuid: int = 0
    changed: set[int] = field(default_factory=set)
    resync_suspended: str = "no"
    resync_total: int = 0


@dataclass(frozen=True, slots=True)
class Opener:
    """Who has a device open: a program, or a mount or swap that a program made.

    `where` and `mount_id` are those of a mount.
    """

    program: str
    pid: int
    since_s: float
    writes: bool
    where: str = ""
    mount_id: int = 0


@dataclass(slots=True)
class VolumeSide:
    """One volume on one node: its state, its meta-data and its content.

    `blocks` holds, by number of the block, the numbers of all writes that it has seen, in their
    order: a copy of a block is a copy of its past. `held_back` are the blocks of writes that wait.
    """

    volume: int
    minor: int
    disk: DiskState = DiskState.UP_TO_DATE
    client: bool = False
    current: int = JUST_CREATED
    history: list[int] = field(default_factory=list)
    blocks: dict[int, tuple[int, ...]] = field(default_factory=dict)
    peers: dict[str, PeerVolume] = field(default_factory=dict)
    openers: list[Opener] = field(default_factory=list)
    quorum: bool = True
    crashed_primary: bool = False
    held_back: set[int] = field(default_factory=set)


@dataclass(slots=True)
class ConnectionSide:
    """One connection on one node; `discard_my_data` waits for the next handshake.

    `met`: the two have been connected since this node came up.
    """

    connection: ConnectionState = ConnectionState.STANDALONE
    peer_role: Role = Role.UNKNOWN
    discard_my_data: bool = False
    tentative: bool = False
    met: bool = False


@dataclass(slots=True)
class ResourceSide:
    """One resource on one node. `explicit` is a promotion by hand, which outlives its openers.

    `promoter` is the open that made the node Primary by itself (`auto_promoted_by`).
    """

    name: str
    volumes: list[VolumeSide]
    connections: dict[str, ConnectionSide]
    role: Role = Role.SECONDARY
    explicit: bool = False
    promoter: Opener | None = None
    up: bool = True
    suspended: set[str] = field(default_factory=set)
    force_io_failures: bool = False
    secret: str = ""
    before_resync_target_status: int = 0

    @property
    def primary(self) -> bool:
        """Whether this node may write."""
        return self.role is Role.PRIMARY

    def openers(self) -> list[Opener]:
        """Whoever has one of its devices open."""
        return [opener for volume in self.volumes for opener in volume.openers]


@dataclass(slots=True)
class NodeState:
    """One node; `log` is what its kernel has said since it booted."""

    name: str
    booted_s: float
    up: bool = True
    boots: int = 1
    next_pid: int = 181
    log: list[LogLine] = field(default_factory=list)
    resources: dict[str, ResourceSide] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Write:
    """One write that DRBD has acknowledged; `program` is who made it ("write": somebody's data)."""

    number: int
    node: str
    resource: str
    volume: int
    block: int
    program: str = "write"


@dataclass(frozen=True, order=True, slots=True)
class Step:
    """What happens by itself: `node` and `peer` are the sides it happens to."""

    kind: str
    resource: str
    node: str
    peer: str


@dataclass(slots=True)
class ClusterState:
    """All nodes, the links that are cut, the time, and what is going to happen and when.

    `race` is how a refused handshake ends on the side that did not begin it: "both" (StandAlone on
    both), "one" (it goes on in Connecting), or "" where the seed throws a coin.
    """

    resources: tuple[ClusterResource, ...]
    names: tuple[str, ...]
    seed: int
    now_s: float = 0.0
    nodes: dict[str, NodeState] = field(default_factory=dict)
    cut: set[frozenset[str]] = field(default_factory=set)
    steps: dict[Step, float] = field(default_factory=dict)
    writes: list[Write] = field(default_factory=list)
    race: str = ""
    resync_kib_per_s: float = 102_400.0
    drawn: int = 0
    identifiers_given: int = 0

    def side(self, node: str, resource: str) -> ResourceSide:
        """One resource on one node."""
        return self.nodes[node].resources[resource]

    def link(self, node: str, resource: str, peer: str) -> ConnectionSide:
        """One connection as `node` sees it."""
        return self.side(node, resource).connections[peer]

    def others(self, node: str) -> Iterator[str]:
        """The peers of a node, in the order of their numbers."""
        return (name for name in self.names if name != node)

    def configured(self, resource: str) -> ClusterResource:
        """What drbd.conf says of it."""
        return next(item for item in self.resources if item.name == resource)

    def reachable(self, node: str, peer: str) -> bool:
        """Whether anything gets through between two nodes."""
        alive = self.nodes[node].up and self.nodes[peer].up
        return alive and frozenset((node, peer)) not in self.cut

    def connected(self, node: str, resource: str) -> Iterator[str]:
        """The peers that a node is connected to, as far as it knows."""
        side = self.side(node, resource)
        for peer, link in side.connections.items():
            if link.connection is ConnectionState.CONNECTED:
                yield peer

    def fresh_identifier(self) -> int:
        """The next random identifier; its lowest bit is free for the role."""
        self.identifiers_given += 1
        return fresh_identifier(self.seed, self.identifiers_given) & ~1

    def draw(self, low: float, high: float) -> float:
        """The next of the seed's numbers between two."""
        self.drawn += 1
        digest = hashlib.blake2b(f"{self.seed}/{self.drawn}".encode(), digest_size=6).digest()
        return low + (high - low) * int.from_bytes(digest, "big") / 2**48
