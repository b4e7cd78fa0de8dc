"""Which DRBD minors are in use on this node, and by what.

A mount is matched by its device number (major 147), never by a path: `/dev/drbd0` is also the
beginning of `/dev/drbd01`. Names count only where the kernel gives nothing better: swap spaces,
and filesystems with an anonymous device number (btrfs).

Not seen: a device that is only held open (a virtual machine on the raw device, an iSCSI or NFS
export, ZFS), further devices of a btrfs that spans several, mounts in a namespace without any
process, and a filesystem unmounted with `umount -l`. DRBD itself refuses to demote such a device.
"""

from __future__ import annotations

import os
import re
import stat as mode_bits
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from connector.model import ConfiguredResource, Problem, Use, UseKind
from connector.observe.mounts import DRBD_MAJOR, Mount, Swap, parse_mountinfo, parse_swaps
from connector.observe.namespaces import drbd_mounts
from connector.observe.processes import Stat
from connector.observe.reading import read_at_most

__all__ = ["BlockUse", "parse_mountinfo", "parse_swaps", "read"]

MAX_SWAPS_BYTES = 1024 * 1024

# /dev/drbd10, and a partition of it; the kernel writes no leading zero.
_DEVICE = re.compile(r"/dev/drbd(?P<minor>0|[1-9][0-9]{0,6})(?:p[1-9][0-9]{0,2})?")
_DRBD_NAMES = "/dev/drbd"  # also /dev/drbd/by-res/, /dev/drbd/by-disk/, /dev/drbd_NAME


@dataclass(frozen=True, slots=True)
class BlockUse:
    """By what each minor that was asked for is used.

    An empty tuple: not in use, as far as can be seen. None: nothing was found, but something that
    had to be looked at could not be read.
    """

    used_by: Mapping[int, tuple[Use, ...] | None]
    problems: tuple[Problem, ...] = ()

    def of(self, minor: int) -> tuple[Use, ...] | None:
        """The users of a minor; None where it is not known, or was not asked for."""
        return self.used_by.get(minor)


def read(
    root: Path, minors: Collection[int], resources: Sequence[ConfiguredResource] = ()
) -> BlockUse:
    """Look at every visible mount namespace, the swap spaces and the block devices on top.

    Mount points come first (those of our own namespace in the kernel's order, then the others' by
    name), then swap, then holders; each once. Raises nothing: what cannot be read is a problem,
    and makes every minor of which no use was found unknown.

    Args:
        root: the folder that holds proc/ and sys/. Only where it is `/` are names below /dev
            looked up; elsewhere they would be another machine's.
        minors: the minors to be told of.
        resources: the configuration, for the names below /dev/drbd/by-res.
    """
    look = _Look(root, frozenset(minors), _by_res(resources))
    look.at_mounts()
    look.at_swaps()
    look.at_holders()
    return look.result()


@dataclass(slots=True)
class _Look:
    """What one look has found so far; the uses of a minor are the keys of a dict, for order."""

    root: Path
    minors: frozenset[int]
    by_res: Mapping[str, int]
    uses: dict[int, dict[Use, None]] = field(default_factory=dict)
    unknown: set[int] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def at_mounts(self) -> None:
        visible = drbd_mounts(self.root)
        self.problems += visible.problems
        if not visible.complete:
            self.unknown |= self.minors
        for mount in (*visible.own, *visible.others):
            self._add(self._minor_of_mount(mount), Use(UseKind.MOUNT, mount.where))

    def at_swaps(self) -> None:
        try:
            data = read_at_most(f"{self.root}/proc/swaps", MAX_SWAPS_BYTES + 1)
        except FileNotFoundError:
            return  # a kernel without swap
        except OSError as error:
            self._doubt(self.minors, f"/proc/swaps cannot be read: {error.strerror}")
            return
        if len(data) > MAX_SWAPS_BYTES:
            self._doubt(self.minors, f"/proc/swaps is larger than {MAX_SWAPS_BYTES} bytes")
        swaps, damaged = parse_swaps(os.fsdecode(data))
        if damaged:
            self.problems += damaged
            self.unknown |= self.minors
        for swap in swaps:
            self._add(self._minor_of_swap(swap), Use(UseKind.SWAP, swap.path))

    def at_holders(self) -> None:
        failed: dict[str, list[int]] = {}
        for minor in sorted(self.minors):
            try:
                names = _holders(self.root, minor)
            except OSError as error:
                failed.setdefault(error.strerror or "unknown error", []).append(minor)
                continue
            for name in names:
                self._add(minor, Use(UseKind.HOLDER, name))
        for reason, minors in failed.items():
            listed = ", ".join(map(str, minors))
            self._doubt(minors, f"what is on top of minor {listed} cannot be read: {reason}")

    def result(self) -> BlockUse:
        used_by: dict[int, tuple[Use, ...] | None] = {}
        for minor in self.minors:
            found = tuple(self.uses.get(minor, ()))
            # Something that was seen is certain, whatever else could not be read.
            used_by[minor] = found if found or minor not in self.unknown else None
        return BlockUse(used_by, tuple(self.problems))

    def _add(self, minor: int | None, use: Use) -> None:
        if minor in self.minors:
            self.uses.setdefault(minor, {})[use] = None

    def _doubt(self, minors: Iterable[int], message: str) -> None:
        self.problems.append(Problem(None, message))
        self.unknown.update(minors)

    def _minor_of_mount(self, mount: Mount) -> int | None:
        if mount.major == DRBD_MAJOR:
            return mount.minor
        return self._minor_named(mount.source) if mount.source.startswith("/dev/") else None

    def _minor_of_swap(self, swap: Swap) -> int | None:
        """A swap file is on a mounted filesystem, and an LVM volume has a holder below it."""
        return self._minor_named(swap.path) if swap.partition else None

    def _minor_named(self, path: str) -> int | None:
        try:
            return minor_named(path, self.by_res, os.stat if str(self.root) == "/" else None)
        except LookupError as error:
            self._doubt(self.minors, str(error))
            return None


def minor_named(path: str, by_res: Mapping[str, int], stat: Stat | None) -> int | None:
    """The minor of the device with this path, compared as a whole; None: no DRBD device.

    Args:
        path: below /dev, as the kernel was given it.
        by_res: the minors of the names below /dev/drbd/by-res.
        stat: looks the path up, None where /dev is another machine's.

    Raises:
        LookupError: it is a DRBD name, but which minor that is cannot be said.
    """
    match = _DEVICE.fullmatch(path)
    if match:
        return int(match["minor"])
    if stat is not None:
        with suppress(OSError, ValueError):
            found = stat(path)
            if mode_bits.S_ISBLK(found.st_mode):
                ours = os.major(found.st_rdev) == DRBD_MAJOR
                return os.minor(found.st_rdev) if ours else None
    if path in by_res:
        return by_res[path]
    if path.startswith(_DRBD_NAMES):
        raise LookupError(f"{path} is in use, but its minor is not known")
    return None


def _by_res(resources: Iterable[ConfiguredResource]) -> dict[str, int]:
    """The links that udev makes from the configuration (drbdadm `sh-udev`).

    The short name without a volume number is only made for a resource's single volume.
    """
    links: dict[str, int] = {}
    for resource in resources:
        base = f"/dev/drbd/by-res/{resource.name}"
        links.update({f"{base}/{item.volume}": item.minor for item in resource.volumes})
        if len(resource.volumes) == 1:
            links[base] = resource.volumes[0].minor
    return links


def _holders(root: Path, minor: int) -> list[str]:
    """The block devices on top of a minor and of its partitions, by name.

    The kernel lists them in `holders` (Documentation/ABI/testing/sysfs-block); a minor without a
    device has no folder.

    Raises:
        OSError: a folder is there but cannot be listed.
    """
    device = f"{root}/sys/block/drbd{minor}"
    partition = f"drbd{minor}p"
    found: list[str] = []
    with suppress(FileNotFoundError):
        parts = sorted(name for name in os.listdir(device) if name.startswith(partition))
        for folder in (device, *(f"{device}/{part}" for part in parts)):
            with suppress(FileNotFoundError):
                found += sorted(os.listdir(f"{folder}/holders"))
    return found
