"""The kernel log as records: read without blocking, parsed apart from being read."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

MAX_RECORDS = 200_000
MAX_RECORD_BYTES = 8192
MAX_FILE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One message of the kernel itself, with its time in seconds since boot."""

    at_s: float
    text: str


# 6,1204,71271348,-;block drbd0: Split-Brain detected but unresolved, dropping connection!
_RECORD = re.compile(r"(\d{1,9}),(\d{1,20}),(\d{1,20}),[^;\n]*;(.*)", re.ASCII)


def parse_records(lines: Sequence[str]) -> tuple[LogRecord, ...]:
    """Records written by the kernel, in order; anything else is left out.

    The prefix is `PRIORITY,SEQUENCE,MICROSECONDS,FLAGS;` (Documentation/ABI/testing/dev-kmsg).
    A priority of 8 and more carries a facility: then a program wrote the line into /dev/kmsg, and
    what a program wrote is no evidence of what DRBD did. The kernel forces that facility on
    writers (kernel/printk/printk.c `devkmsg_write`).
    """
    records = []
    for line in lines:
        match = _RECORD.match(line)
        if match and int(match[1]) < 8:
            records.append(LogRecord(int(match[3]) / 1e6, match[4]))
    return tuple(records)


def read(root: Path) -> Sequence[str]:
    """The raw lines of ROOT/dev/kmsg that are there now, oldest first; never waits for more.

    A missing log gives an empty list: a kernel may be built without one.

    Raises:
        OSError: it is there but cannot be read (for instance PermissionError).
    """
    try:
        descriptor = os.open(f"{root}/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return []
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return _read_file(descriptor)
        return list(_read_records(descriptor))
    finally:
        os.close(descriptor)


def _read_records(descriptor: int) -> Iterator[str]:
    """One `read` gives one record; EPIPE says that records were overwritten meanwhile."""
    for _ in range(MAX_RECORDS):
        try:
            chunk = os.read(descriptor, MAX_RECORD_BYTES)
        except OSError as error:
            if error.errno == errno.EAGAIN:
                return
            if error.errno == errno.EPIPE:
                continue
            raise
        if not chunk:
            return
        yield chunk.split(b"\n", 1)[0].decode("utf-8", "replace")


def _read_file(descriptor: int) -> Sequence[str]:
    """The newest MAX_FILE_BYTES of a plain file that stands in for the log."""
    size = os.fstat(descriptor).st_size
    start = max(0, size - MAX_FILE_BYTES)
    lines = _lines(os.pread(descriptor, min(size, MAX_FILE_BYTES), start))
    return lines[1:] if start else lines


@lru_cache(maxsize=4)
def _lines(data: bytes) -> tuple[str, ...]:
    """A pass looks several times, mostly at the same."""
    return tuple(data.decode("utf-8", "replace").split("\n"))
