"""What drbdadm is asked: its version, and all of its configuration."""

from __future__ import annotations

import re
from dataclasses import dataclass

from connector.doctor import drbd_settings
from connector.doctor.drbd_settings import ResourceSettings
from connector.doctor.reading import Unseen
from connector.observe.dump_xml import ResourcesUnknown
from connector.program import Completed, Run

_VERSION = re.compile(r"^DRBDADM_VERSION=([0-9][\w.~+-]{0,40})", re.MULTILINE)
_PLACE = re.compile(r"(/?[^\s:]+):([0-9]{1,9}):")
_QUOTED_CHARACTERS = 600


@dataclass(frozen=True, slots=True)
class Dumped:
    """The resources of this host, as drbdadm understands its configuration."""

    resources: tuple[ResourceSettings, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """drbdadm does not take its configuration: its own words, and FILE:LINE where it names one."""

    said: str
    where: str | None


def utils_version(run: Run, drbdadm: str, timeout_s: float) -> str | Unseen | None:
    """The version of drbd-utils; None where there is no drbdadm. Raises nothing."""
    done = run((drbdadm, "--version"), timeout_s)
    if done.error is not None:
        return (
            None if "found" in done.error or "no executable" in done.error else Unseen(done.error)
        )
    found = _VERSION.search(done.stdout)
    if found is None:
        return Unseen(f"{drbdadm} --version does not tell: {_failure(done, timeout_s)}")
    return found[1]


def dumped(run: Run, drbdadm: str, host: str, timeout_s: float) -> Dumped | Refused | Unseen:
    """What `drbdadm dump-xml` says of this host. Raises nothing."""
    done = run((drbdadm, "dump-xml"), timeout_s)
    if done.error is not None:
        return Unseen(done.error)
    if done.exit_status != 0:
        said = _failure(done, timeout_s)
        if done.timed_out or "ermission denied" in said:
            return Unseen(f"{drbdadm} dump-xml: {said}")
        place = _PLACE.search(said)
        return Refused(said, f"{_whole(place[1])}:{place[2]}" if place else None)
    try:
        return Dumped(drbd_settings.parse(done.stdout, host))
    except ResourcesUnknown as error:
        return Refused(str(error), None)


def _whole(path: str) -> str:
    """drbdadm names an included file as seen from the folder of drbd.conf."""
    return path if path.startswith("/") else f"/etc/{path}"


def _failure(done: Completed, timeout_s: float) -> str:
    if done.timed_out:
        return f"did not end within {timeout_s:g} s"
    said = [line.strip() for line in (done.stderr or done.stdout).splitlines()]
    # drbdadm asks modinfo for the module's version, which complains where it is built in.
    said = [line for line in said if line and not line.startswith("modinfo:")]
    quoted = " / ".join(said)[:_QUOTED_CHARACTERS]
    return quoted or f"exit status {done.exit_status}, and it said nothing"
