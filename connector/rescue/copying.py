"""Copies a volume's data into a file, leaving holes where nothing is."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from connector.errors import NotKept
from connector.memory.files import write_all
from connector.program import Run, failed
from connector.rescue.backing import forget_cached
from connector.rescue.kept import Method
from connector.rescue.method import MIB, Step

CHUNK_BYTES = MIB
ROOM_IS_LOOKED_AT_EVERY = 64  # chunks
_ZEROS = bytes(CHUNK_BYTES)


def copy(
    step: Step,
    source: Path,
    target: Path,
    *,
    run: Run,
    time_left_s: Callable[[], float],
    spare_bytes: int,
) -> None:
    """Copy the volume from `source` (its backing device) to the new file `target`, durably.

    The device must not change meanwhile: the node is StandAlone and Secondary. `spare_bytes` is
    what must stay free where `target` is. What xfs_copy cannot copy, or not all of, is copied as
    it is.

    Raises:
        NotKept: it could not be copied, or not in time; the caller removes what is there.
    """
    try:
        forget_cached(source)
        if step.method is Method.E2IMAGE:
            # -r raw, -a data, too (e2image(8)): the blocks in use, at their places.
            _by_tool(("e2image", "-ra", str(source), str(target)), run, time_left_s)
        elif step.method is Method.XFS_COPY:
            _xfs(step, source, target, run, time_left_s, spare_bytes)
        else:
            _whole(step, source, target, time_left_s, spare_bytes)
        _on_disk(target)
    except OSError as error:
        raise NotKept(
            f"volume {step.device.volume}: {error.filename or target}: {error.strerror}"
        ) from error


def _by_tool(argv: tuple[str, ...], run: Run, time_left_s: Callable[[], float]) -> None:
    done = run(argv, max(0.0, time_left_s()))
    if done.exit_status != 0:
        raise NotKept(failed(done))


def _xfs(
    step: Step,
    source: Path,
    target: Path,
    run: Run,
    time_left_s: Callable[[], float],
    spare_bytes: int,
) -> None:
    # What only the log knows of is not copied (copy/xfs_copy.c goes by the free space on the disk).
    #     log tail: 2 head: 2 state: <CLEAN>
    told = run(("xfs_logprint", "-t", str(source)), max(0.0, time_left_s()))
    if told.exit_status != 0 or "state: <CLEAN>" not in told.stdout:
        _whole(step, source, target, time_left_s, spare_bytes)
        return
    # -d keeps the UUID; -L: its own log would go to the current folder.
    log = target.with_suffix(".log")
    argv = ("xfs_copy", "-d", "-L", str(log), str(source), str(target))
    done = run(argv, max(0.0, time_left_s()))
    log.unlink(missing_ok=True)
    if done.timed_out:
        raise NotKept(failed(done))
    if done.exit_status != 0:
        target.unlink(missing_ok=True)
        _whole(step, source, target, time_left_s, spare_bytes)


def _whole(
    step: Step, source: Path, target: Path, time_left_s: Callable[[], float], spare_bytes: int
) -> None:
    left = step.device.data_bytes
    number = 0
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    with (
        source.open("rb", buffering=0) as device,
        open(os.open(target, flags, 0o600), "wb", buffering=0) as file,
    ):
        while left > 0:
            if time_left_s() <= 0:
                raise NotKept(f"volume {step.device.volume}: the copy took too long")
            if number % ROOM_IS_LOOKED_AT_EVERY == 0:
                soon_bytes = min(left, ROOM_IS_LOOKED_AT_EVERY * CHUNK_BYTES)
                _leave_room(file.fileno(), spare_bytes + soon_bytes)
            chunk = device.read(min(CHUNK_BYTES, left))
            if not chunk:
                raise NotKept(f"{step.device.path} ends {left} bytes too early")
            if chunk == _ZEROS[: len(chunk)]:
                file.seek(len(chunk), os.SEEK_CUR)
            else:
                write_all(file.fileno(), chunk)
            left -= len(chunk)
            number += 1
        file.truncate(step.device.data_bytes)


def _leave_room(descriptor: int, wanted_bytes: int) -> None:
    room = os.fstatvfs(descriptor)
    if room.f_bavail * room.f_frsize < wanted_bytes:
        raise NotKept("the copy would fill the file system that it is written to")


def _on_disk(target: Path) -> None:
    descriptor = os.open(target, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fchmod(descriptor, 0o600)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
