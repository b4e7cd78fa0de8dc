"""What `connector explain --json` prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from connector.act.commands import printable
from connector.decide.context import Policy
from connector.model import Decision, Evidence
from connector.report.as_json import volume_states
from connector.report.connections import has_any
from connector.report.explain.answer import Answer, Explanation, Otherwise, Premise
from connector.report.explain.gates import opens
from connector.report.explain.said import kind_of
from connector.report.explain.source import Reading

SCHEMA_VERSION = 1


def to_json(
    files: Sequence[tuple[Reading, Sequence[Explanation]]], exit_status: int
) -> dict[str, Any]:
    """Everything as plain values; docs/json.md lists the keys."""
    return {
        "schema_version": SCHEMA_VERSION,
        "files": [_file(reading, explained) for reading, explained in files],
        "exit_status": exit_status,
    }


def _file(reading: Reading, explained: Sequence[Explanation]) -> dict[str, Any]:
    return {
        "file": reading.file,
        "kind": reading.kind,
        "version": reading.version,
        "api": reading.api,
        "supported": reading.supported,
        "resources": [_resource(item) for item in explained],
        "left_out": reading.left_out,
        "notes": list(reading.notes),
        "problems": [{"line": item.line, "message": item.message} for item in reading.problems],
    }


def _resource(item: Explanation) -> dict[str, Any]:
    resource, recorded = item.case.resource, item.seen.recorded
    return {
        "name": resource.name,
        "line": item.seen.line,
        "generation": resource.generation,
        "connection": resource.connection,
        "role": resource.role,
        "peer_role": resource.peer_role,
        "in_use": resource.in_use,
        "volumes": [volume_states(volume) for volume in resource.volumes],
        "evidence": _evidence(resource.evidence),
        "connections": [
            {
                "peer": one.peer,
                "connection": one.connection,
                "peer_role": one.peer_role,
                "evidence": _evidence(one.evidence),
            }
            for one in (resource.each if has_any(resource) else ())
        ],
        "recorded": None if recorded is None else asdict(recorded),
        "settings": _settings(item.case.policy),
        "premises": [_premise(premise, item) for premise in item.premises],
        "modes": [_answer(answer, item) for answer in item.answers],
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "kind": kind_of(evidence),
        "self_was_primary": evidence.self_was_primary,
        "peer_was_primary": evidence.peer_was_primary,
    }


def _settings(policy: Policy) -> dict[str, Any]:
    return {
        "demote_grace_s": policy.demote_grace_s,
        "max_attempts": policy.max_attempts,
        "respect_disconnect_s": policy.respect_disconnect_s,
        "act_if_managed": policy.act_if_managed,
    }


def _premise(premise: Premise, item: Explanation) -> dict[str, Any]:
    return {
        "about": premise.about,
        "source": premise.source,
        "words": premise.words,
        "option": premise.option,
        "matters": item.matters(premise),
    }


def _answer(answer: Answer, item: Explanation) -> dict[str, Any]:
    decision = answer.decision
    return {
        "mode": answer.mode,
        "row": answer.row,
        "decision": decision.name,
        "reason": decision.reason,
        "gates": [
            {
                "name": gate.name,
                "reason": gate.reason,
                "opens": opens(gate, item.case),
                "needs_operator": gate.operator,
            }
            for gate in decision.gates
        ],
        "actions": _commands(decision)[0],
        "would": _commands(decision)[1],
        "needs_operator": decision.needs_operator,
        "otherwise": [_otherwise(other) for other in answer.otherwise],
    }


def _otherwise(other: Otherwise) -> dict[str, Any]:
    return {
        "about": other.about,
        "if": other.if_,
        "option": other.option,
        "decision": other.decision.name,
        "gates": [gate.name for gate in other.decision.gates],
        "actions": _commands(other.decision)[0],
        "needs_operator": other.decision.needs_operator,
    }


def _commands(decision: Decision) -> tuple[list[str], list[str]]:
    """What this pass runs, and what it would run if no gate were shut."""
    return [printable(a) for a in decision.actions], [printable(a) for a in decision.would]
