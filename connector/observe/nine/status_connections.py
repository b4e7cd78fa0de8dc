"""The connections of a resource in `drbdsetup status --json`, and each volume on them.

What the kernel of DRBD 9 prints for a connection's state are ten words, those of `drbd_conn_str`
in drbd_strings.c (github.com/LINBIT/drbd): WFConnection or SyncSource are not among them.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

from connector.model import ConnectionState, DiskState, ReplicationState, Role
from connector.model.status import PeerDevice, StatusConnection
from connector.observe.minor_block import Problems
from connector.observe.nine import status_json as keys
from connector.observe.nine.status_json import Fields, repeated, volume_or
from connector.observe.nine.status_sync import progress

MAX_CONNECTIONS = 32  # DRBD_PEERS_MAX in drbd_limits.h
MAX_PEER_DEVICES = 1024
MAX_PATHS = 64

C = ConnectionState
_CONNECTION_STATES = {
    state.value: state
    for state in (
        *(C.STANDALONE, C.DISCONNECTING, C.UNCONNECTED, C.TIMEOUT, C.BROKEN_PIPE),
        *(C.NETWORK_FAILURE, C.PROTOCOL_ERROR, C.TEAR_DOWN, C.CONNECTING, C.CONNECTED),
    )
}
_REPLICATION_STATES = {state.value: state for state in ReplicationState}
_PEER_ROLES = {role.value: role for role in Role}
_PEER_DISK_STATES = {state.value: state for state in DiskState}
# resync_susp_str in drbdsetup.c: no, or some of three in this order.
_HOLDERS = ("user", "peer", "dependency")
_RESYNC_SUSPENDED = {
    text: text
    for text in ("no", *(",".join(c) for n in (1, 2, 3) for c in combinations(_HOLDERS, n)))
}
# An unsigned -1 that was halved: the kernel gave no statistics of this peer.
_NO_STATISTICS_KIB = 2**63 - 1


def connections_of(
    resource: Fields, volumes: set[int], problems: Problems
) -> tuple[StatusConnection, ...]:
    """Those of a resource that has these volumes on this node. Raises nothing.

    The resource is doubtful where one had to be left out, because its name cannot be read.
    """
    found = []
    for number, value in enumerate(resource.objects("connections", MAX_CONNECTIONS), 1):
        fields = Fields(value, f"{resource.place}, connection {number} in the list", problems)
        peer = fields.name("name")
        if peer is not None:
            fields.place = f"{resource.place}, connection {peer}"
        required = ("peer-node-id", "name", "connection-state", "peer-role", "peer_devices")
        fields.check(keys.CONNECTION_KEYS, required)
        _check_paths(fields, problems)
        peer_devices = _peer_devices(fields, volumes, problems)
        if peer is None:
            resource.doubtful = True
            continue
        found.append(
            StatusConnection(
                peer=peer,
                peer_node_id=fields.count("peer-node-id"),
                connection=fields.word("connection-state", _CONNECTION_STATES),
                peer_role=fields.word("peer-role", _PEER_ROLES),
                peer_devices=peer_devices,
                doubtful=fields.doubtful,
            )
        )
    peers = repeated(connection.peer for connection in found)
    ids = repeated(item.peer_node_id for item in found if item.peer_node_id is not None)
    for peer in peers:
        resource.doubt(f"connection {peer} is there more than once")
    for node_id in ids:
        resource.doubt(f"peer-node-id {node_id} is there more than once")
    return tuple(
        replace(item, doubtful=True) if item.peer in peers or item.peer_node_id in ids else item
        for item in found
    )


def _check_paths(connection: Fields, problems: Problems) -> None:
    """Nothing is taken from them, but nothing unknown may be in them."""
    for number, value in enumerate(connection.objects("paths", MAX_PATHS), 1):
        path = Fields(value, f"{connection.place}, path {number}", problems)
        path.check(keys.PATH_KEYS, ())
        connection.doubtful |= path.doubtful
        for end in ("this_host", "remote_host"):
            if (found := path.object(end)) is not None:
                address = Fields(found, f"{path.place}, {end}", problems)
                address.check(keys.ADDRESS_KEYS, ())
                connection.doubtful |= address.doubtful


def _peer_devices(
    connection: Fields, volumes: set[int], problems: Problems
) -> tuple[PeerDevice, ...]:
    """One for each volume of the resource."""
    found = []
    for number, value in enumerate(connection.objects("peer_devices", MAX_PEER_DEVICES), 1):
        place = f"{connection.place}, {volume_or(value, f'peer device {number}')}"
        fields = Fields(value, place, problems)
        required = ("volume", "replication-state", "peer-disk-state", "peer-client")
        fields.check(keys.PEER_DEVICE_KEYS, (*required, "resync-suspended", "out-of-sync"))
        volume = fields.count("volume")
        if volume is None:
            connection.doubtful = True
            continue
        found.append(_peer_device(fields, volume))
    told = {item.volume for item in found}
    for volume in sorted(volumes - told):
        connection.doubt(f"nothing is said of volume {volume}")
    for volume in sorted(told - volumes):
        connection.doubt(f"this node has no volume {volume}")
    twice = repeated(item.volume for item in found)
    for volume in twice:
        connection.doubt(f"volume {volume} is there more than once")
    return tuple(replace(item, doubtful=True) if item.volume in twice else item for item in found)


def _peer_device(fields: Fields, volume: int) -> PeerDevice:
    replication = fields.word("replication-state", _REPLICATION_STATES)
    out_of_sync_kib = fields.count("out-of-sync")
    if out_of_sync_kib == _NO_STATISTICS_KIB:
        out_of_sync_kib = None
    return PeerDevice(
        volume=volume,
        replication=replication,
        peer_disk=fields.word("peer-disk-state", _PEER_DISK_STATES),
        client=fields.flag("peer-client") or False,
        resync_suspended=fields.word("resync-suspended", _RESYNC_SUSPENDED) or "unknown",
        out_of_sync_kib=out_of_sync_kib,
        sync=progress(fields, replication, out_of_sync_kib),
        doubtful=fields.doubtful,
    )
