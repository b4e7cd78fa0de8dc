"""What becomes of two sides that have agreed to be connected.

Kernel sources: drbd_receiver.c (`receive_state`, `strategy_to_repl_state`), drbd_state.c
(`sanitize_state`).
"""

from __future__ import annotations

from dataclasses import dataclass

from connector.model import ConnectionState, DiskState, ReplicationState
from connector.simulate.nine.generations import SOURCES, TARGETS, Verdict, has_data, remember, shown
from connector.simulate.nine.handshake import Outcome, stable
from connector.simulate.nine.kernel_log import Change, KernelLog
from connector.simulate.nine.standing import add_quorum, tell_disk
from connector.simulate.nine.state import ClusterState, VolumeSide

R = ReplicationState


@dataclass(frozen=True, slots=True)
class Joining:
    """One side at the moment of the agreement; `stable` and `disks` are as it was before."""

    node: str
    peer: str
    tag: str
    outcomes: list[Outcome]
    stable: bool
    peer_stable: bool
    primary: bool
    peer_disks: list[DiskState]
    rehearsed: bool


def join(
    state: ClusterState, resource: str, nodes: tuple[str, str], outcomes: dict[str, list[Outcome]]
) -> None:
    """Both sides are Connected: first the one that began."""
    rehearsed = any(
        state.link(node, resource, peer).tentative for node, peer in (nodes, nodes[::-1])
    )
    sides = [
        Joining(
            node,
            peer,
            tag,
            outcomes[node],
            stable(state, node, resource),
            stable(state, peer, resource),
            state.side(node, resource).primary,
            [volume.disk for volume in state.side(peer, resource).volumes],
            rehearsed,
        )
        for (node, peer), tag in ((nodes, "connected"), (nodes[::-1], "remote"))
    ]
    for side in sides:
        _join(state, resource, side)
    for side in sides:
        _settle(state, resource, side)
        _mark(state, resource, side)


def _join(state: ClusterState, resource: str, side: Joining) -> None:
    log = KernelLog(state, side.node, resource)
    role = state.side(side.peer, resource).role
    change = log.change(side.tag).connection(side.peer, ConnectionState.CONNECTED, role)
    for volume, outcome in zip(log.side.volumes, side.outcomes, strict=True):
        _join_volume(change, side, volume, outcome)
    add_quorum(change, state, side.node, resource, joined=side.peer)
    change.apply()
    link = log.side.connections[side.peer]
    link.met, link.discard_my_data, link.tentative = True, False, False
    for volume, outcome in zip(log.side.volumes, side.outcomes, strict=True):
        if state.side(side.peer, resource).primary:
            log.device(volume, "Disabling local AL-updates (optimization)")
        if outcome.verdict in TARGETS:
            theirs = state.side(side.peer, resource).volumes[volume.volume]
            log.device(volume, f"Setting exposed data uuid: {theirs.current:016X}")


def _join_volume(change: Change, side: Joining, volume: VolumeSide, outcome: Outcome) -> None:
    disk, replication = side.peer_disks[volume.volume], R.ESTABLISHED
    if outcome.verdict in SOURCES:
        replication = R.WF_BITMAP_S
        if disk is DiskState.UP_TO_DATE:
            disk = DiskState.CONSISTENT
    elif outcome.verdict in TARGETS:
        replication = R.WF_BITMAP_T
        if volume.disk is DiskState.UP_TO_DATE:
            change.disk(volume, DiskState.OUTDATED)
    elif side.stable and not side.peer_stable and not side.rehearsed and not side.primary:
        # Beside a split brain that is left for later, or as it will miss the Primary's writes.
        if volume.disk is DiskState.UP_TO_DATE:
            change.disk(volume, DiskState.OUTDATED)
    elif outcome.split:
        pass
    elif volume.disk is DiskState.OUTDATED and disk is DiskState.UP_TO_DATE and side.peer_stable:
        change.disk(volume, DiskState.UP_TO_DATE)
    change.peer(volume, side.peer, disk=disk, replication=replication)


def _mark(state: ClusterState, resource: str, side: Joining) -> None:
    """A full resync copies what no bitmap has. (Another bitmap has never more than the peer's.)"""
    for number, outcome in enumerate(side.outcomes):
        volume = state.side(side.node, resource).volumes[number]
        theirs = state.side(side.peer, resource).volumes[number]
        if outcome.verdict is Verdict.SOURCE_OF_ALL:
            volume.peers[side.peer].changed |= set(volume.blocks) | set(theirs.blocks)


def _settle(state: ClusterState, resource: str, side: Joining) -> None:
    log = KernelLog(state, side.node, resource)
    for volume, outcome in zip(log.side.volumes, side.outcomes, strict=True):
        theirs = state.side(side.peer, resource).volumes[volume.volume]
        same = outcome.verdict not in SOURCES | TARGETS and not outcome.split
        if same and has_data(volume) and has_data(theirs):
            towards = volume.peers[side.peer]
            remember(volume, towards.bitmap_uuid)
            towards.bitmap_uuid = 0
            towards.changed.clear()
            uuids = shown(volume, side.peer, primary=log.side.primary)
            log.peer_device(volume, side.peer, f"cleared bm UUID and bitmap {uuids}")
        tell_disk(state, side.node, resource, volume)
