"""Takes a rescue out, to another machine or to somebody who can mend file systems."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from connector.errors import ConnectorError, NotKept, UsageError
from connector.program import Completed, failed
from connector.rescue.backing import below, filesystem_on
from connector.rescue.copying import copy
from connector.rescue.device import BackingDevice
from connector.rescue.kept import Rescue
from connector.rescue.method import copy_of
from connector.rescue.mounting import source_of
from connector.rescue.shelf import write
from connector.settings import Settings
from connector.world import World


def export(world: World, settings: Settings, rescue: Rescue, target: Path) -> None:
    """Write the record and every volume into one compressed archive (tar(1), holes stay holes).

    A snapshot is copied beside the archive first. The archive has its name only when it is whole,
    and can be read by its owner only.

    Raises:
        UsageError: there is something of that name already.
        ConnectorError: it could not be written; nothing is left of it.
    """
    if target.exists():
        raise UsageError(f"{target} is there already; nothing was written")
    ends_s = world.clock.boot_s() + settings.rescue.copy_timeout_s

    def time_left_s() -> float:
        return ends_s - world.clock.boot_s()

    workshop = target.parent / f".{target.name}.{os.getpid()}"
    try:
        workshop.mkdir(mode=0o700)
        _gather(world, settings, rescue, workshop, time_left_s)
        archive = workshop / "archive"
        names = sorted(path.name for path in workshop.iterdir())
        # Links into the folder of rescues stand for the files themselves.
        argv = ("tar", "-C", str(workshop), "-h", "-S", "-z", "-c", "-f", str(archive), *names)
        _must(world.run(argv, max(0.0, time_left_s())))
        archive.chmod(0o600)
        archive.rename(target)
    except OSError as error:
        raise ConnectorError(f"{error.filename or target}: {error.strerror}") from error
    finally:
        _clear(workshop)


def _gather(
    world: World,
    settings: Settings,
    rescue: Rescue,
    workshop: Path,
    time_left_s: Callable[[], float],
) -> None:
    write(workshop, rescue)
    for item in rescue.volumes:
        source = source_of(settings.rescues_dir, rescue, item)
        if item.file:
            (workshop / item.file).symlink_to(source)
            continue
        place = below(world.root, str(source))
        try:
            device = BackingDevice(
                volume=item.volume,
                minor=item.minor,
                path=str(source),
                data_bytes=item.size_bytes,
                filesystem=filesystem_on(place, str(source)),
                logical_volume=None,
                out_of_sync_kib=None,
                peer_kib=None,
                disk_writes_kib=None,
            )
            copy(
                copy_of(device),
                place,
                workshop / f"volume-{item.volume}.img",
                run=world.run,
                time_left_s=time_left_s,
                spare_bytes=0,
            )
        except NotKept as error:
            raise ConnectorError(str(error)) from error


def _must(done: Completed) -> None:
    if done.exit_status != 0:
        raise ConnectorError(failed(done))


def _clear(workshop: Path) -> None:
    if not workshop.is_dir():
        return
    for path in workshop.iterdir():
        path.unlink()
    workshop.rmdir()
