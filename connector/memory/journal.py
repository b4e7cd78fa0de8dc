"""The journal: one JSON line for each pass that did something or wanted to."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from connector.memory.files import write_all

MAX_BYTES = 1024 * 1024
_TRIES = 10


def append(path: Path, entry: dict[str, Any], max_bytes: int = MAX_BYTES) -> None:
    """Add one line; a journal of more than `max_bytes` is renamed to NAME.1, so two are kept.

    Several may write at once: a pass writes its line after it has given its lock back.

    Raises:
        OSError: it cannot be written, or not whole.
    """
    if not os.path.isdir(path.parent):
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
    with _open_alone(path) as descriptor:
        size = os.fstat(descriptor).st_size
        # A pass that was killed, or a full disk, may have left half a line.
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            line = b"\n" + line
        write_all(descriptor, line)
        if size + len(line) > max_bytes:
            os.replace(path, path.with_name(path.name + ".1"))


@contextmanager
def _open_alone(path: Path) -> Iterator[int]:
    """The journal's descriptor, with a lock on it: whoever renames it holds that lock.

    One that was renamed while we waited for the lock is not the journal any more.
    """
    for _ in range(_TRIES):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_at(path, descriptor):
                yield descriptor
                return
        finally:
            os.close(descriptor)
    raise OSError(11, "it is being renamed all the time", str(path))


def _is_at(path: Path, descriptor: int) -> bool:
    ours = os.fstat(descriptor)
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return False
    return (found.st_dev, found.st_ino) == (ours.st_dev, ours.st_ino)
