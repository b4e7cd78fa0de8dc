"""The record of what is about to be given up, written before the command that gives it up."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from connector.memory.files import sweep, write_atomic
from connector.model import ActionKind, Decision, Resource

# Two discards of one resource in the same second, and how many records are kept at the most.
MAX_SAME_SECOND = 100
MAX_RECORDS = 1000


def keep(folder: Path, resource: Resource, decision: Decision, now_wall_s: float) -> Path:
    """Write the record and return its path: FOLDER/20261125T080000Z-RESOURCE.json.

    It holds the states, the amounts in KiB, the generation identifiers of both sides as the
    handshake showed them, and the kernel's own lines.

    Raises:
        OSError: it could not be written; then nothing may be given up.
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now_wall_s))
    path = folder / f"{stamp}-{resource.name}.json"
    for number in range(2, MAX_SAME_SECOND):
        if not path.exists():
            break
        path = folder / f"{stamp}-{resource.name}-{number}.json"
    write_atomic(path, json.dumps(record(resource, decision, now_wall_s), indent=1).encode())
    sweep(folder)
    _forget_oldest(folder)
    return path


def record(resource: Resource, decision: Decision, now_wall_s: float) -> dict[str, Any]:
    """What the record holds, as plain values: of several connections the one it is about."""
    resource = _towards_the_winner(resource, decision)
    evidence = resource.evidence
    return {
        "version": 1,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now_wall_s)),
        "resource": resource.name,
        "generation": resource.generation,
        "peer": resource.peer,
        "decision": decision.name.value,
        "reason": decision.reason,
        "actions": [action.kind.value for action in decision.actions],
        "connection": resource.connection,
        "role": resource.role,
        "out_of_sync_kib": resource.out_of_sync_kib,
        "self_changes_kib": evidence.self_changes_kib,
        "peer_changes_kib": evidence.peer_changes_kib,
        "volumes": [
            {
                "volume": volume.volume,
                "minor": volume.minor,
                "disk": volume.device.disk if volume.device else None,
                "peer_disk": volume.device.peer_disk if volume.device else None,
                "out_of_sync_kib": volume.device.out_of_sync_kib if volume.device else None,
            }
            for volume in resource.volumes
        ],
        "generation_identifiers": [
            {
                "minor": handshake.minor,
                "self_current": f"{handshake.self_current:016X}",
                "peer_current": f"{handshake.peer_current:016X}",
            }
            for handshake in evidence.handshakes
        ],
        "kernel_lines": list(evidence.lines),
    }


def _towards_the_winner(resource: Resource, decision: Decision) -> Resource:
    """The resource towards the peer whose data stay; as it is where there is only one to show."""
    discard = ActionKind.CONNECT_DISCARD
    wanted = [action.peer for action in decision.actions if action.kind is discard]
    wanted += [item.peer for item in decision.connections if item.may_discard]
    wanted.append(decision.peer)
    each = {item.peer: item for item in resource.each}
    return next((each[peer] for peer in wanted if peer in each), resource)


def _forget_oldest(folder: Path) -> None:
    names = sorted(name for name in os.listdir(folder) if name.endswith(".json"))
    for name in names[:-MAX_RECORDS]:
        (folder / name).unlink(missing_ok=True)
