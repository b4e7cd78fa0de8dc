"""What `drbdsetup status --json` says on DRBD 9, typed; None where a word or number is not known.

The keys are those of drbdsetup.c (`resource_status_json`, `device_status_json`,
`connection_status_json`, `peer_device_status_json`) in drbd-utils 9.22 and 9.34.
"""

from __future__ import annotations

from dataclasses import dataclass

from connector.model.proc import Problem, SyncProgress
from connector.model.states import ConnectionState, DiskState, ReplicationState, Role


@dataclass(frozen=True, slots=True)
class PeerDevice:
    """One volume towards one peer. `client`: the peer has no disk on purpose.

    `resync_suspended` is what the kernel prints: "no", or who holds the resync ("user", "peer",
    "dependency"), several with commas.
    """

    volume: int
    replication: ReplicationState | None
    peer_disk: DiskState | None
    client: bool = False
    resync_suspended: str = "no"
    out_of_sync_kib: int | None = None
    sync: SyncProgress | None = None
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class StatusConnection:
    """One connection: the state of the link itself, and each volume on it."""

    peer: str
    peer_node_id: int | None
    connection: ConnectionState | None
    peer_role: Role | None
    peer_devices: tuple[PeerDevice, ...] = ()
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class StatusDevice:
    """One volume on this node. `client`: it has no disk on purpose.

    `open` is None where this drbdsetup does not tell it (before 9.28), and False is no proof: a
    kernel that does not tell looks closed. `quorum` is None where it is not said.
    `written_kib` counts from when the volume came up, as `dw` of 8.4's /proc/drbd does.
    """

    volume: int
    minor: int
    disk: DiskState | None
    client: bool = False
    open: bool | None = None
    quorum: bool | None = None
    written_kib: int | None = None
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class StatusResource:
    """One resource that is up. `suspended` names who holds its I/O: user, no-data, fencing, quorum.

    A resource whose I/O is suspended for a reason without a name has the word "unknown" there.
    """

    name: str
    node_id: int | None
    role: Role | None
    devices: tuple[StatusDevice, ...] = ()
    connections: tuple[StatusConnection, ...] = ()
    suspended: tuple[str, ...] = ()
    force_io_failures: bool = False
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class DrbdsetupStatus:
    """All resources in the order printed, and what could not be read for certain."""

    resources: tuple[StatusResource, ...] = ()
    problems: tuple[Problem, ...] = ()
