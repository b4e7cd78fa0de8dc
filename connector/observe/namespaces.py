"""The mounts of DRBD devices in every mount namespace that can be seen from here."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from connector.model import Problem
from connector.observe.mounts import DRBD_MAJOR, Mount, parse_mountinfo
from connector.observe.processes import MAX_PROCESSES, process_ids
from connector.observe.reading import read_at_most

MAX_TABLE_BYTES = 4 * 1024 * 1024
MAX_NAMESPACES = 1_024

# ESRCH and ENOENT: it ended meanwhile. EINVAL: it has ended but nobody has waited for it yet
# (fs/proc_namespace.c `mounts_open_common`: no nsproxy any more). Neither has mounts.
_ENDED = frozenset({errno.ENOENT, errno.ESRCH, errno.EINVAL})


@dataclass(slots=True)
class VisibleMounts:
    """What could be seen. `complete` is False where a mount may have been missed.

    `own` is in the kernel's order, `others` (what only other namespaces have) in the order of
    their names, since the order of processes means nothing.
    """

    own: tuple[Mount, ...] = ()
    others: tuple[Mount, ...] = ()
    problems: list[Problem] = field(default_factory=list)
    complete: bool = True
    hidden: int = 0  # processes that may not be looked into

    def doubt(self, message: str) -> None:
        """Note that something may have been missed."""
        self.problems.append(Problem(None, message))
        self.complete = False


def drbd_mounts(
    root: Path, max_processes: int = MAX_PROCESSES, max_namespaces: int = MAX_NAMESPACES
) -> VisibleMounts:
    """The mounts that may be of a DRBD device, from ROOT/proc/self and every ROOT/proc/PID.

    Each pair of mount namespace and root directory is read once: a chrooted process sees only
    the part of its namespace that is below its root. An unprivileged user who may not look into
    other processes gets what is visible, with a problem; as root that is a doubt. Raises nothing.
    """
    visible = VisibleMounts()
    others: set[Mount] = set()
    tables = 0
    for name, data in _tables(root, max_processes, visible):
        tables += 1
        if tables > max_namespaces:
            visible.doubt(f"more than {max_namespaces} mount namespaces: not all were looked at")
            break
        mounts = _of_drbd(data, visible)
        if name == "self":
            visible.own = mounts
        else:
            others.update(mounts)
    if not tables:
        visible.doubt(f"no mountinfo could be read under {root / 'proc'}")
    if visible.hidden and os.geteuid() == 0:
        visible.doubt(f"mounts of {visible.hidden} processes may not be seen, even by root")
    elif visible.hidden:
        message = f"not root: mounts of {visible.hidden} other processes could not be seen"
        visible.problems.append(Problem(None, message))
    visible.others = tuple(
        sorted(others.difference(visible.own), key=lambda mount: (mount.where, mount.source))
    )
    return visible


def _tables(root: Path, max_processes: int, visible: VisibleMounts) -> Iterator[tuple[str, bytes]]:
    """Every distinct mountinfo with the process it was read from, `self` first."""
    pids: list[int] = []
    try:
        pids, all_of_them = process_ids(root, max_processes)
        if not all_of_them:
            visible.doubt(f"more than {max_processes} processes: not all were looked at")
    except OSError as error:
        visible.doubt(f"the processes cannot be listed: {error.strerror}")
    seen: set[tuple[str, str] | int] = set()
    for name in ("self", *map(str, pids)):
        key = _key(root, name)
        if key in seen:
            continue
        data = _read(root, name, visible)
        if data is None:
            continue
        if key is not None:
            seen.add(key)
        # The same text says the same: it is the same view, whose links could not be read.
        content = hash(data)
        if content in seen:
            continue
        seen.add(content)
        yield name, data


def _key(root: Path, name: str) -> tuple[str, str] | None:
    """What tells one view of the mounts from another; None where the links cannot be read."""
    process = f"{root}/proc/{name}"
    try:
        # For every process of every pass: Path.readlink takes four times as long.
        return os.readlink(f"{process}/ns/mnt"), os.readlink(f"{process}/root")
    except OSError:
        return None


def _read(root: Path, name: str, visible: VisibleMounts) -> bytes | None:
    """One process's mountinfo, cut at the bound; None where there is none, or it may not be read.

    Unlike its links the file may be read by everybody, unless /proc is mounted with hidepid.
    """
    try:
        data = read_at_most(f"{root}/proc/{name}/mountinfo", MAX_TABLE_BYTES + 1)
    except PermissionError:
        visible.hidden += 1
        return None
    except OSError as error:
        if error.errno not in _ENDED:
            visible.doubt(f"mounts of process {name} cannot be read: {error.strerror}")
        return None
    if len(data) > MAX_TABLE_BYTES:
        visible.doubt(f"mountinfo of process {name} is larger than {MAX_TABLE_BYTES} bytes")
    return data


def _of_drbd(data: bytes, visible: VisibleMounts) -> tuple[Mount, ...]:
    """The lines that may concern DRBD. Most tables have none, which is told without parsing."""
    if b" %d:" % DRBD_MAJOR not in data and b"drbd" not in data:
        return ()
    mounts, damaged = _parsed(data)
    if damaged:
        visible.problems.extend(damaged)
        visible.complete = False
    return tuple(
        mount
        for mount in mounts
        if mount.major == DRBD_MAJOR or (mount.major == 0 and "drbd" in mount.source)
    )


@lru_cache(maxsize=4)
def _parsed(data: bytes) -> tuple[tuple[Mount, ...], tuple[Problem, ...]]:
    """A pass looks several times, mostly at the same."""
    return parse_mountinfo(os.fsdecode(data))
