"""Keeps what a node holds of a resource, whole, before its changes are given up."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from connector.errors import NotKept
from connector.model import ConnectionState, Resource, Role
from connector.program import failed
from connector.rescue import drop, due, lvm, shelf
from connector.rescue.backing import backing_devices, below
from connector.rescue.copying import copy
from connector.rescue.kept import KeptVolume, Method, Rescue, name_for
from connector.rescue.method import MIB, Room, Step, steps_for
from connector.settings import Settings
from connector.world import World

# No disk copies faster: what needs longer even so is not begun.
FASTEST_BYTES_PER_S = 2048 * MIB
SNAPSHOT_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """A resource that is to be kept, why, and how much time there is for it in seconds."""

    resource: Resource
    why: str
    time_left_s: Callable[[], float]


def keep(world: World, settings: Settings, wanted: Wanted) -> Rescue | None:
    """Keep every volume of the resource; the new rescue, or an older one of the same data.

    None where nothing would be lost: the node has no changes that its peer has not. Only whoever
    holds the pass's lock may call this, and must look at the node again afterwards.

    Raises:
        NotKept: it could not be kept; then nothing may be given up. Nothing is left of it.
    """
    resource = wanted.resource
    if resource.out_of_sync_kib == 0:
        return None
    folder = settings.rescues_dir
    try:
        drop.expired(world, settings)
        kept = shelf.read(folder)
        for rescue in reversed(kept.rescues):
            if still_holds(rescue, resource, world.boot_id()) and _there(world, settings, rescue):
                return rescue
        return _make(world, settings, wanted)
    except OSError as error:
        raise NotKept(f"{error.filename or folder}: {error.strerror}") from error


def must_be_unchanged(
    world: World, settings: Settings, rescue: Rescue, now: Resource | None, *, since_wall_s: float
) -> None:
    """Have a rescue hold what is on the node after it was made, too.

    A copy that was begun since `since_wall_s`, and written to meanwhile, is a copy of no moment:
    it is dropped.

    Raises:
        NotKept: it does not hold what is on the node now.
    """
    if now is not None and still_holds(rescue, now, world.boot_id()):
        return
    if rescue.copies_bytes and rescue.kept_at_s >= since_wall_s:
        try:
            drop.rescue_away(world, settings, rescue)
        except OSError as error:
            raise NotKept(f"{error.filename}: {error.strerror}") from error
    raise NotKept(f"{rescue.resource} was written to or changed while it was copied; try again")


def still_holds(rescue: Rescue, resource: Resource, boot_id: str) -> bool:
    """Whether the rescue holds just what is on the node now: nothing was written since.

    DRBD counts what is written to the disk, by a resync as well (`dw` in /proc/drbd, KiB).
    """
    if rescue.resource != resource.name or rescue.lost or rescue.boot_id != boot_id:
        return False
    if resource.connection is not ConnectionState.STANDALONE or resource.role is not Role.SECONDARY:
        return False
    kept = {
        item.volume: (item.minor, item.disk_writes_kib, item.out_of_sync_kib)
        for item in rescue.volumes
    }
    now = {
        item.volume: (
            item.minor,
            item.device.statistics.get("dw") if item.device else None,
            item.device.out_of_sync_kib if item.device else None,
        )
        for item in resource.volumes
    }
    return kept == now and all(None not in amounts for amounts in now.values())


def _there(world: World, settings: Settings, rescue: Rescue) -> bool:
    return drop.why_lost(world, settings, rescue) is None


def _make(world: World, settings: Settings, wanted: Wanted) -> Rescue:
    resource, folder = wanted.resource, settings.rescues_dir
    devices = backing_devices(world, resource)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    drop.unfinished(world, folder)
    room = room_in(settings)
    steps = steps_for(devices, room)
    _must_stand_still(resource, steps)
    _must_be_in_time(resource, steps, wanted.time_left_s())
    now_s = world.clock.wall_s()
    name = _free_name(settings, resource.name, now_s)
    rescue = Rescue(
        name=name,
        resource=resource.name,
        host=world.host,
        boot_id=world.boot_id(),
        kept_at_s=now_s,
        why=wanted.why,
        volumes=tuple(_kept(step, name) for step in steps),
    )
    # Before it is begun, so that the next pass clears up if this one is killed.
    due.at_once(settings)
    with shelf.unfinished(folder, name, lambda: drop.snapshots_of(world, rescue)) as place:
        # First, so that whoever clears up after a kill knows which snapshots to remove.
        shelf.write(place, rescue)
        _fill(world, wanted, tuple(zip(steps, rescue.volumes, strict=True)), place, room)
    return rescue


def _fill(
    world: World,
    wanted: Wanted,
    todo: Sequence[tuple[Step, KeptVolume]],
    place: Path,
    room: Room,
) -> None:
    found = os.statvfs(place)
    stays_free_bytes = found.f_bavail * found.f_frsize - room.bytes
    for step, item in todo:
        if item.file:
            copy(
                step,
                below(world.root, step.device.path),
                place / item.file,
                run=world.run,
                time_left_s=wanted.time_left_s,
                spare_bytes=stays_free_bytes,
            )
    # Last, since a snapshot that is taken back costs more than a file.
    for step, item in todo:
        if item.snapshot and step.device.logical_volume:
            argv = lvm.create(step.device.logical_volume, item.snapshot, step.room_bytes)
            done = world.run(argv, max(0.0, min(SNAPSHOT_TIMEOUT_S, wanted.time_left_s())))
            if done.exit_status != 0:
                raise NotKept(failed(done))


def _must_stand_still(resource: Resource, steps: Iterable[Step]) -> None:
    """A copy takes time, and is worth something only where nobody writes meanwhile."""
    if all(step.method is Method.SNAPSHOT for step in steps):
        return
    if (resource.connection, resource.role) == (ConnectionState.STANDALONE, Role.SECONDARY):
        return
    raise NotKept(
        f"{resource.name} is {resource.connection or 'in an unknown state'} and "
        f"{resource.role or 'of unknown role'} here; a copy needs it StandAlone and Secondary "
        f"(`drbdadm disconnect {resource.name}`, `drbdadm secondary {resource.name}`)"
    )


def _must_be_in_time(resource: Resource, steps: Iterable[Step], time_left_s: float) -> None:
    size = sum(step.room_bytes for step in steps if step.method is not Method.SNAPSHOT)
    if size / FASTEST_BYTES_PER_S <= time_left_s:
        return
    raise NotKept(
        f"a copy of about {size // MIB} MiB cannot be made in {max(0.0, time_left_s):.0f} s; "
        f"`connector rescue keep {resource.name}` takes the time that it needs, and the next pass "
        "goes on from there"
    )


def room_in(settings: Settings) -> Room:
    """What the folder of rescues may still take. Raises OSError."""
    folder = settings.rescues_dir
    found = os.statvfs(folder)
    free = found.f_bavail * found.f_frsize - _spare_bytes(settings)
    allowed = settings.rescue.max_size_mib * MIB - shelf.used_bytes(folder)
    return Room(free, allowed)


def _spare_bytes(settings: Settings) -> int:
    found = os.statvfs(settings.rescues_dir)
    return int(found.f_blocks * found.f_frsize * settings.rescue.spare_percent / 100)


def _free_name(settings: Settings, resource: str, now_s: float) -> str:
    """The name for this second, or for the next one that is free."""
    for second in range(100):
        name = name_for(resource, now_s + second)
        if not (settings.rescues_dir / name).exists():
            return name
    raise NotKept(f"{settings.rescues_dir} has a hundred rescues of {resource} of this moment")


def _kept(step: Step, name: str) -> KeptVolume:
    device = step.device
    lv = device.logical_volume if step.method is Method.SNAPSHOT else None
    return KeptVolume(
        volume=device.volume,
        minor=device.minor,
        method=step.method,
        source=device.path,
        filesystem=device.filesystem.kind if device.filesystem else None,
        size_bytes=device.data_bytes,
        file=None if lv else f"volume-{device.volume}.img",
        volume_group=lv.volume_group if lv else None,
        snapshot=f"connector-{name.partition('-')[0]}-{device.minor}" if lv else None,
        disk_writes_kib=device.disk_writes_kib,
        out_of_sync_kib=device.out_of_sync_kib,
    )
