"""The lock that lets one pass act at a time on a node: flock(2), gone with its holder.

The file stays; an unlocked one that a killed pass left behind stops nobody. Children do not hold
it: its descriptor is not inherited.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from connector.errors import ConnectorError, LockHeld, NotPermitted

_FILE_MODE = 0o600
_FOLDER_MODE = 0o755

_REMEDIES = {
    errno.ELOOP: "a symbolic link is not followed there: remove it",
    errno.ENOSPC: "make room on that file system",
    errno.EROFS: "choose a `lock` path below /run",
    errno.EISDIR: "choose a `lock` path that is a file",
    errno.ENOTDIR: "choose a `lock` path in a folder",
    errno.ENOSYS: "choose a `lock` path on a local file system",
}


@contextmanager
def pass_lock(path: Path) -> Iterator[None]:
    """Hold the lock at `path` for the length of the block; never waits for it.

    The file is made for its owner only, a missing folder for all to read. LockHeld where another
    pass holds it, NotPermitted where it may not be opened or made, ConnectorError where that fails
    otherwise. A symbolic link at `path` is not followed.
    """
    # Slow to import, and only a pass that may act takes the lock.
    from filelock import Timeout, UnixFileLock

    _make_folder(path)
    lock = UnixFileLock(
        path,
        mode=_FILE_MODE,
        blocking=False,
        # A marker file in place of flock would outlive a killed pass.
        fallback_to_soft=False,
    )
    try:
        lock.acquire()
    except Timeout as error:
        raise LockHeld(f"another pass holds {path}: nothing was done") from error
    except OSError as error:
        raise _failure(path, error) from error
    try:
        yield
    finally:
        with suppress(OSError):  # the end of the process gives it back in any case
            lock.release()


def _make_folder(path: Path) -> None:
    folder = path.parent
    try:
        folder.parent.mkdir(_FOLDER_MODE, parents=True, exist_ok=True)
        folder.mkdir(_FOLDER_MODE)
        folder.chmod(_FOLDER_MODE)  # whatever the umask
    except FileExistsError as error:
        if not folder.is_dir():
            taken = NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            raise _failure(path, taken) from error
    except OSError as error:
        raise _failure(path, error) from error


def _failure(path: Path, error: OSError) -> ConnectorError:
    reason = error.strerror or str(error)
    if isinstance(error, PermissionError):
        return NotPermitted(f"cannot lock {path}: {reason}; run connector as root")
    remedy = _REMEDIES.get(error.errno or 0, "correct that, or set another `lock` path")
    return ConnectorError(f"cannot lock {path}: {reason}; {remedy}")
