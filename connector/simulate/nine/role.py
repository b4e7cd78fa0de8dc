"""Promotion and demotion of a resource, by hand or by whoever opens its devices.

Kernel sources: drbd_nl.c (`drbd_set_role`), drbd_main.c (`drbd_open`, `drbd_release`),
drbd_state.c (`is_valid_transition`, `handshake` of a role change).
"""

from __future__ import annotations

from dataclasses import dataclass

from connector.model import DiskState, Role
from connector.simulate.nine.agreement import Agreement
from connector.simulate.nine.configuration import node_id
from connector.simulate.nine.kernel_log import ERROR, KernelLog, say_generation
from connector.simulate.nine.standing import outdate_far_nodes, tell_disk, upgrade
from connector.simulate.nine.state import ClusterState, ResourceSide


@dataclass(frozen=True, slots=True)
class StateRefusal:
    """A state change that the kernel refuses: enum drbd_state_rv, its text, drbdsetup's status.

    `more` is what the kernel adds.
    """

    code: int
    text: str
    exit_status: int
    more: str = ""


TWO_PRIMARIES = StateRefusal(-1, "Multiple primaries not allowed by config", 11)
NO_UP_TO_DATE_DISK = StateRefusal(-2, "Need access to UpToDate data", 17)


def held_open(side: ResourceSide, code: int, text: str, exit_status: int) -> StateRefusal | None:
    """The refusal that names whoever has a device open."""
    for volume in side.volumes:
        for opener in volume.openers:
            more = f"drbd{volume.minor} opened by {opener.program} (pid {opener.pid})"
            return StateRefusal(code, text, exit_status, f"{more} at {opener.since_s:.3f}")
    return None


def promote(
    state: ClusterState, node: str, resource: str, *, tag: str = "primary", force: bool = False
) -> StateRefusal | None:
    """Make this node Primary; a discard that is still to come is forgotten with it."""
    side, log = state.side(node, resource), KernelLog(state, node, resource)
    if side.primary:
        side.explicit = side.explicit or tag == "primary"
        return None
    refusal = _refusal(state, node, resource, force=force)
    if refusal is None:
        what = "role( Primary ) disk( UpToDate )" if force else "role( Primary )"
        agreement = Agreement(state, node, resource, None, what)
        refusal = _declined(state, node, resource)
        if refusal is not None:
            agreement.abort(refusal.code)
            log.resource(refusal.more, ERROR)
            return refusal
        agreement.commit(role=Role.PRIMARY, duration_ms=4)
        outdate_far_nodes(state, resource, agreement.others, {node})
    if refusal is not None:
        return refusal
    change = log.change(tag)
    change.role = Role.PRIMARY
    forced = [volume for volume in side.volumes if force and volume.disk in _USABLE_BY_FORCE]
    for volume in forced:
        change.disk(volume, DiskState.UP_TO_DATE)
    change.apply()
    side.explicit = tag == "primary"
    for link in side.connections.values():
        link.discard_my_data = False
    for volume in forced:
        log.resource("Forced to consider local data as UpToDate!")
        volume.current = state.fresh_identifier()
        say_generation(log, volume, {node})
        tell_disk(state, node, resource, volume)
    _tell_role(state, node, resource)
    return None


_USABLE_BY_FORCE = (DiskState.INCONSISTENT, DiskState.OUTDATED, DiskState.CONSISTENT)


def _refusal(state: ClusterState, node: str, resource: str, *, force: bool) -> StateRefusal | None:
    side = state.side(node, resource)
    peers = [peer for peer in state.connected(node, resource) if state.reachable(node, peer)]
    if any(side.connections[peer].peer_role is Role.PRIMARY for peer in peers):
        return TWO_PRIMARIES
    for volume in side.volumes:
        usable = volume.disk is DiskState.UP_TO_DATE or any(
            volume.peers[peer].peer_disk is DiskState.UP_TO_DATE for peer in peers
        )
        # An Outdated node may work over the network; its kernel asks the peers then.
        if not volume.quorum or not (usable or (force and volume.disk in _USABLE_BY_FORCE)):
            return NO_UP_TO_DATE_DISK
    return None


def _declined(state: ClusterState, node: str, resource: str) -> StateRefusal | None:
    for peer in state.connected(node, resource):
        if not state.reachable(node, peer):
            continue
        side, log = state.side(peer, resource), KernelLog(state, peer, resource)
        readers = [(v, o) for v in side.volumes for o in v.openers if not o.writes]
        if readers and not side.primary:
            text = "Peer may not become primary while device is opened read-only (-22)"
            log.resource(f"State change failed: {text}", ERROR)
            volume, opener = readers[0]
            log.device(volume, f"Held open by {opener.program}({opener.pid})", ERROR)
        elif not any(
            side.connections[third].peer_role is Role.PRIMARY
            for third in state.connected(peer, resource)
            if third != node
        ):
            continue
        more = f"Declined by peer {peer} (id: {node_id(peer)}), see the kernel log there"
        return StateRefusal(-10, "State change was refused by peer node", 11, more)
    return None


def demote(
    state: ClusterState, node: str, resource: str, *, tag: str = "secondary", force: bool = False
) -> StateRefusal | None:
    """Make this node Secondary, unless somebody has a device open to write."""
    side, log = state.side(node, resource), KernelLog(state, node, resource)
    if not side.primary:
        return None
    if any(opener.writes for opener in side.openers()) and not force:
        return held_open(side, -12, "Device is held open by someone", 11)
    agreement = Agreement(state, node, resource, None, "role( Secondary )")
    agreement.commit(role=Role.SECONDARY, duration_ms=4)
    change = log.change(tag)
    change.role = Role.SECONDARY
    if side.force_io_failures:
        change.force_io_failures = False
    change.apply()
    side.explicit = False
    _tell_role(state, node, resource)
    for name in state.names:
        if state.nodes[name].up and state.side(name, resource).up and name != node:
            upgrade(state, name, resource)
    return None


def _tell_role(state: ClusterState, node: str, resource: str) -> None:
    side = state.side(node, resource)
    optimized = "Disabling local AL-updates (optimization)"
    for peer in state.connected(node, resource):
        if not state.reachable(node, peer):
            continue
        log = KernelLog(state, peer, resource)
        log.change("remote").connection(node, None, side.role).apply()
        for volume in log.side.volumes:
            log.device(volume, optimized if side.primary else "Enabling local AL-updates")
