"""A node crashes, and comes up again with what its disks hold.

Kernel sources: drbd_nl.c (`drbd_adm_attach`), drbd_actlog.c (`drbd_al_read_log`), drbd_main.c
(`drbd_init`).
"""

from __future__ import annotations

from collections.abc import Sequence

from connector.model import ConnectionState, DiskState, Role
from connector.simulate.configuration import NODES, SimulatedResource
from connector.simulate.connection import (
    NOTICE_LOSS,
    PING_TIMEOUT_S,
    arrange,
    connect,
    look_for_peer,
)
from connector.simulate.identifiers import JUST_CREATED, Identifiers
from connector.simulate.kernel_log import KernelLog
from connector.simulate.state import (
    KIB_PER_BLOCK,
    NodeState,
    PairState,
    Refused,
    ResourceSide,
    VolumeSide,
    connected,
)

# The nodes of the captures, 0.6 s apart; the pair is healthy at this time of theirs.
_BOOTED_S = {"alpha": 0.0, "beta": 0.6}
_HEALTHY_AT_S = 36.0
_DEVICE_BITS = 3062
_DEVICE_KIB = 12_248


def healthy_pair(resources: Sequence[SimulatedResource], seed: int) -> PairState:
    """Both nodes up and connected, everything in sync, alpha Primary of all."""
    nodes = {name: NodeState(name, booted_s=_BOOTED_S[name]) for name in NODES}
    state = PairState(tuple(resources), seed, 0.0, nodes)
    for resource in resources:
        for node in nodes.values():
            volumes = [VolumeSide(n, minor) for n, minor in enumerate(resource.minors)]
            node.resources[resource.name] = ResourceSide(resource.name, volumes)
    state.now_s = 5.0
    for node in nodes.values():
        _start_driver(state, node)
    for resource in resources:
        for number in range(len(resource.minors)):
            current, sync = state.fresh_identifier(), state.fresh_identifier()
            for node in nodes.values():
                volume = node.resources[resource.name].volumes[number]
                # What the first sync leaves behind: alpha was its source, beta its target.
                history = sync if node.name == NODES[0] else sync & ~1
                volume.identifiers = Identifiers(current & ~1, 0, history, JUST_CREATED)
    for node in nodes.values():
        _attach_and_connect(state, node, connecting=True)
    state.now_s = _HEALTHY_AT_S
    return state


def crash(state: PairState, name: str) -> None:
    """The power is gone; the peer will notice."""
    node = state.nodes[name]
    for resource in node.resources:
        talking = connected(state.side(name, resource).connection) or (
            state.side(name, resource).connection is ConnectionState.WF_REPORT_PARAMS
        )
        state.steps.pop(resource, None)
        if talking and state.peer_of(name).up:
            arrange(state, resource, NOTICE_LOSS, PING_TIMEOUT_S)
    node.up = False
    node.mounts.clear()
    for volume in node.volumes():
        if volume.primary:
            volume.crashed_primary = True
            # What the activity log covers is taken as changed: extents of 4 MiB, here the device.
            volume.changed |= set(volume.blocks)
        volume.role, volume.peer_role = Role.SECONDARY, Role.UNKNOWN
        volume.peer_disk = DiskState.DUNKNOWN
        volume.connection = ConnectionState.STANDALONE
        volume.mount_points.clear()
        volume.swap, volume.holders, volume.resync_bits = False, [], 0
    for side in node.resources.values():
        side.discard_my_data = side.discarding = False


def boot(state: PairState, name: str, *, connecting: bool) -> None:
    """Up again with a new kernel log; DRBD attaches its disks and, if told so, connects."""
    node = state.nodes[name]
    if node.up:
        raise Refused(f"{name} is up")
    node.up, node.boots, node.booted_s = True, node.boots + 1, state.now_s - 5.0
    node.log, node.next_pid = [], 181
    _start_driver(state, node)
    _attach_and_connect(state, node, connecting=connecting)


def _start_driver(state: PairState, node: NodeState) -> None:
    log = KernelLog(state, node.name)
    log.say("drbd: initialized. Version: 8.4.11 (api:1/proto:86-101)")
    log.say("drbd: srcversion: F73C670A7EC572DB9CF3E5B ")
    log.say("drbd: registered as block device major 147")


def _attach_and_connect(state: PairState, node: NodeState, *, connecting: bool) -> None:
    log = KernelLog(state, node.name)
    for side in node.resources.values():
        log.connection(side.name, f"Starting worker thread (from drbdsetup-84 [{node.next_pid}])")
        for volume in side.volumes:
            _attach(log, side.name, volume)
    for side in node.resources.values():
        if connecting:
            connect(state, node.name, side.name)
        look_for_peer(state, side.name)


def _attach(log: KernelLog, resource: str, volume: VolumeSide) -> None:
    bits, minor = len(volume.changed), volume.minor
    out_of_sync = f"{bits * KIB_PER_BLOCK} KB ({bits} bits) marked out-of-sync by on disk bit-map."
    log.device(minor, "disk( Diskless -> Attaching ) ")
    log.connection(resource, "Method to ensure write ordering: flush")
    log.device(minor, "max BIO size = 4096")
    log.device(minor, f"drbd_bm_resize called with capacity == {_DEVICE_KIB * 2}")
    log.device(minor, f"resync bitmap: bits={_DEVICE_BITS} words=48 pages=1")
    log.say(f"drbd{minor}: detected capacity change from 0 to {_DEVICE_KIB * 2}")
    log.device(minor, f"size = 12 MB ({_DEVICE_KIB} KB)")
    log.device(minor, "recounting of set bits took additional 0 jiffies")
    log.device(minor, out_of_sync)
    log.device(minor, f"disk( Attaching -> {volume.disk} ) ")
    log.device(minor, f"attached to UUIDs {volume.identifiers}")
    # `drbd_adm_attach`: only then the bit of a Primary that crashed follows its role of now.
    volume.identifiers.mark_role(primary=False)
