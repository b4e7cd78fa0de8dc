"""A pass as JSON: `status --json`, `reconcile --json`, and a line of the journal."""

from __future__ import annotations

import json
import time
from typing import Any

import click

from connector.act.commands import printable
from connector.model import (
    CommandResult,
    Decision,
    Evidence,
    Outcome,
    OutcomeKind,
    Resource,
    Volume,
)
from connector.report import connections
from connector.report.passes import PassReport, ResourceReport

SCHEMA_VERSION = 1


def print_json(report: PassReport) -> None:
    """Print the pass on standard output."""
    click.echo(json.dumps(to_json(report), indent=2))


def to_json(report: PassReport) -> dict[str, Any]:
    """The whole pass as plain values; docs/json.md lists the keys."""
    proc = report.observation.proc
    return {
        "schema_version": SCHEMA_VERSION,
        "source": report.observation.source,
        "driver": {"version": proc.version, "api": proc.api},
        "dry_run": report.dry_run,
        "resources": [_resource(item) for item in report.resources],
        "problems": [
            {"line": problem.line, "message": problem.message}
            for problem in report.observation.problems
        ],
        "warnings": list(report.warnings),
        "exit_status": report.exit_status,
    }


def journal_entry(report: PassReport) -> dict[str, Any] | None:
    """One line of the journal; None for a pass that neither did nor wanted anything."""
    wanted = [
        item
        for item in report.resources
        if item.decision.would or item.outcome.kind is not OutcomeKind.NOTHING
    ]
    if not wanted:
        return None
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(report.started_wall_s))
    return {
        "at": stamp,
        "duration_s": round(report.duration_s, 3),
        "exit_status": report.exit_status,
        "resources": [_resource(item) for item in wanted],
        "warnings": list(report.messages),
    }


def _resource(item: ResourceReport) -> dict[str, Any]:
    resource, decision = item.resource, item.decision
    return {
        "name": resource.name,
        "generation": resource.generation,
        "connection": resource.connection,
        "role": resource.role,
        "peer_role": resource.peer_role,
        "in_use": resource.in_use,
        "suspended": list(resource.suspended),
        "without_quorum": resource.without_quorum,
        "force_io_failures": resource.force_io_failures,
        "volumes": [_volume(volume) for volume in resource.volumes],
        "evidence": _evidence(resource),
        "decision": decision.name,
        "gates": [gate.name for gate in decision.gates],
        "reason": decision.reason,
        "actions": [printable(action) for action in decision.actions],
        "would": [printable(action) for action in decision.would],
        "needs_operator": item.needs_operator,
        "outcome": _outcome(item.outcome, item.after),
        "connections": connections_of(resource, decision),
    }


def connections_of(resource: Resource, decision: Decision) -> list[dict[str, Any]]:
    """Each connection with its own decision; empty where DRBD 9 has none for the resource."""
    if not connections.has_any(resource):
        return []
    return [_connection(seen, of) for seen, of in connections.each(resource, decision)]


def _connection(seen: Resource, decision: Decision) -> dict[str, Any]:
    return {
        "peer": seen.peer,
        "connection": seen.connection,
        "peer_role": seen.peer_role,
        "volumes": [_towards(volume) for volume in seen.volumes],
        "evidence": _evidence(seen),
        "decision": decision.name,
        "gates": [gate.name for gate in decision.gates],
        "reason": decision.reason,
        "actions": [printable(action) for action in decision.actions],
    }


def _towards(volume: Volume) -> dict[str, Any]:
    """A volume as it looks towards one peer."""
    device = volume.device
    return {
        "volume": volume.volume,
        "minor": volume.minor,
        "connection": device.connection if device else None,
        "peer_disk": device.peer_disk if device else None,
        "peer_client": device.peer_client if device else False,
        "out_of_sync_kib": device.out_of_sync_kib if device else None,
    }


def volume_states(volume: Volume) -> dict[str, Any]:
    """A volume and what the kernel says of it; None where it does not know the volume."""
    device = volume.device
    return {
        "volume": volume.volume,
        "minor": volume.minor,
        "disk": device.disk if device else None,
        "peer_disk": device.peer_disk if device else None,
        "out_of_sync_kib": device.out_of_sync_kib if device else None,
    }


def _volume(volume: Volume) -> dict[str, Any]:
    used_by = volume.used_by
    return {
        **volume_states(volume),
        "client": volume.device.client if volume.device else False,
        "used_by": None if used_by is None else [use.where for use in used_by],
    }


def _evidence(resource: Resource) -> list[dict[str, Any]]:
    """What the kernel log says, one object for each thing; an empty list where it says nothing."""
    evidence: Evidence = resource.evidence
    said: list[dict[str, Any]] = []
    if not evidence.readable:
        said.append({"kind": "unreadable"})
    if evidence.cause is not None:
        said.append(
            {
                "kind": evidence.cause,
                "at_s": evidence.cause_at_s,
                "self_was_primary": evidence.self_was_primary,
                "peer_was_primary": evidence.peer_was_primary,
                # The handshake ends at the first volume that is split: the amounts are of these.
                "minors_compared": [handshake.minor for handshake in evidence.handshakes],
                "self_changes_kib": evidence.self_changes_kib,
                "peer_changes_kib": evidence.peer_changes_kib,
            }
        )
    if evidence.solved_by_policy is not None:
        said.append({"kind": "split-brain-solved", "line": evidence.solved_by_policy})
    return said


def _outcome(outcome: Outcome, after: Resource) -> dict[str, Any]:
    return {
        "kind": outcome.kind,
        "detail": outcome.detail,
        "connection": after.connection,
        "role": after.role,
        "commands": [_command(command) for command in outcome.commands],
        "rescue": outcome.rescue,
    }


def _command(command: CommandResult) -> dict[str, Any]:
    return {
        "argv": list(command.argv),
        "outcome": command.outcome,
        "exit_status": command.exit_status,
        "stderr": command.stderr[:2000],
        "duration_s": round(command.duration_s, 3),
    }
