"""Small files of the system, read within limits; what cannot be read is a value, not an error."""

from __future__ import annotations

import os
import stat as mode_bits
from dataclasses import dataclass
from pathlib import Path

from connector.observe.reading import read_open

MAX_TEXT_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Unseen:
    """Something that could not be looked at; `why` is a part of a sentence."""

    why: str


@dataclass(frozen=True, slots=True)
class Text:
    """A file's text, its owner and its permission bits. Bytes that are not UTF-8 are replaced."""

    text: str
    uid: int
    mode: int


def read_text(path: Path, limit: int = MAX_TEXT_BYTES) -> Text | Unseen | None:
    """A regular file of at most `limit` bytes; None where there is none. Raises nothing."""
    try:
        # Without O_NONBLOCK opening a named pipe would wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        return Unseen(f"{path}: {reason(error)}")
    try:
        found = os.fstat(descriptor)
        if not mode_bits.S_ISREG(found.st_mode):
            return Unseen(f"{path}: no regular file")
        data = read_open(descriptor, limit + 1)
    except OSError as error:
        return Unseen(f"{path}: {reason(error)}")
    finally:
        os.close(descriptor)
    if len(data) > limit:
        return Unseen(f"{path}: larger than {limit} bytes")
    mode = mode_bits.S_IMODE(found.st_mode)
    return Text(data.decode("utf-8", "replace"), found.st_uid, mode)


def reason(error: Exception) -> str:
    """Why it failed; with the way out where it is a matter of rights."""
    if isinstance(error, PermissionError):
        return "may not be read; run it as root"
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
