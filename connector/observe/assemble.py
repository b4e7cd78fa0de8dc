"""From minors to resources: /proc/drbd repeats a resource's connection and role for each minor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from connector.model import (
    ESTABLISHED,
    ConfiguredResource,
    ConfiguredVolume,
    ConnectionState,
    Device,
    ProcDrbd,
    Resource,
    Use,
    Volume,
)
from connector.names import why_not

# From Connected up each volume has its own state, below it all share one (drbd_state.c
# `conn_lowest_conn`); of several that differ the lowest speaks for the resource.
ORDER = {state: number for number, state in enumerate(ConnectionState)}
_RESTING = frozenset(
    {ConnectionState.UNCONFIGURED, ConnectionState.STANDALONE, ConnectionState.WF_CONNECTION}
)

UsedBy = Mapping[int, tuple[Use, ...] | None]


def resources_of(
    proc: ProcDrbd, configured: Sequence[ConfiguredResource], used_by: UsedBy
) -> tuple[Resource, ...]:
    """The configured resources in their order, then minors that none of them claims.

    A minor that nobody claims is named `minor N` and never acted upon; where it is Unconfigured
    there is nothing to say of it (DRBD 0.7 lists every minor that could exist).
    """
    devices = {device.minor: device for device in proc.devices}
    resources = [_resource(item, devices, used_by) for item in configured]
    claimed = {volume.minor for item in configured for volume in item.volumes}
    for device in proc.devices:
        if device.minor in claimed or device.connection is ConnectionState.UNCONFIGURED:
            continue
        alone = ConfiguredResource(f"minor {device.minor}", (ConfiguredVolume(0, device.minor),))
        resources.append(_resource(alone, devices, used_by, claimed=False))
    return tuple(resources)


def connection_of(proc: ProcDrbd, minors: Iterable[int]) -> ConnectionState | None:
    """The connection of the resource that has these minors; None where it is doubtful."""
    devices = {device.minor: device for device in proc.devices}
    connection, doubts = _connection(
        [Volume(number, minor, devices.get(minor), ()) for number, minor in enumerate(minors)]
    )
    return None if doubts else connection


def _resource(
    item: ConfiguredResource,
    devices: Mapping[int, Device],
    used_by: UsedBy,
    *,
    claimed: bool = True,
) -> Resource:
    volumes = tuple(
        Volume(v.volume, v.minor, devices.get(v.minor), used_by.get(v.minor)) for v in item.volumes
    )
    present = [volume.device for volume in volumes if volume.device is not None]
    connection, doubts = _connection(volumes)
    roles = {device.role for device in present}
    peer_roles = {device.peer_role for device in present}
    if len(roles) > 1:
        doubts.append("its volumes do not agree on the role")
    if not claimed:
        doubts.append(f"no resource of the configuration claims {item.name}")
    elif reason := why_not(item.name):
        doubts.append(reason)
    return Resource(
        name=item.name,
        volumes=volumes,
        connection=connection,
        role=roles.pop() if len(roles) == 1 else None,
        peer_role=peer_roles.pop() if len(peer_roles) == 1 else None,
        claimed=claimed,
        after_sb=item.after_sb,
        doubts=tuple(doubts),
        peer=item.peers[0] if len(item.peers) == 1 else None,
    )


def _connection(volumes: Iterable[Volume]) -> tuple[ConnectionState | None, list[str]]:
    """The connection that holds for all volumes, and why it may not be trusted."""
    doubts: list[str] = []
    states: list[ConnectionState] = []
    for volume in volumes:
        device = volume.device
        if device is None:
            doubts.append(f"minor {volume.minor} is not in /proc/drbd: the resource is not up")
        elif device.doubtful or device.connection is None:
            doubts.append(f"the lines of minor {volume.minor} in /proc/drbd cannot be read")
        elif device.connection is ConnectionState.UNCONFIGURED:
            doubts.append(f"minor {volume.minor} is Unconfigured: down, or its disk is detached")
            states.append(device.connection)
        else:
            states.append(device.connection)
    if not states:
        return None, doubts
    lowest = min(states, key=ORDER.__getitem__)
    if all(state in ESTABLISHED for state in states):
        return most_telling(states), doubts
    if len(set(states)) > 1:
        moving = [state for state in states if state not in ESTABLISHED | _RESTING]
        if doubts or not moving:
            return lowest, doubts or ["its volumes do not agree on the connection"]
        # The file is not written in one moment: while a state changes its blocks may differ.
        return min(moving, key=ORDER.__getitem__), doubts
    return lowest, doubts


def most_telling(states: Sequence[ConnectionState]) -> ConnectionState:
    """Of states from Connected up: a running resync before a verify before plain Connected."""
    quiet = (ConnectionState.CONNECTED, ConnectionState.VERIFY_S, ConnectionState.VERIFY_T)
    busy = [state for state in states if state not in quiet]
    verifying = [state for state in states if state is not ConnectionState.CONNECTED]
    return (busy or verifying or list(states))[0]
