"""Copies an installed distribution and all that it needs into a folder.

    python packaging/private_copy.py NAME FOLDER

What builds and installs it stays behind: only what it asks for, and what that asks for in turn, is
copied. Run it with the Python of the virtual environment where everything is installed.
"""

from __future__ import annotations

import shutil
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def main(name: str, folder: Path) -> None:
    """Copy `name` and what it needs into `folder`, which is made."""
    for found in closure(name):
        copy(metadata.distribution(found), folder)


def closure(name: str) -> list[str]:
    """The names of the distribution and of everything it needs to run here, sorted.

    Raises:
        metadata.PackageNotFoundError: one of them is not installed.
    """
    found: set[str] = set()
    waiting = [canonicalize_name(name)]
    while waiting:
        one = waiting.pop()
        if one in found:
            continue
        found.add(one)
        for text in metadata.requires(one) or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(canonicalize_name(requirement.name))
    return sorted(found)


def copy(distribution: metadata.Distribution, folder: Path) -> None:
    """Its files below site-packages; not the programs, whose first line names this Python."""
    for file in distribution.files or ():
        outside = ".." in file.parts or file.is_absolute()
        if outside or "__pycache__" in file.parts:
            continue
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(str(distribution.locate_file(file)), target)
        target.chmod(0o644)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
