"""What a case of a finding is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connector.doctor.finding import FindingId, Severity
from connector.model import ProcDrbd
from tests.doctor.builders import (
    dumped,
    manifest,
    resource,
    running,
)

Id = FindingId
WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL


@dataclass(frozen=True)
class Case:
    """`sick` has this finding and no other; `well` is as near to it as can be, and has none."""

    severity: Severity
    sick: dict[str, Any]
    well: dict[str, Any]
    words: str  # in `seen`
    where: str | None = None


def options(*pairs: str | None, section: str = "net") -> dict[str, Any]:
    """Surroundings whose resource has this option, and drbd.conf has none of it."""
    name, value = pairs
    return {"drbd": dumped(resource({(section, str(name)): value}))}


def proc(version: str, api: int = 1) -> ProcDrbd:
    return ProcDrbd(version, api, None, (), ())


def only(pairs: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Resources for a manifest: mail as it is, with changed parts of host beta's section."""
    (plain,) = manifest().model_dump()["resources"]
    for name, change in pairs.items():
        section = next(item for item in plain["hosts"] if item["name"] == name)
        section.update(change)
    return {"resources": [plain]}


def volume(**change: str) -> dict[str, Any]:
    base = {"volume": "0", "minor": "0", "device": "/dev/drbd0", "disk": "/dev/vda"}
    return {"volumes": [{**base, **change}]}


def owner(name: str | None, number: int = 5000, kind: str = "user") -> dict[str, Any]:
    return {"kind": kind, "id": number, "name": name, "where": "/mnt/mail/spool"}


NO_TAKE_OVER = running(take_over=None)
NO_FENCING = dumped(resource({("disk", "fencing"): None}))
FILE_THERE = [{"path": "/etc/drbd.conf", "sha256": "1" * 64}]
