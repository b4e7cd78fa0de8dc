"""Reading a file up to a bound: what every look does, with as few calls as can be."""

from __future__ import annotations

import os

# Not `typing.TYPE_CHECKING`: cron pays for every import, once a minute.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

_PIECE_BYTES = 64 * 1024


def read_at_most(path: str | Path, most_bytes: int) -> bytes:
    """The first bytes of a file, or of what a kernel shows as one.

    Raises:
        OSError: it is not there or cannot be read.
    """
    # A descriptor and a string: a stream and a Path take longer than the kernel.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return read_open(descriptor, most_bytes)
    except OSError as error:
        error.filename = str(path)
        raise
    finally:
        os.close(descriptor)


def read_open(descriptor: int, most_bytes: int) -> bytes:
    """What is left to read, `most_bytes` of it at the most.

    In pieces: asked for the whole bound at once, Python would clear memory for all of it.

    Raises:
        OSError: it cannot be read.
    """
    data = piece = os.read(descriptor, min(_PIECE_BYTES, most_bytes))
    while piece and len(data) < most_bytes:
        piece = os.read(descriptor, min(_PIECE_BYTES, most_bytes - len(data)))
        data += piece
    return data
