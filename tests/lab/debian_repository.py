"""A repository of Debian packages for a node that has no network: apt-get installs from it there.

A node has the host's root directory and so the host's packages. What the host lacks of those that
are asked for, and of all that they need, is fetched into the cache; nothing is installed here.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .cached import cached_folder
from .errors import LabUnavailable
from .image import DOWNLOAD_TIMEOUT_S, PROGRAM_TIMEOUT_S
from .packages import apt_with_fresh_lists, program

STATUS = Path("/var/lib/dpkg/status")
INDEX = "Packages"


def repository(names: Sequence[str]) -> Path:
    """Return the folder with the packages and their index, fetching what is not in the cache.

    It is another one once other packages are installed on the host. Raises LabUnavailable where
    they cannot be had.
    """
    key = "\0".join(names).encode() + STATUS.read_bytes()
    return cached_folder("repositories", key, lambda made: _fetch(names, made))


def use_it_alone(folder: Path) -> str:
    """Return the script that has a node's apt take its packages from there, and nowhere else."""
    source = shlex.quote(f"deb [trusted=yes] file:{folder} ./")
    return (
        "rm -rf /etc/apt/sources.list.d/* /etc/apt/apt.conf.d/*\n"
        f"echo {source} >/etc/apt/sources.list\n"
        # The folder may lie below a home that apt's own user may not look into.
        "echo 'APT::Sandbox::User \"root\";' >/etc/apt/apt.conf.d/lab\n"
    )


def _fetch(names: Sequence[str], made: Path) -> None:
    partial = made / "partial"
    partial.mkdir()
    apt_with_fresh_lists(
        # With its own place for the files no lock of the host's dpkg is needed.
        [
            *("-o", "Debug::NoLocking=1", "-o", f"Dir::Cache::archives={made}/"),
            *("--download-only", "--no-install-recommends", "install", *names),
        ],
        timeout_s=DOWNLOAD_TIMEOUT_S,
    )
    shutil.rmtree(partial, ignore_errors=True)
    with (made / INDEX).open("wb") as index:
        done = subprocess.run(
            [program("dpkg-scanpackages"), "--multiversion", "."],
            cwd=made,
            stdout=index,
            stderr=subprocess.PIPE,
            timeout=PROGRAM_TIMEOUT_S,
            check=False,
        )
    if done.returncode != 0:
        raise LabUnavailable(f"dpkg-scanpackages failed: {done.stderr.decode(errors='replace')}")
