"""Nodes, resources and disks come and go.

Kernel sources: drbd_nl.c (`drbd_adm_attach`, `drbd_adm_detach`, `adm_down_resource`),
drbd_actlog.c (`drbd_al_initialize`).
"""

from __future__ import annotations

from connector.model import ConnectionState, DiskState, Role
from connector.simulate.nine import resync
from connector.simulate.nine.agreement import Agreement
from connector.simulate.nine.configuration import ClusterResource, node_id
from connector.simulate.nine.connection import connect
from connector.simulate.nine.kernel_log import KernelLog
from connector.simulate.nine.pacing import NOTICE, NOTICE_S, arrange, forget
from connector.simulate.nine.parting import disconnect
from connector.simulate.nine.role import NO_UP_TO_DATE_DISK, StateRefusal, demote, held_open
from connector.simulate.nine.standing import add_quorum, tell_disk
from connector.simulate.nine.state import (
    ClusterState,
    ConnectionSide,
    NodeState,
    PeerVolume,
    ResourceSide,
    Step,
    VolumeSide,
)
from connector.simulate.state import Refused

C = ConnectionState
DEVICE_KIB = 24_536
_KERNEL_TO_UP_S = 5.0  # from the start of the kernel to `drbdadm up`


def new_cluster(
    resources: tuple[ClusterResource, ...], names: tuple[str, ...], seed: int
) -> ClusterState:
    """All nodes up, everything in sync (its first sync was skipped), nobody connected yet."""
    state = ClusterState(resources, names, seed)
    for place, name in enumerate(names):
        state.nodes[name] = NodeState(name, booted_s=-10.0 + 0.6 * place)
    for resource in resources:
        generations = [state.fresh_identifier() for _ in resource.minors]
        for name in names:
            side = _new_side(resource, name, names)
            for volume, generation in zip(side.volumes, generations, strict=True):
                volume.current = generation
            state.nodes[name].resources[resource.name] = side
    for name in names:
        for resource in resources:
            up(state, name, resource.name)
    return state


def _new_side(resource: ClusterResource, name: str, names: tuple[str, ...]) -> ResourceSide:
    client = name in resource.clients
    peers = [peer for peer in names if peer != name]
    volumes = [
        VolumeSide(
            number,
            minor,
            disk=DiskState.DISKLESS if client else DiskState.UP_TO_DATE,
            client=client,
            peers={peer: PeerVolume() for peer in peers},
        )
        for number, minor in enumerate(resource.minors)
    ]
    return ResourceSide(resource.name, volumes, {peer: ConnectionSide() for peer in peers})


def up(state: ClusterState, node: str, resource: str) -> None:
    """`drbdadm up`: attach the disks, look for the peers."""
    side = state.side(node, resource)
    side.up = True
    side.connections = side.connections or {peer: ConnectionSide() for peer in state.others(node)}
    log = KernelLog(state, node, resource)
    log.resource(f"Starting worker thread (node-id {node_id(node)})")
    for peer in side.connections:
        log.connection(peer, f"Starting sender thread (peer-node-id {node_id(peer)})")
    for volume in side.volumes:
        if not volume.client:
            _attach(log, volume)
    change = log.change("attach")
    add_quorum(change, state, node, resource)
    change.apply()
    for peer, link in side.connections.items():
        if link.connection is C.STANDALONE:
            connect(state, node, resource, peer)


def _attach(log: KernelLog, volume: VolumeSide) -> None:
    found = volume.disk if volume.disk is not DiskState.DISKLESS else DiskState.UP_TO_DATE
    volume.disk = DiskState.DISKLESS
    log.device(volume, "meta-data IO uses: blk-bio")
    log.change("attach").disk(volume, DiskState.ATTACHING).apply()
    log.device(volume, "Maximum number of peer devices = 3")
    log.resource("Method to ensure write ordering: flush")
    log.device(volume, f"drbd_bm_resize called with capacity == {DEVICE_KIB * 2}")
    log.device(volume, f"resync bitmap: bits={DEVICE_KIB // 4} words=288 pages=1")
    log.say(f"drbd{volume.minor}: detected capacity change from 0 to {DEVICE_KIB * 2}")
    log.device(volume, f"size = 24 MB ({DEVICE_KIB} KB)")
    log.change("attach").disk(volume, found).apply()
    log.device(volume, f"attached to current UUID: {volume.current:016X}")
    log.device(volume, f"Setting exposed data uuid: {volume.current:016X}")


def down(state: ClusterState, node: str, resource: str) -> StateRefusal | None:
    """`drbdadm down`: a device that is open keeps the resource, but not its connections."""
    side, log = state.side(node, resource), KernelLog(state, node, resource)
    if side.primary and any(opener.writes for opener in side.openers()):
        return held_open(side, -12, "Device is held open by someone", 11)
    demote(state, node, resource, tag="down")
    for peer in list(side.connections):
        if side.connections[peer].connection is not C.STANDALONE:
            disconnect(state, node, resource, peer, "down")
        log.connection(peer, "Terminating sender thread")
    side.connections = {}
    if side.openers():
        log.resource("State change failed: Need access to UpToDate data (-2)")
        for volume in side.volumes:
            log.device(volume, f"Failed: disk( {volume.disk} -> Detaching ) [down]")
        return held_open(
            side, NO_UP_TO_DATE_DISK.code, NO_UP_TO_DATE_DISK.text, NO_UP_TO_DATE_DISK.exit_status
        )
    for volume in side.volumes:
        if not volume.client:
            log.device(volume, f"disk( {volume.disk} -> Detaching ) [down]")
            log.device(volume, "disk( Detaching -> Diskless ) [go-diskless]")
    log.say(f"drbd /unregistered/{resource}: Terminating worker thread")
    side.up, side.role, side.explicit = False, Role.SECONDARY, False
    side.suspended = set()
    return None


def detach(state: ClusterState, node: str, resource: str) -> StateRefusal | None:
    """`drbdadm detach`: work on with the peers' disks, if there are any."""
    side, log = state.side(node, resource), KernelLog(state, node, resource)
    usable = all(
        any(
            volume.peers[peer].peer_disk is DiskState.UP_TO_DATE
            for peer in state.connected(node, resource)
        )
        for volume in side.volumes
    )
    if side.primary and not usable:
        return NO_UP_TO_DATE_DISK
    told = "peer-state"
    if not side.primary:
        Agreement(state, node, resource, None, "disk( Detaching )").commit()
        told = "remote"
    for volume in side.volumes:
        log.change("detach").disk(volume, DiskState.DETACHING).apply()
        tell_disk(state, node, resource, volume, told)
        log.change("go-diskless").disk(volume, DiskState.DISKLESS).apply()
        tell_disk(state, node, resource, volume)
    return None


def crash(state: ClusterState, node: str) -> None:
    """The power is gone; what the disks hold stays, the peers will notice."""
    machine = state.nodes[node]
    for name, side in machine.resources.items():
        for peer in list(side.connections):
            resync.stall(state, name, node, peer)
            forget(state, name, node, peer)
            state.steps.pop(Step(NOTICE, name, node, peer), None)
            theirs = state.side(peer, name).connections.get(node)
            if theirs is not None and theirs.connection is C.CONNECTED and state.nodes[peer].up:
                arrange(state, Step(NOTICE, name, peer, node), state.draw(*NOTICE_S))
        _lose_power(side, state.configured(name), node, state.names)
    machine.up = False


def _lose_power(
    side: ResourceSide, configured: ClusterResource, node: str, names: tuple[str, ...]
) -> None:
    for volume in side.volumes:
        volume.openers.clear()
        volume.quorum = True
        if side.primary and not volume.client:
            volume.crashed_primary = True
            # What the activity log covers is taken as changed: extents of 4 MiB, here the device.
            for peer, towards in volume.peers.items():
                towards.changed |= set() if peer in configured.clients else set(volume.blocks)
        if volume.disk is DiskState.CONSISTENT:
            volume.disk = DiskState.UP_TO_DATE
        for towards in volume.peers.values():
            fresh = PeerVolume(bitmap_uuid=towards.bitmap_uuid, changed=towards.changed)
            towards.replication, towards.peer_disk = fresh.replication, fresh.peer_disk
            towards.resync_suspended, towards.resync_total = "no", 0
    side.connections = {peer: ConnectionSide() for peer in names if peer != node}
    side.role, side.explicit, side.up = Role.SECONDARY, False, False
    side.promoter = None
    side.suspended, side.force_io_failures = set(), False


def boot(state: ClusterState, node: str) -> None:
    """Up again with a new kernel log; `drbdadm up all` is a command of its own.

    Raises:
        Refused: the node is up.
    """
    machine = state.nodes[node]
    if machine.up:
        raise Refused(f"{node} is up")
    machine.up, machine.boots = True, machine.boots + 1
    machine.booted_s, machine.log = state.now_s - _KERNEL_TO_UP_S, []
