"""Prints /proc/drbd as DRBD 8.0 to 8.3 do; 8.4 is in kernel_format.py.

After `drbd_seq_show` and `drbd_syncer_progress` in drbd_proc.c of each of these versions, as noted
in tests/fixtures/proc_drbd/README.md, so it owes nothing to the parser that it tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connector.model import ConnectionState, Device, SyncProgress

# The bar shows M above 4 GiB.
LARGEST_TOTAL_IN_K = 4 * 1024 * 1024
# A bit of the bitmap, in which a verify was counted before it had a bar.
BIT_KIB = 4

_COUNTERS = ("ns", "nr", "dw", "dr", "al", "bm", "lo", "pe", "ua", "ap")


@dataclass(frozen=True)
class OlderKernel:
    """One version of DRBD, and what a build or a setting of it may print besides."""

    version: tuple[int, int, int]
    api: int
    proto: tuple[int, int]
    build: str
    prints_lru: bool = False  # always in 8.0, with proc_details later
    probe: str = ""  # 8.3.8 only

    @property
    def statistics(self) -> tuple[str, ...]:
        """The names of the counters, in their order."""
        epochs = ("ep", "wo") if self.version >= (8, 3, 0) else ()
        return (*_COUNTERS, *epochs, *(("oos",) if self.version >= (8, 2, 6) else ()))

    @property
    def flags(self) -> int:
        """How many letters stand at the end of a minor's line."""
        return 4 if self.version <= (8, 3, 0) else 5 if self.version <= (8, 3, 8) else 6

    @property
    def verifies(self) -> bool:
        """Whether there is an online verify at all."""
        return self.version >= (8, 2, 0)

    @property
    def verify_has_a_bar(self) -> bool:
        """Before 8.3.10 a verify shows a percentage and bits."""
        return self.version >= (8, 3, 10)

    def text(self, devices: Sequence[Device]) -> str:
        """The whole file; a blank line stands for each gap between the minors."""
        lines = [
            f"version: {'.'.join(map(str, self.version))} (api:{self.api}/proto:{self._proto})"
        ]
        lines.append(self.build)
        previous = -1
        for device in devices:
            if device.minor != previous + 1:
                lines.append("")
            lines += self._block(device)
            previous = device.minor
        return "\n".join(lines) + "\n"

    @property
    def _proto(self) -> str:
        least, most = self.proto
        return str(least) if least == most else f"{least}-{most}"

    def _block(self, device: Device) -> list[str]:
        if device.connection is ConnectionState.UNCONFIGURED:
            return [f"{device.minor:2d}: cs:Unconfigured"]
        roles = "ro" if self.version >= (8, 3, 0) else "st"
        flags = str(device.flags)
        if self.version == (8, 3, 1):
            # The character of the congestion as it is: a NUL where there is none.
            flags = flags.ljust(self.flags, "\0")
        lines = [
            f"{device.minor:2d}: cs:{device.connection} "
            f"{roles}:{device.role}/{device.peer_role} "
            f"ds:{device.disk}/{device.peer_disk} {device.protocol or ' '} {flags}",
            "    " + " ".join(f"{key}:{device.statistics[key]}" for key in self.statistics),
        ]
        if device.sync is not None:
            lines += self._progress(device.sync)
        if self.prints_lru:
            used = "used:0/61 hits:8 misses:1 starving:0 dirty:0 changed:1"
            lines += [f"\tresync: {used}", f"\tact_log: {used}"]
        return lines

    def _progress(self, sync: SyncProgress) -> list[str]:
        assert sync.percent is not None
        assert sync.left_kib is not None
        assert sync.total_kib is not None
        if sync.kind == "verify" and not self.verify_has_a_bar:
            done, total = (sync.total_kib - sync.left_kib) // BIT_KIB, sync.total_kib // BIT_KIB
            between = " oos:0  " if self.version < (8, 2, 6) else "      "
            return [f"\t{sync.percent:3.0f}%{between}{done}/{total}"]
        word = "verified" if sync.kind == "verify" else "sync'ed"
        done = round(sync.percent) // 5
        bar = f"\t[{'=' * done}>{'.' * (20 - done)}] {word}:{sync.percent:5.1f}% "
        if sync.total_kib > LARGEST_TOTAL_IN_K:
            bar += f"({sync.left_kib // 1024}/{sync.total_kib // 1024})M"
        else:
            bar += f"({sync.left_kib}/{sync.total_kib})K"
        return [bar + self.probe, self._pace(sync)]

    def _pace(self, sync: SyncProgress) -> str:
        if sync.finish_s is None:
            return "\tstalled"
        minutes, seconds = divmod(sync.finish_s, 60)
        return (
            f"\tfinish: {minutes // 60}:{minutes % 60:02d}:{seconds:02d} "
            f"speed: {_grouped(sync.speed_kib_per_s)} ({_grouped(sync.average_kib_per_s)}) K/sec"
        )


def _grouped(speed_kib_per_s: int | None) -> str:
    """`%d,%03d`: one comma, however large the number is."""
    assert speed_kib_per_s is not None
    thousands, rest = divmod(speed_kib_per_s, 1000)
    return f"{thousands},{rest:03d}" if thousands else str(rest)
