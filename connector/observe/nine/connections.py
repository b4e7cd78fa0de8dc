"""The connections of `drbdsetup status`, each in 8.4's words and with its volumes as devices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from connector.model import (
    ConfiguredResource,
    Connection,
    ConnectionState,
    Device,
    PeerDevice,
    ReplicationState,
    StatusConnection,
    StatusDevice,
    StatusResource,
)
from connector.names import why_not_peer
from connector.observe.assemble import ORDER, most_telling

C = ConnectionState


def connections_of(
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
        device_of(devices.get(volume.volume), towards.get(volume.volume), connection, seen)
        for volume in item.volumes
    )


def device_of(
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


def lowest(states: Sequence[ConnectionState | None]) -> ConnectionState | None:
    """The least connected of several states; None where one of them cannot be told."""
    known = [state for state in states if state is not None]
    return min(known, key=ORDER.__getitem__) if known and len(known) == len(states) else None
