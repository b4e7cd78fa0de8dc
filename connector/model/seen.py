"""What was seen on this node: resources with their volumes, their use, and the evidence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from connector.model.configured import AfterSplitBrain
from connector.model.proc import Device, Problem, ProcDrbd
from connector.model.states import ESTABLISHED, ConnectionState, DiskState, Generation, Role


class UseKind(StrEnum):
    """How a volume is in use: DRBD's own word for it is "held open by someone"."""

    MOUNT = "mount"
    SWAP = "swap"
    HOLDER = "holder"
    OPENER = "opener"


@dataclass(frozen=True, slots=True)
class Use:
    """One user of a volume: a mount point, a swap file name or the block device on top of it."""

    kind: UseKind
    where: str


@dataclass(frozen=True, slots=True)
class Volume:
    """One volume of a resource on this node; `device` is None where /proc/drbd has no such minor.

    `used_by` is None where it could not be found out.
    """

    volume: int
    minor: int
    device: Device | None
    used_by: tuple[Use, ...] | None


class Cause(StrEnum):
    """Why a connection ended, as far as the kernel log tells (drbd_receiver.c, drbd_state.c)."""

    SPLIT_BRAIN = "split-brain"
    UNRELATED_DATA = "unrelated-data"
    AUTHENTICATION = "authentication"
    INCOMPATIBLE_SETTINGS = "incompatible-settings"
    SYNC_TARGET_BUT_PRIMARY = "sync-target-but-primary"
    RESYNC_HANDLER = "resync-handler"
    UNRECOGNISED = "unrecognised"
    OPERATOR_DISCONNECT = "operator-disconnect"


@dataclass(frozen=True, slots=True)
class Handshake:
    """The `self` and `peer` lines of one volume's handshake.

    `*_bits` count 4 KiB blocks changed since the split; after a crash the whole activity log is
    counted too. The lowest bit of a current identifier says whether that side was Primary
    (drbd_main.c `_drbd_uuid_set`), also after a crash: a node that crashed as Primary and came
    back as Secondary shows it cleared (drbd_nl.c `drbd_adm_attach`; measured). Bit 0 of
    `*_flags` is --discard-my-data, bit 1 of `peer_flags` that the peer crashed as Primary.
    """

    minor: int | None
    self_current: int
    peer_current: int
    self_bits: int
    peer_bits: int
    self_flags: int
    peer_flags: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the kernel log says of one resource since it was last connected.

    `readable` is False where the log exists but could not be read: then nothing is known, which
    is not the same as nothing being there. Times are seconds of the kernel log's own clock.
    """

    readable: bool = True
    cause: Cause | None = None
    cause_at_s: float | None = None
    handshakes: tuple[Handshake, ...] = ()
    lines: tuple[str, ...] = ()
    solved_by_policy: str | None = None

    @property
    def split_brain(self) -> bool:
        """Whether an unresolved split brain is newer than the last connection."""
        return self.cause is Cause.SPLIT_BRAIN

    @property
    def self_was_primary(self) -> bool | None:
        """This side's role at that handshake; None where the lines do not say, or disagree."""
        return _unanimous([bool(h.self_current & 1) for h in self.handshakes])

    @property
    def peer_was_primary(self) -> bool | None:
        """The peer's role at that handshake; None where the lines do not say it for certain."""
        return _unanimous([bool(h.peer_current & 1) for h in self.handshakes])

    @property
    def self_changes_kib(self) -> int | None:
        """KiB that this side changed since the split, of the volumes that were compared.

        A handshake ends at the first volume that is split; the others are not compared.
        """
        return sum(h.self_bits for h in self.handshakes) * 4 if self.handshakes else None

    @property
    def peer_changes_kib(self) -> int | None:
        """KiB that the peer changed since the split, of the volumes that were compared."""
        return sum(h.peer_bits for h in self.handshakes) * 4 if self.handshakes else None


def _unanimous(votes: list[bool]) -> bool | None:
    return votes[0] if votes and all(vote == votes[0] for vote in votes) else None


@dataclass(frozen=True, slots=True)
class Picture:
    """What the table looks at. None: cannot be said for certain.

    The others tell apart only on DRBD 9: `alone` whether no other peer is connected, `diverged`
    whether the two copies differ although the connection calls them in agreement.
    """

    connection: ConnectionState | None
    role: Role | None
    in_use: bool | None
    generation: Generation = Generation.EIGHT
    alone: bool = True
    diverged: bool = False


@dataclass(frozen=True, slots=True)
class Connection:
    """What a DRBD 9 resource shows towards one peer; `devices` are in the order of its volumes.

    `connection` is 8.4's word for the link and its busiest volume together: Connected where the
    replication state is Established, SyncSource while it is that.
    """

    peer: str
    connection: ConnectionState | None
    peer_role: Role | None
    devices: tuple[Device | None, ...]
    evidence: Evidence = Evidence()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource as this node sees it. `doubts` are reasons not to trust the picture.

    On DRBD 9 it has `connections`, and what it says of a connection itself is that of the worst;
    `towards` is the same resource as it looks in one of them. `peer` is that one's name, and on
    8.4 the only peer's where the configuration names it. `alone`: no other peer is connected.
    `several`: there is more than one peer. `suspended` names who holds its I/O up, as
    `StatusResource` does; `without_quorum` whether a volume has lost its quorum.
    """

    name: str
    volumes: tuple[Volume, ...]
    connection: ConnectionState | None
    role: Role | None
    peer_role: Role | None
    claimed: bool = True  # False: a minor that no resource of the configuration claims
    after_sb: AfterSplitBrain = AfterSplitBrain()
    evidence: Evidence = Evidence()
    managed_by: str | None = None
    doubts: tuple[str, ...] = ()
    generation: Generation = Generation.EIGHT
    peer: str | None = None
    connections: tuple[Connection, ...] = ()
    alone: bool = True
    several: bool = False
    suspended: tuple[str, ...] = ()
    without_quorum: bool = False
    force_io_failures: bool = False

    @property
    def each(self) -> tuple[Resource, ...]:
        """The resource towards each peer; itself where it has only one connection to show."""
        if not self.connections:
            return (self,)
        return tuple(self.towards(connection) for connection in self.connections)

    def towards(self, connection: Connection) -> Resource:
        """The same resource as it looks in one of its connections."""
        others = (item for item in self.connections if item is not connection)
        return replace(
            self,
            volumes=tuple(
                replace(volume, device=device)
                for volume, device in zip(self.volumes, connection.devices, strict=True)
            ),
            connection=connection.connection,
            peer_role=connection.peer_role,
            evidence=connection.evidence,
            doubts=(*self.doubts, *connection.doubts),
            peer=connection.peer,
            connections=(),
            alone=not any(other.connection in ESTABLISHED for other in others),
            several=len(self.connections) > 1,
        )

    @property
    def target(self) -> str:
        """What drbdadm is told: RESOURCE, on DRBD 9 RESOURCE:PEER."""
        if self.generation is Generation.EIGHT or self.peer is None:
            return self.name
        return f"{self.name}:{self.peer}"

    @property
    def split_brain(self) -> bool:
        """Whether the kernel log has an unresolved split brain with any peer."""
        return any(item.evidence.split_brain for item in self.each)

    @property
    def in_use(self) -> bool | None:
        """Whether any volume is in use; None where that could not be found out."""
        if any(volume.used_by for volume in self.volumes):
            return True
        return None if any(volume.used_by is None for volume in self.volumes) else False

    @property
    def picture(self) -> Picture:
        """What the table looks at; a doubtful resource has no connection state to act upon."""
        return Picture(
            connection=None if self.doubts else self.connection,
            role=self.role,
            in_use=self.in_use,
            generation=self.generation,
            alone=self.alone,
            diverged=self.generation is Generation.NINE and any(map(_diverged, self.volumes)),
        )

    @property
    def out_of_sync_kib(self) -> int | None:
        """Sum over the volumes; None where one of them does not say."""
        amounts = [v.device.out_of_sync_kib if v.device else None for v in self.volumes]
        known = [amount for amount in amounts if amount is not None]
        return sum(known) if len(known) == len(amounts) else None


_WITHOUT_COPY = frozenset({DiskState.DISKLESS, DiskState.FAILED, DiskState.DETACHING})


def _diverged(volume: Volume) -> bool:
    """Whether the two copies differ, and DRBD is not about to make them equal.

    A side without a copy has none that could differ. Measured on 9.2.12: after `--tentative`, after
    a verify that found something, and where a third node's split brain was "ignored for now".
    """
    device = volume.device
    return (
        device is not None
        and device.connection is ConnectionState.CONNECTED
        and bool(device.out_of_sync_kib)
        and _WITHOUT_COPY.isdisjoint({device.disk, device.peer_disk})
    )


class Source(StrEnum):
    """Where the states were read: in /proc/drbd (8.4), or from drbdsetup (9)."""

    PROC = "proc"
    DRBDSETUP = "drbdsetup"


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything one look at this node gave."""

    proc: ProcDrbd
    resources: tuple[Resource, ...]
    problems: tuple[Problem, ...] = ()
    source: Source = Source.PROC
