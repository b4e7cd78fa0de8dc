"""The first look of cron's pass: nearly always there is nothing to do, and that is soon seen.

Whatever this cannot be sure of is left to the whole pass.
"""

from __future__ import annotations

from collections.abc import Sequence

from connector.memory import last_pass
from connector.model import (
    HEALTHY,
    ConfiguredResource,
    Device,
    DiskState,
    Generation,
    ProcDrbd,
)
from connector.names import why_not
from connector.observe import proc_drbd, resources
from connector.rescue.due import is_due
from connector.settings import Settings
from connector.world import World


def nothing_to_do(world: World, settings: Settings) -> bool:
    """Whether every resource is connected over good disks, and nothing is remembered.

    What is in use is not asked: while connected, no decision depends on it. Where the answer is
    True, the whole pass would find every resource healthy and do nothing (a test holds that).
    Raises nothing that the whole pass would not raise.
    """
    if settings.textfile is not None or settings.by_resource:
        return False  # the metrics show more than this sees; a misspelt name is to be told
    if settings.incidents_file.exists() or settings.pauses_file.exists():
        return False
    if is_due(settings, world.clock.wall_s()):
        return False
    try:
        proc = proc_drbd.parse(proc_drbd.read(world.root))
        configured = resources.known_resources(
            run=world.run,
            drbdadm=settings.run.drbdadm,
            host=world.host,
            cache_file=settings.resources_file,
            configuration=world.configuration,
            timeout_s=settings.run.command_timeout_s,
        )
    except (OSError, resources.ResourcesUnknown):
        return False
    return all_well(proc, configured)


def all_well(proc: ProcDrbd, configured: Sequence[ConfiguredResource]) -> bool:
    """Whether each minor is claimed, and each resource's volumes are connected and up to date."""
    if proc.problems or proc.generation is not Generation.EIGHT:
        return False
    devices = {device.minor: device for device in proc.devices}
    claimed = {volume.minor for item in configured for volume in item.volumes}
    if devices.keys() != claimed:
        return False
    return all(
        why_not(item.name) is None
        and all(_well(devices[volume.minor]) for volume in item.volumes)
        and len({devices[volume.minor].role for volume in item.volumes}) == 1
        for item in configured
    )


def _well(device: Device) -> bool:
    return (
        not device.doubtful
        and device.connection in HEALTHY
        and device.disk is DiskState.UP_TO_DATE
        and device.peer_disk is DiskState.UP_TO_DATE
    )


def keep(world: World, settings: Settings, began_boot_s: float) -> str | None:
    """Note that this pass was; why that could not be written, or None."""
    try:
        last_pass.note(
            settings.last_pass_file,
            at_wall_s=world.clock.wall_s(),
            duration_s=world.clock.boot_s() - began_boot_s,
            exit_status=0,
        )
    except OSError as error:
        return f"{settings.last_pass_file}: cannot be written: {error.strerror}"
    return None
