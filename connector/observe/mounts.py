"""The lines of /proc/PID/mountinfo and /proc/swaps as values; reading them is elsewhere."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from connector.model import Problem

DRBD_MAJOR = 147  # drivers/block/drbd/drbd_int.h, Documentation/admin-guide/devices.txt
_PROBLEMS_SHOWN = 10

# 36 35 147:0 / /mnt/mail rw,noatime shared:1 - ext4 /dev/drbd0 rw,errors=continue
# The optional fields before the lone hyphen may be many or none; a source may be empty.
_MOUNT = re.compile(
    r"[0-9]+ [0-9]+ (?P<major>[0-9]{1,10}):(?P<minor>[0-9]{1,10}) [^ ]+ (?P<where>[^ ]+) [^ ]+"
    r"(?: [^ ]+)*? - (?P<fstype>[^ ]*) (?P<source>[^ ]*)(?: .*)?"
)
# /dev/drbd2                              partition	12244		0		-2
_SWAP = re.compile(r"(?P<path>[^ \t]+)[ \t]+(?P<kind>partition|file)[ \t].*")
_OCTAL = re.compile(r"(?:\\[0-3][0-7]{2})+")
_DELETED = " (deleted)"


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount: the device number of the filesystem, where it is mounted, and from what."""

    major: int
    minor: int
    where: str
    fstype: str
    source: str


@dataclass(frozen=True, slots=True)
class Swap:
    """One active swap space; `partition` is True for a block device, False for a file."""

    path: str
    partition: bool


def parse_mountinfo(text: str) -> tuple[tuple[Mount, ...], tuple[Problem, ...]]:
    """The mounts of one namespace in the kernel's order (proc_pid_mountinfo(5)).

    A line that cannot be read is left out and named in the problems, never guessed at. Bytes that
    are not UTF-8 stay as the lone surrogates of `os.fsdecode`. Raises nothing.
    """
    found: list[Mount] = []
    damaged: list[int] = []
    # Only a newline ends a line: a mount point may hold any other control character as it is.
    for number, line in enumerate(text.split("\n"), start=1):
        match = _MOUNT.fullmatch(line)
        if match:
            found.append(
                Mount(
                    int(match["major"]),
                    int(match["minor"]),
                    decode_octal(match["where"]),
                    decode_octal(match["fstype"]),
                    decode_octal(match["source"]),
                )
            )
        elif line:
            damaged.append(number)
    return tuple(found), _damaged("mountinfo", damaged)


def parse_swaps(text: str) -> tuple[tuple[Swap, ...], tuple[Problem, ...]]:
    """The active swap spaces (proc_swaps(5), mm/swapfile.c `swap_show`).

    A path whose name was removed loses the kernel's ` (deleted)`. Lines that cannot be read are
    left out and named in the problems. Raises nothing.
    """
    found: list[Swap] = []
    damaged: list[int] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line or (number == 1 and line.startswith("Filename")):
            continue
        match = _SWAP.fullmatch(line)
        if match:
            path = decode_octal(match["path"]).removesuffix(_DELETED)
            found.append(Swap(path, match["kind"] == "partition"))
        else:
            damaged.append(number)
    return tuple(found), _damaged("swaps", damaged)


def decode_octal(text: str) -> str:
    r"""A field with the kernel's \040 \011 \012 \134 (fs/proc_namespace.c `mangle`) undone."""
    if "\\" not in text:
        return text
    return _OCTAL.sub(_decoded, text)


def _decoded(match: re.Match[str]) -> str:
    codes = match[0].split("\\")[1:]
    return os.fsdecode(bytes(int(code, 8) for code in codes))


def _damaged(name: str, lines: Sequence[int]) -> tuple[Problem, ...]:
    shown: Iterable[int] = lines[:_PROBLEMS_SHOWN]
    problems = [Problem(line, f"a line of {name} that cannot be read") for line in shown]
    if len(lines) > _PROBLEMS_SHOWN:
        more = len(lines) - _PROBLEMS_SHOWN
        problems.append(Problem(None, f"{more} more lines of {name} that cannot be read"))
    return tuple(problems)
