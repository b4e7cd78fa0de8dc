"""Following a resync to its end. It only looks: the resync is DRBD's, and needs nobody to watch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from connector.clock import Clock
from connector.model import Device, Generation, ProcDrbd, Resource
from connector.observe import proc_drbd
from connector.recover.current import now
from connector.recover.progress import Phase, Progress, progress
from connector.report.page.words import amount, lasting
from connector.settings import Settings
from connector.world import World

POLL_S = 1.0
STALLED_S = 60.0  # a resync that copies nothing for so long is worth a person's look
# States that pass by themselves: a pause of one volume for another, the first look after a resync.
LASTING_S = 10.0

Look = Callable[[], tuple[Device, ...]]
Show = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Followed:
    """How it ended: in a sentence, and whether a person has to do something."""

    sentence: str
    needs_operator: bool


def devices_of(world: World, settings: Settings, resource: Resource) -> Look:
    """What reads the resource's volumes anew, where the kernel shows them; empty where none are.

    The look raises OSError where /proc/drbd cannot be read, and on DRBD 9 as `now`.
    """
    if resource.generation is Generation.NINE:
        return partial(_of_connection, world, settings, resource.target)
    minors = {volume.minor for volume in resource.volumes}

    def look() -> tuple[Device, ...]:
        shown: ProcDrbd = proc_drbd.parse(proc_drbd.read(world.root))
        return tuple(device for device in shown.devices if device.minor in minors)

    return look


def _of_connection(world: World, settings: Settings, target: str) -> tuple[Device, ...]:
    devices = (volume.device for volume in now(world, settings, target).volumes)
    return tuple(device for device in devices if device is not None)


def follow(look: Look, clock: Clock, show: Show, name: str, limit_s: float) -> Followed:
    """Look every second until the disks are equal, or something is in the way, or time is up.

    `show` gets every look. Nothing is changed. Raises OSError as `look`, and KeyboardInterrupt.
    """
    began_s = progressed_s = clock.boot_s()
    other_s: float | None = None
    least_kib: int | None = None
    most_kib = 0
    while True:
        found = progress(look(), most_kib=most_kib)
        now_s = clock.boot_s()
        most_kib = max(most_kib, found.total_kib)
        show(found)
        if least_kib is None or found.left_kib < least_kib or found.phase is not Phase.RUNNING:
            least_kib, progressed_s = found.left_kib, now_s
        other_s = None if found.phase is Phase.RUNNING else (now_s if other_s is None else other_s)
        lasted_s = 0.0 if other_s is None else now_s - other_s
        ended = _ended(found, name, lasted_s, now_s - began_s, now_s - progressed_s)
        if ended is not None:
            return ended
        if now_s - began_s >= limit_s:
            return Followed(
                f"{name}: followed for {lasting(limit_s)}, and the resync goes on: "
                f"{amount(found.left_kib)} left. Run this again to go on following",
                needs_operator=False,
            )
        clock.sleep(POLL_S)


def _ended(
    found: Progress, name: str, lasted_s: float, took_s: float, still_s: float
) -> Followed | None:
    """The sentence that it ends with, or None where it goes on."""
    again = f"Run `connector recover {name}` again"
    match found.phase:
        case Phase.DONE:
            copied = f"{amount(found.total_kib)} in {lasting(took_s)}" if found.total_kib else ""
            done = f"{name}: in step, both disks are UpToDate"
            return Followed(f"{done} ({copied})" if copied else done, needs_operator=False)
        case Phase.PARTED:
            return Followed(
                f"{name}: the nodes parted before the resync was over (StandAlone). {again}, here "
                "and on the other node: what was copied is kept, the rest comes then",
                needs_operator=True,
            )
        case Phase.LOST if lasted_s >= LASTING_S:
            return Followed(
                f"{name}: the link was lost before the resync was over ({found.connection}). DRBD "
                f"goes on by itself when the link is back. {again} to follow it",
                needs_operator=True,
            )
        case Phase.PAUSED if lasted_s >= LASTING_S:
            return Followed(
                f"{name}: the resync is paused, {amount(found.left_kib)} left. It goes on when "
                "what it waits for is over (resync-after), or with `drbdadm resume-sync "
                f"{name}` on the node where it was paused",
                needs_operator=True,
            )
        case Phase.NOT_EQUAL if lasted_s >= LASTING_S:
            return Followed(
                f"{name}: {found.connection}, and the disks are not equal: see `connector status`",
                needs_operator=True,
            )
        case Phase.UNKNOWN if lasted_s >= LASTING_S:
            return Followed(
                f"{name}: nothing tells how far the resync is ({found.connection}): see "
                "`connector status`",
                needs_operator=True,
            )
        case Phase.RUNNING if still_s >= STALLED_S:
            return Followed(
                f"{name}: nothing was copied for {lasting(still_s)}, and {amount(found.left_kib)} "
                "are left: look at the kernel log, the link and the disks of both nodes",
                needs_operator=True,
            )
    return None
