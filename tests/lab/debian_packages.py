"""Debian's packages that only a node needs: fetched and unpacked beside the image, never installed.

Nothing of Heartbeat is to come onto the host, not to speak of its being started there. A story
copies the unpacked tree into its nodes, whose root directory it is thrown away with.
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


def unpacked(names: Sequence[str] = HEARTBEAT) -> Path:
    """Return the folder with the content of these packages, fetching what is not in the cache.

    Raises LabUnavailable where they cannot be had.
    """
    return cached_folder("trees", "\0".join(names).encode(), lambda made: _unpack(names, made))


def _unpack(names: Sequence[str], made: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="debs-", dir=made.parent) as debs:
        apt_with_fresh_lists(["download", *names], timeout_s=DOWNLOAD_TIMEOUT_S, cwd=Path(debs))
        found = sorted(Path(debs).glob("*.deb"))
        if len(found) != len(names):
            raise LabUnavailable(f"{len(found)} packages instead of {len(names)} were downloaded")
        for deb in found:
            output_of_program(["dpkg", "-x", str(deb), str(made)])
    # A node reads it over 9p, as root without root's rights on the host.
    made.chmod(0o755)
