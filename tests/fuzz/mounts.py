"""mountinfo and swaps: every line is either a value or a problem, and none is lost."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from connector.model import Problem
from connector.observe.mounts import decode_octal, parse_mountinfo, parse_swaps
from tests.fuzz.entry import Entry, fixtures

_MOST_PROBLEMS = 11


def run_mountinfo(data: bytes, _folder: Path) -> None:
    """Parse it as block_use does."""
    text = os.fsdecode(data)
    mounts, problems = parse_mountinfo(text)
    lines = [line for line in text.split("\n") if line]
    assert len(mounts) + _damaged(problems) == len(lines)
    for mount in mounts:
        assert mount.major >= 0
        assert mount.minor >= 0
        assert mount.where
        # What the kernel would print for it is read back.
        assert decode_octal(_mangled(mount.where)) == mount.where
    shown = {(mount.major, mount.minor) for mount in mounts}
    assert len(shown) <= sum(":" in line for line in lines)


def run_swaps(data: bytes, _folder: Path) -> None:
    """Parse it as block_use does."""
    text = os.fsdecode(data)
    swaps, problems = parse_swaps(text)
    lines = text.split("\n")
    told = [line for line in lines[lines[0].startswith("Filename") :] if line]
    assert len(swaps) + _damaged(problems) == len(told)
    assert sum(swap.partition for swap in swaps) <= sum("partition" in line for line in told)


def _damaged(problems: Sequence[Problem]) -> int:
    assert len(problems) <= _MOST_PROBLEMS
    named = sum(problem.line is not None for problem in problems)
    more = [int(problem.message.split()[0]) for problem in problems if problem.line is None]
    return named + sum(more)


def _mangled(text: str) -> str:
    return "".join(f"\\{ord(char):03o}" if char in " \t\n\\" else char for char in text)


MOUNTINFO = Entry(
    "mountinfo",
    run_mountinfo,
    lambda: [
        *(text for text in fixtures("mountinfo/*") if b"Filename" not in text),
        *fixtures("lab/*/*/mountinfo"),
    ],
    words=(
        "36 35 147:0 / /mnt/mail rw shared:1 - ext4 /dev/drbd0 rw",
        " - ",
        "147:",
        "\\040",
        "\n",
    ),
)
SWAPS = Entry(
    "swaps",
    run_swaps,
    lambda: (text for text in fixtures("mountinfo/*") if b"Filename" in text),
    words=("Filename\t", "/dev/drbd2", "partition\t", "file\t", "\\040(deleted)", "\n"),
)
