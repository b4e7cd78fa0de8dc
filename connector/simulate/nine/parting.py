"""How a side of a connection parts from its peer, and what it does then.

Kernel sources: drbd_receiver.c (`conn_disconnect`), drbd_nl.c (`conn_try_disconnect`),
drbd_state.c (`sanitize_state`).
"""

from __future__ import annotations

from collections.abc import Callable

from connector.model import ConnectionState, DiskState, ReplicationState, Role
from connector.simulate.nine import resync
from connector.simulate.nine.agreement import Agreement
from connector.simulate.nine.configuration import node_id
from connector.simulate.nine.kernel_log import ERROR, KernelLog
from connector.simulate.nine.pacing import (
    CLOSED,
    CLOSED_S,
    NOTICE,
    arrange,
    forget,
    look_for_peer,
)
from connector.simulate.nine.settling import resume_held_up
from connector.simulate.nine.standing import (
    add_quorum,
    call_without_data,
    lasting,
    settle_lost_peer,
    tell_disk,
)
from connector.simulate.nine.state import ClusterState, Step

C = ConnectionState


def _nothing() -> None:
    pass


def leave(
    state: ClusterState, node: str, resource: str, peer: str, into: C, tag: str = ""
) -> Callable[[], None]:
    """This side is not connected any more; `tag` is why, for a parting that was agreed upon.

    What comes back is for `stand_alone` or `look_again`: what the node makes of its loss.
    """
    side, log = state.side(node, resource), KernelLog(state, node, resource)
    link = side.connections[peer]
    was_connected, was_primary = link.connection is C.CONNECTED, link.peer_role is Role.PRIMARY
    resync.stall(state, resource, node, peer)
    change = log.change(tag).connection(peer, into, Role.UNKNOWN)
    lost_quorum = add_quorum(change, state, node, resource, without=peer)
    left_primary = was_primary and not side.primary
    for volume in side.volumes:
        if left_primary and volume.disk is DiskState.UP_TO_DATE:
            # An agreed parting outdates at once; a lost Primary leaves a doubt first.
            change.disk(volume, DiskState.OUTDATED if tag else DiskState.CONSISTENT)
        change.peer(
            volume,
            peer,
            disk=lasting(volume.peers[peer].peer_disk),
            replication=ReplicationState.OFF,
            suspended="no",
        )
    change.apply()
    forget(state, resource, node, peer)
    resume_held_up(state, resource, node)
    for volume in side.volumes if left_primary else ():
        log.device(volume, "Enabling local AL-updates")
        if tag:
            tell_disk(state, node, resource, volume)
    call_without_data(state, node, resource)
    agreed = bool(tag) or not was_connected
    doubtful = any(volume.disk is DiskState.CONSISTENT for volume in side.volumes)
    if not agreed and not doubtful:
        settle_lost_peer(state, node, resource)

    def settle() -> None:
        if doubtful and not agreed:
            settle_lost_peer(state, node, resource)
        for volume in side.volumes if lost_quorum and side.primary else ():
            log.called("quorum-lost", volume=volume)

    return settle


def _end_threads(log: KernelLog, peer: str, settle: Callable[[], None]) -> None:
    log.connection(peer, "Terminating sender thread")
    log.connection(peer, f"Starting sender thread (peer-node-id {node_id(peer)})")
    settle()
    log.connection(peer, "Connection closed")
    log.called("disconnected", peer)


def stand_alone(
    state: ClusterState,
    node: str,
    resource: str,
    peer: str,
    settle: Callable[[], None] = _nothing,
) -> None:
    """Nobody looks for the peer any more; with that, what was asked for a connection is gone."""
    log = KernelLog(state, node, resource)
    _end_threads(log, peer, settle)
    log.change("disconnected").connection(peer, C.STANDALONE).apply()
    log.connection(peer, "Terminating receiver thread")
    link = log.side.connections[peer]
    link.discard_my_data = link.tentative = False
    look_for_peer(state, resource, node, peer)


def look_again(
    state: ClusterState,
    node: str,
    resource: str,
    peer: str,
    settle: Callable[[], None] = _nothing,
) -> None:
    """The side waits for its peer again."""
    log = KernelLog(state, node, resource)
    _end_threads(log, peer, settle)
    log.change("disconnected").connection(peer, C.UNCONNECTED).apply()
    log.connection(peer, "Restarting receiver thread")
    log.change("connecting").connection(peer, C.CONNECTING).apply()
    look_for_peer(state, resource, node, peer)


def notice(state: ClusterState, resource: str, node: str, peer: str) -> None:
    """The pings have gone unanswered."""
    if state.link(node, resource, peer).connection is not C.CONNECTED:
        return
    log = KernelLog(state, node, resource)
    log.connection(peer, "PingAck did not arrive in time.", ERROR)
    settle = leave(state, node, resource, peer, C.NETWORK_FAILURE)
    look_again(state, node, resource, peer, settle)
    _close(state, resource, node, peer)


def closed(state: ClusterState, resource: str, node: str, peer: str) -> None:
    """The peer has closed the socket."""
    if state.link(node, resource, peer).connection is not C.CONNECTED:
        return
    if not state.reachable(node, peer):
        return  # the word of it is lost; the pings will tell
    log = KernelLog(state, node, resource)
    log.connection(peer, "sock was shut down by peer")
    settle = leave(state, node, resource, peer, C.BROKEN_PIPE)
    look_again(state, node, resource, peer, settle)


def _close(state: ClusterState, resource: str, node: str, peer: str) -> None:
    if state.nodes[peer].up and state.reachable(node, peer):
        arrange(state, Step(CLOSED, resource, peer, node), state.draw(*CLOSED_S))


def drop(state: ClusterState, resource: str, node: str, peer: str) -> None:
    """This side gives the connection up without a word (`C_DISCONNECTING`, hard)."""
    leave(state, node, resource, peer, C.DISCONNECTING)
    stand_alone(state, node, resource, peer)
    _close(state, resource, node, peer)


def disconnect(
    state: ClusterState, node: str, resource: str, peer: str, tag: str = "disconnect"
) -> None:
    """To StandAlone by somebody's word; a connected peer waits for this side from then on."""
    log = KernelLog(state, node, resource)
    link = log.side.connections[peer]
    if link.connection is C.STANDALONE:
        failed = "State change failed: Can not disconnect a StandAlone device (-9)"
        log.resource(failed, ERROR)
        log.connection(peer, f"Failed: conn( StandAlone -> Disconnecting ) [{tag}]", ERROR)
        return
    if link.connection is C.CONNECTED and state.reachable(node, peer):
        agreement = Agreement(state, node, resource, peer, "conn( Disconnecting )")
        agreement.commit(parted=peer, duration_ms=4)
        leave(state, node, resource, peer, C.DISCONNECTING, tag)
        stand_alone(state, node, resource, peer)
        leave(state, peer, resource, node, C.TEAR_DOWN, "remote")
        look_again(state, peer, resource, node)
        state.steps.pop(Step(NOTICE, resource, node, peer), None)
        return
    forget(state, resource, node, peer)
    log.change(tag).connection(peer, C.DISCONNECTING, Role.UNKNOWN).apply()
    stand_alone(state, node, resource, peer)
