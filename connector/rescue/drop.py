"""Takes rescues away: too old, half made, not wanted any more. And says what is lost."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from connector.errors import NotKept
from connector.program import failed
from connector.rescue import due, lvm, shelf
from connector.rescue.backing import LOOK_TIMEOUT_S
from connector.rescue.kept import RECORD_FILE, KeptVolume, Rescue
from connector.settings import Settings
from connector.world import World

DAY_S = 86_400
REMOVE_TIMEOUT_S = 30.0
# lvs(8) ends with 5 (lvm2 tools/errors.h ECMD_FAILED) for whatever goes wrong, and says on stderr:
#   Failed to find logical volume "pair/connector-20261128T080000Z-0"
#   Volume group "pair" not found
_IS_NOT_THERE = re.compile(r'Failed to find logical volume "|Volume group ".*" not found')


def too_old(rescues: Iterable[Rescue], max_age_days: float, now_wall_s: float) -> list[Rescue]:
    """Those that are kept for longer than they should be; pure.

    The newest copy of a resource stays, whatever a clock says that is wrong by years. A snapshot
    goes: as long as it is there, every write to the volume costs two more.
    """
    ordered = sorted(rescues, key=lambda item: item.kept_at_s)
    stay = due.newest_copies(ordered)
    return [
        item
        for item in ordered
        if item.age_s(now_wall_s) > max_age_days * DAY_S and item.name not in stay
    ]


def expired(world: World, settings: Settings) -> tuple[list[str], list[str]]:
    """Drop what is too old.

    Returns the names of what is gone, and a sentence for each that cannot be dropped: that stays.

    Raises:
        OSError: the folder cannot be read, or a rescue's folder not removed.
    """
    kept = shelf.read(settings.rescues_dir).rescues
    names, stuck = [], []
    for rescue in too_old(kept, settings.rescue.max_age_days, world.clock.wall_s()):
        try:
            rescue_away(world, settings, rescue)
        except NotKept as error:
            stuck.append(f"rescue {rescue.name} is older than max_age_days and stays: {error}")
        else:
            names.append(rescue.name)
    return names, stuck


def rescue_away(world: World, settings: Settings, rescue: Rescue) -> None:
    """Drop this one, its snapshots first.

    Raises:
        NotKept: a snapshot cannot be removed; then the record stays, too.
        OSError: its folder cannot be removed.
    """
    why = snapshots_of(world, rescue)
    if why:
        raise NotKept(why)
    shelf.remove(settings.rescues_dir, rescue.name)
    rescues = shelf.read(settings.rescues_dir).rescues
    due.reckon(settings, rescues, world.clock.wall_s())


def snapshots_of(world: World, rescue: Rescue) -> str | None:
    """Remove its snapshots, as far as they are there; why one of them still is, or None."""
    whys = []
    for item in rescue.volumes:
        if item.snapshot and _may_exist(world, item):
            done = world.run(lvm.remove(item.volume_group or "", item.snapshot), REMOVE_TIMEOUT_S)
            whys += [failed(done)] if done.exit_status != 0 else []
    return "; ".join(whys) or None


def unfinished(world: World, folder: Path) -> tuple[str, ...]:
    """Clear up after makers that were killed; only whoever holds the pass's lock may call this.

    Returns a sentence for each that has a snapshot which cannot be removed: its record stays, so
    that the next one tries it again.

    Raises:
        OSError: the folder cannot be listed.
    """
    stuck = []
    for path in shelf.leftovers(folder):
        try:
            why = snapshots_of(world, shelf.record(path / RECORD_FILE))
        except (OSError, ValueError):
            why = None  # the record comes first: without one there are no snapshots
        if why:
            stuck.append(f"{path}, a rescue that was not finished, cannot be removed: {why}")
        else:
            shutil.rmtree(path, ignore_errors=True)
    return tuple(stuck)


def why_lost(world: World, settings: Settings, rescue: Rescue) -> str | None:
    """Why a rescue is not to be had any more; None where all of it is there."""
    for item in rescue.volumes:
        why = _why_lost(world, settings.rescues_dir / rescue.name, item)
        if why:
            return f"volume {item.volume}: {why}"
    return None


def _why_lost(world: World, folder: Path, item: KeptVolume) -> str | None:
    if item.file:
        try:
            size = os.stat(folder / item.file).st_size
        except OSError as error:
            return f"{folder / item.file}: {error.strerror}"
        # A file system may be smaller than its device.
        return None if size else f"{folder / item.file} is empty"
    done = world.run(lvm.ask_snapshot(item.volume_group or "", item.snapshot or ""), LOOK_TIMEOUT_S)
    if done.exit_status != 0:
        return failed(done)
    try:
        now = lvm.parse_snapshot(done.stdout, item.snapshot or "")
    except NotKept as error:
        return str(error)
    if now.valid:
        return None
    return (
        f"the snapshot {item.volume_group}/{item.snapshot} has overflowed: more was overwritten "
        "than it had room for, and what it held is gone"
    )


def _may_exist(world: World, item: KeptVolume) -> bool:
    """Whether it is there, or LVM has not said that it is not."""
    argv = lvm.ask_snapshot(item.volume_group or "", item.snapshot or "")
    done = world.run(argv, LOOK_TIMEOUT_S)
    return not (done.exit_status and _IS_NOT_THERE.search(done.stderr))
