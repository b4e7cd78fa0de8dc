"""Saved states of DRBD 9: what drbdsetup printed, and records that a pass wrote there."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from connector.decide.context import Context, Policy
from connector.decide.policy import decide
from connector.memory import given_up
from connector.model import ActionKind, Cause, Decision, GateName, Generation, Mode, Resource
from connector.observe.proc_drbd import MAX_BYTES
from connector.report.as_json import to_json
from connector.report.explain.answer import About, Premise, Seen
from connector.report.explain.drbdsetup import NOTHING_UP, of_drbdsetup
from connector.report.explain.names import configured
from connector.report.explain.said import Said, UseSaid
from connector.report.explain.source import Kind
from tests.captures_9 import FOLDER, log_of, nodes, situations
from tests.report.captured import LASTED_S, report_of

from .explaining import decided, explained, read, status_of

EVERY = [(situation, node) for situation in situations() for node in nodes(situation)]
LASTED = Said(lasted_s=LASTED_S)
# The record does not tell when the connection ended, as seen from now.
_TIMED = GateName.OPERATOR_DISCONNECT


def answer(decision: Decision) -> tuple[object, ...]:
    """All of a decision but its sentence, and what a later time may open."""
    return (
        decision.name,
        decision.peer if decision.connections else None,
        [action.target for action in decision.would],
        [action.kind for action in decision.would],
        [gate.name for gate in decision.gates if gate.name is not _TIMED],
        decision.may_discard,
        [answer(item) for item in decision.connections],
    )


def by_name(seen: tuple[Seen, ...]) -> dict[str, Seen]:
    return {item.resource.name: item for item in seen}


@pytest.mark.parametrize(("situation", "node"), EVERY)
def test_a_status_of_connector_gives_the_decisions_of_the_pass(
    situation: str, node: str, tmp_path: Path
) -> None:
    report = report_of(situation, node, tmp_path)
    found = read(json.dumps(to_json(report)))
    assert (found.kind, found.exit_status) == (Kind.STATUS, 0)
    saved = by_name(found.seen)
    for item in report.resources:
        seen = saved[item.resource.name]
        assert seen.resource.generation is Generation.NINE
        assert seen.resource.in_use is item.resource.in_use
        said = replace(LASTED, after_sb=asdict(item.resource.after_sb))
        for mode in Mode:
            policy = Policy(mode=mode)
            context = Context(policy=policy, picture_age_s=LASTED_S, log_now_s=1e6)
            assert answer(decided(explained(seen, said), mode)) == answer(
                decide(item.resource, context)
            )


def states(resource: Resource) -> list[tuple[object, ...]]:
    """What is seen of each connection, without what only a running node tells."""
    return [
        (one.peer, one.connection, one.role, one.peer_role, one.alone, one.picture.diverged,
         [v.device and (v.device.disk, v.device.peer_disk, v.device.out_of_sync_kib,
                        v.device.client, v.device.peer_client) for v in one.volumes])
        for one in resource.each
    ]  # fmt: skip


@pytest.mark.parametrize(("situation", "node"), EVERY)
def test_what_drbdsetup_printed_shows_what_the_pass_saw(
    situation: str, node: str, tmp_path: Path
) -> None:
    report = report_of(situation, node, tmp_path)
    found = read(status_of(situation, node))
    assert found.problems == ()
    saved = by_name(found.seen)
    up = [item.resource for item in report.resources if item.resource.connection is not None]
    assert up or situation in ("2n-no-resources", *DOWN)
    for resource in up:
        assert states(saved[resource.name].resource) == states(resource)


DOWN = ("2n-resource-down-on-standby", "3n-gamma-down", "2n-mounted-read-only-disconnected")
SPLIT = ("3n-split-brain-alpha-beta", "beta")


def test_the_log_and_the_configuration_are_said(tmp_path: Path) -> None:
    from connector.report.explain.log import parse

    xml = (FOLDER / SPLIT[0] / SPLIT[1] / "drbdadm_dump-xml").read_text()
    names = configured(xml, "x", SPLIT[1], "")
    found = of_drbdsetup(status_of(*SPLIT), "saved", names)
    assert found is not None
    (seen,) = found.seen
    assert seen.told == {About.NAME, About.AFTER_SB}
    log = parse(log_of(*SPLIT))
    assert log is not None
    told = explained(seen, Said(use=UseSaid.NOT_IN_USE, log=log, lasted_s=LASTED_S))
    (item,) = report_of(*SPLIT, tmp_path, Mode.DISCARD).resources
    assert answer(decided(told, Mode.DISCARD)) == answer(item.decision)
    assert [action.target for action in item.decision.actions] == ["mail:alpha"]
    assert "alpha: the kernel log says why: split-brain" in evidence_premise(told.premises).words


def evidence_premise(premises: tuple[Premise, ...]) -> Premise:
    return next(premise for premise in premises if premise.about is About.EVIDENCE)


def test_what_it_does_not_tell_is_assumed() -> None:
    (seen,) = read(status_of(*SPLIT)).seen
    told = explained(seen)
    assert decided(told, Mode.DISCARD).actions[0].kind is ActionKind.CONNECT
    assumed = {other.option for answer in told.answers for other in answer.otherwise}
    assert "--evidence split-brain --handshake Secondary/Primary" in assumed
    assert "--in-use" in assumed


def test_a_discard_that_may_be_pending_is_assumed_not_to_be() -> None:
    (seen,) = read(status_of("2n-link-cut", "beta")).seen
    told = explained(seen)
    assert decided(told, Mode.RECONNECT).would == ()
    (premise,) = [one for one in told.premises if one.about is About.DISCARD]
    assert told.matters(premise)
    pending = explained(seen, Said(discard_pending=True))
    kinds = [action.kind for action in decided(pending, Mode.RECONNECT).actions]
    assert kinds == [ActionKind.DISCONNECT, ActionKind.CONNECT]
    (healthy,) = read(status_of("2n-connected-healthy", "beta")).seen
    assert not [one for one in explained(healthy).premises if one.about is About.DISCARD]


def test_no_resource_was_up() -> None:
    found = read(b"[\n]\n\n")
    assert (found.kind, found.seen, found.problems) == (Kind.DRBDSETUP, (), ())
    assert found.notes == (NOTHING_UP,)


@pytest.mark.parametrize("cut", [1, 2, 100, -3])
def test_a_text_that_was_cut_off_gives_no_resource(cut: int) -> None:
    data = status_of(*SPLIT)
    found = read(data[:cut])
    assert (found.seen, found.exit_status) == ((), 1)
    assert found.problems


def test_a_text_that_is_too_long() -> None:
    found = of_drbdsetup(b"[]" + b" " * MAX_BYTES, "saved", None)
    assert found is not None
    assert (found.kind, found.exit_status) == (Kind.NOTHING, 1)


# Records


def record(tmp_path: Path) -> tuple[dict[str, Any], Decision]:
    """What is kept before beta gives its changes up to alpha."""
    (item,) = report_of(*SPLIT, tmp_path, Mode.DISCARD).resources
    return given_up.record(item.resource, item.decision, 0.0), item.decision


def test_a_record_of_what_was_given_up_is_about_one_peer(tmp_path: Path) -> None:
    told, decision = record(tmp_path)
    assert (told["generation"], told["peer"], told["connection"]) == ("9", "alpha", "StandAlone")
    assert told["actions"] == ["connect-discard-my-data"]
    assert not [line for line in told["kernel_lines"] if "gamma" in line]
    assert told["generation_identifiers"]
    (seen,) = read(json.dumps(told)).seen
    assert seen.resource.evidence.cause is Cause.SPLIT_BRAIN
    again = decided(explained(seen, Said(use=UseSaid.NOT_IN_USE)), Mode.DISCARD)
    assert [action.target for action in again.actions] == ["mail:alpha"]
    assert again.actions[0].kind is decision.actions[0].kind is ActionKind.CONNECT_DISCARD


def test_words_that_are_not_known_make_a_connection_doubtful(tmp_path: Path) -> None:
    whole = to_json(report_of(*SPLIT, tmp_path))
    whole["resources"][0]["connections"][0]["connection"] = "Standalone"
    found = read(json.dumps(whole))
    assert [problem.message for problem in found.problems] == [
        "unknown connection state 'Standalone'"
    ]
    (seen,) = found.seen
    assert decided(explained(seen), Mode.RECONNECT).name == "unknown"


@pytest.mark.parametrize("generation", ["10", ""])
def test_a_generation_that_is_not_known(tmp_path: Path, generation: str) -> None:
    whole = to_json(report_of(*SPLIT, tmp_path))
    whole["resources"][0]["generation"] = generation
    found = read(json.dumps(whole))
    assert found.exit_status == 1
    assert decided(explained(found.seen[0]), Mode.RECONNECT).name == "unknown"


def test_a_connection_without_a_name_or_a_volume_is_not_acted_upon(tmp_path: Path) -> None:
    for key, value in (("peer", None), ("volumes", [])):
        whole = to_json(report_of(*SPLIT, tmp_path / key))
        whole["resources"][0]["connections"][0][key] = value
        (seen,) = read(json.dumps(whole)).seen
        decision = decided(explained(seen, LASTED), Mode.DISCARD)
        assert (decision.name, decision.actions) == ("unknown", ())
