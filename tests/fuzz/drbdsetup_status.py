"""drbdsetup's status: what is certain stands in the JSON, and what is no problem is all of it."""

from __future__ import annotations

import json
import os
from pathlib import Path

from connector.model import (
    ConnectionState,
    DiskState,
    PeerDevice,
    ReplicationState,
    Role,
    StatusConnection,
    StatusDevice,
    StatusResource,
)
from connector.observe.minor_block import MAX_PROBLEMS
from connector.observe.nine.status import parse
from tests.fuzz.entry import Entry, fixtures, is_one_line

_LONGEST_MESSAGE = 1000
_SITUATIONS = (
    *("2n-connected-healthy", "2n-no-resources", "2n-quorum-lost-suspended"),
    *("2n-resync-paused", "2n-resync-running", "2n-split-brain-both-in-use"),
    *("2n-two-resources-one-split", "2n-two-volumes-one-diverged", "2n-verify-running"),
    *("2n-mounted-read-only-disconnected", "3n-diskless-client-mounted"),
)


def run(data: bytes, _folder: Path) -> None:
    """Parse it, and look up in the JSON whatever was taken for certain."""
    text = os.fsdecode(data)
    found = parse(text)
    assert len(found.problems) <= MAX_PROBLEMS + 1
    for problem in found.problems:
        assert is_one_line(problem.message)
        assert len(problem.message) < _LONGEST_MESSAGE
    if not found.problems:
        assert [item.name for item in found.resources] == [item["name"] for item in _read(text)]
    if found.resources:
        read = _read(text)
        for resource in found.resources:
            assert found.problems or not resource.doubtful
            assert resource.doubtful or any(_says_resource(item, resource) for item in read)


def _read(text: str) -> list[dict[str, object]]:
    value = json.loads(text)
    return [item for item in value if isinstance(item, dict)]


def _inner(item: dict[str, object], key: str) -> list[dict[str, object]]:
    value = item.get(key)
    return [inner for inner in value if isinstance(inner, dict)] if isinstance(value, list) else []


def _says_resource(item: dict[str, object], resource: StatusResource) -> bool:
    """Whether this is the object of it, and says of all that is certain in it what it says."""
    said = (item.get("name"), item.get("role"), item.get("suspended"))
    if said != (resource.name, resource.role, bool(resource.suspended)):
        return False
    devices, connections = _inner(item, "devices"), _inner(item, "connections")
    return all(
        device.doubtful or any(_says_device(i, device) for i in devices)
        for device in resource.devices
    ) and all(
        connection.doubtful or any(_says_connection(i, connection) for i in connections)
        for connection in resource.connections
    )


def _says_device(item: dict[str, object], device: StatusDevice) -> bool:
    assert device.disk not in (None, DiskState.DUNKNOWN)
    said = (item.get("volume"), item.get("minor"), item.get("disk-state"), item.get("client"))
    return said == (device.volume, device.minor, device.disk, device.client)


def _says_connection(item: dict[str, object], connection: StatusConnection) -> bool:
    assert connection.connection is not None
    said = (item.get("name"), item.get("connection-state"), item.get("peer-role"))
    return said == (connection.peer, connection.connection, connection.peer_role) and all(
        peer.doubtful or any(_says_peer(i, peer) for i in _inner(item, "peer_devices"))
        for peer in connection.peer_devices
    )


def _says_peer(item: dict[str, object], peer: PeerDevice) -> bool:
    assert peer.replication is not None
    said = (item.get("volume"), item.get("replication-state"), item.get("peer-disk-state"))
    return said == (peer.volume, peer.replication, peer.peer_disk) and (
        peer.out_of_sync_kib is None or item.get("out-of-sync") == peer.out_of_sync_kib
    )


DRBDSETUP_STATUS = Entry(
    "drbdsetup_status",
    run,
    lambda: fixtures(
        *(f"drbd-9/{situation}/*/drbdsetup_status*.json" for situation in _SITUATIONS)
    ),
    words=(
        *(f'"connection-state": "{state}"' for state in ConnectionState),
        *(f'"replication-state": "{state}"' for state in ReplicationState),
        *(f'"disk-state": "{state}"' for state in DiskState),
        *(f'"peer-role": "{role}"' for role in Role),
        *('"name": "', '"volume": 0', '"minor": 0', '"open": true', '"quorum": false', "null"),
        *('"peer_devices": [', '"connections": [', '"devices": [', '"paths": [', "NaN", "1e999"),
        *('"suspended": true', '"suspended-quorum": true', '"out-of-sync": 4', "\\ud800"),
        *('"rs-total": 8', '"ov-left": 8', '"percent-resync-done": -1.5', "18446744073709551615"),
        *('"estimated-seconds-to-finish": 987654321', '"resync-suspended": "user,peer"'),
    ),
)
