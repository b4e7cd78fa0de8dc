"""Builders of DRBD 9 pictures for tests: a resource with any number of connections."""

from __future__ import annotations

from collections.abc import Sequence

from connector.model import (
    AfterSplitBrain,
    Cause,
    Connection,
    ConnectionState,
    Device,
    DiskState,
    Evidence,
    Generation,
    Handshake,
    Resource,
    Role,
    Use,
    UseKind,
    Volume,
)
from connector.observe.nine.assemble import with_worst

C = ConnectionState
_UP = frozenset({C.CONNECTED, C.SYNC_SOURCE, C.SYNC_TARGET})
_NOTHING = Evidence()
_NO_POLICY = AfterSplitBrain()


def split(*, here: bool = False, peer: bool = True) -> Evidence:
    """An unresolved split brain, whose handshake showed each side as Primary or not."""
    shown = Handshake(0, 0x4F98 | here, 0x4F96 | peer, 9, 5, 0x120, 0x1120)
    return Evidence(cause=Cause.SPLIT_BRAIN, cause_at_s=100.0, handshakes=(shown,))


def connection(
    peer: str = "beta",
    state: ConnectionState | None = C.CONNECTED,
    *,
    role: Role = Role.SECONDARY,
    peer_role: Role | None = None,
    disk: DiskState = DiskState.UP_TO_DATE,
    peer_disk: DiskState | None = None,
    out_of_sync_kib: int = 0,
    evidence: Evidence = _NOTHING,
    doubts: Sequence[str] = (),
) -> Connection:
    """Towards one peer, with one volume; a peer that is away is Unknown, else Secondary."""
    up = state in _UP
    peer_role = peer_role or (Role.SECONDARY if up else Role.UNKNOWN)
    peer_disk = peer_disk or (DiskState.UP_TO_DATE if up else DiskState.DUNKNOWN)
    device = Device(
        minor=0,
        connection=state,
        role=role,
        peer_role=peer_role,
        disk=disk,
        peer_disk=peer_disk,
        statistics={"oos": out_of_sync_kib},
    )
    return Connection(peer, state, peer_role, (device,), evidence, tuple(doubts))


def resource(
    *connections: Connection,
    role: Role = Role.SECONDARY,
    in_use: bool = False,
    after_sb: AfterSplitBrain = _NO_POLICY,
    suspended: Sequence[str] = (),
) -> Resource:
    """A resource `mail` with these connections; the devices' role is what they were given."""
    used_by = (Use(UseKind.MOUNT, "/mnt/mail"),) if in_use else ()
    return with_worst(
        Resource(
            name="mail",
            volumes=(Volume(0, 0, None, used_by),),
            connection=None,
            role=role,
            peer_role=None,
            after_sb=after_sb,
            generation=Generation.NINE,
            connections=connections,
            suspended=tuple(suspended),
        )
    )
