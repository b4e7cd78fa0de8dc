"""`drbdsetup status --json --verbose --statistics`, byte for byte as drbd-utils print it.

drbd-utils user/v9/drbdsetup.c (`resource_status_json` and its likes) of 9.22; since 9.28 there are
`open`, `tls` and `paths` as well. Counters that the simulation does not keep are 0.
"""

from __future__ import annotations

from collections.abc import Sequence

from connector.model import ConnectionState, ReplicationState
from connector.simulate.nine.configuration import address, node_id, port
from connector.simulate.nine.power import DEVICE_KIB
from connector.simulate.nine.resync import left
from connector.simulate.nine.state import ClusterState, PeerVolume, ResourceSide, VolumeSide
from connector.simulate.state import KIB_PER_BLOCK

R = ReplicationState
_DETAILS = frozenset(
    {
        R.SYNC_SOURCE,
        R.SYNC_TARGET,
        R.PAUSED_SYNC_S,
        R.PAUSED_SYNC_T,
        R.VERIFY_S,
        R.VERIFY_T,
    }
)
_VERIFYING = frozenset({R.VERIFY_S, R.VERIFY_T})
Pairs = list[tuple[str, str]]


def status_json(
    state: ClusterState, node: str, only: str | None = None, *, newer: bool = False
) -> str:
    """All resources of a node that are up, or one; `newer` as drbd-utils 9.34 print them."""
    sides = [
        side
        for name, side in sorted(state.nodes[node].resources.items())
        if side.up and only in (None, name)
    ]
    whole = "\n,\n".join(_resource(state, node, side, newer=newer) for side in sides)
    return f"[\n{whole}\n]\n\n" if sides else "[\n]\n\n"


def _resource(state: ClusterState, node: str, side: ResourceSide, *, newer: bool) -> str:
    clients_only = all(volume.client for volume in side.volumes)
    reasons = ("user", "no-data", "fencing", "quorum")
    pairs = [
        ("name", f'"{side.name}"'),
        ("node-id", str(node_id(node))),
        ("role", f'"{side.role}"'),
        ("suspended", _bool(bool(side.suspended))),
        *((f"suspended-{reason}", _bool(reason in side.suspended)) for reason in reasons),
        ("force-io-failures", _bool(side.force_io_failures)),
        ("write-ordering", '"none"' if clients_only else '"flush"'),
    ]
    text = "{\n" + "".join(f'  "{key}": {value},\n' for key, value in pairs)
    text += _list("devices", [_device(volume, newer=newer) for volume in side.volumes], 2) + ",\n"
    peers = sorted(side.connections, key=node_id)
    links = [_connection(state, node, side, peer, newer=newer) for peer in peers]
    return text + _list("connections", links, 2) + "\n}"


def _device(volume: VolumeSide, *, newer: bool) -> str:
    pairs = [
        ("volume", str(volume.volume)),
        ("minor", str(volume.minor)),
        ("disk-state", f'"{volume.disk}"'),
        ("client", _bool(volume.client)),
        *([("open", _bool(bool(volume.openers)))] if newer else []),
        ("quorum", _bool(volume.quorum)),
        ("size", str(DEVICE_KIB)),
        ("read", "0"),
        ("written", str(len(volume.blocks) * KIB_PER_BLOCK)),
        *((key, "0") for key in ("al-writes", "bm-writes", "upper-pending", "lower-pending")),
    ]
    return _object(pairs, 6)


def _connection(
    state: ClusterState, node: str, side: ResourceSide, peer: str, *, newer: bool
) -> str:
    link = side.connections[peer]
    # drbdsetup has a blank after this comma.
    head: Pairs = [
        ("peer-node-id", str(node_id(peer))),
        ("name", f'"{peer}"'),
        ("connection-state", f'"{link.connection}"'),
        ("congested", "false"),
        ("peer-role", f'"{link.peer_role}"'),
        *([("tls", "false")] if newer else []),
        ("ap-in-flight", "0"),
        ("rs-in-flight", "0"),
    ]
    text = _object(head, 6, end="").replace(
        f'"connection-state": "{link.connection}",', f'"connection-state": "{link.connection}", '
    )
    if newer:
        established = link.connection is ConnectionState.CONNECTED
        path = _path(state, side.name, node, peer, established=established)
        text += ",\n" + _list("paths", [path], 6)
    devices = [_peer_device(state, node, side, volume, peer) for volume in side.volumes]
    return text + ",\n" + _list("peer_devices", devices, 6) + "\n    }"


def _path(state: ClusterState, resource: str, node: str, peer: str, *, established: bool) -> str:
    number = str(port(state.resources, resource))
    hosts = [
        f'          "{key}": '
        + _object(
            [
                ("address", f'"{address(one, other)}"'),
                ("port", number),
                ("family", '"ipv4"'),
            ],
            12,
            first="",
            last=" " * 10,
        )
        for key, one, other in (("this_host", node, peer), ("remote_host", peer, node))
    ]
    end = f'          "established": {_bool(established)}\n        }}'
    return "        {\n" + ",\n".join([*hosts, end])


def _peer_device(
    state: ClusterState, node: str, side: ResourceSide, volume: VolumeSide, peer: str
) -> str:
    towards = volume.peers[peer]
    peer_client = peer in state.configured(side.name).clients
    out_of_sync = _out_of_sync_kib(state, side.name, node, peer, towards)
    details, verifying = towards.replication in _DETAILS, towards.replication in _VERIFYING
    pairs = [
        ("volume", str(volume.volume)),
        ("replication-state", f'"{towards.replication}"'),
        ("peer-disk-state", f'"{towards.peer_disk}"'),
        ("peer-client", _bool(peer_client)),
        ("resync-suspended", f'"{_reasons(towards.resync_suspended)}"'),
        ("received", "0"),
        ("sent", "0"),
        ("out-of-sync", str(out_of_sync)),
        ("pending", "0"),
        ("unacked", "0"),
        ("has-sync-details", _bool(details)),
        ("has-online-verify-details", _bool(verifying)),
        ("percent-in-sync", f"{100 - 100 * out_of_sync / DEVICE_KIB:.2f}"),
        *(_sync_details(towards, out_of_sync, verifying=verifying) if details else ()),
    ]
    return _object(pairs, 10)


def _out_of_sync_kib(
    state: ClusterState, resource: str, node: str, peer: str, towards: PeerVolume
) -> int:
    blocks = len(towards.changed)
    if towards.replication in (R.SYNC_SOURCE, R.SYNC_TARGET):
        blocks = left(state, resource, (node, peer), blocks)
    return blocks * KIB_PER_BLOCK


def _sync_details(towards: PeerVolume, out_of_sync: int, *, verifying: bool) -> Pairs:
    """A resync's progress; a verify is shown at its beginning."""
    sectors = DEVICE_KIB * 2 if verifying else towards.resync_total * KIB_PER_BLOCK * 2
    todo = sectors if verifying else out_of_sync * 2
    done = 100 * (sectors - todo) / sectors if sectors else 100.0
    times = ("rs-dt-start-ms", "rs-paused-ms", "rs-dt0-ms", "rs-db0-sectors", "rs-dt1-ms")
    pairs = [("rs-total", str(sectors)), *((key, "0") for key in (*times, "rs-db1-sectors"))]
    if verifying:
        pairs += [
            ("ov-start-sector", "0"),
            ("ov-stop-sector", "-1"),
            ("ov-position", str(sectors - todo)),
            ("ov-left", str(todo)),
            ("ov-skipped", "0"),
        ]
    else:
        pairs += [("rs-failed", "0"), ("rs-same-csum", "0")]
    speeds = ("want", "db0/dt0 [MiB/s]", "db1/dt1 [MiB/s]")
    pairs += [(key, "0.00") for key in speeds]
    pairs += [("estimated-seconds-to-finish", "1"), ("db/dt [MiB/s]", "0.00")]
    return [*pairs, ("percent-resync-done", f"{done:.2f}")]


def _reasons(suspended: str) -> str:
    return "dependency" if suspended == "connection dependency" else suspended


def _object(
    pairs: Sequence[tuple[str, str]],
    blanks: int,
    *,
    first: str | None = None,
    last: str | None = None,
    end: str = "\n",
) -> str:
    outer = " " * (blanks - 2)
    lines = ",\n".join(f'{" " * blanks}"{key}": {value}' for key, value in pairs)
    opening = outer if first is None else first
    closing = f"{outer if last is None else last}}}" if end else ""
    return f"{opening}{{\n{lines}{end}{closing}"


def _list(key: str, items: Sequence[str], blanks: int) -> str:
    return f'{" " * blanks}"{key}": [\n' + ",\n".join(items) + " ]"


def _bool(value: bool) -> str:
    return "true" if value else "false"
