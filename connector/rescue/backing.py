"""Finds the disk below each volume of a resource, with its file system and its volume group."""

from __future__ import annotations

import fcntl
import os
import re
import stat
from pathlib import Path

from connector.errors import NotKept
from connector.model import Handshake, Resource, Volume
from connector.program import Completed, failed
from connector.rescue import lvm
from connector.rescue.device import BackingDevice, LogicalVolume
from connector.rescue.superblock import READ_BYTES, FileSystem, identify
from connector.world import World

SECTOR_BYTES = 512  # of /sys/class/block/NAME/size, whatever the disk's own are
LOOK_TIMEOUT_S = 10.0
_BLKFLSBUF = 0x1261  # include/uapi/linux/fs.h
# `drbdsetup show` of drbd-utils for 8.4 (user/v84/drbdsetup.c), measured; 9's `show_volume`
# (user/v9/drbdsetup.c) prints the same two lines:
#         volume 0 {
#             device			minor 0;
#             disk			"/dev/vda";
_ATTACHED = re.compile(r'^\s*device\s+minor (\d{1,7});\s*\n\s*disk\s+"(/[^"\n]{1,4000})";', re.M)


def backing_devices(world: World, resource: Resource) -> tuple[BackingDevice, ...]:
    """The backing device of each volume, as the kernel has it attached.

    Raises:
        NotKept: one of them cannot be found out.
    """
    said = _run(world, ("drbdsetup", "show", resource.name))
    attached = {int(minor): path for minor, path in _ATTACHED.findall(said.stdout)}
    handshakes = {item.minor: item for item in resource.evidence.handshakes}
    return tuple(
        _device(world, volume, attached.get(volume.minor), handshakes.get(volume.minor))
        for volume in resource.volumes
    )


def _device(
    world: World, volume: Volume, path: str | None, handshake: Handshake | None
) -> BackingDevice:
    if path is None or volume.device is None:
        raise NotKept(f"volume {volume.volume}: DRBD has no disk attached there")
    place = below(world.root, path)
    writes = volume.device.statistics.get("dw")
    return BackingDevice(
        volume=volume.volume,
        minor=volume.minor,
        path=path,
        data_bytes=_size_bytes(world.root, f"drbd{volume.minor}"),
        filesystem=filesystem_on(place, path),
        logical_volume=_logical_volume(world, place, path),
        out_of_sync_kib=volume.device.out_of_sync_kib,
        peer_kib=handshake.peer_bits * 4 if handshake else None,
        disk_writes_kib=writes if isinstance(writes, int) else None,
    )


def below(root: Path, path: str) -> Path:
    """Where a device of the node is found from here."""
    return root / path.lstrip("/")


def _size_bytes(root: Path, name: str) -> int:
    path = root / "sys/class/block" / name / "size"
    try:
        size = int(path.read_text(encoding="ascii")[:30]) * SECTOR_BYTES
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise NotKept(f"the size of {name} cannot be read from {path}: {why}") from error
    if size <= 0:
        raise NotKept(f"{path} says that {name} has no size")
    return size


def filesystem_on(place: Path, path: str) -> FileSystem | None:
    """The file system that begins on the device at `place`; `path` is its name for a person.

    Raises:
        NotKept: it cannot be read.
    """
    try:
        forget_cached(place)
        with place.open("rb") as device:
            return identify(device.read(READ_BYTES))
    except OSError as error:
        raise NotKept(f"{path} cannot be read: {error.strerror}") from error


def forget_cached(place: Path) -> None:
    """Have a block device read anew from the disk.

    DRBD writes below the device's page cache, which lives as long as DRBD holds the device: what
    anybody read there before is old (block/ioctl.c `blkdev_flushbuf`). That ioctl takes
    CAP_SYS_ADMIN, which the unit files leave out; advice to drop clean pages takes none
    (mm/fadvise.c), and nobody but DRBD has written there.

    Raises:
        OSError: it cannot be opened, or this process may not.
    """
    descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if stat.S_ISBLK(os.fstat(descriptor).st_mode):
            try:
                fcntl.ioctl(descriptor, _BLKFLSBUF, 0)
            except PermissionError:
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def _logical_volume(world: World, place: Path, path: str) -> LogicalVolume | None:
    """What LVM says of the device, where device-mapper says that it is LVM's."""
    try:
        mapped = _in_sysfs(world.root, place) / "dm"
        uuid = (mapped / "uuid").read_text(encoding="ascii")
        name = (mapped / "name").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    if not uuid.startswith("LVM-"):
        return None
    # drbd.conf may name it by /dev/disk/by-id or /dev/dm-0, which lvs(8) does not take.
    return lvm.parse(_run(world, lvm.ask(f"/dev/mapper/{name}")).stdout, path)


def _in_sysfs(root: Path, place: Path) -> Path:
    """The device's folder by its number: /dev/GROUP/NAME is no link to dm-N where udev is not."""
    found = place.stat()
    if not stat.S_ISBLK(found.st_mode):
        return root / "sys/class/block" / place.resolve().name
    return root / f"sys/dev/block/{os.major(found.st_rdev)}:{os.minor(found.st_rdev)}"


def _run(world: World, argv: tuple[str, ...]) -> Completed:
    done = world.run(argv, LOOK_TIMEOUT_S)
    if done.exit_status != 0:
        raise NotKept(failed(done))
    return done
