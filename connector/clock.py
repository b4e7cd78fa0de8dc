"""The clocks and the sleep, passed in so that tests and the simulation have their own."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """All times in seconds."""

    def wall_s(self) -> float:
        """Since 1970; may jump."""
        ...

    def boot_s(self) -> float:
        """Since boot, suspend included; never jumps."""
        ...

    def log_s(self) -> float:
        """Since boot on the kernel log's own clock."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """This machine's clocks."""

    def wall_s(self) -> float:
        """CLOCK_REALTIME."""
        return time.time()

    def boot_s(self) -> float:
        """CLOCK_BOOTTIME."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def log_s(self) -> float:
        """CLOCK_MONOTONIC, beside printk's local_clock().

        Both leave out a suspend. NTP slews only this one, so that after months they may be minutes
        apart.
        """
        return time.clock_gettime(time.CLOCK_MONOTONIC)

    def sleep(self, seconds: float) -> None:
        """`time.sleep`."""
        time.sleep(seconds)
