"""Reading and writing small files so that a kill at any moment leaves the old one or the new."""

from __future__ import annotations

import os
import stat as mode_bits
from contextlib import suppress
from pathlib import Path

from connector.observe.reading import read_at_most, read_open

MAX_BYTES = 8 * 1024 * 1024
_SUFFIX = ".tmp"


def write_atomic(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Put `data` at `path` by a rename; makes the folder where it is missing.

    The temporary name beside it carries the process number; what a killed writer left behind is
    removed by the next one.

    Raises:
        OSError: it could not be written; then the old file is untouched.
    """
    # Strings: every pass comes here, and a Path costs more than the call that it is for.
    folder, name = os.path.split(path)
    folder = folder or os.curdir
    _sweep(_listed(folder), folder, f".{name}.")
    temporary = f"{folder}/.{name}.{os.getpid()}{_SUFFIX}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        descriptor = os.open(temporary, flags, mode)
        try:
            os.fchmod(descriptor, mode)
            write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def write_changed(path: Path, data: bytes, mode: int = 0o600) -> None:
    """As `write_atomic`, but not where the file is there already, just as it would be written.

    What waits for days need not be written, and waited for, every minute.

    Raises:
        OSError: it had to be written and could not be; then the old file is untouched.
    """
    if not _is_there(path, data, mode):
        write_atomic(path, data, mode)


def _is_there(path: Path, data: bytes, mode: int) -> bool:
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags)
    except OSError:
        return False
    try:
        found = os.fstat(descriptor)
        looks_the_same = (
            found.st_mode == mode_bits.S_IFREG | mode
            and found.st_uid == os.geteuid()
            and found.st_size == len(data)
        )
        return looks_the_same and read_open(descriptor, len(data)) == data
    except OSError:
        return False
    finally:
        os.close(descriptor)


def sweep(folder: Path) -> None:
    """Remove every temporary file whose writer is gone, in a folder that is connector's alone.

    A folder whose files have the time in their names needs it: nobody writes the same one again.

    Raises:
        OSError: the folder cannot be listed.
    """
    _sweep(os.listdir(folder), str(folder), ".")


def _listed(folder: str) -> list[str]:
    """What is in the folder, which is made where it is missing."""
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        Path(folder).mkdir(mode=0o755, parents=True, exist_ok=True)
        return []


def _sweep(names: list[str], folder: str, beginning: str) -> None:
    """Remove the temporary files with such a beginning whose writer is gone."""
    for name in names:
        if name.startswith(beginning) and name.endswith(_SUFFIX):
            _remove_abandoned(folder, name)


def _remove_abandoned(folder: str, name: str) -> None:
    writer = name[: -len(_SUFFIX)].rpartition(".")[2]
    if writer.isdigit() and int(writer) != os.getpid() and _alive(int(writer)):
        return
    with suppress(OSError):
        os.unlink(f"{folder}/{name}")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def read_bounded(path: Path, limit: int = MAX_BYTES) -> bytes | None:
    """The file's bytes, None where there is no such file.

    Raises:
        OSError: it cannot be read, or is larger than `limit` (EFBIG).
    """
    try:
        data = read_at_most(path, limit + 1)
    except FileNotFoundError:
        return None
    if len(data) > limit:
        raise OSError(27, f"larger than {limit} bytes", str(path))
    return data


def write_all(descriptor: int, data: bytes) -> None:
    """All of it: a disk that is nearly full takes a part and says no word.

    Raises:
        OSError: it cannot be written, or not whole.
    """
    while data:
        data = data[os.write(descriptor, data) :]


def set_aside(path: Path) -> Path:
    """Rename a damaged file to NAME.damaged (the latest one is kept); returns the new name."""
    aside = path.with_name(path.name + ".damaged")
    os.replace(path, aside)
    return aside
