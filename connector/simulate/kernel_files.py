"""What both simulated kernels print and write alike, whichever DRBD they have.

Kernel sources: fs/proc_namespace.c (`mangle`), mm/swapfile.c (`swap_show`), kernel/printk/printk.c
(/dev/kmsg records).
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

DRBD_MAJOR = 147
_SWAPS_HEADER = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"


class LogLine(Protocol):
    """One record of a simulated kernel log."""

    @property
    def level(self) -> int:
        """Its priority, as printk's."""
        ...

    @property
    def at_us(self) -> int:
        """Microseconds since the boot."""
        ...

    @property
    def text(self) -> str:
        """The message."""
        ...


def kmsg(log: Sequence[LogLine], first: int = 0) -> str:
    """The records that /dev/kmsg gives one by one, from number `first` on."""
    return "".join(
        f"{line.level},{number},{line.at_us},-;{line.text}\n"
        for number, line in enumerate(log[first:], first)
    )


def swaps_of(minors: Iterable[int], kib: int) -> str:
    """/proc/swaps; the kernel prints the path to a width of 40."""
    return _SWAPS_HEADER + "".join(
        f"{f'/dev/drbd{minor}':<40}partition\t{kib}\t\t0\t\t-2\n" for minor in minors
    )


def boot_id(seed: int, node: str, boots: int) -> str:
    """A random UUID in a real kernel; here it follows from the seed."""
    return f"{uuid.uuid5(uuid.NAMESPACE_OID, f'{seed}:{node}:{boots}')}\n"


def octal(path: str) -> str:
    """Blanks and the like as the kernel writes them in a path."""
    escaped = path.replace("\\", "\\134")
    for character in " \t\n":
        escaped = escaped.replace(character, f"\\{ord(character):03o}")
    return escaped


def write(path: Path, text: str) -> None:
    """Whole or not at all, and not where nothing has changed: others look at the file's times."""
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
