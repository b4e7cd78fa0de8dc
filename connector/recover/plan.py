"""What a person's recovery would do on this node, and what to do on the other; pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from connector.act.commands import printable
from connector.decide.forecast import Loser, forecast
from connector.errors import OperatorNeeded
from connector.model import (
    WAITING,
    Action,
    ActionKind,
    ConnectionState,
    DiskState,
    Generation,
    Picture,
    Resource,
    Role,
)
from connector.report.past_incidents import plain

_NO_DISK = frozenset({DiskState.DISKLESS, DiskState.FAILED, DiskState.DETACHING})


@dataclass(frozen=True, slots=True)
class Plan:
    """The commands for this node in their order, then those for the other; what would be lost.

    `loses` is empty where nothing is given up. Without `actions` nothing is left to do here.
    """

    resource: str
    target: str  # the resource, on DRBD 9 with the peer: RESOURCE:PEER
    summary: str
    actions: tuple[Action, ...]
    peer_commands: tuple[str, ...]
    loses: str = ""

    @property
    def discards(self) -> bool:
        """Whether this node gives its changes up."""
        return any(action.kind is ActionKind.CONNECT_DISCARD for action in self.actions)


def plan(resource: Resource, *, discard: bool | None, peer: Resource | None = None) -> Plan:
    """The plan for one resource.

    Args:
        resource: as it is now.
        discard: give this node's changes up (True), never (False), or where a split brain needs
            it and this node is the standby (None).
        peer: the other node's own view. It changes what is to be typed there, and never what this
            node does.

    Raises:
        OperatorNeeded: nothing can be done here; the message says why and what to do.
    """
    if resource.doubts:
        raise OperatorNeeded(f"{resource.name}: {resource.doubts[0]}; nothing is done in doubt")
    state = resource.connection
    if state is ConnectionState.STANDALONE or state in WAITING:
        giving_up = _gives_up(resource, discard)
        return _giving_up(resource, peer) if giving_up else _connecting(resource, peer)
    if discard:
        raise OperatorNeeded(
            f"{resource.name} is {state or 'in an unknown state'}: there is nothing to give up"
        )
    if resource.picture.diverged:
        name, target = resource.name, resource.target
        raise OperatorNeeded(
            f"{name} is Connected, but the copies differ and no resync is under way. Find out "
            "which node has the right data. On the other one, not in use: `drbdadm disconnect "
            f"{target}`, then `connector recover {name} --victim here` if the kernel log then "
            f"shows a split brain; after an online verify `drbdadm disconnect {target}` and "
            f"`drbdadm connect {target}` on the node with the right data copy its blocks"
        )
    return Plan(
        resource.name, resource.target, f"{resource.target} is {state}: nothing to recover", (), ()
    )


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
        "Look at both nodes, then say it: --victim here on the one that gives its changes up, "
        "--victim peer on the other"
    )


def _giving_up(resource: Resource, peer: Resource | None) -> Plan:
    """Secondary if need be, out of WFConnection if need be, then the discarding connect."""
    name = resource.name
    if resource.in_use is not False:
        raise OperatorNeeded(f"{name} is in use here, so its changes cannot be given up")
    for volume in resource.volumes:
        disk = volume.device.disk if volume.device else None
        if disk is None or disk in _NO_DISK:
            raise OperatorNeeded(f"{name}: volume {volume.volume} has no local disk to resync")
    if resource.connection in WAITING:
        raise OperatorNeeded(
            f"{name} waits for its peer already ({resource.connection}), and DRBD takes "
            "--discard-my-data only when StandAlone. If it was told so already, only the other "
            f"node is missing: there `connector recover {name} --victim peer`. If not, type "
            f"`drbdadm disconnect {resource.target}` here, then this again."
        )
    if resource.generation is Generation.NINE and not resource.evidence.split_brain:
        # Measured: the resync then runs the wrong way, back to older data.
        raise OperatorNeeded(
            f"{name}: the kernel log shows no split brain with {resource.peer}, and DRBD 9 takes "
            "older data for newer when --discard-my-data comes without one. `drbdadm connect "
            f"{resource.target}` lets the nodes meet: then the log says how they stand"
        )
    actions = _demotion(resource)
    standby = replace(resource.picture, role=Role.SECONDARY, in_use=False)
    actions.append(_towards_peer(ActionKind.CONNECT_DISCARD, resource, standby))
    return Plan(
        name,
        resource.target,
        f"{name}: this node gives its changes up and takes the peer's data",
        tuple(actions),
        _survivor_commands(resource, peer),
        loses=_loses(resource),
    )


def _survivor_commands(resource: Resource, peer: Resource | None) -> tuple[str, ...]:
    """What the node does that keeps its data; nothing where it waits already."""
    line = f"connector recover {resource.name} --victim peer"
    if peer is None:
        # On DRBD 9 the command names the peer, which is this node: only it knows how it is called.
        eight = resource.generation is Generation.EIGHT
        by_hand = f"or: drbdadm connect {resource.name}; " if eight else ""
        return (f"{line}   ({by_hand}only if StandAlone there)",)
    return () if peer.connection in WAITING else (line,)


def _victim_commands(name: str, peer: Resource | None) -> tuple[str, ...]:
    """What the node does that gives its changes up."""
    line = f"connector recover {name} --victim here   (it gives its changes up)"
    if peer is None:
        return (line,)
    places = (use.where for volume in peer.volumes for use in volume.used_by or ())
    stop = (f"stop what uses {plain(where)}, and unmount it" for where in sorted(set(places)))
    waits = peer.connection in WAITING
    leave = (f"drbdadm disconnect {peer.target}",) if waits else ()
    return (*stop, *leave, line)


def _connecting(resource: Resource, peer: Resource | None) -> Plan:
    """A plain connect, which ends no split brain; refused where DRBD might pick a loser itself."""
    name = resource.name
    actions = _demotion(resource) if resource.in_use is False and resource.alone else []
    primary = resource.role is Role.PRIMARY and not actions
    own_changes = resource.out_of_sync_kib != 0
    losses = forecast(resource.after_sb, primary=primary, own_changes=own_changes)
    mine = [loss for loss in losses if loss.loser is not Loser.PEER]
    if mine:
        raise OperatorNeeded(
            f"{name}: {mine[0].sentence}, so a plain connect may lose data. Say whose changes are "
            f"to go: `connector recover {name} --victim here` on the node that gives them up, "
            "or change that setting in drbd.conf on both nodes"
        )
    if resource.connection is ConnectionState.STANDALONE:
        role = Role.SECONDARY if actions else resource.role
        now = replace(resource.picture, role=role)
        actions.append(_towards_peer(ActionKind.CONNECT, resource, now))
    other: tuple[str, ...] = ()
    summary = f"{name}: this node connects and keeps its data"
    if resource.evidence.split_brain:
        other = _victim_commands(name, peer)
        summary += "; the other node must give its changes up"
    elif resource.connection in WAITING:
        other = (f"connector recover {name}   (if it is StandAlone there)",)
        summary = f"{name}: this node waits for its peer"
    # What is left hits the peer only, where it is Secondary.
    loses = f"{losses[0].sentence}, if it has any" if losses else ""
    return Plan(name, resource.target, summary, tuple(actions), other, loses)


def _towards_peer(kind: ActionKind, resource: Resource, requires: Picture) -> Action:
    """The command for this one connection; 8.4 has no other."""
    peer = resource.peer if resource.generation is Generation.NINE else None
    return Action(kind, resource.name, requires, peer)


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
    """The plan as text, with the exact commands in the order in which they must be typed."""
    here = [("on this node", printable(action)) for action in found.actions]
    steps = here + [("on the other node", line) for line in found.peer_commands]
    text = [found.summary]
    if steps:
        text.append("in this order:")
        text += [f"  {i}. {node + ':':18} {line}" for i, (node, line) in enumerate(steps, 1)]
    if here:
        done = "step 1 is" if len(here) == 1 else f"steps 1 and {len(here)} are"
        rest = "; the rest is for you to type there" if found.peer_commands else ""
        text.append(f"{done} done here by this command{rest}")
    if found.loses:
        text.append(f"WOULD BE LOST: {found.loses}.")
    return text
