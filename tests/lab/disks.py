"""What is really on a node's disk, read on the host: neither DRBD nor a mount has a say in it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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

    Raises LabError where its file system is broken.
    """
    with _as_after_a_power_cut(image) as copy:
        return read_records(_run("debugfs", "-R", f"cat {RECORDS_FILE}", str(copy)).stdout)


def files_on(image: Path, folder: str) -> dict[str, str]:
    """Return the text of each file in a folder of a disk, by name, as after a power cut now.

    Empty where there is no such folder. Raises LabError where its file system is broken.
    """
    with _as_after_a_power_cut(image) as copy:
        target = copy.parent / "dumped"
        target.mkdir()
        _run("debugfs", "-R", f"rdump {folder} {target}", str(copy))
        return {
            path.name: path.read_text("utf-8", "replace")
            for path in target.rglob("*")
            if path.is_file()
        }


def rescued_on(
    state_disk: Path, read: Callable[[Path], frozenset[str]] = records_on
) -> dict[int, frozenset[str]]:
    """Return what `read` finds in the rescues on a node's state disk, by minor.

    Raises LabError where a rescue's record cannot be read, or a copy's file system is broken.
    """
    found: dict[int, frozenset[str]] = {}
    with tempfile.TemporaryDirectory(prefix="drbd-rescues-") as folder:
        copy = Path(folder) / "disk"
        _run("cp", "--sparse=always", str(state_disk), str(copy))
        _run("e2fsck", "-f", "-y", str(copy))  # as after a power cut: its journal is replayed
        _run("debugfs", "-R", f"rdump /rescues {folder}", str(copy))
        for path in sorted(Path(folder).glob("rescues/*/rescue.json")):
            try:
                volumes = json.loads(path.read_text())["volumes"]
            except (ValueError, KeyError) as error:
                raise LabError(f"{path.parent.name}: its record cannot be read: {error}") from error
            for volume in volumes:
                if volume["file"] and volume["filesystem"] == "ext4":
                    kept = read(path.parent / volume["file"])
                    found[volume["minor"]] = found.get(volume["minor"], frozenset()) | kept
    return found


@contextmanager
def _as_after_a_power_cut(image: Path) -> Iterator[Path]:
    """A copy of a disk whose journal has been replayed, as mounting it would."""
    with tempfile.TemporaryDirectory(prefix="drbd-disk-") as folder:
        copy = Path(folder) / "disk"
        shutil.copyfile(image, copy)
        checked = _run("e2fsck", "-f", "-y", str(copy))
        if checked.returncode >= _UNCORRECTED:
            raise LabError(f"{image.name}: its file system is broken:\n{checked.stdout}")
        yield copy


def _run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program(name), *arguments],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=PROGRAM_TIMEOUT_S,
        check=False,
    )
