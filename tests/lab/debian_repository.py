"""A repository of Debian packages for a node that has no network: apt-get installs from it there.

A node has the host's root directory and so the host's packages. What the host lacks of those that
are asked for, and of all that they need, is fetched into the cache; nothing is installed here.
"""

from __future__ import annotations

import fcntl
import hashlib
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .errors import LabUnavailable
from .image import DOWNLOAD_TIMEOUT_S, PROGRAM_TIMEOUT_S, cache_folder
from .packages import apt_with_fresh_lists, program

STATUS = Path("/var/lib/dpkg/status")
INDEX = "Packages"


def repository(names: Sequence[str]) -> Path:
    """Return the folder with the packages and their index, fetching what is not in the cache.

    It is another one once other packages are installed on the host. Raises LabUnavailable where
    they cannot be had.
    """
    cache = cache_folder() / "repositories"
    cache.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256("\0".join(names).encode() + STATUS.read_bytes()).hexdigest()[:16]
    folder = cache / key
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            _fetch(names, folder)
    return folder


def use_it_alone(folder: Path) -> str:
    """Return the script that has a node's apt take its packages from there, and nowhere else."""
    source = shlex.quote(f"deb [trusted=yes] file:{folder} ./")
    return (
        "rm -rf /etc/apt/sources.list.d/* /etc/apt/apt.conf.d/*\n"
        f"echo {source} >/etc/apt/sources.list\n"
        # The folder may lie below a home that apt's own user may not look into.
        "echo 'APT::Sandbox::User \"root\";' >/etc/apt/apt.conf.d/lab\n"
    )


def _fetch(names: Sequence[str], folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="fetching-", dir=folder.parent) as temporary:
        made, partial = Path(temporary, "made"), Path(temporary, "made/partial")
        partial.mkdir(parents=True)
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
            raise LabUnavailable(
                f"dpkg-scanpackages failed: {done.stderr.decode(errors='replace')}"
            )
        shutil.move(made, folder)
