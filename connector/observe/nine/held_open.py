"""Which DRBD 9 minors are held open, and by which processes.

Where `drbdsetup status` says `open` it is; that it says otherwise proves nothing where another
place does: drbdsetup prints false also for a kernel that does not tell (drbd-utils 9.28,
drbdsetup.c `device_status_json`). Then DRBD's own list in debugfs decides (openers.py), and where
that cannot be read, the open files of all processes are looked through. That does not see what the
kernel alone holds (an iSCSI or NFS export, a loop device, a filesystem unmounted with `umount -l`),
a mapping whose descriptor was closed, or a device by a name that is not below /dev.
"""

from __future__ import annotations

import errno
import os
import stat as mode_bits
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from connector.model import Problem, Use, UseKind
from connector.observe.block_use import BlockUse, minor_named
from connector.observe.mounts import DRBD_MAJOR
from connector.observe.nine import openers
from connector.observe.processes import MAX_PROCESSES, MinorOf, Stat, having_open
from connector.observe.reading import read_at_most

__all__ = ["HeldOpen", "OpenQuestion", "held_open"]

NAMELESS = "held open, says drbdsetup"

# No debugfs, or the resource is down; not root, or the kernel is locked down. Both are ordinary.
_NO_LIST = frozenset({errno.ENOENT, errno.EACCES, errno.EPERM})
_MAX_NUMBER_BYTES = 32


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A minor to be told of; `open` as `drbdsetup status` says it, None where it does not."""

    minor: int
    resource: str
    volume: int
    open: bool | None = None


@dataclass(frozen=True, slots=True)
class HeldOpen:
    """By what each minor that was asked for is held open.

    An empty tuple: by nothing, as far as can be seen. None: nothing was found, but something that
    had to be looked at could not be. `certain` are the minors of which DRBD itself told.
    """

    used_by: Mapping[int, tuple[Use, ...] | None]
    certain: frozenset[int] = frozenset()
    problems: tuple[Problem, ...] = ()

    def added_to(self, use: BlockUse) -> BlockUse:
        """Both together: what a minor is used by, else what holds it open.

        DRBD counts mounts as well. So where it says that nothing holds a minor open, there are
        none, also of those that may not be seen.
        """
        used_by = dict(use.used_by)
        for minor, holders in self.used_by.items():
            seen = use.of(minor)
            if not seen and (holders or seen is not None or minor in self.certain):
                used_by[minor] = holders
        return BlockUse(used_by, (*use.problems, *self.problems))


def held_open(
    root: Path,
    devices: Sequence[OpenQuestion],
    stat: Stat | None = None,
    max_processes: int = MAX_PROCESSES,
) -> HeldOpen:
    """Which of the devices are held open, and by whom. Raises nothing.

    For minors of which block_use found no use: the opener of a mount is only the mount again.

    Args:
        root: the folder that holds proc/ and sys/.
        devices: the minors to be told of.
        stat: answers for a path below ROOT/proc/PID/fd, following its link. Without it devices are
            told by their numbers where ROOT is `/`, else by their names.
        max_processes: how many processes are looked into at the most.
    """
    look = _Look(root)
    undecided = {device.minor for device in devices if not look.told_by_drbd(device)}
    if undecided:
        if stat is None and str(root) == "/":
            stat = os.stat
        minor_of = _by_name if stat is None else _by_number(root, undecided, stat)
        look.at_processes(undecided, minor_of, max_processes)
    return HeldOpen(look.used_by, frozenset(look.certain), tuple(look.problems))


@dataclass(slots=True)
class _Look:
    """What one look has found so far."""

    root: Path
    used_by: dict[int, tuple[Use, ...] | None] = field(default_factory=dict)
    certain: set[int] = field(default_factory=set)
    doubtful: set[int] = field(default_factory=set)
    closed: set[int] = field(default_factory=set)  # says drbdsetup
    problems: list[Problem] = field(default_factory=list)

    def told_by_drbd(self, device: OpenQuestion) -> bool:
        """Whether drbdsetup or the kernel's list decides; then the answer is noted."""
        listed = self._listed(device)
        if device.open is False:
            self.closed.add(device.minor)
        if device.open and not listed:
            listed = (Use(UseKind.OPENER, NAMELESS),)
        elif listed is None or (not listed and device.minor in self.doubtful):
            return False
        self.used_by[device.minor] = listed
        self.certain.add(device.minor)
        return True

    def at_processes(self, minors: Collection[int], minor_of: MinorOf, limit: int) -> None:
        found, missed = having_open(self.root, minor_of, limit)
        unknown = (set(minors) if missed else self.doubtful) - self.closed
        for minor in minors:
            uses = tuple(_use(pid, name) for pid, name in found.get(minor, ()))
            self.used_by[minor] = uses if uses or minor not in unknown else None
        nothing = [minor for minor in sorted(minors) if self.used_by[minor] is None]
        if missed and nothing:
            listed = ", ".join(map(str, nothing))
            message = f"whether minor {listed} is held open is not known: {missed}"
            self.problems.append(Problem(None, message))

    def _listed(self, device: OpenQuestion) -> tuple[Use, ...] | None:
        """The openers that the kernel lists; None where it gives no list."""
        volume = f"{device.resource}/{device.volume}"
        try:
            data = openers.read(self.root, device.resource, device.volume)
        except OSError as error:
            if error.errno not in _NO_LIST:
                message = f"the openers of {volume} cannot be read: {error.strerror}"
                self.problems.append(Problem(None, message))
            return None
        found, problems = openers.parse(data)
        self.problems += [Problem(item.line, f"{volume}: {item.message}") for item in problems]
        if problems:
            self.doubtful.add(device.minor)
        return tuple(_use(opener.pid, opener.name) for opener in found)


def _use(pid: int, name: str) -> Use:
    return Use(UseKind.OPENER, f"{name or 'a process'} (pid {pid})")


def _by_number(root: Path, minors: Collection[int], stat: Stat) -> MinorOf:
    """Tells devices by their numbers, and partitions of them by theirs."""
    numbers = {os.makedev(DRBD_MAJOR, minor): minor for minor in minors}
    for minor in minors:
        numbers.update(dict.fromkeys(_partitions(root, minor), minor))

    def minor_of(link: str, _target: str) -> int | None:
        with suppress(OSError, ValueError):
            found = stat(link)
            return numbers.get(found.st_rdev) if mode_bits.S_ISBLK(found.st_mode) else None
        return None

    return minor_of


def _partitions(root: Path, minor: int) -> Iterator[int]:
    """The device numbers of a minor's partitions, which have a major number of their own."""
    folder = f"{root}/sys/block/drbd{minor}"
    with suppress(OSError, ValueError):
        for name in os.listdir(folder):
            if name.startswith(f"drbd{minor}p"):
                number = read_at_most(f"{folder}/{name}/dev", _MAX_NUMBER_BYTES)
                major, partition = map(int, number.split(b":"))
                yield os.makedev(major, partition)


def _by_name(_link: str, target: str) -> int | None:
    """Tells devices by their names, where /dev is another machine's."""
    with suppress(LookupError):
        return minor_named(target, {}, None)
    return None
