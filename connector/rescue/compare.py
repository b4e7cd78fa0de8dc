"""Which files differ between a rescued tree and the healed one."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

CHUNK_BYTES = 256 * 1024
MAX_DEPTH = 200


class Kind(StrEnum):
    """How an entry differs."""

    ONLY_RESCUED = "only in the rescue"
    ONLY_HEALED = "only in the healed"
    DIFFERS = "differs"
    UNREADABLE = "cannot be read"


@dataclass(frozen=True, slots=True)
class Difference:
    """One entry, by its path below both trees; `size_bytes` is that of the rescued file."""

    kind: Kind
    path: str
    size_bytes: int | None = None
    why: str = ""


def differences(rescued: Path, healed: Path, *, thorough: bool = False) -> Iterator[Difference]:
    """Every entry that is not the same in both, in the order of their paths.

    A folder that only one side has is one difference. Two files of the same size and the same
    time of their last change are taken for the same, unless `thorough`; otherwise their bytes
    are compared. Nothing of either tree is held in memory. No other file system is entered, and
    no symbolic link followed.

    Raises:
        OSError: one of the two folders cannot be listed.
    """
    yield from _folders(rescued, healed, "", thorough, 0)


def _folders(
    rescued: Path, healed: Path, inside: str, thorough: bool, depth: int
) -> Iterator[Difference]:
    here, there = _entries(rescued), _entries(healed)
    for name in sorted(here.keys() | there.keys()):
        path = f"{inside}/{name}" if inside else name
        mine, other = here.get(name), there.get(name)
        if mine is None:
            yield Difference(Kind.ONLY_HEALED, path)
        elif other is None:
            yield Difference(Kind.ONLY_RESCUED, path, _size(mine))
        else:
            try:
                yield from _both(mine, other, path, thorough, depth)
            except OSError as error:
                yield Difference(Kind.UNREADABLE, path, why=error.strerror or str(error))


def _both(
    mine: os.DirEntry[str], other: os.DirEntry[str], path: str, thorough: bool, depth: int
) -> Iterator[Difference]:
    first, second = mine.stat(follow_symlinks=False), other.stat(follow_symlinks=False)
    size = first.st_size
    if stat.S_IFMT(first.st_mode) != stat.S_IFMT(second.st_mode):
        yield Difference(Kind.DIFFERS, path, size, "another kind of file")
    elif stat.S_ISDIR(first.st_mode):
        if depth >= MAX_DEPTH:
            yield Difference(Kind.UNREADABLE, path, why=f"deeper than {MAX_DEPTH} folders")
        elif not (os.path.ismount(mine.path) or os.path.ismount(other.path)):
            yield from _folders(Path(mine.path), Path(other.path), path, thorough, depth + 1)
    elif stat.S_ISLNK(first.st_mode):
        if os.readlink(mine.path) != os.readlink(other.path):
            yield Difference(Kind.DIFFERS, path, size, "another target")
    elif stat.S_ISREG(first.st_mode):
        if first.st_size != second.st_size:
            yield Difference(Kind.DIFFERS, path, size, f"{size} bytes, {second.st_size} healed")
        elif (thorough or first.st_mtime_ns != second.st_mtime_ns) and not _same_bytes(mine, other):
            yield Difference(Kind.DIFFERS, path, size, "other bytes")


def _entries(folder: Path) -> dict[str, os.DirEntry[str]]:
    with os.scandir(folder) as found:
        return {entry.name: entry for entry in found}


def _size(entry: os.DirEntry[str]) -> int | None:
    try:
        found = entry.stat(follow_symlinks=False)
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def _same_bytes(mine: os.DirEntry[str], other: os.DirEntry[str]) -> bool:
    with open(mine.path, "rb") as first, open(other.path, "rb") as second:
        while True:
            one, two = first.read(CHUNK_BYTES), second.read(CHUNK_BYTES)
            if one != two:
                return False
            if not one:
                return True
