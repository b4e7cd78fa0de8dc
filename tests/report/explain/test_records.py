"""Records of connector's state directory as saved states: what they tell, and what they do not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.model import Cause, Mode, Problem
from connector.observe import proc_drbd
from connector.report.explain.answer import About
from connector.report.explain.said import NONE, Said, kind_of
from connector.report.explain.source import Kind
from connector.simulate.play import Play
from connector.simulate.stories import STORIES

from .explaining import STAND_ALONE, decided, explained, read, rows

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def plays(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Play]:
    """Stories that leave journals and records behind."""
    found = {}
    for name in ("split-brain", "both-in-use", "operator-disconnect"):
        found[name] = Play(STORIES[name], tmp_path_factory.mktemp(name))
        list(found[name].scenes())
    return found


def journal(play: Play, node: str) -> list[str]:
    return play.settings[node].journal_file.read_text().splitlines(keepends=True)


def test_each_line_of_a_journal_gives_the_row_that_its_pass_took(plays: dict[str, Play]) -> None:
    compared = 0
    for play in plays.values():
        for node in ("alpha", "beta"):
            lines = journal(play, node) if play.settings[node].journal_file.exists() else []
            for number, line in enumerate(lines, 1):
                told = json.loads(line)
                found = read("".join(lines), number)
                if "recover" in told:
                    assert (found.kind, found.exit_status) == (Kind.NOTHING, 1)
                    continue
                assert (found.kind, found.exit_status) == (Kind.JOURNAL, 0)
                assert rows(found) == [item["decision"] for item in told["resources"]]
                for seen, item in zip(found.seen, told["resources"], strict=True):
                    assert seen.line == number
                    assert seen.recorded is not None
                    assert seen.recorded.decision == item["decision"]
                    assert list(seen.recorded.gates or ()) == item["gates"]
                    assert seen.resource.in_use is item["in_use"]
                    compared += 1
    assert compared > 60


def test_of_a_journal_the_newest_entry_of_each_resource_is_taken(plays: dict[str, Play]) -> None:
    lines = journal(plays["split-brain"], "beta")
    found = read("".join(lines))
    assert [(seen.resource.name, seen.line) for seen in found.seen] == [("mail", 4), ("db", 4)]
    assert found.left_out == 2 * (len(lines) - 1)
    decision = decided(explained(found.seen[0]), Mode.DISCARD)
    assert [str(action.kind) for action in decision.actions] == ["connect-discard-my-data"]
    # One line alone, cut out of a journal, is a journal too.
    assert rows(read(lines[0])) == ["demote-and-reconnect"] * 2


def test_a_record_of_what_was_given_up(plays: dict[str, Play]) -> None:
    (path,) = plays["split-brain"].settings["beta"].given_up_dir.glob("*-mail.json")
    found = read(path.read_bytes())
    assert (found.kind, found.exit_status) == (Kind.GIVEN_UP, 0)
    (seen,) = found.seen
    assert About.USE not in seen.told
    assert kind_of(seen.resource.evidence) == Cause.SPLIT_BRAIN
    decision = decided(explained(seen), Mode.DISCARD)
    assert [str(action.kind) for action in decision.actions] == json.loads(path.read_text())[
        "actions"
    ]
    assert seen.resource.out_of_sync_kib == 4


def test_a_given_up_record_without_the_kernels_lines_gives_nothing_up(
    plays: dict[str, Play],
) -> None:
    (path,) = plays["split-brain"].settings["beta"].given_up_dir.glob("*-mail.json")
    record = json.loads(path.read_text())
    record["kernel_lines"] = []
    (seen,) = read(json.dumps(record)).seen
    assert kind_of(seen.resource.evidence) == NONE
    assert [str(a.kind) for a in decided(explained(seen), Mode.DISCARD).actions] == ["connect"]


ENTRY: dict[str, Any] = {
    "name": "mail",
    "connection": "StandAlone",
    "role": "Secondary",
    "peer_role": "Unknown",
    "in_use": False,
    "volumes": [
        {"volume": 0, "minor": 0, "disk": "UpToDate", "peer_disk": "DUnknown",
         "out_of_sync_kib": 4, "used_by": []}
    ],
    "evidence": [
        {"kind": "split-brain", "at_s": 1.5, "self_was_primary": False, "peer_was_primary": True}
    ],
    "decision": "reconnect-standby",
    "gates": [],
    "reason": "split brain",
}  # fmt: skip


def line(**changes: Any) -> str:
    return json.dumps({"at": "2026-11-25T08:00:00Z", "resources": [{**ENTRY, **changes}]}) + "\n"


def test_what_status_prints() -> None:
    status = {"schema_version": 1, "resources": [ENTRY], "exit_status": 3}
    found = read(json.dumps(status, indent=2))
    assert (found.kind, found.exit_status, rows(found)) == (Kind.STATUS, 0, ["reconnect-standby"])
    assert found.seen[0].recorded is not None
    assert found.seen[0].recorded.at is None


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"connection": "Standalone"}, "unknown connection state 'Standalone'"),
        ({"role": "Chief"}, "unknown role 'Chief'"),
        ({"volumes": [{"volume": 0, "minor": 0, "disk": "Good"}]}, "unknown disk state 'Good'"),
        ({"evidence": [{"kind": "split-hair"}]}, "unknown kind of evidence 'split-hair'"),
    ],
)
def test_an_unknown_word_in_a_record(changes: dict[str, Any], problem: str) -> None:
    found = read(line() + line(**changes))
    assert found.problems == (Problem(2, problem),)
    assert (rows(found), found.exit_status) == (["unknown"], 1)
    whole = json.dumps({"schema_version": 1, "resources": [{**ENTRY, **changes}]}, indent=1)
    (known,) = read(whole).problems
    assert known.message == problem
    assert known.line is not None
    assert problem.split("'")[1] in whole.splitlines()[known.line - 1]


@pytest.mark.parametrize(
    "changes",
    [
        {"connection": None},
        {"volumes": []},
        {"name": "all"},
        {"name": "minor 3"},
        {"in_use": True},
        {"in_use": None},
        {"decision": "unknown", "reason": "the lines of minor 0 cannot be read"},
    ],
)
def test_what_a_record_does_not_tell_for_certain(changes: dict[str, Any]) -> None:
    assert rows(read(line(**changes))) == ["unknown"]


def test_a_line_of_an_older_version_may_lack_keys() -> None:
    short = {key: ENTRY[key] for key in ("name", "connection", "role", "in_use")}
    short["volumes"] = [{"volume": 0, "minor": 0}]
    (seen,) = read(json.dumps({"resources": [short]})).seen
    assert seen.told == {About.NAME, About.USE}
    assert seen.resource.in_use is False
    (seen,) = read(json.dumps({"resources": [{**short, "in_use": True}]})).seen
    assert seen.resource.in_use is True
    del short["in_use"]
    (seen,) = read(json.dumps({"resources": [short]})).seen
    assert About.USE not in seen.told


def test_kinds_of_evidence_in_a_record() -> None:
    (seen,) = read(line(evidence=[{"kind": "unreadable"}])).seen
    assert seen.resource.evidence.readable is False
    (seen,) = read(line(evidence=[{"kind": "split-brain-solved", "line": "solved"}])).seen
    assert kind_of(seen.resource.evidence) == NONE
    (seen,) = read(line(evidence=[{"kind": "split-brain", "self_was_primary": False}])).seen
    evidence = seen.resource.evidence
    assert (evidence.self_was_primary, evidence.peer_was_primary) == (False, None)
    (seen,) = read(line(evidence=[{"kind": "operator-disconnect", "at_s": 70.5}])).seen
    left = decided(explained(seen), Mode.RECONNECT).reason
    assert left.endswith("left alone for another 3600 s")
    late = decided(explained(seen, Said(lasted_s=3000)), Mode.RECONNECT).reason
    assert late.endswith("left alone for another 600 s")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "line 1: no whole JSON object"),
        ("{}", "no record that tells a resource's state"),
        ('{"at": 1, "resources": []}', "at: Input should be a valid string"),
        ('{"resources": {"mail": {}}}', "resources: Input should be a valid list"),
        ('{"resources": [{"name": 7}]}', "resources.0.name: Input should be a valid string"),
        ('{"recover": "mail"}', "a person's `connector recover`, which tells no state"),
        ('{"at": "x", "handler": "split-brain", "drbd": {}}', "a call of a handler"),
        ('{"kernel_lines": []}', "version: Field required"),
        ('{"kernel_lines": [], "version": 2}', "version: Input should be 1"),
        ('{"a":1}\n{"b":2}\n', "line 1: no record that tells a resource's state"),
        ('{"recover": "mail"}\n{"recover": "mail"}\n', "no entry of a pass: of a person"),
        ("{" * 50_000, "line 1: no whole JSON object"),
        (line(evidence=[{"kind": "x", "at_s": float("nan")}]), "evidence.0.at_s: Input should"),
        ("{" + " " * proc_drbd.MAX_BYTES, f"longer than {proc_drbd.MAX_BYTES} bytes"),
    ],
)
def test_json_that_tells_no_state(text: str, problem: str) -> None:
    found = read(text)
    assert (found.kind, found.seen, found.exit_status) == (Kind.NOTHING, (), 1)
    (told, *_) = found.problems
    assert problem in (f"line {told.line}: " if told.line else "") + told.message


def test_a_damaged_line_does_not_hide_the_others() -> None:
    found = read(line() + line()[:40] + "\n\n" + line(role="Primary", in_use=False))
    assert [problem.line for problem in found.problems] == [2]
    assert (rows(found), found.exit_status, found.left_out) == (["demote-and-reconnect"], 1, 1)
    (problem,) = read(line(), 7).problems
    assert problem == Problem(None, "line 7: no entry of a pass: there is none")


def test_problems_are_bounded() -> None:
    assert len(read("{\n" * 5000).problems) == 100


@UNHURRIED
@given(st.binary(max_size=300))
def test_any_bytes_may_come(data: bytes) -> None:
    for text in (data, b"{" + data, line().encode() + data, STAND_ALONE + data):
        found = read(text)
        assert found.exit_status in (0, 1, 69)
        rows(found)


KEYS = st.sampled_from([*ENTRY, "kernel_lines", "resources", "kind"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@UNHURRIED
@given(VALUES)
def test_any_value_may_come(value: Any) -> None:
    for whole in (
        {"resources": value},
        {"resources": [{**ENTRY, "evidence": value}]},
        {"resources": [{**ENTRY, "volumes": value}]},
        {"kernel_lines": value},
    ):
        found = read(json.dumps(whole))
        assert found.exit_status in (0, 1)
        rows(found)
