"""What `connector parse` prints: a text of /proc/drbd as JSON."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from connector.model import Device, ProcDrbd, SyncProgress


def to_json(parsed: ProcDrbd) -> dict[str, Any]:
    """The public shape, every key always there; null is what was absent or could not be read."""
    return {
        "version": parsed.version,
        "api": parsed.api,
        "proto": None if parsed.proto is None else list(parsed.proto),
        "devices": [_device(device) for device in parsed.devices],
        "problems": [
            {"line": problem.line, "message": problem.message} for problem in parsed.problems
        ],
    }


def _device(device: Device) -> dict[str, Any]:
    return {
        "minor": device.minor,
        "connection": _word(device.connection),
        "role": _word(device.role),
        "peer_role": _word(device.peer_role),
        "disk": _word(device.disk),
        "peer_disk": _word(device.peer_disk),
        "protocol": device.protocol,
        "flags": device.flags,
        "statistics": dict(device.statistics) or None,
        "sync": None if device.sync is None else _sync(device.sync),
    }


def _word(state: StrEnum | None) -> str | None:
    return None if state is None else state.value


def _sync(sync: SyncProgress) -> dict[str, Any]:
    return {
        "kind": sync.kind,
        "percent": sync.percent,
        "left_kib": sync.left_kib,
        "total_kib": sync.total_kib,
        "finish_s": sync.finish_s,
        "speed_kib_per_s": sync.speed_kib_per_s,
        "average_kib_per_s": sync.average_kib_per_s,
        "want_kib_per_s": sync.want_kib_per_s,
        "stalled": sync.stalled,
    }
