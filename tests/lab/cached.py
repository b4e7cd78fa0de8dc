"""Folders in the laboratory's cache that are made once, whoever needs them first."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from .image import cache_folder


def cached_folder(kind: str, key: bytes, make: Callable[[Path], None]) -> Path:
    """Return the folder of that kind for all that went into it, which is `key`.

    Where there is none, `make` fills an empty one; what it raises leaves nothing behind.
    """
    cache = cache_folder() / kind
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / hashlib.sha256(key).hexdigest()[:16]
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(prefix="making-", dir=cache) as temporary:
                made = Path(temporary, "made")
                made.mkdir()
                make(made)
                shutil.move(made, folder)
    return folder
