"""What a pass does for rescues that are kept: looks whether they outlived the resync."""

from __future__ import annotations

from collections.abc import Iterable

from connector.model import HEALTHY, DiskState, Resource
from connector.rescue import drop, due, shelf
from connector.rescue.kept import Rescue
from connector.settings import Settings
from connector.world import World


def attend(world: World, settings: Settings, resources: Iterable[Resource]) -> tuple[str, ...]:
    """Look at what is due, drop what is too old, clear up; sentences for a person, mostly none.

    A snapshot that overflowed during the resync holds nothing any more, without a word from LVM:
    that is said, and noted in its record. Only whoever holds the pass's lock may call this.
    """
    try:
        half = drop.unfinished(world, settings.rescues_dir)
        gone, stuck = drop.expired(world, settings)
        kept = shelf.read(settings.rescues_dir)
        over = {item.name for item in resources if _resync_is_over(item)}
        said = [f"rescue {name} was dropped: it is older than max_age_days" for name in gone]
        said += [*stuck, *half]
        rescues = []
        for rescue in kept.rescues:
            now = rescue
            wanted = rescue.resource in over or _too_old(world, settings, rescue)
            if rescue.looked_at_s is None and rescue.lost is None and wanted:
                now = looked_at(world, settings, rescue)
                if now.lost:
                    said.append(f"rescue {rescue.name} is lost: {now.lost}")
            rescues.append(now)
        due.reckon(settings, rescues, world.clock.wall_s(), again=bool(half))
    except OSError as error:
        return (f"{error.filename or settings.rescues_dir}: {error.strerror}",)
    return (*said, *kept.problems)


def looked_at(world: World, settings: Settings, rescue: Rescue) -> Rescue:
    """The rescue as it is now, noted in its record. Raises OSError."""
    why = drop.why_lost(world, settings, rescue)
    now = rescue.model_copy(update={"looked_at_s": world.clock.wall_s(), "lost": why})
    shelf.write(settings.rescues_dir / rescue.name, now)
    return now


def _too_old(world: World, settings: Settings, rescue: Rescue) -> bool:
    """Older than rescues get: its resource may be gone, and no pass is to wait for it for ever."""
    return rescue.age_s(world.clock.wall_s()) > settings.rescue.max_age_days * due.DAY_S


def _resync_is_over(resource: Resource) -> bool:
    disks = {item.device.disk if item.device else None for item in resource.volumes}
    return resource.connection in HEALTHY and disks == {DiskState.UP_TO_DATE}
