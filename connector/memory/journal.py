"""The journal: one JSON line for each pass that did something or wanted to."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

MAX_BYTES = 1024 * 1024


def append(path: Path, entry: dict[str, Any]) -> None:
    """Add one line in one write; a full journal is renamed to NAME.1, so two are kept.

    Called under the pass's lock.

    Raises:
        OSError: the state directory cannot be written.
    """
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        # A pass that was killed, or a full disk, may have left half a line.
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            line = b"\n" + line
        os.write(descriptor, line)
    finally:
        os.close(descriptor)
    if size + len(line) > MAX_BYTES:
        os.replace(path, path.with_name(path.name + ".1"))
