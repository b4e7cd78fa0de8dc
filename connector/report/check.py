"""One line for Nagios and its kin, with the plugin's exit status and performance data.

The worst resource speaks first. A pause silences the agent, not the disks: StandAlone is CRITICAL
all the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from connector.errors import ConnectorError, OperatorNeeded
from connector.model import (
    ESTABLISHED,
    ConnectionState,
    Decision,
    DecisionName,
    DiskState,
    Resource,
    Role,
    Volume,
)
from connector.report.passes import PassReport, ResourceReport


class Level(IntEnum):
    """The exit statuses of a plugin (monitoring-plugins, development guidelines)."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


# Not the order of the numbers: what could not be read may hide anything but a known disaster.
_SEVERITY = (Level.OK, Level.WARNING, Level.UNKNOWN, Level.CRITICAL)

# A longer line is cut off by NRPE and others, together with the performance data.
_LONGEST_TEXT = 700
_NOT_IN_LABELS = re.compile(r"[^\w .:/-]", re.ASCII)

_NO_LOCAL_COPY = frozenset(
    {DiskState.DISKLESS, DiskState.FAILED, DiskState.DETACHING, DiskState.INCONSISTENT}
)
_WHY_WARNED = {
    DecisionName.SYNCING: "the disks are being brought into agreement",
    DecisionName.HOLD: "the peer is away",
    DecisionName.WAIT: "the peer is away",
    DecisionName.TRANSIENT: "between two states",
}


@dataclass(frozen=True, slots=True)
class _Finding:
    level: Level
    text: str


def check(report: PassReport | ConnectorError) -> tuple[int, str]:
    """The exit status and the line for what one look at this node gave, or why it gave nothing.

    OK: connected, both disks UpToDate. WARNING: syncing, the peer away, between two states,
    paused, or an action is due. CRITICAL: split brain, StandAlone, an operator needed, no good
    local copy, or the I/O of a Primary suspended. UNKNOWN: something could not be read, no DRBD, a
    configuration error. Where there are several peers the worst of them counts.
    """
    if isinstance(report, ConnectorError):
        level = Level.CRITICAL if isinstance(report, OperatorNeeded) else Level.UNKNOWN
        return level.value, _line(level, str(report), "")
    findings = [_of_resource(item) for item in report.resources]
    findings += [_Finding(Level.UNKNOWN, item.message) for item in report.observation.problems]
    if not findings:
        findings = [_Finding(Level.UNKNOWN, "no resource is configured here")]
    findings.sort(key=lambda finding: -_SEVERITY.index(finding.level))
    level = findings[0].level
    told = [item.text for item in findings if item.level is not Level.OK or level is Level.OK]
    return level.value, _line(level, "; ".join(told), _performance_data(report))


def _of_resource(item: ResourceReport) -> _Finding:
    """A resource's level, all that is wrong at that level, and its state."""
    critical, warning = _critical(item), _warning(item)
    level = Level.CRITICAL if critical else Level.WARNING if warning else Level.OK
    parts = [_state(item.after), *critical, *warning]
    return _Finding(level, f"{item.resource.name}: {', '.join(dict.fromkeys(parts))}")


def _critical(item: ResourceReport) -> list[str]:
    seen = item.after
    split = [one.peer for one in seen.each if one.evidence.split_brain]
    cut_off = [one.peer for one in seen.each if one.connection is ConnectionState.STANDALONE]
    reasons = _about("split brain", split, item) + _about("cut off from its peer", cut_off, item)
    syncing = any(one.name is DecisionName.SYNCING for one in _decisions(item))
    for place, volume in enumerate(seen.volumes):
        disk = volume.device.disk if volume.device else None
        # The target of a resync is Inconsistent until it ends.
        if disk in _NO_LOCAL_COPY and not (syncing and disk is DiskState.INCONSISTENT):
            reasons += filter(None, [_without_copy(seen, place)])
    if seen.force_io_failures:
        reasons.append("its I/O is made to fail (force-io-failures)")
    if seen.role is Role.PRIMARY:
        reasons += _held_up(seen)
    if item.needs_operator:
        reasons.append(f"an operator is needed ({item.decision.reason})")
    return reasons


def _without_copy(seen: Resource, place: int) -> str | None:
    """What is wrong with a volume that has no good copy here; a client has none on purpose."""
    volume = seen.volumes[place]
    if volume.device is None or not volume.device.client:
        return f"volume {volume.volume} has no good local copy"
    for one in seen.each:
        device = one.volumes[place].device
        if one.connection in ESTABLISHED and device and device.peer_disk is DiskState.UP_TO_DATE:
            return None
    return f"no good copy of volume {volume.volume} is in reach"


def _warning(item: ResourceReport) -> list[str]:
    reasons = []
    if item.paused:
        reasons.append("paused")
    for name, why in _WHY_WARNED.items():
        reasons += _about(why, [one.peer for one in _decisions(item) if one.name is name], item)
    if item.decision.would:
        reasons.append("an action is due" if item.decision.actions else item.decision.reason)
    healthy = [one.peer for one in _decisions(item) if one.name is DecisionName.HEALTHY]
    unlike = [
        one.peer
        for one in item.after.each
        if one.peer in healthy and not all(map(_good, one.volumes))
    ]
    reasons += _about("not both disks are UpToDate", unlike, item)
    reasons += _held_up(item.after)
    if item.decision.name in (DecisionName.CONTRADICTION, DecisionName.UNKNOWN):
        reasons.append(item.decision.reason)
    return reasons


def _decisions(item: ResourceReport) -> Sequence[Decision]:
    """One for each connection."""
    return item.decision.connections or (item.decision,)


def _about(reason: str, peers: Sequence[str | None], item: ResourceReport) -> list[str]:
    """The reason, with the peers that it is about where there are several; nothing about none."""
    if not peers:
        return []
    several = len(item.after.each) > 1
    return [f"{reason} ({', '.join(map(str, peers))})" if several else reason]


def _held_up(seen: Resource) -> list[str]:
    """Why nothing is written: worse where something runs on it."""
    reasons = []
    if seen.suspended:
        reasons.append(f"I/O is suspended ({', '.join(seen.suspended)})")
    if seen.without_quorum:
        reasons.append("quorum is lost")
    return reasons


def _good(volume: Volume) -> bool:
    """Whether each side that should have a copy has a good one."""
    device = volume.device
    up_to_date = DiskState.UP_TO_DATE
    return (
        device is not None
        and (device.client or device.disk is up_to_date)
        and (device.peer_client or device.peer_disk is up_to_date)
    )


def _state(seen: Resource) -> str:
    """The states as DRBD writes them; where there are several peers, what is towards each."""
    devices = [volume.device for volume in seen.volumes if volume.device is not None]
    if len(seen.each) > 1:
        own = (seen.role or "unknown", *(device.disk or "unknown" for device in devices))
        return ", ".join((" ".join(own), *map(_towards, seen.each)))
    disks = (f"{one.disk or 'unknown'}/{one.peer_disk or 'unknown'}" for one in devices)
    return " ".join((seen.connection or "unknown", seen.role or "unknown", *disks))


def _towards(seen: Resource) -> str:
    devices = [volume.device for volume in seen.volumes if volume.device is not None]
    disks = (device.peer_disk or "unknown" for device in devices)
    return " ".join((seen.peer or "unknown", seen.connection or "unknown", *disks))


def _performance_data(report: PassReport) -> str:
    """`U` is the format's own word for what cannot be told; the kernel counts in KiB."""
    data = []
    for item in report.resources:
        kib = item.after.out_of_sync_kib
        label = _NOT_IN_LABELS.sub("_", item.resource.name)
        data.append(f"'{label}_out_of_sync'={'U' if kib is None else f'{kib}KB'};;;0")
    return " ".join(data)


def _line(level: Level, text: str, performance_data: str) -> str:
    """`|` begins the performance data, and a line break ends what is read of it."""
    plain = "".join(c if c.isprintable() and c != "|" else " " for c in text)
    plain = " ".join(plain.split())
    if len(plain) > _LONGEST_TEXT:
        plain = plain[: _LONGEST_TEXT - 4] + " ..."
    line = f"DRBD {level.name}: {plain}"
    return f"{line} | {performance_data}" if performance_data else line
