"""What is really on a node's disk, read on the host: neither DRBD nor a mount has a say in it."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from .errors import LabError
from .packages import program

RECORDS_FILE = "records"
PROGRAM_TIMEOUT_S = 60.0
# fsck's: 1 errors were corrected, 2 and it wants a reboot; 4 and more are left uncorrected.
_UNCORRECTED = 4
_RECORD = re.compile(r"^((?:alpha|beta)-[\w-]+) *$", re.MULTILINE)


def read_records(text: str) -> frozenset[str]:
    """Return the names of the records in a records file; a torn last line is none."""
    return frozenset(_RECORD.findall(text))


def records_on(image: Path) -> frozenset[str]:
    """Return the records on a disk as they would be found after a power cut now.

    A copy of the disk has its journal replayed, as mounting it would, and is then read. Raises
    LabError where its file system is broken.
    """
    with tempfile.TemporaryDirectory(prefix="drbd-disk-") as folder:
        copy = Path(folder) / "disk"
        shutil.copyfile(image, copy)
        checked = _run("e2fsck", "-f", "-y", str(copy))
        if checked.returncode >= _UNCORRECTED:
            raise LabError(f"{image.name}: its file system is broken:\n{checked.stdout}")
        shown = _run("debugfs", "-R", f"cat {RECORDS_FILE}", str(copy))
        return read_records(shown.stdout)


def _run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program(name), *arguments],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=PROGRAM_TIMEOUT_S,
        check=False,
    )
