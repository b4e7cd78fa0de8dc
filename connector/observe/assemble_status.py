"""From `drbdsetup status` to resources: on DRBD 9 a connection belongs to a peer.

The words become 8.4's, which the table speaks: a connection that is up is as far as its busiest
volume, so Connected with the replication state SyncSource is SyncSource (drbd-utils for 8.4 put the
same words the other way about, user/v84/drbdsetup.c).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from connector.model import (
    ConfiguredResource,
    ConfiguredVolume,
    Connection,
    ConnectionState,
    Device,
    DrbdsetupStatus,
    Generation,
    PeerDevice,
    ReplicationState,
    Resource,
    StatusConnection,
    StatusDevice,
    StatusResource,
    Volume,
)
from connector.names import why_not, why_not_peer
from connector.observe.assemble import ORDER, UsedBy, most_telling

C = ConnectionState


def resources_of_status(
    status: DrbdsetupStatus, configured: Sequence[ConfiguredResource], used_by: UsedBy
) -> tuple[Resource, ...]:
    """The configured resources in their order, then those that the configuration does not have.

    The latter are never acted upon; neither are peers that it does not name.
    """
    up = {item.name: item for item in status.resources}
    found = [_resource(item, up.get(item.name), used_by) for item in configured]
    known = {item.name for item in configured}
    found += [
        _resource(_as_it_is(item), item, used_by, claimed=False)
        for item in status.resources
        if item.name not in known
    ]
    return tuple(found)


def _as_it_is(seen: StatusResource) -> ConfiguredResource:
    """A resource that only the kernel has, as if the configuration had it."""
    volumes = tuple(ConfiguredVolume(item.volume, item.minor) for item in seen.devices)
    return ConfiguredResource(seen.name, volumes)


def _resource(
    item: ConfiguredResource,
    seen: StatusResource | None,
    used_by: UsedBy,
    *,
    claimed: bool = True,
) -> Resource:
    doubts = list(_doubts(item, seen, claimed=claimed))
    volumes = tuple(Volume(v.volume, v.minor, None, used_by.get(v.minor, ())) for v in item.volumes)
    if seen is None:
        return Resource(
            item.name,
            volumes,
            None,
            None,
            None,
            after_sb=item.after_sb,
            doubts=tuple(doubts),
            generation=Generation.NINE,
            peer=item.peers[0] if len(item.peers) == 1 else None,
        )
    connections = tuple(_connections(item, seen, claimed=claimed))
    if not connections:
        doubts.append("it has no connection to any peer")
    resource = Resource(
        name=item.name,
        volumes=volumes,
        connection=None,
        role=seen.role,
        peer_role=None,
        claimed=claimed,
        after_sb=item.after_sb,
        doubts=tuple(doubts),
        generation=Generation.NINE,
        peer=item.peers[0] if len(item.peers) == 1 else None,
        connections=connections,
        suspended=seen.suspended,
        without_quorum=any(device.quorum is False for device in seen.devices),
        force_io_failures=seen.force_io_failures,
    )
    return with_worst(resource) if connections else _unconnected(resource, seen)


def with_worst(resource: Resource) -> Resource:
    """The same, with what its worst connection shows where it speaks for itself."""
    worst = min(resource.each, key=_badness)
    return replace(
        resource,
        volumes=worst.volumes,
        connection=worst.picture.connection,
        peer_role=worst.peer_role,
        evidence=worst.evidence,
        peer=worst.peer,
    )


def lowest(states: Sequence[ConnectionState | None]) -> ConnectionState | None:
    """The least connected of several states; None where one of them cannot be told."""
    known = [state for state in states if state is not None]
    return min(known, key=ORDER.__getitem__) if known and len(known) == len(states) else None


def _badness(resource: Resource) -> tuple[bool, bool, int, bool]:
    """What makes a connection worse than another, the worst lowest."""
    state = resource.picture.connection
    place = -1 if state is None else ORDER[state]
    return (
        state is not None,
        state in _UP and not resource.picture.diverged,
        place,
        not resource.evidence.split_brain,
    )


_UP = frozenset({C.CONNECTED})


def _doubts(
    item: ConfiguredResource, seen: StatusResource | None, *, claimed: bool
) -> Iterable[str]:
    """Why nothing is to be done to the resource as a whole."""
    if seen is None:
        yield f"drbdsetup does not show {item.name}: the resource is not up"
        return
    if not claimed:
        yield f"no resource of the configuration is called {item.name}"
    elif reason := why_not(item.name):
        yield reason
    if seen.doubtful or seen.role is None or any(device.doubtful for device in seen.devices):
        yield f"what drbdsetup says of {item.name} cannot be read for certain"
    shown = {device.volume: device.minor for device in seen.devices}
    if shown != {volume.volume: volume.minor for volume in item.volumes}:
        yield "its volumes and minors are not those of the configuration"


def _connections(
    item: ConfiguredResource, seen: StatusResource, *, claimed: bool
) -> Iterable[Connection]:
    """Towards each peer that the kernel shows, then those that only the configuration has."""
    devices = {device.volume: device for device in seen.devices}
    for connection in seen.connections:
        doubts = list(_connection_doubts(item, connection, claimed=claimed))
        state, why = state_of(connection)
        yield Connection(
            peer=connection.peer,
            connection=state,
            peer_role=connection.peer_role,
            devices=_devices(item, devices, connection, seen),
            doubts=(*doubts, *([why] if why else [])),
        )
    shown = {connection.peer for connection in seen.connections}
    for peer in item.peers:
        if peer not in shown and seen.connections:
            problem = f"it has no connection to {peer}, which the configuration names"
            nothing = _devices(item, devices, None, seen)
            yield Connection(peer, None, None, nothing, doubts=(problem,))


def _connection_doubts(
    item: ConfiguredResource, connection: StatusConnection, *, claimed: bool
) -> Iterable[str]:
    if connection.doubtful or any(device.doubtful for device in connection.peer_devices):
        yield f"what drbdsetup says of {connection.peer} cannot be read for certain"
    if claimed and item.peers and connection.peer not in item.peers:
        yield f"the configuration does not name the peer {connection.peer}"
    elif reason := why_not_peer(connection.peer):
        yield reason


def state_of(connection: StatusConnection) -> tuple[ConnectionState | None, str | None]:
    """8.4's word for a connection and its volumes, or why there is none."""
    if connection.connection is not C.CONNECTED:
        return connection.connection, None
    replication = [device.replication for device in connection.peer_devices]
    if not replication or None in replication:
        problem = f"the replication to {connection.peer} cannot be told"
        return None, problem
    if ReplicationState.OFF in replication:
        # Connected, and not yet agreed on every volume.
        return C.WF_REPORT_PARAMS, None
    return most_telling([_as_connection(state) for state in replication]), None


def _as_connection(state: ReplicationState | None) -> ConnectionState:
    return C.CONNECTED if state is ReplicationState.ESTABLISHED else C(str(state))


def _devices(
    item: ConfiguredResource,
    devices: Mapping[int, StatusDevice],
    connection: StatusConnection | None,
    seen: StatusResource,
) -> tuple[Device | None, ...]:
    """Each volume as it looks towards one peer; None where the kernel has no such volume."""
    towards = {device.volume: device for device in connection.peer_devices} if connection else {}
    return tuple(
        _device(devices.get(volume.volume), towards.get(volume.volume), connection, seen)
        for volume in item.volumes
    )


def _device(
    own: StatusDevice | None,
    towards: PeerDevice | None,
    connection: StatusConnection | None,
    seen: StatusResource,
) -> Device | None:
    if own is None:
        return None
    state = connection.connection if connection else None
    if state is C.CONNECTED:
        state = None if towards is None else _of_volume(towards)
    amounts = {
        "dw": own.written_kib,
        "oos": towards.out_of_sync_kib if towards else None,
    }
    return Device(
        minor=own.minor,
        connection=state,
        role=seen.role,
        peer_role=connection.peer_role if connection else None,
        disk=own.disk,
        peer_disk=towards.peer_disk if towards else None,
        statistics={key: amount for key, amount in amounts.items() if amount is not None},
        sync=towards.sync if towards else None,
        doubtful=own.doubtful or (towards is not None and towards.doubtful),
        client=own.client,
        peer_client=towards.client if towards else False,
    )


def _of_volume(towards: PeerDevice) -> ConnectionState | None:
    if towards.replication is None:
        return None
    if towards.replication is ReplicationState.OFF:
        return C.WF_REPORT_PARAMS
    return _as_connection(towards.replication)


def _unconnected(resource: Resource, seen: StatusResource) -> Resource:
    """A resource without any connection: its disks are there all the same."""
    shown = {device.volume: _device(device, None, None, seen) for device in seen.devices}
    volumes = (replace(item, device=shown.get(item.volume)) for item in resource.volumes)
    return replace(resource, volumes=tuple(volumes))
