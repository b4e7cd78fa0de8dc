"""Mounts a rescued file system read-only, beside the healed one; pure but for `mount` itself."""

from __future__ import annotations

from pathlib import Path

from connector.errors import ConnectorError, UsageError
from connector.program import failed
from connector.rescue.kept import KeptVolume, Rescue
from connector.world import World

MOUNT_TIMEOUT_S = 60.0
# The journal stays unreplayed, for nothing may be written there. An xfs of the same UUID is
# mounted already where it is looked at beside the healed one.
_OPTIONS = {"ext4": "ro,noload", "xfs": "ro,norecovery,nouuid"}


def source_of(folder: Path, rescue: Rescue, item: KeptVolume) -> Path:
    """The file or the device that holds the volume."""
    if item.file:
        return folder / rescue.name / item.file
    return Path("/dev") / (item.volume_group or "") / (item.snapshot or "")


def mount_command(source: Path, item: KeptVolume, where: Path) -> tuple[str, ...]:
    """The command that mounts it, with an explicit type: blkid takes what it sees for DRBD's.

    Raises:
        UsageError: there is no file system that connector knows in it.
    """
    options = _OPTIONS.get(item.filesystem or "")
    if options is None:
        raise UsageError(
            f"volume {item.volume} holds no ext or xfs file system: `connector rescue export` "
            "gives the whole device"
        )
    loop = ",loop" if item.file else ""
    options = f"{options},nodev,nosuid,noexec{loop}"
    return ("mount", "-t", item.filesystem or "", "-o", options, str(source), str(where))


def volume_of(rescue: Rescue, number: int | None) -> KeptVolume:
    """The volume of that number; without one the only volume.

    Raises:
        UsageError: there is none of that number, or several and nobody said which.
    """
    numbers = ", ".join(str(item.volume) for item in rescue.volumes)
    if number is None and len(rescue.volumes) == 1:
        return rescue.volumes[0]
    for item in rescue.volumes:
        if item.volume == number:
            return item
    raise UsageError(f"{rescue.name} has the volumes {numbers}: say which, --volume N")


def mount(world: World, source: Path, item: KeptVolume, where: Path) -> None:
    """Mount it there; the folder is made where it is missing.

    Raises:
        UsageError: the folder is not empty, or it is no file system.
        ConnectorError: `mount` did not do it.
    """
    command = mount_command(source, item, where)
    where.mkdir(parents=True, exist_ok=True)
    if any(where.iterdir()):
        raise UsageError(f"{where} is not empty: name an empty or a new folder")
    done = world.run(command, MOUNT_TIMEOUT_S)
    if done.exit_status != 0:
        raise ConnectorError(failed(done))
