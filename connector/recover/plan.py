"""What a person's recovery would do on this node, and what to do on the other; pure."""

from __future__ import annotations

from dataclasses import dataclass

from connector.act.commands import printable
from connector.decide.forecast import Loser, forecast
from connector.errors import OperatorNeeded
from connector.model import (
    Action,
    ActionKind,
    ConnectionState,
    DiskState,
    Picture,
    Resource,
    Role,
)

_NO_DISK = frozenset({DiskState.DISKLESS, DiskState.FAILED, DiskState.DETACHING})


@dataclass(frozen=True, slots=True)
class Plan:
    """The commands for this node in their order, for the other one, and what would be lost.

    `loses` is empty where nothing is given up. Without `actions` nothing is left to do here.
    """

    resource: str
    summary: str
    actions: tuple[Action, ...]
    peer_commands: tuple[str, ...]
    loses: str = ""


def plan(resource: Resource, *, discard: bool | None) -> Plan:
    """The plan for one resource.

    Args:
        resource: as it is now.
        discard: give this node's changes up (True), never (False), or where a split brain needs
            it and this node is the standby (None).

    Raises:
        OperatorNeeded: nothing can be done here; the message says why and what to do.
    """
    if resource.doubts:
        raise OperatorNeeded(f"{resource.name}: {resource.doubts[0]}; nothing is done in doubt")
    state = resource.connection
    if state in (ConnectionState.STANDALONE, ConnectionState.WF_CONNECTION):
        giving_up = _gives_up(resource, discard)
        return _giving_up(resource) if giving_up else _connecting(resource)
    if discard:
        raise OperatorNeeded(
            f"{resource.name} is {state or 'in an unknown state'}: there is nothing to give up"
        )
    return Plan(resource.name, f"{resource.name} is {state}: nothing to recover", (), ())


def _gives_up(resource: Resource, discard: bool | None) -> bool:
    """Without a word, the standby of a split brain is the one that gives up.

    Raises:
        OperatorNeeded: nobody can say which side is the right one; a person must.
    """
    evidence = resource.evidence
    if discard is not None:
        return discard
    if not evidence.split_brain or resource.in_use is not False:
        return False
    if evidence.peer_was_primary is True:
        return True
    if evidence.self_was_primary is True and evidence.peer_was_primary is False:
        return False
    raise OperatorNeeded(
        f"{resource.name}: split brain, and the kernel log does not say which side was active. "
        "Look at both nodes, then say it: --discard-my-data on the one that gives its changes "
        "up, --keep-my-data on the other"
    )


def _giving_up(resource: Resource) -> Plan:
    """Secondary if need be, out of WFConnection if need be, then the discarding connect."""
    name = resource.name
    if resource.in_use is not False:
        raise OperatorNeeded(f"{name} is in use here, so its changes cannot be given up")
    for volume in resource.volumes:
        disk = volume.device.disk if volume.device else None
        if disk is None or disk in _NO_DISK:
            raise OperatorNeeded(f"{name}: volume {volume.volume} has no local disk to resync")
    if resource.connection is ConnectionState.WF_CONNECTION:
        raise OperatorNeeded(
            f"{name} waits for its peer already (WFConnection), and DRBD takes --discard-my-data "
            f"only when StandAlone. Type `drbdadm disconnect {name}` here, then this again."
        )
    actions = _demotion(resource)
    standby = Picture(resource.connection, Role.SECONDARY, False)
    actions.append(Action(ActionKind.CONNECT_DISCARD, name, standby))
    return Plan(
        name,
        f"{name}: this node gives its changes up and takes the peer's data",
        tuple(actions),
        (f"connector recover {name}   (or: drbdadm connect {name}; only if StandAlone there)",),
        loses=_loses(resource),
    )


def _connecting(resource: Resource) -> Plan:
    """A plain connect, which ends no split brain; refused where DRBD might pick a loser itself."""
    name = resource.name
    actions = _demotion(resource) if resource.in_use is False else []
    primary = resource.role is Role.PRIMARY and not actions
    own_changes = resource.out_of_sync_kib != 0
    losses = forecast(resource.after_sb, primary=primary, own_changes=own_changes)
    mine = [loss for loss in losses if loss.loser is not Loser.PEER]
    if mine:
        raise OperatorNeeded(
            f"{name}: {mine[0].sentence}, so a plain connect may lose data. Say whose changes are "
            f"to go: `connector recover {name} --discard-my-data` on the node that gives them up, "
            "or change that setting in drbd.conf on both nodes"
        )
    if resource.connection is ConnectionState.STANDALONE:
        role = Role.SECONDARY if actions else resource.role
        now = Picture(resource.connection, role, resource.in_use)
        actions.append(Action(ActionKind.CONNECT, name, now))
    other: tuple[str, ...] = ()
    summary = f"{name}: this node connects and keeps its data"
    if resource.evidence.split_brain:
        other = (f"connector recover {name} --discard-my-data   (it gives its changes up)",)
        summary += "; the other node must give its changes up"
    elif resource.connection is ConnectionState.WF_CONNECTION:
        other = (f"connector recover {name}   (if it is StandAlone there)",)
        summary = f"{name}: this node waits for its peer"
    # What is left hits the peer only, where it is Secondary.
    loses = f"{losses[0].sentence}, if it has any" if losses else ""
    return Plan(name, summary, tuple(actions), other, loses)


def _demotion(resource: Resource) -> list[Action]:
    if resource.role is not Role.PRIMARY:
        return []
    return [Action(ActionKind.SECONDARY, resource.name, resource.picture)]


def _loses(resource: Resource) -> str:
    """What would be lost, in words."""
    own = resource.out_of_sync_kib
    amount = "an unknown amount" if own is None else f"{own} KiB"
    return (
        f"everything written on this node since the split: {amount} of blocks that the peer does "
        "not have. DRBD overwrites them with the peer's"
    )


def lines(found: Plan) -> list[str]:
    """The plan as text, with the exact commands."""
    text = [found.summary]
    if found.actions:
        text.append("on this node:")
        text += [f"    {printable(action)}" for action in found.actions]
    if found.peer_commands:
        text.append("on the other node:")
        text += [f"    {line}" for line in found.peer_commands]
    if found.loses:
        text.append(f"WOULD BE LOST: {found.loses}.")
    return text
