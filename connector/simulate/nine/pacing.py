"""What happens by itself, and how long it takes: as in the captured logs, drawn from the seed.

The nodes run with `ping-int 1`, `ping-timeout 5` (tenths of a second) and `connect-int 1`.
"""

from __future__ import annotations

from connector.model import ConnectionState
from connector.simulate.nine.configuration import node_id
from connector.simulate.nine.state import ClusterState, Step

NOTICE_S = (1.0, 3.0)  # from a cut to "PingAck did not arrive in time."
CLOSED_S = (0.02, 0.1)  # from a socket that the peer closed to its noticing
MEET_S = (1.35, 2.2)  # from two that look for each other to the handshake
AGREE_S = (0.1, 0.3)
HANDLERS_S = (0.3, 0.5)  # a handshake that calls the handlers for a split brain
BITMAPS_S = (0.1, 0.2)
RESYNC_S = 0.15  # beside what is to be copied
VERIFY_S = 40.0

NOTICE, CLOSED, MEET, AGREE = "notice", "closed", "meet", "agree"
START_RESYNC, FINISH_RESYNC, FINISH_VERIFY = "start-resync", "finish-resync", "finish-verify"
_OF_A_CONNECTION = (MEET, AGREE, START_RESYNC, FINISH_RESYNC, FINISH_VERIFY)


def pair(node: str, peer: str) -> tuple[str, str]:
    """Both nodes in the order of their numbers: the first begins what needs an agreement."""
    low, high = sorted((node, peer), key=node_id)
    return low, high


def arrange(state: ClusterState, step: Step, delay_s: float) -> None:
    """Let a step follow; it takes the place of the same one that was to come."""
    state.steps[step] = state.now_s + delay_s


def arrange_pair(
    state: ClusterState, kind: str, resource: str, nodes: tuple[str, str], delay_s: float
) -> None:
    """Let a step of a connection follow."""
    arrange(state, Step(kind, resource, *pair(*nodes)), delay_s)


def forget(state: ClusterState, resource: str, node: str, peer: str) -> None:
    """Nothing that was to happen on this connection happens any more."""
    for kind in _OF_A_CONNECTION:
        state.steps.pop(Step(kind, resource, *pair(node, peer)), None)


def look_for_peer(state: ClusterState, resource: str, node: str, peer: str) -> None:
    """Two sides that wait for each other meet, if there is a link; one StandAlone never answers."""
    step = Step(MEET, resource, *pair(node, peer))
    waiting = all(
        (side := state.side(one, resource)).up
        and other in side.connections
        and side.connections[other].connection is ConnectionState.CONNECTING
        for one, other in ((node, peer), (peer, node))
        if state.nodes[one].up
    )
    if not (waiting and state.reachable(node, peer)):
        state.steps.pop(step, None)
    elif step not in state.steps and Step(AGREE, *_rest(step)) not in state.steps:
        arrange(state, step, state.draw(*MEET_S))


def _rest(step: Step) -> tuple[str, str, str]:
    return step.resource, step.node, step.peer
