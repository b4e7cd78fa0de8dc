"""The archive: a tar.gz that is the same for the same parts, and is there whole or not at all."""

from __future__ import annotations

import gzip
import io
import os
import re
import tarfile
import time
from contextlib import suppress
from pathlib import Path

from connector.bundle.parts import Collected

README = "README.txt"
_MODE = 0o600


def name_of(collected: Collected) -> str:
    """connector-bundle-HOST-20261125T080000Z, the archive's name without its ending."""
    host = re.sub(r"[^A-Za-z0-9.-]", "_", collected.host)[:64] or "unknown"
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(collected.at_wall_s))
    return f"connector-bundle-{host}-{stamp}"


def packed(collected: Collected) -> bytes:
    """The archive's bytes. Names are sorted, times are that of the collection, owner is root."""
    folder, at_s = name_of(collected), int(collected.at_wall_s)
    files = {part.name: part.data for part in collected.parts}
    files[README] = readme(collected).encode("utf-8", "replace")
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=at_s) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name in sorted(files):
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size, entry.mtime, entry.mode = len(files[name]), at_s, _MODE
            entry.uname = entry.gname = "root"
            tar.addfile(entry, io.BytesIO(files[name]))
    return buffer.getvalue()


def readme(collected: Collected) -> str:
    """What the archive holds, what was removed, and what is missing and why."""
    at = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(collected.at_wall_s))
    lines = [f"Made by `connector bundle` on {collected.host} at {at}.", "", "In it:", ""]
    for part in collected.parts:
        told = [f"{len(part.data)} bytes", part.note]
        told.append(part.removed_in_words and f"removed: {part.removed_in_words}")
        lines.append(f"  {part.name}: {'; '.join(word for word in told if word)}")
    lines += ["", "Not in it:", ""]
    lines += [f"  {missing.name}: {missing.reason}" for missing in collected.missing]
    lines += [
        "  the exporter's web configuration, with its certificates, keys and password hashes:",
        "    never taken",
        "",
        "A secret is replaced by (removed). Comments are left out of configuration files.",
    ]
    return "\n".join(lines) + "\n"


def write_new(path: Path, data: bytes) -> None:
    """Put `data` at `path`, mode 0600, by a temporary name beside it. Nothing is overwritten.

    A kill at any moment leaves the whole file or none under that name.

    Raises:
        FileExistsError: there is something of that name.
        OSError: it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(temporary, flags, _MODE)
    try:
        with open(descriptor, "wb") as stream:
            os.fchmod(descriptor, _MODE)
            stream.write(data)
            stream.flush()
            os.fsync(descriptor)
        _give_its_name(temporary, path)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def _give_its_name(temporary: Path, path: Path) -> None:
    """A rename that replaces nothing: a second link, which fails where the name is taken."""
    try:
        os.link(temporary, path, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:
        # A file system without links, such as FAT.
        if os.path.lexists(path):
            raise FileExistsError(17, "File exists", str(path)) from None
        os.rename(temporary, path)
