"""Why an agreement upon a connection comes to nothing, and how both sides end then.

Kernel source: drbd_receiver.c (`connect_work`, `abort_connect`). The node that began is StandAlone;
how its peer ends is a race. That two Primaries with the same data end so too has not been measured.
"""

from __future__ import annotations

from connector.model import ConnectionState, DiskState
from connector.simulate.nine.agreement import Agreement
from connector.simulate.nine.configuration import node_id
from connector.simulate.nine.handshake import Outcome
from connector.simulate.nine.kernel_log import ERROR, KernelLog
from connector.simulate.nine.parting import look_again, stand_alone
from connector.simulate.nine.standing import call_without_data, sees_primary
from connector.simulate.nine.state import ClusterState, ResourceSide

C = ConnectionState
_BOTH_STAND_ALONE = 0.7  # of the refused handshakes; the peer goes on looking in the others
_FAILED, _INTERRUPTED, _DECLINED, _TWO_PRIMARIES = -27, -21, -10, -1


def two_primaries(state: ClusterState, resource: str, first: str, second: str) -> bool:
    """Whether both nodes are Primary."""
    return state.side(first, resource).primary and state.side(second, resource).primary


def why_not(
    state: ClusterState, resource: str, first: str, second: str, outcomes: dict[str, list[Outcome]]
) -> int:
    """The number of the error that the agreement ends with; 0 where there is none."""
    if any(one.verdict is None for found in outcomes.values() for one in found):
        return _FAILED
    if two_primaries(state, resource, first, second):
        return _TWO_PRIMARIES
    for node, peer in ((first, second), (second, first)):
        # A third node that has a Primary already does not want another one.
        others = [one for one in sees_primary(state, peer, resource) if one != node]
        if state.side(node, resource).primary and _has_another(state, resource, peer, node, others):
            return _DECLINED
    return 0


def _has_another(
    state: ClusterState, resource: str, peer: str, node: str, others: list[str]
) -> bool:
    return any(
        one != node and state.side(one, resource).primary
        for other in others
        for one in (other, *state.connected(other, resource))
    )


def refuse(
    state: ClusterState,
    resource: str,
    nodes: tuple[str, str],
    agreement: Agreement,
    code: int,
    outcomes: dict[str, list[Outcome]],
) -> None:
    """They are not connected: the one that began is StandAlone, its peer by a race."""
    first, second = nodes
    logs = {node: KernelLog(state, node, resource) for node in nodes}
    if code == _DECLINED:
        declined = f"Declined by peer {second} (id: {node_id(second)}), see the kernel log there"
        logs[first].resource(declined, ERROR)
    if _rehearsed(state, resource, nodes):
        agreement.abort(_INTERRUPTED, told=False)
        _retry(state, resource, nodes)
        return
    agreement.abort(code, told=False)
    for other in agreement.others:
        if other != second:
            agreement.abort_at(other)
    sides = {node: [one for one in outcomes[node] if one.primary_target] for node in nodes}
    # Who cannot take the peer's data decides how it ends.
    leaver = second if sides[second] else first
    other = first if leaver == second else second
    both = state.race == "both" or (state.race == "" and state.draw(0, 1) < _BOTH_STAND_ALONE)
    clean = both and code == _FAILED and not sides[leaver]
    _leave_refused(state, resource, leaver, other, "connect-failed", bool(sides[leaver]))
    log = logs[other]
    if clean:
        agreement.abort_at(other)
        log.change("receive-disconnect").connection(leaver, C.DISCONNECTING).apply()
        stand_alone(state, other, resource, leaver)
        return
    log.connection(leaver, "meta connection shut down by peer.")
    log.change().connection(leaver, C.NETWORK_FAILURE).apply()
    agreement.abort_at(other)
    look_again(state, other, resource, leaver)


def _rehearsed(state: ClusterState, resource: str, nodes: tuple[str, str]) -> bool:
    """Whether one side wanted a rehearsal only (`--tentative`); it is one for one handshake."""
    links = [state.link(node, resource, peer) for node, peer in (nodes, nodes[::-1])]
    found = any(link.tentative for link in links)
    for link in links:
        link.tentative = False
    return found


def _retry(state: ClusterState, resource: str, nodes: tuple[str, str]) -> None:
    """A rehearsal that comes to nothing ends in an error of the protocol, on both sides."""
    for node, peer in (nodes, nodes[::-1]):
        log = KernelLog(state, node, resource)
        log.connection(peer, "error receiving P_STATE, e: -5 l: 0!", ERROR)
        log.change().connection(peer, C.PROTOCOL_ERROR).apply()
        look_again(state, node, resource, peer)


def _fail_writes(state: ClusterState, side: ResourceSide) -> None:
    """What a write that fails has left on the disk is not known: it is marked for every peer."""
    for volume in side.volumes:
        for peer, towards in volume.peers.items():
            if peer not in state.configured(side.name).clients:
                towards.changed |= volume.held_back
        volume.held_back.clear()


def _leave_refused(
    state: ClusterState, resource: str, node: str, peer: str, tag: str, primary_target: bool
) -> None:
    log = KernelLog(state, node, resource)
    change = log.change(tag).connection(peer, C.DISCONNECTING)
    if primary_target:
        change.force_io_failures = True
        for volume in log.side.volumes:
            if volume.disk is DiskState.UP_TO_DATE:
                change.disk(volume, DiskState.OUTDATED)
    change.apply()
    if primary_target:
        log.resource("Failing IOs", ERROR)
        _fail_writes(state, log.side)
    call_without_data(state, node, resource)
    stand_alone(state, node, resource, peer)
