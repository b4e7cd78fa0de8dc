"""Two sides look for each other, meet, and agree upon their data, or do not.

Kernel sources: drbd_receiver.c (`conn_connect`, `connect_work`, `receive_protocol`), drbd_nl.c
(`drbd_adm_connect`). The node with the lower number begins the agreement.
"""

from __future__ import annotations

from connector.model import ConnectionState
from connector.simulate.nine.agreement import Agreement
from connector.simulate.nine.configuration import node_id
from connector.simulate.nine.generations import SOURCES, Verdict, has_data
from connector.simulate.nine.handshake import Outcome, SyncHandshake, stable
from connector.simulate.nine.joining import join
from connector.simulate.nine.kernel_log import ERROR, KernelLog
from connector.simulate.nine.pacing import (
    AGREE,
    AGREE_S,
    BITMAPS_S,
    HANDLERS_S,
    START_RESYNC,
    arrange_pair,
    look_for_peer,
)
from connector.simulate.nine.parting import stand_alone
from connector.simulate.nine.refusal import refuse, two_primaries, why_not
from connector.simulate.nine.standing import outdate_far_nodes
from connector.simulate.nine.state import ClusterState

C = ConnectionState
_FEATURES = "0x7f TRIM THIN_RESYNC WRITE_SAME WRITE_ZEROES RESYNC_DAGTAG"


def connect(state: ClusterState, node: str, resource: str, peer: str) -> None:
    """From StandAlone to Connecting."""
    log = KernelLog(state, node, resource)
    log.change("connect").connection(peer, C.UNCONNECTED).apply()
    log.connection(peer, f"Starting receiver thread (peer-node-id {node_id(peer)})")
    log.change("connecting").connection(peer, C.CONNECTING).apply()
    look_for_peer(state, resource, node, peer)


def meet(state: ClusterState, resource: str, first: str, second: str) -> None:
    """The sockets are there; settings and secrets are compared."""
    if not state.reachable(first, second):
        return
    sides = ((first, second), (second, first))
    for node, peer in sides:
        log = KernelLog(state, node, resource)
        log.connection(
            peer,
            f"Handshake to peer {node_id(peer)} successful: Agreed network protocol version 122",
        )
        log.connection(peer, f"Feature flags enabled on protocol level: {_FEATURES}")
    links = [state.link(node, resource, peer) for node, peer in sides]
    if state.side(first, resource).secret != state.side(second, resource).secret:
        _refuse_both(state, resource, sides, "Authentication of peer failed", "")
    elif all(link.discard_my_data for link in links):
        trouble = "error receiving P_PROTOCOL, e: -5 l: 1!"
        _refuse_both(state, resource, sides, "incompatible discard-my-data settings", trouble)
    else:
        split = _would_split(state, resource, first, second)
        delay_s = state.draw(*(HANDLERS_S if split else AGREE_S))
        arrange_pair(state, AGREE, resource, (first, second), delay_s)


def _refuse_both(
    state: ClusterState, resource: str, sides: tuple[tuple[str, str], ...], why: str, after: str
) -> None:
    for node, peer in sides:
        log = KernelLog(state, node, resource)
        if after and (node, peer) != sides[0]:
            log.connection(peer, "meta connection shut down by peer.")
            log.change().connection(peer, C.NETWORK_FAILURE).apply()
        log.connection(peer, why, ERROR)
        log.change().connection(peer, C.DISCONNECTING).apply()
        if after:
            log.connection(peer, after, ERROR)
        stand_alone(state, node, resource, peer)


def _would_split(state: ClusterState, resource: str, first: str, second: str) -> bool:
    volumes = zip(
        state.side(first, resource).volumes, state.side(second, resource).volumes, strict=True
    )
    return any(
        one.current != other.current
        and one.peers[second].bitmap_uuid == other.peers[first].bitmap_uuid != 0
        for one, other in volumes
    )


def agree(state: ClusterState, resource: str, first: str, second: str) -> None:
    """Both look at the volumes in turn, up to the first that they refuse, and are connected."""
    waiting = all(
        state.link(node, resource, peer).connection is C.CONNECTING
        for node, peer in ((first, second), (second, first))
    )
    if not waiting:
        return
    if not state.reachable(first, second):
        look_for_peer(state, resource, first, second)
        return
    role = state.side(first, resource).role
    agreement = Agreement(state, first, resource, second, f"role( {role} ) conn( Connected )")
    if two_primaries(state, resource, first, second):
        failed = "State change failed: Multiple primaries not allowed by config (-1)"
        KernelLog(state, second, resource).resource(failed, ERROR)
    outcomes = {
        node: _look(state, resource, node, peer)
        for node, peer in ((first, second), (second, first))
    }
    outcomes = _without_unstable_sources(state, resource, outcomes)
    code = why_not(state, resource, first, second, outcomes)
    if code:
        refuse(state, resource, (first, second), agreement, code, outcomes)
        return
    agreement.commit()
    join(state, resource, (first, second), outcomes)
    others = [name for name in agreement.others if name != second]
    outdate_far_nodes(state, resource, others, agreement.primaries())
    if any(one.verdict in SOURCES for one in outcomes[first] + outcomes[second]):
        delay_s = state.draw(*BITMAPS_S)
        arrange_pair(state, START_RESYNC, resource, (first, second), delay_s)


def _look(state: ClusterState, resource: str, node: str, peer: str) -> list[Outcome]:
    outcomes = []
    for number, volume in enumerate(state.side(node, resource).volumes):
        theirs = state.side(peer, resource).volumes[number]
        if not (has_data(volume) and has_data(theirs)):
            outcomes.append(Outcome(Verdict.NO_SYNC))
            continue
        outcomes.append(SyncHandshake(state, node, peer, resource, number).run())
        if outcomes[-1].verdict is None:
            break
    return outcomes


def _without_unstable_sources(
    state: ClusterState, resource: str, outcomes: dict[str, list[Outcome]]
) -> dict[str, list[Outcome]]:
    """Nobody copies from a node whose data its Primary may change: that waits for the Primary.

    A real target may begin even then and stay Outdated at its end; that has not been measured.
    """
    unstable = [
        any(one.verdict in SOURCES for one in found) and not stable(state, node, resource)
        for node, found in outcomes.items()
    ]
    refused = any(one.verdict is None for found in outcomes.values() for one in found)
    if refused or not any(unstable):
        return outcomes
    left = Outcome(Verdict.NO_SYNC, split=True)
    return {node: [left for _ in found] for node, found in outcomes.items()}
