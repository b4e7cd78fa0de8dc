"""Promotion and demotion of one volume, and why the kernel refuses them.

Kernel sources: drbd_nl.c (`drbd_set_role`), drbd_state.c (`is_valid_state`). Although the role
belongs to the resource, drbdadm asks for it volume by volume, and the kernel grants it so.
"""

from __future__ import annotations

from dataclasses import dataclass

from connector.model import DiskState, Role
from connector.simulate.kernel_log import ERROR, KernelLog, states
from connector.simulate.parting import begin_generation
from connector.simulate.state import PairState, VolumeSide, connected


@dataclass(frozen=True, slots=True)
class StateRefusal:
    """A state change that the kernel refuses: enum drbd_state_rv, its text, drbdsetup's status."""

    code: int
    text: str
    exit_status: int


TWO_PRIMARIES = StateRefusal(-1, "Multiple primaries not allowed by config", 11)
NO_UP_TO_DATE_DISK = StateRefusal(-2, "Need access to UpToDate data", 17)
DEVICE_IN_USE = StateRefusal(-12, "Device is held open by someone", 11)


def promote(state: PairState, node: str, resource: str, volume: VolumeSide) -> StateRefusal | None:
    """Make this side Primary; a discard that is still to come is forgotten with it."""
    if volume.primary:
        return None
    linked = connected(volume.connection)
    refusal = None
    if linked and volume.peer_role is Role.PRIMARY:
        refusal = TWO_PRIMARIES
    elif volume.disk is not DiskState.UP_TO_DATE and not (
        linked and volume.peer_disk is DiskState.UP_TO_DATE
    ):
        refusal = NO_UP_TO_DATE_DISK
    if refusal:
        return _refuse(state, node, volume, Role.PRIMARY, refusal)
    log = KernelLog(state, node)
    log.change_device(volume, role=Role.PRIMARY)
    state.side(node, resource).discard_my_data = False
    if not linked:
        begin_generation(state, log, volume)
    volume.identifiers.mark_role(primary=True)
    _tell_peer(state, node, resource, volume)
    return None


def demote(state: PairState, node: str, resource: str, volume: VolumeSide) -> StateRefusal | None:
    """Make this side Secondary, unless somebody has the device open."""
    if not volume.primary:
        return None
    if volume.held_open:
        return _refuse(state, node, volume, Role.SECONDARY, DEVICE_IN_USE)
    KernelLog(state, node).change_device(volume, role=Role.SECONDARY)
    volume.identifiers.mark_role(primary=False)
    _tell_peer(state, node, resource, volume)
    return None


def _tell_peer(state: PairState, node: str, resource: str, volume: VolumeSide) -> None:
    if connected(volume.connection):
        peer = state.peer_volume(node, resource, volume)
        KernelLog(state, state.peer_of(node).name).change_device(peer, peer_role=volume.role)


def _refuse(
    state: PairState, node: str, volume: VolumeSide, wanted: Role, refusal: StateRefusal
) -> StateRefusal:
    log = KernelLog(state, node)
    log.device(volume.minor, f"State change failed: {refusal.text}", ERROR)
    log.device(volume.minor, f"  state = {states(volume, volume.role)}", ERROR)
    log.device(volume.minor, f" wanted = {states(volume, wanted)}", ERROR)
    return refusal
