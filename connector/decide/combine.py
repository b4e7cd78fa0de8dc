"""What several connections of one resource come to (DRBD 9): each has its decision already.

A role belongs to the resource, a connection to a peer: nobody is demoted for the sake of one link,
and at most one peer is ever the one that this node gives its changes up to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from connector.model import (
    ESTABLISHED,
    HEALTHY,
    Action,
    ActionKind,
    Decision,
    DecisionName,
    DiskState,
    Gate,
    GateName,
    Resource,
    Role,
)

D = DecisionName
# From what says most of the whole resource to what says least; the first one met is its decision.
_WORST_FIRST = (
    D.UNKNOWN,
    D.CONTRADICTION,
    D.DEMOTE_AND_RECONNECT,
    D.RECONNECT_STANDBY,
    D.RECONNECT_SURVIVOR,
    D.DIVERGED,
    D.DEMOTE_AND_WAIT,
    D.TRANSIENT,
    D.HOLD,
    D.WAIT,
    D.SYNCING,
    D.HEALTHY,
)


def combined(resource: Resource, towards: Sequence[Decision]) -> Decision:
    """The decision for the whole resource, from those for its connections in their order."""
    if len(towards) == 1:
        return replace(towards[0], connections=tuple(towards))
    towards = _one_victim(resource, _demoted_together(towards))
    worst = min(towards, key=lambda item: (_WORST_FIRST.index(item.name), not item.actions))
    return Decision(
        resource=resource.name,
        name=worst.name,
        reason=_reason(towards),
        actions=_in_order([action for item in towards for action in item.actions]),
        would=_in_order([action for item in towards for action in item.would]),
        gates=tuple(dict.fromkeys(gate for item in towards for gate in item.gates)),
        needs_operator=any(item.needs_operator for item in towards),
        watch=any(item.watch for item in towards),
        may_discard=any(item.may_discard for item in towards),
        connections=tuple(towards),
    )


def _reason(towards: Sequence[Decision]) -> str:
    """What is to be said of each peer; once where it is the same of all."""
    if len({item.reason for item in towards}) == 1:
        return towards[0].reason
    told = [item for item in towards if item.name is not D.HEALTHY or item.needs_operator]
    return "; ".join(f"{item.peer}: {item.reason}" for item in told or towards)


def _in_order(actions: list[Action]) -> tuple[Action, ...]:
    """One demotion for all, before everything else.

    A step that follows it needs the picture after it; those of several peers need it likewise.
    """
    demotions = [action for action in actions if action.kind is ActionKind.SECONDARY]
    rest = [action for action in actions if action.kind is not ActionKind.SECONDARY]
    return (*demotions[:1], *rest)


def _demotes(decision: Decision) -> bool:
    return any(action.kind is ActionKind.SECONDARY for action in decision.would)


def _demoted_together(towards: Sequence[Decision]) -> Sequence[Decision]:
    """A demotion only where nothing stands in its way towards any peer."""
    gates = [gate for item in towards if _demotes(item) for gate in item.gates]
    if not gates:
        return towards
    return [
        _held_back(item, gates[0]) if _demotes(item) and not item.gates else item
        for item in towards
    ]


def _held_back(decision: Decision, gate: Gate) -> Decision:
    """The same decision, with one more gate before it."""
    return replace(
        decision,
        actions=(),
        gates=(*decision.gates, gate),
        watch=False,
        reason=f"{decision.reason}; {gate.reason}",
        needs_operator=decision.needs_operator or gate.operator,
    )


def _discards(decision: Decision) -> bool:
    return any(action.kind is ActionKind.CONNECT_DISCARD for action in decision.would)


def _one_victim(resource: Resource, towards: Sequence[Decision]) -> Sequence[Decision]:
    """Nothing is given up but towards one peer, and by a node whose data are nobody else's.

    While something is about to be given up, nothing else is done to the resource.
    """
    discarding = [item for item in towards if _discards(item)]
    if not discarding:
        return towards
    gate = _no_victim(resource, discarding)
    if gate is not None:
        return [_held_back(item, gate) if _discards(item) else item for item in towards]
    wait = Gate(GateName.VICTIM, f"{discarding[0].peer} comes first", operator=False)
    return [
        _held_back(item, wait) if item.would and not _discards(item) else item for item in towards
    ]


def _no_victim(resource: Resource, discarding: Sequence[Decision]) -> Gate | None:
    """Why this node is not the one that gives its changes up."""
    if len(discarding) > 1:
        peers = " and ".join(str(item.peer) for item in discarding)
        reason = f"{peers} were both Primary: nobody can say which copy is right"
        return Gate(GateName.VICTIM, reason, operator=True)
    for item in resource.each:
        if item.connection not in ESTABLISHED:
            continue
        if item.peer_role is Role.PRIMARY:
            reason = f"{item.peer} is connected and Primary: this node has its data"
            return Gate(GateName.VICTIM, reason, operator=True)
        if item.connection not in HEALTHY:
            reason = f"a resync with {item.peer} is under way"
            return Gate(GateName.VICTIM, reason, operator=False)
        if _mirrored(item):
            reason = f"its data are also those of {item.peer}, to which it is connected"
            return Gate(GateName.VICTIM, reason, operator=True)
    return None


def _mirrored(resource: Resource) -> bool:
    """Whether this node and a connected peer both hold good data: then it is not one node's."""
    return any(
        volume.device is not None
        and volume.device.disk is volume.device.peer_disk is DiskState.UP_TO_DATE
        for volume in resource.volumes
    )
