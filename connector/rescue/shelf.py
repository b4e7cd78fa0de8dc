"""The folder of rescues: a folder for each, complete or not there at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from connector.memory.files import read_bounded, write_atomic
from connector.rescue.kept import RECORD_FILE, Rescue

MAX_RESCUES = 1000
MAX_RECORD_BYTES = 1024 * 1024
_UNFINISHED = ".unfinished-"
_NOT_OURS = frozenset({"lost+found"})  # where the folder is a file system of its own


@dataclass(frozen=True, slots=True)
class Shelf:
    """What is kept, oldest first, and what was found there that is no rescue."""

    rescues: tuple[Rescue, ...]
    problems: tuple[str, ...] = ()


def read(folder: Path) -> Shelf:
    """What is in the folder; nothing where there is no such folder.

    Raises:
        OSError: the folder cannot be listed.
    """
    try:
        found_names = os.listdir(folder)
    except FileNotFoundError:
        return Shelf(())
    names = sorted(name for name in found_names if name[0] != "." and name not in _NOT_OURS)
    rescues: list[Rescue] = []
    problems: list[str] = []
    for name in names[-MAX_RESCUES:]:
        path = folder / name / RECORD_FILE
        try:
            found = record(path)
            if found.name != name:
                raise ValueError(f"it is the record of {found.name}")
            rescues.append(found)
        except (OSError, ValueError) as error:
            problems.append(f"{path}: {_why(error)}")
    return Shelf(tuple(rescues), tuple(problems))


def record(path: Path) -> Rescue:
    """The rescue of that record. Raises OSError, or ValueError where it is none."""
    data = read_bounded(path, MAX_RECORD_BYTES)
    if data is None:
        raise ValueError("no record of a rescue is there")
    return Rescue.model_validate_json(data)


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return f"{'.'.join(map(str, first['loc'])) or 'the record'}: {first['msg']}"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


@contextmanager
def unfinished(
    folder: Path, name: str, undo: Callable[[], object] = lambda: None
) -> Iterator[Path]:
    """A folder to make a rescue in, which gets its name at the end, with all that is in it.

    Where the block raises, and where it cannot get its name, nothing is left of it: `undo` takes
    back what was made elsewhere, and while it does, the record is still there for whoever clears
    up after a kill.

    Raises:
        OSError: the folder cannot be made or renamed.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = folder / f"{_UNFINISHED}{name}"
    place.mkdir(mode=0o700)
    try:
        yield place
        _sync(place)
        place = place.rename(folder / name)
        _sync(folder)
    except BaseException:
        undo()
        shutil.rmtree(place, ignore_errors=True)
        raise


def leftovers(folder: Path) -> tuple[Path, ...]:
    """What killed makers and removers have left, by name; none where there is no such folder.

    Raises:
        OSError: the folder cannot be listed.
    """
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return ()
    return tuple(folder / name for name in names if name.startswith(_UNFINISHED))


def write(path: Path, rescue: Rescue) -> None:
    """Put the record into its folder. Raises OSError."""
    write_atomic(path / RECORD_FILE, rescue.model_dump_json(indent=1).encode())


def remove(folder: Path, name: str) -> None:
    """Remove a rescue's folder: from the first moment it is none, whenever this is killed.

    Raises:
        OSError: it cannot be removed.
    """
    shutil.rmtree((folder / name).rename(folder / f"{_UNFINISHED}{name}"))


def used_bytes(folder: Path) -> int:
    """What the copies take on their disk: holes take nothing. Raises OSError."""
    total = 0
    for parent, _folders, files in os.walk(folder):
        for name in files:
            with suppress(FileNotFoundError):
                total += os.lstat(os.path.join(parent, name)).st_blocks * 512
    return total


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
