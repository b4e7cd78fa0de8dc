"""Who opens a device, and what that means for the node's role (`auto-promote`).

Kernel source: drbd_main.c (`drbd_open`, `drbd_release`). A read-write open makes a Secondary
Primary, the last close of it demotes it, unless somebody has said `drbdadm primary`.
"""

from __future__ import annotations

from itertools import count

from connector.model import DiskState, Role
from connector.simulate.nine.generations import begin_generation, receivers, write
from connector.simulate.nine.kernel_log import KernelLog
from connector.simulate.nine.role import NO_UP_TO_DATE_DISK, StateRefusal, demote, promote
from connector.simulate.nine.state import ClusterState, NodeState, Opener, VolumeSide
from connector.simulate.state import Refused

FIRST_MOUNT = 35  # below it are those of the system (render.py)
SUPERBLOCK = 0


def volume_of(state: ClusterState, node: str, resource: str, number: int) -> VolumeSide:
    """A volume on a node that is up.

    Raises:
        Refused: there is no such device now.
    """
    if not state.nodes[node].up:
        raise Refused(f"{node} is down")
    side = state.side(node, resource)
    if not side.up:
        raise Refused(f"{resource} is down on {node}")
    return side.volumes[number]


def open_device(
    state: ClusterState,
    node: str,
    resource: str,
    number: int,
    program: str,
    *,
    writes: bool,
    where: str = "",
) -> Opener:
    """Open a device.

    Raises:
        Refused: the kernel does not let it be opened so.
    """
    volume = volume_of(state, node, resource, number)
    machine = state.nodes[node]
    machine.next_pid += 7
    pid = machine.next_pid
    side = state.side(node, resource)
    promotes = writes and not side.primary
    if not side.primary:
        if any(
            side.connections[peer].peer_role is Role.PRIMARY
            for peer in state.connected(node, resource)
        ):
            raise Refused(_failed_open(volume, program, where, "Wrong medium type"))
        if writes:
            refusal = promote(state, node, resource, tag=f"{program}:{pid} auto-promote")
            if refusal is not None:
                _say_failed(state, node, resource, refusal)
                what = "No data available" if refusal.code == NO_UP_TO_DATE_DISK.code else ""
                raise Refused(_failed_open(volume, program, where, what))
        elif not _readable(state, node, resource, volume):
            raise Refused(_failed_open(volume, program, where, "No data available"))
    mount_id = _free_mount_id(machine) if where else 0
    opener = Opener(program, pid, state.now_s, writes, where, mount_id)
    volume.openers.append(opener)
    side.promoter = opener if promotes else side.promoter
    return opener


def _say_failed(state: ClusterState, node: str, resource: str, refusal: StateRefusal) -> None:
    text = f"Auto-promote failed: {refusal.text} ({refusal.code})"
    KernelLog(state, node, resource).resource(text)


def _failed_open(volume: VolumeSide, program: str, where: str, what: str) -> str:
    """What the program says; without a word of the kernel (`what`) reading goes, writing fails."""
    device = f"/dev/drbd{volume.minor}"
    if not where:
        return f"{program}: failed to open '{device}': {what or 'Read-only file system'}"
    if not what:
        return f"mount: {where}: can't read superblock on {device}."
    return f"mount: {where}: mount(2) system call failed: {what}."


def _readable(state: ClusterState, node: str, resource: str, volume: VolumeSide) -> bool:
    return volume.disk is DiskState.UP_TO_DATE or any(
        volume.peers[peer].peer_disk is DiskState.UP_TO_DATE
        for peer in state.connected(node, resource)
    )


def _free_mount_id(machine: NodeState) -> int:
    taken = {opener.mount_id for side in machine.resources.values() for opener in side.openers()}
    return next(number for number in count(FIRST_MOUNT) if number not in taken)


def close_device(
    state: ClusterState, node: str, resource: str, number: int, opener: Opener, program: str
) -> None:
    """Close a device; the last that could write leaves a node Secondary that nobody promoted."""
    side = state.side(node, resource)
    side.volumes[number].openers.remove(opener)
    side.promoter = side.promoter if side.openers() else None
    machine = state.nodes[node]
    machine.next_pid += 7
    if side.primary and not side.explicit and not any(one.writes for one in side.openers()):
        demote(state, node, resource, tag=f"{program}:{machine.next_pid} auto-demote")


def opener_at(state: ClusterState, node: str, resource: str, where: str) -> tuple[int, Opener]:
    """A mount, and the number of its volume.

    Raises:
        Refused: nothing is mounted there.
    """
    for number, volume in enumerate(state.side(node, resource).volumes):
        for opener in volume.openers:
            if opener.where == where:
                return number, opener
    raise Refused(f"umount: {where}: not mounted.")


def write_block(
    state: ClusterState, node: str, resource: str, number: int, block: int, program: str = "write"
) -> int:
    """Write one block of an open device; the number of the write, which is acknowledged.

    Raises:
        Refused: it is not acknowledged: it fails, or waits for a peer or for quorum.
    """
    volume = volume_of(state, node, resource, number)
    side, device = state.side(node, resource), f"/dev/drbd{volume.minor}"
    if not side.primary:
        raise Refused(f"{program}: {device}: Rejected WRITE request, not in Primary role")
    if side.force_io_failures:
        raise Refused(f"{program}: {device}: Input/output error")
    if side.suspended:
        volume.held_back.add(block)
        raise Refused(
            f"{program}: {device}: I/O is suspended ({', '.join(sorted(side.suspended))})"
        )
    if not volume.quorum or not receivers(state, node, resource, number):
        raise Refused(f"{program}: {device}: Input/output error")
    volume.held_back.clear()
    begin_generation(state, node, resource, number)
    return write(state, node, resource, number, block, program)
