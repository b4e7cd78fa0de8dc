"""Everything outside the process that a pass touches, passed in as one value."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connector.clock import Clock
    from connector.program import Run


@dataclass(frozen=True, slots=True)
class World:
    """Where /proc, /sys and /dev/kmsg are read, how programs are run, and the clocks.

    `configuration` is the folder of drbd.conf. `host` is this node's name in drbd.conf.
    """

    root: Path
    run: Run
    clock: Clock
    host: str
    configuration: Path = Path("/etc")

    def boot_id(self) -> str:
        """What tells one boot from another; empty where the kernel does not say."""
        try:
            path = self.root / "proc/sys/kernel/random/boot_id"
            return path.read_text(encoding="ascii", errors="replace").strip()[:64]
        except OSError:
            return ""


def host_name() -> str:
    """`uname -n`, which is what drbdadm compares with `on NAME` (drbd.conf(5))."""
    return os.uname().nodename
