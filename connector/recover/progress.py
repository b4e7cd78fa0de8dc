"""How far a resync is, out of one look at /proc/drbd; and how it ended, in words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from connector.model import ESTABLISHED, ConnectionState, Device, DiskState
from connector.report.page.words import amount, lasting

C = ConnectionState
SOURCE = frozenset({C.SYNC_SOURCE, C.PAUSED_SYNC_S, C.WF_BITMAP_S, C.STARTING_SYNC_S})
TARGET = frozenset(
    {C.SYNC_TARGET, C.PAUSED_SYNC_T, C.WF_BITMAP_T, C.STARTING_SYNC_T, C.WF_SYNC_UUID}
)
RESYNC = SOURCE | TARGET
PAUSED = frozenset({C.PAUSED_SYNC_S, C.PAUSED_SYNC_T})


class Phase(StrEnum):
    """Where a resource stands between two nodes that have met and two equal disks."""

    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    NOT_EQUAL = "connected, and not equal"
    LOST = "lost"
    PARTED = "parted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Progress:
    """One look. Sizes in KiB, `rate_kib_per_s` and `left_s` None where nothing tells them."""

    phase: Phase
    connection: str
    left_kib: int = 0
    total_kib: int = 0
    rate_kib_per_s: int | None = None
    left_s: float | None = None

    @property
    def percent(self) -> float:
        """How much of it is done, 0 to 100."""
        if self.total_kib <= 0:
            return 100.0 if self.phase is Phase.DONE else 0.0
        return 100.0 * min(1.0, max(0.0, 1 - self.left_kib / self.total_kib))


def progress(devices: Sequence[Device], *, most_kib: int = 0) -> Progress:
    """The resource's progress out of its volumes.

    `most_kib` is the most that was seen to be left: /proc/drbd tells no total before a resync runs.
    """
    phase = _phase(devices)
    connection = _connection(devices)
    left = [device.out_of_sync_kib for device in devices]
    if phase is Phase.UNKNOWN or None in left:
        return Progress(Phase.UNKNOWN, connection)
    left_kib = sum(kib for kib in left if kib is not None)
    syncs = [device.sync for device in devices if device.sync and device.sync.kind == "resync"]
    total_kib = max(left_kib, most_kib, sum(sync.total_kib or 0 for sync in syncs))
    speeds = [sync.speed_kib_per_s for sync in syncs if sync.speed_kib_per_s]
    rate = max(0, sum(speeds)) if speeds else None
    left_s = left_kib / rate if rate else None
    return Progress(phase, connection, left_kib, total_kib, rate, left_s)


def _phase(devices: Sequence[Device]) -> Phase:
    states = [device.connection for device in devices]
    if not devices or None in states or any(device.doubtful for device in devices):
        return Phase.UNKNOWN
    if C.STANDALONE in states:
        return Phase.PARTED
    if any(state not in ESTABLISHED for state in states):
        return Phase.LOST
    syncing = [state for state in states if state in RESYNC]
    if syncing:
        paused = all(state in PAUSED for state in syncing)
        return Phase.PAUSED if paused else Phase.RUNNING
    equal = all(
        (device.disk, device.peer_disk, device.out_of_sync_kib)
        == (DiskState.UP_TO_DATE, DiskState.UP_TO_DATE, 0)
        for device in devices
    )
    return Phase.DONE if equal else Phase.NOT_EQUAL


def _connection(devices: Sequence[Device]) -> str:
    """The states in DRBD's words, each once."""
    return ", ".join(dict.fromkeys(str(device.connection or "?") for device in devices)) or "?"


def line(found: Progress) -> str:
    """One line for where there is no terminal."""
    parts = [
        f"{found.connection}: {found.percent:.1f} % in sync",
        f"{amount(found.left_kib)} of {amount(found.total_kib)} left",
    ]
    if found.phase is Phase.PAUSED:
        parts.append("paused")
    elif found.rate_kib_per_s is not None:
        parts.append(f"{amount(found.rate_kib_per_s)}/s")
        if found.left_s is not None:
            parts.append(f"about {lasting(found.left_s)} to go")
    return ", ".join(parts)
