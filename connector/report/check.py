"""One line for Nagios and its kin, with the plugin's exit status and performance data.

The worst resource speaks first. A pause silences the agent, not the disks: StandAlone is CRITICAL
all the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

from connector.errors import ConnectorError, OperatorNeeded
from connector.model import ConnectionState, DecisionName, DiskState, Resource, Volume
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
    paused, or an action is due. CRITICAL: split brain, StandAlone, an operator needed, or no good
    local copy. UNKNOWN: something could not be read, no DRBD, a configuration error.
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
    reasons = []
    if seen.evidence.split_brain:
        reasons.append("split brain")
    if seen.connection is ConnectionState.STANDALONE:
        reasons.append("cut off from its peer")
    syncing = item.decision.name is DecisionName.SYNCING
    for volume in seen.volumes:
        disk = volume.device.disk if volume.device else None
        # The target of a resync is Inconsistent until it ends.
        if disk in _NO_LOCAL_COPY and not (syncing and disk is DiskState.INCONSISTENT):
            reasons.append(f"volume {volume.volume} has no good local copy")
    if item.needs_operator:
        reasons.append(f"an operator is needed ({item.decision.reason})")
    return reasons


def _warning(item: ResourceReport) -> list[str]:
    reasons = []
    if item.paused:
        reasons.append("paused")
    if item.decision.name in _WHY_WARNED:
        reasons.append(_WHY_WARNED[item.decision.name])
    if item.decision.would:
        reasons.append("an action is due" if item.decision.actions else item.decision.reason)
    if item.decision.name is DecisionName.HEALTHY and not all(map(_good, item.after.volumes)):
        reasons.append("not both disks are UpToDate")
    if item.decision.name in (DecisionName.CONTRADICTION, DecisionName.UNKNOWN):
        reasons.append(item.decision.reason)
    return reasons


def _good(volume: Volume) -> bool:
    device = volume.device
    up_to_date = DiskState.UP_TO_DATE
    return device is not None and device.disk is device.peer_disk is up_to_date


def _state(seen: Resource) -> str:
    disks = [
        f"{volume.device.disk or 'unknown'}/{volume.device.peer_disk or 'unknown'}"
        for volume in seen.volumes
        if volume.device is not None
    ]
    return " ".join((seen.connection or "unknown", seen.role or "unknown", *disks))


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
