"""The lock that lets one pass act at a time on a node: flock(2), gone with its holder.

The file stays; an unlocked one that a killed pass left behind stops nobody. Children do not hold
it: its descriptor is not inherited.
"""

from __future__ import annotations

import errno
import os
import stat as mode_bits
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from connector.clock import Clock
from connector.errors import ConnectorError, LockHeld, NotPermitted

# A named pipe in its place must not be waited for.
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_FILE_MODE = 0o600
_FOLDER_MODE = 0o755
_POLL_S = 0.25

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
    from filelock import unlock_descriptor

    _make_folder(path)
    try:
        descriptor = os.open(path, _FLAGS, _FILE_MODE)
    except OSError as error:
        raise _failure(path, error) from error
    try:
        take(descriptor, path)
        yield
    finally:
        # The end of the process gives it back in any case.
        with suppress(OSError):
            unlock_descriptor(descriptor)
        with suppress(OSError):
            os.close(descriptor)


@contextmanager
def lock_within(
    path: Path, clock: Clock, wait_s: float, when_held: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Hold the lock at `path` for the length of the block; a pass that runs is waited for.

    `when_held` is called once, where there is a wait.

    Raises:
        LockHeld: it was held for all of `wait_s`.
        NotPermitted, ConnectorError: as `pass_lock`.
    """
    until_s = clock.boot_s() + wait_s
    told = False
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(pass_lock(path))
                break
            except LockHeld:
                if clock.boot_s() >= until_s:
                    raise
            if not told:
                told = True
                when_held()
            clock.sleep(_POLL_S)
        yield


def take(descriptor: int, path: Path) -> None:
    """Lock the open file at `path`, which has to be the one that other passes find there.

    LockHeld where that cannot be now, NotPermitted where it could be another one at any time,
    ConnectorError where locking fails otherwise.
    """
    from filelock import lock_descriptor

    try:
        if not lock_descriptor(descriptor, blocking=False):
            raise LockHeld(f"another pass holds {path}: nothing was done")
        found, folder = os.fstat(descriptor), os.stat(os.path.dirname(path) or os.curdir)
    except OSError as error:
        raise _failure(path, error) from error
    if found.st_nlink == 0:
        raise LockHeld(f"{path} was removed while it was being locked: nothing was done")
    # In a folder as /tmp is, a file's owner may put another one in its place at any time.
    if folder.st_mode & mode_bits.S_ISVTX and found.st_uid not in (os.geteuid(), folder.st_uid):
        raise NotPermitted(
            f"cannot lock {path}: it belongs to user {found.st_uid}, who may remove it; "
            "choose a `lock` path in a folder of root's own"
        )


def _make_folder(path: Path) -> None:
    folder = path.parent
    if os.path.isdir(folder):
        return
    try:
        folder.parent.mkdir(_FOLDER_MODE, parents=True, exist_ok=True)
        folder.mkdir(_FOLDER_MODE)
        folder.chmod(_FOLDER_MODE)  # whatever the umask
    except FileExistsError as error:
        if not folder.is_dir():  # else somebody else has made it meanwhile
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
