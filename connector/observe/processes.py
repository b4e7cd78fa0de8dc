"""Processes: which there are, which hold a DRBD device, and which of them owns the resources."""

from __future__ import annotations

import errno
import os
import stat as mode_bits
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from connector.observe.mounts import DRBD_MAJOR

MAX_PROCESSES = 32_768
MAX_DESCRIPTORS = 65_536  # of one process
_COMM_BYTES = 64  # the kernel's TASK_COMM_LEN is 16
_ENDED = frozenset({errno.ENOENT, errno.ESRCH})

# What each owner's process is called (proc_pid_comm(5), cut at 15 characters).
_OWNERS = {"pacemakerd": "Pacemaker", "drbd-reactor": "drbd-reactor"}

Stat = Callable[[str], os.stat_result]

# The minor that a link of an open file leads to, of the link and its target; None: of no interest.
MinorOf = Callable[[str, str], int | None]


@dataclass(frozen=True, slots=True)
class DeviceUser:
    """A process that holds a DRBD device, or a file or folder on it, and which one."""

    pid: int
    name: str
    what: str


def process_ids(root: Path, limit: int = MAX_PROCESSES) -> tuple[list[int], bool]:
    """At most `limit` process numbers under ROOT/proc in rising order, and whether those are all.

    Raises:
        OSError: ROOT/proc cannot be listed.
    """
    names = os.listdir(f"{root}/proc")
    pids = sorted(int(name) for name in names if name.isascii() and name.isdigit())
    return pids[:limit], len(pids) <= limit


def cluster_owner(root: Path) -> str | None:
    """Who manages the resources on this node: "Pacemaker", "drbd-reactor", or None.

    Only processes of the owner of ROOT/proc (root, on a real one) count: anybody may give a
    process such a name. None also where ROOT/proc cannot be listed; then block_use knows nothing
    either.
    """
    try:
        pids, _ = process_ids(root)
        trusted = os.stat(f"{root}/proc").st_uid
    except OSError:
        return None
    found = {name: pid for pid in pids if (name := command_name(root, pid)) in _OWNERS}
    names = {name for name, pid in found.items() if _owner(root, pid) == trusted}
    return next((owner for comm, owner in _OWNERS.items() if comm in names), None)


def processes_using(
    root: Path, minors: Collection[int], stat: Stat = os.stat
) -> tuple[DeviceUser, ...]:
    """The processes that keep DRBD from demoting, each once, with the first thing found.

    For a person's recovery, not for a pass: it looks at every open file, and asking after a file
    on a network filesystem whose server is gone does not return. Files of btrfs are not found
    (stat gives them an anonymous device number), nor what only the kernel holds (swap, LVM, NFS
    or iSCSI exports). Processes that may not be looked into are left out. Raises nothing.

    Args:
        root: the folder that holds proc/.
        minors: the DRBD minors asked for.
        stat: answers for a path below ROOT/proc/PID, following its link.
    """
    wanted = {os.makedev(DRBD_MAJOR, minor) for minor in minors}
    try:
        pids, _ = process_ids(root)
    except OSError:
        return ()
    found: list[DeviceUser] = []
    for pid in pids:
        held = next((link for link in _links(root, pid) if _on(link, wanted, stat)), None)
        if held is not None:
            what = _described(held)
            found.append(DeviceUser(pid, command_name(root, pid), what))
    return tuple(found)


def having_open(
    root: Path,
    minor_of: MinorOf,
    max_processes: int = MAX_PROCESSES,
    max_descriptors: int = MAX_DESCRIPTORS,
) -> tuple[Mapping[int, Sequence[tuple[int, str]]], str]:
    """Which processes, by number and name, have a device itself open, for each minor.

    Fit for a pass, unlike `processes_using`: only links that lead below /dev are followed. Also why
    some processes may have been missed, as a part of a sentence; empty where none was. Raises
    nothing.
    """
    try:
        pids, all_of_them = process_ids(root, max_processes)
    except OSError as error:
        return {}, f"the processes cannot be listed: {error.strerror}"
    found: dict[int, list[tuple[int, str]]] = {}
    hidden = 0
    for pid in pids:
        try:
            links = _open_below_dev(root, pid, max_descriptors)
            minors = {minor_of(link, target) for link, target in links}
        except OSError as error:
            hidden += error.errno not in _ENDED
            continue
        for minor in minors:
            if minor is not None:
                found.setdefault(minor, []).append((pid, command_name(root, pid)))
    if not all_of_them:
        return found, f"more than {max_processes} processes: not all were looked at"
    if hidden:
        return found, f"{hidden} processes may not be looked into"
    # Mounted with hidepid, /proc does not list the processes of others (proc(5)).
    return found, "" if pids[:1] == [1] else "not all processes are shown"


def _open_below_dev(root: Path, pid: int, limit: int) -> Iterator[tuple[str, str]]:
    """The links of a process to open files below /dev, and where they lead.

    The others are left alone: asking after a file of a server that is gone does not return.

    Raises:
        OSError: the process may not be looked into, has ended, or has too many open files.
    """
    folder = f"{root}/proc/{pid}/fd"
    names = os.listdir(folder)
    if len(names) > limit:
        raise OSError(errno.E2BIG, os.strerror(errno.E2BIG))
    for name in names:
        link = f"{folder}/{name}"
        try:
            target = os.readlink(link)
        except FileNotFoundError:
            continue  # closed meanwhile
        if target.startswith("/dev/"):
            yield link, target


def _links(root: Path, pid: int) -> Iterator[str]:
    """The links of a process to files that it holds (proc_pid_fd(5), _cwd, _root, _exe)."""
    base = f"{root}/proc/{pid}"
    yield from (f"{base}/{name}" for name in ("cwd", "root", "exe"))
    with suppress(OSError):
        names = [name for name in os.listdir(f"{base}/fd") if name.isascii() and name.isdigit()]
        names.sort(key=int)
        yield from (f"{base}/fd/{name}" for name in names[:MAX_DESCRIPTORS])


def _on(link: str, devices: Collection[int], stat: Stat) -> bool:
    """Whether the link leads to one of the devices itself, or to something stored on it."""
    try:
        found = stat(link)
    except (OSError, ValueError):
        return False
    is_device = mode_bits.S_ISBLK(found.st_mode) and found.st_rdev in devices
    return is_device or found.st_dev in devices


def _described(link: str) -> str:
    target = link
    with suppress(OSError):
        target = str(Path(link).readlink())
    kind = link.rpartition("/")[2]
    return target if kind.isdigit() else f"{target} ({kind})"


def _owner(root: Path, pid: int) -> int | None:
    try:
        return (root / f"proc/{pid}").stat().st_uid
    except OSError:
        return None


def command_name(root: Path, pid: int) -> str:
    """The process's name; empty where it has just ended or cannot be read."""
    try:
        # For every process of every look: a Path and a stream take several times as long.
        descriptor = os.open(f"{root}/proc/{pid}/comm", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.fsdecode(os.read(descriptor, _COMM_BYTES)).rstrip("\n")
    except OSError:
        return ""
    finally:
        os.close(descriptor)
