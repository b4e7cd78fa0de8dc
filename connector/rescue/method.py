"""How each volume is to be kept, and whether there is room for it; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connector.errors import NotKept
from connector.rescue.device import BackingDevice, LogicalVolume
from connector.rescue.kept import Method

MIB = 1024 * 1024
# A snapshot keeps 4 KiB for each changed chunk and 16 bytes to find it again; this is rounded up.
SNAPSHOT_OVERHEAD = 1.02
# What the last handshake counted may have grown since, on both sides.
SNAPSHOT_MARGIN = 2.0
SNAPSHOT_LEAST_BYTES = 16 * MIB
# A superblock's counts are those of the last sync.
COPY_MARGIN = 1.1
COPY_MARGIN_BYTES = 8 * MIB


@dataclass(frozen=True, slots=True)
class Room:
    """What the folder of rescues may still take, in bytes."""

    free_bytes: int
    allowed_bytes: int

    @property
    def bytes(self) -> int:
        """The smaller of both."""
        return max(0, min(self.free_bytes, self.allowed_bytes))


@dataclass(frozen=True, slots=True)
class Step:
    """One volume and how it is kept; `room_bytes` is a snapshot's size, or a copy's estimate."""

    device: BackingDevice
    method: Method
    room_bytes: int


def steps_for(devices: Sequence[BackingDevice], room: Room) -> tuple[Step, ...]:
    """How to keep each of these volumes.

    A snapshot wherever the device is a (thick) logical volume; otherwise a copy.

    Raises:
        NotKept: there is no room for all of them.
    """
    steps: list[Step] = []
    free = {
        item.logical_volume.volume_group: item.logical_volume.free_bytes
        for item in devices
        if item.logical_volume
    }
    for device in devices:
        lv = device.logical_volume
        if lv is not None and not lv.thin:
            size = snapshot_bytes(device, lv, free[lv.volume_group])
            free[lv.volume_group] -= size
            steps.append(Step(device, Method.SNAPSHOT, size))
        else:
            steps.append(copy_of(device))
    wanted = sum(step.room_bytes for step in steps if step.method is not Method.SNAPSHOT)
    if wanted > room.bytes:
        raise NotKept(
            f"the copy needs about {_mib(wanted)} MiB and there is room for {_mib(room.bytes)} MiB "
            "([rescue] directory, max_size_mib, spare_percent; `connector rescue list` shows what "
            "is kept already)"
        )
    return tuple(steps)


def snapshot_bytes(device: BackingDevice, lv: LogicalVolume, free_bytes: int) -> int:
    """The size that a snapshot of `lv` gets: all that it may ever need, where half of the free
    room is enough for that; otherwise twice what both sides are known to have changed.

    The resync overwrites what either side changed, and what the peer writes as long as the
    snapshot is kept needs room, too (drbd-behaviour: an overflow makes it invalid, silently).

    Raises:
        NotKept: the volume group has not that much, or it is not known how much it takes.
    """
    whole = _extents(int(lv.size_bytes * SNAPSHOT_OVERHEAD) + lv.extent_bytes, lv)
    if whole <= free_bytes // 2:
        return whole
    where = f"volume {device.volume}: volume group {lv.volume_group}"
    if device.out_of_sync_kib is None or device.peer_kib is None:
        raise NotKept(
            f"{where} has {_mib(free_bytes)} MiB free; how much the resync will overwrite is not "
            f"known, and for all of {lv.name} a snapshot takes {_mib(whole)} MiB twice over"
        )
    changed = (device.out_of_sync_kib + device.peer_kib) * 1024
    reckoned = max(SNAPSHOT_LEAST_BYTES, int(changed * SNAPSHOT_MARGIN * SNAPSHOT_OVERHEAD))
    least = min(whole, _extents(reckoned, lv))
    if least > free_bytes:
        raise NotKept(
            f"{where} has {_mib(free_bytes)} MiB free, and a snapshot of {lv.name} needs "
            f"{_mib(least)} MiB: enlarge the group (vgextend), or free some of it"
        )
    # Whatever is free beyond that helps against an overflow; half of it is left to others.
    return min(whole, max(least, _extents(free_bytes // 2, lv) - lv.extent_bytes))


def copy_of(device: BackingDevice) -> Step:
    """How a device is copied: the blocks in use, by the file system's own tool, where it was
    unmounted cleanly; otherwise the whole device with holes for zeros.
    """
    filesystem = device.filesystem
    if (
        filesystem is None
        or filesystem.size_bytes > device.data_bytes
        # e2image goes by what is in its place on the disk, and replays no journal (measured: the
        # files of the last transactions came out as zeros).
        or not filesystem.clean
    ):
        return Step(device, Method.WHOLE, device.data_bytes)
    method = Method.E2IMAGE if filesystem.kind == "ext4" else Method.XFS_COPY
    estimate = int(filesystem.used_bytes * COPY_MARGIN) + COPY_MARGIN_BYTES
    return Step(device, method, min(device.data_bytes, estimate))


def _extents(size_bytes: int, lv: LogicalVolume) -> int:
    return -(-size_bytes // lv.extent_bytes) * lv.extent_bytes


def _mib(size_bytes: int) -> int:
    return -(-size_bytes // MIB)
