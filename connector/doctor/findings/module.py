"""The kernel module, and its version against that of the utils."""

from __future__ import annotations

import re
from collections.abc import Iterator

from connector.doctor.finding import Finding, FindingId, NotLookedAt, Severity
from connector.doctor.reading import Unseen
from connector.doctor.surroundings import Surroundings

_VERSION = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})")


def judge(seen: Surroundings) -> Iterator[Finding | NotLookedAt]:
    """Whether there is a module that connector acts on, and utils that fit it."""
    yield from _module(seen)
    yield from _utils(seen)


def _module(seen: Surroundings) -> Iterator[Finding | NotLookedAt]:
    if isinstance(seen.proc, Unseen):
        yield NotLookedAt("the kernel module", seen.proc.why)
    elif seen.proc is None:
        yield Finding(
            FindingId.MODULE_NOT_LOADED,
            Severity.CRITICAL,
            "there is no /proc/drbd: the kernel module is not loaded",
            "without it there is no DRBD here, and every pass ends with exit status 69",
            "modprobe drbd",
        )
    elif seen.proc.api is None:
        yield NotLookedAt("the module's version", "the first line of /proc/drbd cannot be read")
    elif seen.proc.generation is None:
        yield Finding(
            FindingId.MODULE_UNSUPPORTED,
            Severity.CRITICAL,
            f"DRBD {seen.proc.version or 'of an unknown version'}, api:{seen.proc.api}",
            "connector acts on the kernel modules 8.4 (api:1) and 9 (api:2) only; every pass ends "
            "with exit status 69",
            "use the 8.4 module of the distribution's kernel or a module 9, or do without "
            "connector here",
            where="/proc/drbd:1",
        )


def _utils(seen: Surroundings) -> Iterator[Finding | NotLookedAt]:
    """Whether they are there, and of a generation that can talk to the module."""
    if isinstance(seen.utils, Unseen):
        yield NotLookedAt("the utils' version", seen.utils.why)
        return
    if seen.utils is None:
        yield Finding(
            FindingId.UTILS_MISSING,
            Severity.CRITICAL,
            f"{seen.settings.run.drbdadm} was not found in PATH, /usr/sbin and /sbin",
            "a pass can neither learn the resources' names nor do anything",
            "apt install drbd-utils, or set `drbdadm` in [run] of connector.toml to its path",
        )
        return
    if isinstance(seen.proc, Unseen) or seen.proc is None or seen.proc.version is None:
        return
    module, utils = _numbers(seen.proc.version), _numbers(seen.utils)
    if module is None or utils is None:
        yield NotLookedAt(
            "whether the utils fit the module",
            f"{seen.proc.version!r} or {seen.utils!r} is no version",
        )
    elif not _fit(module, utils):
        yield Finding(
            FindingId.UTILS_DO_NOT_FIT,
            Severity.CRITICAL,
            f"kernel module {seen.proc.version}, drbd-utils {seen.utils}",
            "drbdadm cannot talk to a module of another generation: its commands fail",
            "install the drbd-utils that fit the module: 9.x for 8.3, 8.4 and 9",
        )


def _numbers(version: str) -> tuple[int, int] | None:
    match = _VERSION.match(version)
    return (int(match[1]), int(match[2])) if match else None


def _fit(module: tuple[int, int], utils: tuple[int, int]) -> bool:
    """drbd-utils 9 bring drbdadm-83 and -84 for older modules; utils 8.x fit their own only.

    DRBD 9 tells its states through drbdsetup only, which utils 8.x cannot ask it for.
    """
    return module >= (8, 3) if utils[0] >= 9 else module == utils
