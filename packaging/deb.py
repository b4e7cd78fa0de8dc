"""Builds the Debian package: `python packaging/deb.py FOLDER` puts it there.

It is built in a copy, since the tools write beside and into the source.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
PARTS = (
    *("connector", "contrib", "debian", "docs", "packaging", "requirements"),
    *("pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE"),
)
LIMIT_S = 900


def main(folder: Path) -> Path:
    """Build it; the package's path.

    Raises:
        subprocess.CalledProcessError: the tools failed; what they said is on standard error.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="drbd-connector-") as scratch:
        source = Path(scratch) / "source"
        source.mkdir()
        for name in PARTS:
            _copy(PROJECT / name, source / name)
        environment = {"PIP_CACHE_DIR": str(Path.home() / ".cache/pip"), **os.environ}
        # A virtual environment around this script is none of the package's.
        environment["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"
        subprocess.run(
            [
                "/usr/bin/dpkg-buildpackage",
                "--build=binary",
                "--unsigned-source",
                "--unsigned-changes",
            ],
            cwd=source,
            env=environment,
            stdout=sys.stderr,
            timeout=LIMIT_S,
            check=True,
        )
        [built] = Path(scratch).glob("drbd-connector_*.deb")
        return Path(shutil.copy(built, folder))


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copyfile(source, target)


if __name__ == "__main__":
    print(main(Path(sys.argv[1])))
