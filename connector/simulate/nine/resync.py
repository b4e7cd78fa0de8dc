"""A resync of a connection: the bitmaps are exchanged, the union of the changed blocks is copied.

Kernel sources: drbd_sender.c (`drbd_start_resync`, `drbd_resync_finished`), drbd_receiver.c
(`receive_bitmap`), drbd_bitmap.c. A target that is being brought up by one peer holds the others up
(`connection dependency`).
"""

from __future__ import annotations

from dataclasses import dataclass

from connector.model import DiskState, ReplicationState
from connector.simulate.nine.generations import remember, shown
from connector.simulate.nine.kernel_log import KernelLog
from connector.simulate.nine.pacing import FINISH_RESYNC, RESYNC_S, arrange_pair, pair
from connector.simulate.nine.state import ClusterState, PeerVolume, Step, VolumeSide
from connector.simulate.state import KIB_PER_BLOCK

R = ReplicationState
_BITMAP = "bitmap stats [Bytes(packets)]: plain 0(0), RLE 30(1), total 30; compression: 96.3%"
HELD_UP = "connection dependency"


@dataclass(frozen=True, slots=True)
class Sync:
    """One volume that `source` copies to `target`."""

    state: ClusterState
    resource: str
    number: int
    source: str
    target: str

    def at(self, node: str) -> VolumeSide:
        """The volume on a node."""
        return self.state.side(node, self.resource).volumes[self.number]

    def towards(self, node: str) -> PeerVolume:
        """The volume on one of both, towards the other."""
        return self.at(node).peers[self.target if node == self.source else self.source]

    def log(self, node: str) -> KernelLog:
        """A node's log."""
        return KernelLog(self.state, node, self.resource)


def syncs(state: ClusterState, resource: str, nodes: tuple[str, str], *states: R) -> list[Sync]:
    """The volumes of a connection that one node copies to the other, if in one of `states`."""
    found = []
    for source, target in (nodes, nodes[::-1]):
        side = state.side(source, resource)
        for number, volume in enumerate(side.volumes):
            if target in volume.peers and volume.peers[target].replication in states:
                found.append(Sync(state, resource, number, source, target))
    return found


def start(state: ClusterState, resource: str, nodes: tuple[str, str]) -> list[str]:
    """From WFBitMapS and WFBitMapT on; the targets whose before-resync-target handler fails."""
    refusing, blocks = [], 0
    for sync in syncs(state, resource, nodes, R.WF_BITMAP_S):
        union = sync.towards(sync.source).changed | sync.towards(sync.target).changed
        for node in nodes:
            sync.towards(node).changed = set(union)
            sync.towards(node).resync_total = len(union)
        blocks += len(union)
        _start_source(sync)
        if not _start_target(sync):
            refusing.append(sync.target)
    if not refusing and syncs(state, resource, nodes, R.SYNC_SOURCE):
        copying_s = blocks * KIB_PER_BLOCK / state.resync_kib_per_s
        arrange_pair(state, FINISH_RESYNC, resource, nodes, RESYNC_S + copying_s)
    return refusing


def _start_source(sync: Sync) -> None:
    log, volume = sync.log(sync.source), sync.at(sync.source)
    log.peer_device(volume, sync.target, f"send {_BITMAP}")
    log.peer_device(volume, sync.target, f"receive {_BITMAP}")
    log.called("before-resync-source", sync.target, volume)
    held_up = _other_source(sync) is not None
    change = log.change("receive-bitmap")
    change.peer(
        volume,
        sync.target,
        disk=DiskState.INCONSISTENT,
        replication=R.PAUSED_SYNC_S if held_up else R.SYNC_SOURCE,
        suspended="peer" if held_up else None,
    ).apply()
    log.peer_device(volume, sync.target, f"Began resync as SyncSource {_amount(sync)}.")


def _start_target(sync: Sync) -> bool:
    log, volume = sync.log(sync.target), sync.at(sync.target)
    log.peer_device(volume, sync.source, f"receive {_BITMAP}")
    log.peer_device(volume, sync.source, f"send {_BITMAP}")
    if status := log.side.before_resync_target_status:
        command = "helper command: /sbin/drbdadm before-resync-target"
        log.peer_device(volume, sync.source, command)
        log.peer_device(volume, sync.source, f"{command} exit code {status} (0x{status << 8:x})")
        log.device(volume, f"before-resync-target handler returned {status}, dropping connection.")
        return False
    log.called("before-resync-target", sync.source, volume)
    held_up = _other_source(sync) is not None
    change = log.change("receive-bitmap").disk(volume, DiskState.INCONSISTENT)
    for peer in log.side.connections:
        if peer != sync.source and not held_up:
            change.peer(volume, peer, suspended=HELD_UP)
    change.peer(
        volume,
        sync.source,
        replication=R.PAUSED_SYNC_T if held_up else R.SYNC_TARGET,
        suspended=HELD_UP if held_up else None,
    ).apply()
    tell_others(sync, "peer")
    log.peer_device(volume, sync.source, f"Began resync as SyncTarget {_amount(sync)}.")
    return True


def _other_source(sync: Sync) -> str | None:
    for peer, towards in sync.at(sync.target).peers.items():
        if peer != sync.source and towards.replication is R.SYNC_TARGET:
            return peer
    return None


def tell_others(sync: Sync, suspended: str) -> None:
    """The target's other peers learn of its disk, and whether it is busy."""
    for peer in sync.state.connected(sync.target, sync.resource):
        if peer != sync.source and sync.state.reachable(peer, sync.target):
            log = sync.log(peer)
            log.change("peer-state").peer(
                sync.at(peer), sync.target, disk=sync.at(sync.target).disk, suspended=suspended
            ).apply()


def _amount(sync: Sync) -> str:
    bits = sync.towards(sync.source).resync_total
    return f"(will sync {bits * KIB_PER_BLOCK} KB [{bits} bits set])"


def left(state: ClusterState, resource: str, nodes: tuple[str, str], total: int) -> int:
    """How many of a resync's blocks are still to be copied now."""
    due_s = state.steps.get(Step(FINISH_RESYNC, resource, *pair(*nodes)))
    if due_s is None:
        return total
    blocks = (due_s - state.now_s) * state.resync_kib_per_s / KIB_PER_BLOCK
    return max(0, min(total, round(blocks)))


def stall(state: ClusterState, resource: str, node: str, peer: str) -> None:
    """Nothing gets through any more: what has been copied so far stays copied."""
    nodes = pair(node, peer)
    step = Step(FINISH_RESYNC, resource, *nodes)
    if step not in state.steps:
        return
    for sync in syncs(state, resource, nodes, R.SYNC_SOURCE):
        total = sync.towards(sync.source).resync_total
        done = total - left(state, resource, nodes, total)
        for block in sorted(sync.towards(sync.source).changed)[:done]:
            _copy(sync, block)
    del state.steps[step]


def resume(state: ClusterState, resource: str, node: str, peer: str) -> None:
    """A resync that stood still goes on with what is left, and what has been added meanwhile."""
    nodes, blocks = pair(node, peer), 0
    found = syncs(state, resource, nodes, R.SYNC_SOURCE)
    for sync in found:
        union = sync.towards(sync.source).changed | sync.towards(sync.target).changed
        for one in nodes:
            sync.towards(one).changed = set(union)
            sync.towards(one).resync_total = max(sync.towards(one).resync_total, len(union))
        blocks += len(union)
    if found and state.reachable(*nodes):
        copying_s = blocks * KIB_PER_BLOCK / state.resync_kib_per_s
        arrange_pair(state, FINISH_RESYNC, resource, nodes, RESYNC_S + copying_s)


def _copy(sync: Sync, block: int) -> None:
    source, target = sync.at(sync.source).blocks, sync.at(sync.target).blocks
    if block in source:
        target[block] = source[block]
    else:
        target.pop(block, None)
    for node in (sync.source, sync.target):
        sync.towards(node).changed.discard(block)


def finish(state: ClusterState, resource: str, nodes: tuple[str, str]) -> list[Sync]:
    """Every block of the bitmap is the source's now, on both sides; what has been finished."""
    finished = []
    for sync in syncs(state, resource, nodes, R.SYNC_SOURCE):
        source, target = sync.at(sync.source), sync.at(sync.target)
        for block in sync.towards(sync.source).changed.copy():
            _copy(sync, block)
        had = sync.towards(sync.source).bitmap_uuid
        for node in nodes:
            sync.towards(node).bitmap_uuid = 0
            sync.towards(node).changed.clear()
            sync.at(node).crashed_primary = False
        remember(source, had)
        target.current = source.current
        for peer, towards in target.peers.items():
            if peer != sync.source:
                towards.bitmap_uuid = source.peers[peer].bitmap_uuid
                towards.changed = set(source.peers[peer].changed)
        _tell_finish(sync, had=bool(had))
        finished.append(sync)
    return finished


def _tell_finish(sync: Sync, *, had: bool) -> None:
    kib = sync.towards(sync.source).resync_total * KIB_PER_BLOCK
    done = f"Resync done (total 1 sec; paused 0 sec; {kib} K/sec)"
    for node in (sync.source, sync.target):
        log, volume = sync.log(node), sync.at(node)
        other = sync.target if node == sync.source else sync.source
        texts = [f"updated UUIDs {shown(volume, other, primary=log.side.primary)}", done]
        if node == sync.target:
            texts.reverse()
        elif not had:
            texts = [done]
        for text in texts:
            log.peer_device(volume, other, text)
    disk = sync.at(sync.source).disk
    source, target = sync.at(sync.source), sync.at(sync.target)
    sync.log(sync.source).change("resync-finished").peer(
        source, sync.target, disk=disk, replication=R.ESTABLISHED
    ).apply()
    change = sync.log(sync.target).change("resync-finished").disk(target, disk)
    for peer in sync.log(sync.target).side.connections:
        if target.peers[peer].resync_suspended == HELD_UP:
            change.peer(target, peer, suspended="no")
    change.peer(target, sync.source, replication=R.ESTABLISHED).apply()
    sync.log(sync.target).called("after-resync-target", sync.source, target)
