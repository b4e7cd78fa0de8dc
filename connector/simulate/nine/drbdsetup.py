"""`drbdsetup` of drbd-utils 9.22 or 9.34: its status as JSON, and connections by node number."""

from __future__ import annotations

from collections.abc import Sequence

from connector.model import ConnectionState
from connector.simulate.answer import Answer
from connector.simulate.nine.configuration import NODES
from connector.simulate.nine.connection import connect
from connector.simulate.nine.parting import disconnect
from connector.simulate.nine.state import ClusterState
from connector.simulate.nine.status import status_json

_STATUS_OPTIONS = frozenset({"--json", "--verbose", "--statistics"})
_CONNECT_OPTIONS = frozenset({"--discard-my-data", "--tentative"})
_NO_SUCH_RESOURCE = 10
_REFUSED = 10


def drbdsetup(
    state: ClusterState, node: str, line: Sequence[str], *, newer: bool = False
) -> Answer:
    """Run it with these arguments."""
    words = [word for word in line if not word.startswith("-")]
    options = {word for word in line if word.startswith("-")}
    if words[:1] == ["status"] and "--json" in options and options <= _STATUS_OPTIONS:
        return _status(state, node, words[1:], newer=newer)
    if len(words) == 3 and words[0] in ("connect", "disconnect") and options <= _CONNECT_OPTIONS:
        return _connection(state, node, words, sorted(options))
    return Answer(None, error=f"`drbdsetup {' '.join(line)}` is not simulated")


def _status(state: ClusterState, node: str, names: Sequence[str], *, newer: bool) -> Answer:
    if not names:
        return Answer(stdout=status_json(state, node, newer=newer))
    side = state.nodes[node].resources.get(names[0])
    if side is None or not side.up:
        return Answer(
            _NO_SUCH_RESOURCE, stdout="[\n]\n\n", stderr=f"{names[0]}: No such resource\n"
        )
    return Answer(stdout=status_json(state, node, names[0], newer=newer))


def _connection(
    state: ClusterState, node: str, words: Sequence[str], options: Sequence[str]
) -> Answer:
    command, resource, number = words
    side = state.nodes[node].resources.get(resource)
    peers = {str(NODES.index(peer)): peer for peer in side.connections} if side else {}
    if side is None or not side.up or number not in peers:
        return Answer(_REFUSED, stderr=f"{resource}: Failure: (158) Unknown resource\n")
    if command == "disconnect":
        disconnect(state, node, resource, peers[number])
        return Answer()
    failed = begin_connection(state, node, resource, peers[number], options)
    return Answer(_REFUSED, stderr=f"{failed}\n") if failed else Answer()


def begin_connection(
    state: ClusterState, node: str, resource: str, peer: str, options: Sequence[str]
) -> str:
    """`connect` towards one peer: what the kernel says where it refuses, else nothing."""
    side = state.side(node, resource)
    if not side.up or peer not in side.connections:
        return f"{resource}: Failure: (158) Unknown resource"
    link = side.connections[peer]
    if link.connection is not ConnectionState.STANDALONE:
        return f"{resource}: Failure: (125) Device has a net-config (use disconnect first)"
    if "--discard-my-data" in options and side.primary:
        return f"{resource}: Failure: (123) --discard-my-data not allowed when primary."
    link.discard_my_data = "--discard-my-data" in options
    link.tentative = "--tentative" in options
    connect(state, node, resource, peer)
    return ""
