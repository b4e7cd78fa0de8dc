"""What an operator does to a connection or a device besides connecting: verify, pause, suspend.

Kernel sources: drbd_nl.c (`drbd_adm_start_ov`, `drbd_adm_pause_sync`, `adm_suspend_io`),
drbd_sender.c (`drbd_resync_finished`).
"""

from __future__ import annotations

from connector.model import ReplicationState
from connector.simulate.nine import resync
from connector.simulate.nine.agreement import Agreement
from connector.simulate.nine.kernel_log import KernelLog
from connector.simulate.nine.pacing import FINISH_VERIFY, VERIFY_S, arrange_pair, pair
from connector.simulate.nine.state import ClusterState

R = ReplicationState
_VERIFY_DONE = "Online verify done (total 1 sec; paused 0 sec; 24616 K/sec)"


def verify(state: ClusterState, node: str, resource: str, peer: str) -> None:
    """Compare every block of both sides, which takes its time."""
    if state.side(node, resource).volumes[0].peers[peer].replication is not R.ESTABLISHED:
        return
    Agreement(state, node, resource, peer, "repl( VerifyS )").commit(duration_ms=4)
    for one, other, into, tag in (
        (node, peer, R.VERIFY_S, "verify"),
        (peer, node, R.VERIFY_T, "remote"),
    ):
        log = KernelLog(state, one, resource)
        for volume in log.side.volumes:
            log.change(tag).peer(volume, other, replication=into).apply()
            if one == node:
                log.peer_device(volume, other, "Starting Online Verify from sector 0")
            else:
                log.device(volume, "Online Verify start sector: 0")
    arrange_pair(state, FINISH_VERIFY, resource, (node, peer), VERIFY_S)


def finish_verify(state: ClusterState, resource: str, first: str, second: str) -> None:
    """What differs is marked on both sides; nothing is copied."""
    nodes = (first, second)
    for number, volume in enumerate(state.side(nodes[0], resource).volumes):
        theirs = state.side(nodes[1], resource).volumes[number]
        blocks = set(volume.blocks) | set(theirs.blocks)
        found = {block for block in blocks if volume.blocks.get(block) != theirs.blocks.get(block)}
        for node, peer in (nodes, nodes[::-1]):
            log = KernelLog(state, node, resource)
            at = log.side.volumes[number]
            at.peers[peer].changed |= found
            log.peer_device(at, peer, _VERIFY_DONE)
            if found:
                text = f"Online verify found {len(found)} 4k blocks out of sync!"
                log.peer_device(at, peer, text)
            log.change("resync-finished").peer(at, peer, replication=R.ESTABLISHED).apply()
            if found:
                log.called("out-of-sync", peer, at)


def pause_sync(state: ClusterState, node: str, resource: str, peer: str) -> None:
    """Hold a resync up from this side."""
    resync.stall(state, resource, node, peer)
    paused = {R.SYNC_SOURCE: R.PAUSED_SYNC_S, R.SYNC_TARGET: R.PAUSED_SYNC_T}
    _hold(state, node, resource, peer, paused, ("user", "peer"), "pause-sync")


def resume_sync(state: ClusterState, node: str, resource: str, peer: str) -> None:
    """Let it go on."""
    going = {R.PAUSED_SYNC_S: R.SYNC_SOURCE, R.PAUSED_SYNC_T: R.SYNC_TARGET}
    _hold(state, node, resource, peer, going, ("no", "no"), "resume-sync")
    resync.resume(state, resource, *pair(node, peer))


def _hold(
    state: ClusterState,
    node: str,
    resource: str,
    peer: str,
    into: dict[ReplicationState, ReplicationState],
    reasons: tuple[str, str],
    tag: str,
) -> None:
    sides = ((node, peer, reasons[0], tag), (peer, node, reasons[1], "peer-state"))
    for one, other, reason, why in sides:
        log = KernelLog(state, one, resource)
        for volume in log.side.volumes:
            before = volume.peers[other].replication
            if before in into:
                log.change(why).peer(
                    volume, other, replication=into[before], suspended=reason
                ).apply()
                held = "suspended" if reason != "no" else "resumed"
                log.peer_device(volume, other, f"Resync {held}")


def suspend_io(state: ClusterState, node: str, resource: str, *, suspend: bool) -> None:
    """`suspend-io` and `resume-io`: of this node's I/O, by somebody's word."""
    log = KernelLog(state, node, resource)
    change = log.change("suspend-io" if suspend else "resume-io")
    change.suspended = log.side.suspended - {"user"} | ({"user"} if suspend else set())
    change.apply()
