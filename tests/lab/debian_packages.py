"""Debian's packages that only a node needs: fetched and kept beside the image, never installed.

Nothing of Heartbeat is to come onto the host, not to speak of its being started there. A story
unpacks them in its nodes, with whose root directory they are thrown away.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from .cached import cached_folder
from .errors import LabUnavailable
from .image import DOWNLOAD_TIMEOUT_S
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
ARCHIVE = "files.tar"


def archive(names: Sequence[str] = HEARTBEAT) -> Path:
    """Return a tar archive of what is in these packages, fetching what is not in the cache.

    It is one file because a node reads it over 9p, where each of 900 would take its time.

    Raises LabUnavailable where they cannot be had.
    """
    key = "\0".join(names).encode()
    return cached_folder("archives", key, lambda made: _make(names, made)) / ARCHIVE


def _make(names: Sequence[str], made: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="debs-", dir=made.parent) as folder:
        debs, tree = Path(folder, "debs"), Path(folder, "tree")
        debs.mkdir()
        apt_with_fresh_lists(["download", *names], timeout_s=DOWNLOAD_TIMEOUT_S, cwd=debs)
        found = sorted(debs.glob("*.deb"))
        if len(found) != len(names):
            raise LabUnavailable(f"{len(found)} packages instead of {len(names)} were downloaded")
        for deb in found:
            output_of_program(["dpkg", "-x", str(deb), str(tree)])
        output_of_program(["tar", "-C", str(tree), "-cf", str(made / ARCHIVE), "."])
    # A node reads it as root without root's rights on the host.
    made.chmod(0o755)
