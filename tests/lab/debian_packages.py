"""Debian's packages that only a node needs: fetched and unpacked beside the image, never installed.

Nothing of Heartbeat is to come onto the host, not to speak of its being started there. A story
copies the unpacked tree into its nodes, whose root directory it is thrown away with.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .errors import LabUnavailable
from .image import DOWNLOAD_TIMEOUT_S, cache_folder
from .packages import apt_with_fresh_lists, output_of_program

# Heartbeat, and of what it depends on that which a pair with haresources loads or runs; the rest
# (OpenIPMI, SNMP) is for fencing hardware.
HEARTBEAT = (
    "heartbeat",
    "cluster-glue",
    "resource-agents",
    "libheartbeat2",
    "liblrm2",
    "libltdl7",
    "libnet1",
    "libpils2",
    "libplumb2",
    "libplumbgpl2",
    "libstonith1",
    "gawk",
    "libsigsegv2",
    "bc",
    "cron",
    "iputils-ping",
    "iputils-arping",
)


def unpacked(names: Sequence[str] = HEARTBEAT) -> Path:
    """Return the folder with the content of these packages, fetching what is not in the cache.

    Raises LabUnavailable where they cannot be had.
    """
    cache = cache_folder() / "trees"
    cache.mkdir(parents=True, exist_ok=True)
    tree = cache / hashlib.sha256("\0".join(names).encode()).hexdigest()[:16]
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not tree.is_dir():
            _fetch(names, tree)
    return tree


def _fetch(names: Sequence[str], tree: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="unpacking-", dir=tree.parent) as temporary:
        debs, made = Path(temporary, "debs"), Path(temporary, "tree")
        debs.mkdir()
        made.mkdir()
        apt_with_fresh_lists(["download", *names], timeout_s=DOWNLOAD_TIMEOUT_S, cwd=debs)
        found = sorted(debs.glob("*.deb"))
        if len(found) != len(names):
            raise LabUnavailable(f"{len(found)} packages instead of {len(names)} were downloaded")
        for deb in found:
            output_of_program(["dpkg", "-x", str(deb), str(made)])
        # A node reads it over 9p, as root without root's rights on the host.
        made.chmod(0o755)
        shutil.move(made, tree)
