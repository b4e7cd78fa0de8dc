"""What /proc/drbd says, typed: one Device for each minor, and what could not be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from connector.model.states import ConnectionState, DiskState, Generation, Role

# Which rules a kernel goes by: the number in `version: … (api:N/…)` (drbd_interface API_VERSION).
GENERATION_OF_API = {1: Generation.EIGHT, 2: Generation.NINE}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be read for certain; `line` counts from 1, None for the whole."""

    line: int | None
    message: str


@dataclass(frozen=True, slots=True)
class SyncProgress:
    """The progress block of a resync or an online verify; None where the kernel printed nothing.

    `left_kib` and `total_kib` are as printed; the percentage is the kernel's own, rounded on 4 MiB.
    """

    kind: str  # "resync" or "verify"
    percent: float | None = None
    left_kib: int | None = None
    total_kib: int | None = None
    finish_s: int | None = None
    speed_kib_per_s: int | None = None
    average_kib_per_s: int | None = None
    want_kib_per_s: int | None = None
    stalled: bool = False


@dataclass(frozen=True, slots=True)
class Device:
    """One minor's block of /proc/drbd. None stands for what was absent or could not be read.

    On DRBD 9 one volume towards one peer, where a side without a disk may be a client on purpose.
    """

    minor: int
    connection: ConnectionState | None
    role: Role | None = None
    peer_role: Role | None = None
    disk: DiskState | None = None
    peer_disk: DiskState | None = None
    protocol: str | None = None
    flags: str | None = None
    statistics: Mapping[str, int | str] = field(default_factory=dict)
    sync: SyncProgress | None = None
    doubtful: bool = False  # its states, I/O flag or numbers are not certain: never act upon it
    client: bool = False
    peer_client: bool = False

    @property
    def out_of_sync_kib(self) -> int | None:
        """KiB that differ from the peer as far as this node knows; None where not printed."""
        value = self.statistics.get("oos")
        return value if isinstance(value, int) else None


@dataclass(frozen=True, slots=True)
class ProcDrbd:
    """All of /proc/drbd: header, devices in the order printed, and what could not be read."""

    version: str | None
    api: int | None
    proto: tuple[int, int] | None
    devices: tuple[Device, ...]
    problems: tuple[Problem, ...]

    @property
    def generation(self) -> Generation | None:
        """Which rules this kernel goes by; None where it does not say, or they are not known."""
        return GENERATION_OF_API.get(self.api) if self.api is not None else None
