"""Prints /proc/drbd as DRBD 8.4 does.

After `drbd_seq_show`, `drbd_syncer_progress` and `seq_printf_with_thousands_grouping` in
drivers/block/drbd/drbd_proc.c and `lc_seq_printf_stats` in lib/lru_cache.c, so it owes nothing to
the parser that it tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connector.model import ConnectionState, Device, SyncProgress

# The bar shows M above 4 GiB: rs_total > 4UL << (30 - BM_BLOCK_SHIFT), in bits of 4 KiB.
LARGEST_TOTAL_IN_K = 4 * 1024 * 1024
# The bar rounds what it shows in M: Bit2KB(rs_total >> 10).
STEP_IN_M = 4 * 1024

STATISTICS = ("ns", "nr", "dw", "dr", "al", "bm", "lo", "pe", "ua", "ap", "ep", "wo", "oos")


@dataclass(frozen=True)
class Kernel:
    """What differs from one build and one setting to the other."""

    version: str = "8.4.11 (api:1/proto:86-101)"
    build: str = "srcversion: F73C670A7EC572DB9CF3E5B "
    is_mainline: bool = True  # no line break after the M form
    proc_details: int = 0  # a module parameter

    def header(self) -> str:
        return f"version: {self.version}\n{self.build}\n"

    def text(self, devices: Sequence[Device]) -> str:
        return self.header() + "".join(self.blocks(devices))

    def blocks(self, devices: Sequence[Device]) -> list[str]:
        """Each minor's lines; the blank line for a hole belongs to the minor behind it."""
        blocks = []
        previous = -1
        for device in devices:
            hole = "" if device.minor == previous + 1 else "\n"
            blocks.append(hole + self._block(device))
            previous = device.minor
        return blocks

    def _block(self, device: Device) -> str:
        if device.connection is ConnectionState.UNCONFIGURED:
            return f"{device.minor:2d}: cs:Unconfigured\n"
        lines = (
            f"{device.minor:2d}: cs:{device.connection} ro:{device.role}/{device.peer_role} "
            f"ds:{device.disk}/{device.peer_disk} {device.protocol or ' '} {device.flags}\n"
            + "    "
            + " ".join(f"{key}:{device.statistics[key]}" for key in STATISTICS)
            + "\n"
        )
        if device.sync is not None:
            lines += self._progress(device.sync)
        if self.proc_details >= 1:
            for name in ("resync", "act_log"):
                lines += f"\t{name}: used:0/61 hits:8 misses:1 starving:0 locked:0 changed:1\n"
        if self.proc_details >= 2:
            lines += "\tblocked on activity log: 0\n"
        return lines

    def _progress(self, sync: SyncProgress) -> str:
        assert sync.percent is not None
        assert sync.left_kib is not None
        assert sync.total_kib is not None
        assert sync.finish_s is not None
        done = round(sync.percent * 10) // 50
        word = "verified" if sync.kind == "verify" else "sync'ed"
        out = f"\t[{'=' * (done - 1)}>{'.' * (20 - done)}] {word}:{sync.percent:5.1f}% "
        if sync.total_kib > LARGEST_TOTAL_IN_K:
            out += f"({sync.left_kib // 1024}/{sync.total_kib // 1024})M"
            out += "" if self.is_mainline else "\n\t"
        else:
            out += f"({sync.left_kib}/{sync.total_kib})K\n\t"
        minutes, seconds = divmod(sync.finish_s, 60)
        out += f"finish: {minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
        out += f" speed: {_grouped(sync.speed_kib_per_s)} ("
        if self.proc_details >= 1:
            out += "1,024 -- "
        out += f"{_grouped(sync.average_kib_per_s)})"
        if sync.want_kib_per_s is not None:
            out += f" want: {_grouped(sync.want_kib_per_s)}"
        out += " K/sec" + (" (stalled)" if sync.stalled else "") + "\n"
        if self.proc_details >= 1:
            out += f"\t{12:3d}% sector pos: 362752/1048576\n"
        return out


def _grouped(speed_kib_per_s: int | None) -> str:
    """`long v`, grouped only from 1000 up: a negative one is printed as it is."""
    assert speed_kib_per_s is not None
    return f"{speed_kib_per_s:,}" if speed_kib_per_s >= 1000 else str(speed_kib_per_s)
