"""From a row of the table to a decision: which command, and which gates stand before it."""

from __future__ import annotations

from dataclasses import replace

from connector.decide.combine import combined
from connector.decide.context import Context
from connector.decide.gates import DISK_GONE, gates_before, may_lose
from connector.decide.table import SECONDARY, Row, row_for
from connector.model import (
    HEALTHY,
    Action,
    ActionKind,
    Cause,
    ConnectionState,
    Decision,
    DecisionName,
    DiskState,
    Gate,
    GateName,
    Generation,
    Mode,
    Resource,
    Role,
)

# How long a state between two states may last before a person should look (seconds).
TRANSIENT_LASTS_S = 120
# Why a connection ended, other than a split brain and a person's word; a person mends these.
_TROUBLE = frozenset(Cause) - {Cause.SPLIT_BRAIN, Cause.OPERATOR_DISCONNECT}
_TAKE_BACK = (ActionKind.DISCONNECT, ActionKind.CONNECT)
_DISK_AT_RISK = DISK_GONE | {DiskState.INCONSISTENT, DiskState.OUTDATED}


def decide(resource: Resource, context: Context) -> Decision:
    """The one answer for a resource: its row, the commands, the gates and a plain sentence.

    Where it has several connections (DRBD 9) each has its row, and what is done is what they agree
    on. Pure: the same arguments give the same decision.
    """
    each = tuple(_towards(item, context.towards(item.peer)) for item in resource.each)
    return combined(resource, each) if resource.connections else each[0]


def _towards(resource: Resource, context: Context) -> Decision:
    """The answer for a resource of one connection, or for one of its connections."""
    row = row_for(resource.picture)
    steps = _steps(row, resource, context)
    actions = _actions(steps, resource)
    gates = gates_before(row, steps, resource, context)
    return Decision(
        resource=resource.name,
        name=row.name,
        reason=_reason(row, steps, gates, resource),
        actions=() if gates else actions,
        would=actions,
        gates=gates,
        needs_operator=_needs_operator(row, gates, resource, context),
        watch=row.watch and not gates and _is_new(context),
        may_discard=bool(steps) and may_lose(steps, resource),
        peer=resource.peer,
    )


def _is_new(context: Context) -> bool:
    """Waiting is watched when it begins; a pair that waits for hours is looked at once a pass."""
    return context.picture_age_s is None or context.picture_age_s < context.settle_s


def _steps(row: Row, resource: Resource, context: Context) -> tuple[ActionKind, ...]:
    """The row's commands; for a standby whose split brain may be ended, the discarding connect.

    A discard is the answer only where the last handshake showed this side Secondary and the peer
    Primary. Where the log no longer says so, or this node was still Primary then, a plain connect
    makes the kernel write new lines.
    """
    may_end_it = (
        row.name is DecisionName.RECONNECT_STANDBY
        and context.policy.mode is Mode.DISCARD
        and _speaks_for_a_discard(resource)
    )
    if may_end_it:
        return (ActionKind.CONNECT_DISCARD,)
    return _TAKE_BACK if _is_to_be_taken_back(row, resource, context) else row.steps


def _is_to_be_taken_back(row: Row, resource: Resource, context: Context) -> bool:
    """Whether a discard is pending for which there is no evidence any more (DRBD 9).

    It takes effect at the next handshake, split or not, and would take older data (measured).
    """
    return (
        context.discard_pending
        and row.name is DecisionName.WAIT
        and resource.generation is Generation.NINE
        and not _speaks_for_a_discard(resource)
    )


def _speaks_for_a_discard(resource: Resource) -> bool:
    """Whether the last handshake found a split brain, the peer Primary and this side Secondary."""
    return (
        resource.evidence.split_brain
        and resource.evidence.peer_was_primary is True
        and resource.evidence.self_was_primary is False
    )


def _actions(steps: tuple[ActionKind, ...], resource: Resource) -> tuple[Action, ...]:
    """The steps with the picture that each one needs; a step changes it for the next."""
    peer = resource.peer if resource.generation is Generation.NINE else None
    actions = []
    picture = resource.picture
    for kind in steps:
        demotes = kind is ActionKind.SECONDARY
        actions.append(Action(kind, resource.name, picture, None if demotes else peer))
        if demotes:
            picture = replace(picture, role=Role.SECONDARY)
        elif kind is ActionKind.DISCONNECT:
            picture = replace(picture, connection=ConnectionState.STANDALONE)
    return tuple(actions)


def _needs_operator(
    row: Row, gates: tuple[Gate, ...], resource: Resource, context: Context
) -> bool:
    """Whether nothing will come right unless a person does something."""
    if context.paused is not None:
        return False
    if row.escalate or not resource.claimed:
        return True
    if row.lasting:
        return context.picture_age_s is not None and context.picture_age_s >= TRANSIENT_LASTS_S
    if resource.force_io_failures:
        return True
    if row.connections == HEALTHY:
        return _disk_at_risk(resource) is not None
    if resource.evidence.split_brain and context.policy.mode is not Mode.DISCARD:
        return True
    # A gate that opens by itself (grace, pause, a cluster manager) makes the others wait.
    return bool(gates) and all(gate.operator for gate in gates)


def _disk_at_risk(resource: Resource) -> str | None:
    """Connected is not enough: a volume whose one copy is missing or old needs a person.

    Not where one of several peers is Outdated: DRBD 9 makes it that as soon as one of its links is
    cut, and brings it up to date with that link (measured).
    """
    for volume in resource.volumes:
        device = volume.device
        if device is None:
            continue
        sides = (
            ("local", device.disk, device.client),
            ("peer's", device.peer_disk, device.peer_client),
        )
        for side, disk, on_purpose in sides:
            outdated_by_a_link = disk is DiskState.OUTDATED and resource.several
            if disk in _DISK_AT_RISK and not on_purpose and not outdated_by_a_link:
                return f"the {side} disk of volume {volume.volume} is {disk}"
    return None


def _reason(
    row: Row, steps: tuple[ActionKind, ...], gates: tuple[Gate, ...], resource: Resource
) -> str:
    """One plain sentence: what is seen, and what stands in the way."""
    parts = [row.sentence]
    if row.steps[:1] == (ActionKind.SECONDARY,) and resource.generation is Generation.NINE:
        # Auto-promote ends with the last close (measured), so it is not that.
        parts.append("it was made Primary by `drbdadm primary`, and nothing holds it open")
    if row.name is DecisionName.UNKNOWN:
        parts = [_unknown_words(row, resource)]
    elif row.connections == HEALTHY:
        parts += [text for text in [_disk_at_risk(resource)] if text]
    elif row.in_use and row.roles == SECONDARY:
        parts.append(f"held by {_holders(resource)}")
    elif steps == _TAKE_BACK:
        parts.append("a discard is pending that nothing calls for any more: it is taken back")
    elif resource.evidence.split_brain and not gates:
        parts.append(_split_brain_words(row, resource))
    elif row.steps and resource.evidence.cause in _TROUBLE:
        parts.append(f"the kernel log says why: {resource.evidence.cause}")
    parts += [gate.reason for gate in gates]
    if resource.suspended and not any(gate.name is GateName.SUSPENDED for gate in gates):
        parts.append(f"I/O is suspended: {', '.join(resource.suspended)}")
    if resource.without_quorum:
        parts.append("quorum is lost")
    return "; ".join(parts)


def _holders(resource: Resource) -> str:
    """What holds it, in the words of the look."""
    uses = [use.where for volume in resource.volumes for use in volume.used_by or ()]
    return ", ".join(uses) or "something that cannot be told"


def _unknown_words(row: Row, resource: Resource) -> str:
    """What it is that cannot be told."""
    if resource.doubts:
        return resource.doubts[0]
    if resource.in_use is None:
        return "whether it is in use here cannot be told"
    return row.sentence


def _split_brain_words(row: Row, resource: Resource) -> str:
    """What to do about a split brain that no step of this node ends."""
    if row.in_use:
        return (
            f"split brain: it ends when the other node gives its changes up "
            f"(`connector recover {resource.name} --discard-my-data` there)"
        )
    return "split brain"
