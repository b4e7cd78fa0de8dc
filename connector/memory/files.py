"""Reading and writing small files so that a kill at any moment leaves the old one or the new."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

MAX_BYTES = 8 * 1024 * 1024
_SUFFIX = ".tmp"


def write_atomic(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Put `data` at `path` by a rename; makes the folder where it is missing.

    The temporary name beside it carries the process number; what a killed writer left behind is
    removed by the next one.

    Raises:
        OSError: it could not be written; then the old file is untouched.
    """
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    _sweep(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}{_SUFFIX}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        descriptor = os.open(temporary, flags, mode)
        try:
            os.fchmod(descriptor, mode)
            with open(descriptor, "wb", closefd=False) as stream:
                stream.write(data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def sweep(folder: Path) -> None:
    """Remove every temporary file whose writer is gone, in a folder that is connector's alone.

    A folder whose files have the time in their names needs it: nobody writes the same one again.

    Raises:
        OSError: the folder cannot be listed.
    """
    for name in os.listdir(folder):
        if name.startswith(".") and name.endswith(_SUFFIX):
            _remove_abandoned(folder / name)


def _sweep(path: Path) -> None:
    """Remove temporary files of `path` whose writer is gone."""
    for name in os.listdir(path.parent):
        if name.startswith(f".{path.name}.") and name.endswith(_SUFFIX):
            _remove_abandoned(path.parent / name)


def _remove_abandoned(temporary: Path) -> None:
    writer = temporary.name[: -len(_SUFFIX)].rpartition(".")[2]
    if writer.isdigit() and int(writer) != os.getpid() and _alive(int(writer)):
        return
    with suppress(OSError):
        temporary.unlink()


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
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
    except FileNotFoundError:
        return None
    if len(data) > limit:
        raise OSError(27, f"larger than {limit} bytes", str(path))
    return data


def set_aside(path: Path) -> Path:
    """Rename a damaged file to NAME.damaged (the latest one is kept); returns the new name."""
    aside = path.with_name(path.name + ".damaged")
    os.replace(path, aside)
    return aside
