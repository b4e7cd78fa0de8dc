"""What a node is worth on its own: whether its data may be old, whether it has quorum.

Kernel sources: drbd_state.c (`calc_quorum`, `sanitize_state`, `try_become_up_to_date`).
"""

from __future__ import annotations

from collections.abc import Iterable

from connector.model import DiskState, ReplicationState, Role
from connector.simulate.nine.agreement import Agreement
from connector.simulate.nine.generations import has_data
from connector.simulate.nine.handshake import stable
from connector.simulate.nine.kernel_log import Change, KernelLog
from connector.simulate.nine.state import ClusterState, VolumeSide
from connector.simulate.state import DISK_ORDER


def sees_primary(state: ClusterState, node: str, resource: str) -> list[str]:
    """The connected peers that are Primary or are themselves connected to one.

    A peer that has not noticed yet that its Primary is gone is asked, and knows it then.
    """
    return [
        peer
        for peer in state.connected(node, resource)
        if state.reachable(node, peer)
        and (
            state.link(node, resource, peer).peer_role is Role.PRIMARY
            or any(
                state.link(peer, resource, third).peer_role is Role.PRIMARY
                for third in state.connected(peer, resource)
                if third != node and state.reachable(peer, third)
            )
        )
    ]


def settle_lost_peer(state: ClusterState, node: str, resource: str) -> None:
    """Consistent does not last: Outdated where somebody still sees a Primary, else UpToDate."""
    side, log = state.side(node, resource), KernelLog(state, node, resource)
    doubtful = [volume for volume in side.volumes if volume.disk is DiskState.CONSISTENT]
    if not doubtful and state.configured(resource).quorum == "off":
        return
    for volume in doubtful:
        tell_disk(state, node, resource, volume)
    Agreement(state, node, resource, None, "empty").commit()
    if not doubtful:
        return
    old = bool(sees_primary(state, node, resource)) or _missed_writes(state, node, resource)
    change = log.change("lost-peer")
    for volume in doubtful:
        change.disk(volume, DiskState.OUTDATED if old else DiskState.UP_TO_DATE)
    change.apply()
    for volume in doubtful:
        tell_disk(state, node, resource, volume)
        if old:
            _tell_far_primaries(state, node, resource, volume)
    if not old:
        for peer in list(state.connected(node, resource)):
            if state.reachable(node, peer):
                upgrade(state, peer, resource)


def _missed_writes(state: ClusterState, node: str, resource: str) -> bool:
    """Whether a connected peer has a generation that began without this node."""
    return any(
        volume.peers[node].bitmap_uuid
        for peer in state.connected(node, resource)
        if state.reachable(node, peer)
        for volume in state.side(peer, resource).volumes
    )


def tell_disk(
    state: ClusterState, node: str, resource: str, volume: VolumeSide, tag: str = "peer-state"
) -> None:
    """The connected peers learn what has become of this node's disk."""
    for peer in state.connected(node, resource):
        if state.reachable(node, peer):
            log = KernelLog(state, peer, resource)
            theirs = log.side.volumes[volume.volume]
            log.change(tag).peer(theirs, node, disk=volume.disk).apply()


def _tell_far_primaries(state: ClusterState, node: str, resource: str, volume: VolumeSide) -> None:
    for peer in state.connected(node, resource):
        for far in state.connected(peer, resource):
            if far == node or _still_linked(state, far, resource, node):
                continue
            log = KernelLog(state, far, resource)
            theirs = log.side.volumes[volume.volume]
            if node in theirs.peers and theirs.peers[node].peer_disk is not DiskState.OUTDATED:
                log.change("far-away").peer(theirs, node, disk=DiskState.OUTDATED).apply()


def outdate_far_nodes(
    state: ClusterState, resource: str, nodes: Iterable[str], primaries: set[str]
) -> None:
    """Who hears of a Primary through others only will miss its writes (`far_away_change`)."""
    for node in nodes:
        linked = {peer for peer in primaries if _still_linked(state, node, resource, peer)}
        if node in primaries or linked or not primaries:
            continue
        log = KernelLog(state, node, resource)
        for volume in log.side.volumes:
            if volume.disk is DiskState.UP_TO_DATE:
                log.change("far-away").disk(volume, DiskState.OUTDATED).apply()
                tell_disk(state, node, resource, volume)


def _still_linked(state: ClusterState, node: str, resource: str, peer: str) -> bool:
    return peer in state.connected(node, resource) and state.reachable(node, peer)


def lasting(disk: DiskState) -> DiskState:
    """What is still known of a peer's disk when the peer is gone (`sanitize_state`)."""
    kept = (DiskState.INCONSISTENT, DiskState.OUTDATED)
    return disk if disk in kept else DiskState.DUNKNOWN


def add_quorum(
    change: Change,
    state: ClusterState,
    node: str,
    resource: str,
    *,
    without: str | None = None,
    joined: str | None = None,
) -> bool:
    """Add what a peer's going or coming means for quorum and data; whether quorum is lost now."""
    side, configured = state.side(node, resource), state.configured(resource)
    peers = [peer for peer in state.connected(node, resource) if peer != without]
    peers += [joined] if joined else []
    lost = False
    suspended = side.suspended - {"quorum", "no-data"}
    for volume in side.volumes:
        voters = [peer for peer in peers if peer not in configured.clients]
        votes = len(voters) + int(not volume.client)
        all_votes = len(state.names) - len(configured.clients)
        needed = all_votes // 2 + 1 if configured.quorum == "majority" else configured.quorum
        has = needed == "off" or votes >= int(needed)
        lost = lost or (volume.quorum and not has)
        change.quorums[volume.volume] = has
        if not has and configured.on_no_quorum == "suspend-io":
            suspended.add("quorum")
        if side.primary and not has_data(volume) and not _data_at(state, volume, peers, joined):
            suspended |= {"no-data"} if configured.on_no_data_accessible == "suspend-io" else set()
    change.suspended = suspended
    return lost


def no_data(state: ClusterState, node: str, resource: str, volume: VolumeSide) -> bool:
    """Whether neither this node nor a connected peer has data that are up to date."""
    return volume.disk is not DiskState.UP_TO_DATE and not any(
        volume.peers[peer].peer_disk is DiskState.UP_TO_DATE
        for peer in state.connected(node, resource)
    )


def call_without_data(state: ClusterState, node: str, resource: str) -> None:
    """The handler for a Primary that is left without data that are up to date."""
    side, log = state.side(node, resource), KernelLog(state, node, resource)
    for volume in side.volumes:
        if side.primary and no_data(state, node, resource, volume):
            for peer in side.connections:
                log.called("pri-on-incon-degr", peer, volume)


def _data_at(state: ClusterState, volume: VolumeSide, peers: list[str], joined: str | None) -> bool:
    return any(
        peer == joined or volume.peers[peer].peer_disk is DiskState.UP_TO_DATE for peer in peers
    )


def upgrade(state: ClusterState, node: str, resource: str) -> None:
    """Outdated data that are the same as a stable peer's are UpToDate again (`after-unstable`)."""
    log = KernelLog(state, node, resource)
    for volume in log.side.volumes:
        if volume.disk is not DiskState.OUTDATED:
            continue
        for peer in state.connected(node, resource):
            theirs = state.side(peer, resource).volumes[volume.volume]
            good = DISK_ORDER[theirs.disk] >= DISK_ORDER[DiskState.CONSISTENT]
            good = good and stable(state, peer, resource)
            good = good and volume.peers[peer].replication is ReplicationState.ESTABLISHED
            if good and theirs.current == volume.current and not volume.peers[peer].changed:
                text = "Upgrading local disk to Consistent after unstable/weak (and no resync)."
                log.peer_device(volume, peer, text)
                log.change("after-unstable").disk(volume, DiskState.CONSISTENT).apply()
                tell_disk(state, node, resource, volume)
                log.change("peer-state").disk(volume, DiskState.UP_TO_DATE).apply()
                tell_disk(state, node, resource, volume)
                break
