"""What a resync that has ended, or broken off, means for the other connections of its target.

Kernel sources: drbd_sender.c (`drbd_resync_finished`, `resume_next_sg`), drbd_receiver.c
(`receive_uuids`, after which two connected nodes look at their data again).
"""

from __future__ import annotations

from connector.model import DiskState, ReplicationState
from connector.simulate.nine.configuration import node_id
from connector.simulate.nine.generations import (
    SOURCES,
    TARGETS,
    compare,
    has_data,
    party,
    remember,
    shown,
)
from connector.simulate.nine.handshake import stable
from connector.simulate.nine.pacing import BITMAPS_S, START_RESYNC, arrange_pair, pair
from connector.simulate.nine.resync import Sync, resume, syncs, tell_others
from connector.simulate.nine.state import ClusterState, Step, VolumeSide

R = ReplicationState
# Nothing has been copied yet, or nothing is at the moment.
_IDLE = frozenset({R.ESTABLISHED, R.PAUSED_SYNC_S, R.PAUSED_SYNC_T, R.WF_BITMAP_S, R.WF_BITMAP_T})


def finished(sync: Sync) -> None:
    """The target has the source's data: whoever has the same, or older data, is looked at."""
    _settle_others(sync)
    for peer in list(sync.state.connected(sync.target, sync.resource)):
        if peer != sync.source:
            _look_again(sync, peer)
    resume_held_up(sync.state, sync.resource, sync.target)


def _look_again(sync: Sync, peer: str) -> None:
    """Target and peer compare their data anew; a source that its Primary may change waits."""
    state, target = sync.state, sync.target
    volumes = {node: sync.at(node) for node in (target, peer)}
    towards = volumes[target].peers[peer], volumes[peer].peers[target]
    held = any("user" in one.resync_suspended for one in towards)
    if held or towards[0].replication not in _IDLE or not has_data(volumes[peer]):
        return
    if volumes[target].disk is not DiskState.UP_TO_DATE:
        return
    first = node_id(target) < node_id(peer)
    parties = [
        party(
            volumes[node],
            other,
            primary=sync.log(node).side.primary,
            first=first == (node == target),
        )
        for node, other in ((target, peer), (peer, target))
    ]
    verdict, _ = compare(parties[0], parties[1])
    state.steps.pop(Step(START_RESYNC, sync.resource, *pair(target, peer)), None)
    if verdict in SOURCES | TARGETS:
        source, behind = (target, peer) if verdict in SOURCES else (peer, target)
        _bring_up(sync, source, behind, go=stable(state, source, sync.resource))
    else:
        _established(sync, target, peer)


def _bring_up(sync: Sync, source: str, behind: str, *, go: bool) -> None:
    wanted = (R.WF_BITMAP_S, R.WF_BITMAP_T) if go else (R.ESTABLISHED, R.ESTABLISHED)
    volume = sync.at(behind)
    change = sync.log(behind).change("peer-state")
    if volume.disk is DiskState.UP_TO_DATE:
        change.disk(volume, DiskState.OUTDATED)
    change.peer(volume, source, replication=wanted[1], suspended="no").apply()
    sync.log(source).change("peer-state").peer(
        sync.at(source), behind, disk=volume.disk, replication=wanted[0], suspended="no"
    ).apply()
    if go:
        nodes = (source, behind)
        delay_s = sync.state.draw(*BITMAPS_S)
        arrange_pair(sync.state, START_RESYNC, sync.resource, nodes, delay_s)


def _established(sync: Sync, one: str, other: str) -> None:
    for node, peer in ((one, other), (other, one)):
        towards = sync.at(node).peers[peer]
        if towards.replication is not R.ESTABLISHED:
            sync.log(node).change("peer-state").peer(
                sync.at(node), peer, replication=R.ESTABLISHED, suspended="no"
            ).apply()


def resume_held_up(state: ClusterState, resource: str, target: str) -> None:
    """A resync that waited for another one of this target goes on, unless somebody holds it."""
    volumes = state.side(target, resource).volumes
    busy = any(
        towards.replication in (R.SYNC_TARGET, R.WF_BITMAP_T)
        for volume in volumes
        for towards in volume.peers.values()
    )
    for source in state.connected(target, resource):
        nodes = (source, target)
        held = syncs(state, resource, nodes, R.PAUSED_SYNC_S)
        held = [sync for sync in held if sync.target == target and not _held_by_user(sync)]
        if busy or not held:
            continue
        for sync in held:
            sync.log(source).change("peer-state").peer(
                sync.at(source), target, replication=R.SYNC_SOURCE, suspended="no"
            ).apply()
            sync.log(target).change("peer-state").peer(
                sync.at(target), source, replication=R.SYNC_TARGET, suspended="no"
            ).apply()
        resume(state, resource, *nodes)
        return


def _held_by_user(sync: Sync) -> bool:
    return any("user" in sync.towards(node).resync_suspended for node in (sync.source, sync.target))


def _settle_others(sync: Sync) -> None:
    """A third node with the same data has nothing left to give to the target, or take from it."""
    target = sync.at(sync.target)
    tell_others(sync, "no")
    for third in sync.state.others(sync.target):
        side = sync.state.side(third, sync.resource)
        at = side.volumes[sync.number]
        source_knows = third in sync.state.connected(sync.source, sync.resource)
        knows = third in sync.state.connected(sync.target, sync.resource)
        if third == sync.source or not (source_knows or knows) or at.current != target.current:
            continue
        if sync.at(sync.source).peers[third].changed:
            continue
        _clear(sync, third, at, connected=knows)


def _clear(sync: Sync, third: str, at: VolumeSide, *, connected: bool) -> None:
    log, target = sync.log(third), sync.at(sync.target)
    if at.peers[sync.target].bitmap_uuid:
        bits = len(at.peers[sync.target].changed)
        remember(at, at.peers[sync.target].bitmap_uuid)
        at.peers[sync.target].bitmap_uuid = 0
        uuids = shown(at, sync.target, primary=log.side.primary)
        if connected:
            log.peer_device(at, sync.target, f"updated UUIDs {uuids}")
        else:
            slot = list(at.peers).index(sync.target)
            log.device(
                at,
                f"clearing bitmap UUID and content ({bits} bits) for node "
                f"{node_id(sync.target)} ({sync.target})(slot {slot})",
            )
            log.device(at, "bitmap WRITE of 1 pages took 8 ms")
    at.peers[sync.target].changed.clear()
    target.peers[third].bitmap_uuid = 0
    target.peers[third].changed.clear()
    for node, other in ((third, sync.target), (sync.target, third)):
        towards = sync.at(node).peers[other]
        if towards.replication in (R.PAUSED_SYNC_S, R.PAUSED_SYNC_T):
            sync.log(node).change("peer-state").peer(
                sync.at(node), other, replication=R.ESTABLISHED, suspended="no"
            ).apply()
