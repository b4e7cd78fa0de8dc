"""The journal, read back: nothing guessed, nothing raised, never more than so much."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.memory import history, journal
from connector.memory.history import (
    Command,
    Entry,
    EvidenceKind,
    History,
    JournalProblem,
    JournalText,
    Told,
    ToldOutcome,
)
from connector.model import (
    Action,
    ActionKind,
    Cause,
    CommandResult,
    ConnectionState,
    Decision,
    DecisionName,
    Evidence,
    Gate,
    GateName,
    Outcome,
    OutcomeKind,
    Role,
)
from connector.report.as_json import journal_entry
from tests import builders

AT = "2026-11-25T08:00:00Z"
AT_WALL_S = 1_795_593_600.0
RECOVER = {
    "at": AT,
    "recover": "mail",
    "commands": ["drbdadm connect --discard-my-data mail"],
    "outcome": "reconnected",
    "detail": "now SyncTarget",
}


def line(**keys: Any) -> bytes:
    """A line with a time."""
    return json.dumps({"at": AT, **keys}).encode()


def parsed(*lines: bytes, name: str = "journal.jsonl") -> History:
    return history.parse([JournalText(name, b"\n".join(lines))])


def a_pass() -> dict[str, Any]:
    """What a real pass writes: two commands, a gate and evidence."""
    seen = builders.resource(
        connection=ConnectionState.STANDALONE,
        role=Role.SECONDARY,
        evidence=Evidence(readable=False, cause=Cause.SPLIT_BRAIN),
    )
    action = Action(ActionKind.CONNECT_DISCARD, "mail", seen.picture)
    decision = Decision(
        resource="mail",
        name=DecisionName.RECONNECT_STANDBY,
        reason="split brain",
        would=(action,),
        gates=(Gate(GateName.GRACE, "it waits", operator=False),),
        needs_operator=True,
    )
    result = CommandResult(("drbdadm", "connect", "mail"), "done", 0, "a word", 0.25)
    item = builders.resource_report(
        seen,
        decision=decision,
        outcome=Outcome(OutcomeKind.RECONNECTED, "now SyncTarget", (result,)),
        after=builders.resource(connection=ConnectionState.SYNC_TARGET, role=Role.PRIMARY),
    )
    entry = journal_entry(builders.report(item, started_wall_s=AT_WALL_S, duration_s=1.5))
    assert entry is not None
    return entry


def test_what_a_pass_writes_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal.append(path, a_pass())
    told = Told(
        name="mail",
        connection="StandAlone",
        role="Secondary",
        decision="reconnect-standby",
        gates=("grace",),
        reason="split brain",
        would=("drbdadm connect --discard-my-data mail",),
        needs_operator=True,
        evidence=(EvidenceKind("unreadable"), EvidenceKind("split-brain")),
        outcome=ToldOutcome(
            kind="reconnected",
            detail="now SyncTarget",
            connection="SyncTarget",
            role="Primary",
            commands=(Command(("drbdadm", "connect", "mail"), "done", 0, "a word", 0.25),),
        ),
    )
    assert history.parse(history.read(path)) == History((Entry(AT_WALL_S, 1.5, 3, False, (told,)),))


def test_a_time_is_read_as_utc_wherever_the_node_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as there:
        there.setenv("TZ", "JST-9")
        time.tzset()
        found = parsed(line())
    time.tzset()
    assert [entry.at_wall_s for entry in found.entries] == [AT_WALL_S]


def test_a_recovery_by_a_person_comes_back() -> None:
    command = Command(("drbdadm", "connect", "--discard-my-data", "mail"))
    outcome = ToldOutcome("reconnected", "now SyncTarget", commands=(command,))
    told = Told("mail", outcome=outcome)
    assert parsed(json.dumps(RECOVER).encode()).entries == (
        Entry(AT_WALL_S, by_person=True, resources=(told,)),
    )


def test_what_a_line_does_not_have_is_none_and_what_is_new_is_passed_over() -> None:
    found = parsed(line(color="red", resources=[{"name": "mail", "outcome": {"volume": 11}}]))
    assert found == History((Entry(AT_WALL_S, None, None, False, (Told("mail"),)),))
    (told,) = found.entries[0].resources
    assert (told.gates, told.evidence, told.outcome.commands) == (None, None, None)


def test_the_older_file_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    assert history.read(path) == ()
    path.with_name("journal.jsonl.1").write_bytes(line(exit_status=1) + b"\n")
    assert [text.name for text in history.read(path)] == ["journal.jsonl.1"]
    path.write_bytes(line(exit_status=2) + b"\n" + line(exit_status=3) + b"\n")
    found = history.parse(history.read(path))
    assert [entry.exit_status for entry in found.entries] == [1, 2, 3]
    assert found.problems == ()


def test_a_journal_that_is_turned_over_meanwhile_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.jsonl"
    path.with_name("journal.jsonl.1").write_bytes(line(exit_status=1) + b"\n")
    path.write_bytes(line(exit_status=2) + b"\n")
    really = history._end_of
    looks: list[Path] = []

    def turned_over_after_the_first_look(at: Path) -> Any:
        looks.append(at)
        found = really(at)
        if len(looks) == 1:
            os.replace(path, path.with_name("journal.jsonl.1"))
            path.write_bytes(line(exit_status=3) + b"\n")
        return found

    monkeypatch.setattr(history, "_end_of", turned_over_after_the_first_look)
    found = history.parse(history.read(path))
    assert [entry.exit_status for entry in found.entries] == [2, 3]


def test_no_more_is_read_than_the_journal_may_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "MAX_BYTES", 300)
    monkeypatch.setattr(history, "LONGEST_LINE_BYTES", 100)
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b"".join(line(exit_status=number) + b"\n" for number in range(100, 200)))
    (text,) = history.read(path)
    assert (len(text.data), text.cut) == (400, True)
    found = history.parse([text])
    kept = [entry.exit_status for entry in found.entries]
    assert kept == list(range(200 - len(kept), 200))
    assert len(kept) > 3
    (problem,) = found.problems
    assert (problem.file, problem.line) == ("journal.jsonl", None)
    assert "only its last 400 bytes were read" in problem.message


def test_a_full_journal_and_its_last_line_are_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    entry = {**a_pass(), "warnings": ["x" * 100_000]}
    while not path.with_name("journal.jsonl.1").exists():
        journal.append(path, entry)
    (text,) = history.read(path)
    assert not text.cut
    assert len(history.parse([text]).entries) == text.data.count(b"\n") == 11


@pytest.mark.parametrize(
    ("damaged", "words"),
    [
        (line()[:12], "no whole JSON object: EOF while parsing a string at column 12"),
        (line() + line(), "no whole JSON object: trailing characters"),
        (b"[]", "the line: Input should be an object"),
        (b"{}", "at: Field required"),
        (b"\xff\x00", "no whole JSON object"),
        (b"[" * 5000, "no whole JSON object: recursion limit exceeded"),
        (b'["\\ud800", ' + b"[" * 5000, "no whole JSON object"),
        (b'{"at": ' + b"9" * 5000 + b"}", "no whole JSON object"),
        (b'{"at": "yesterday"}', "at: 'yesterday' is no time such as 2026-11-25T08:00:00Z"),
        (b'{"at": "2026-02-30T08:00:00Z"}', "is no time"),
        (b'{"at": "2026-11-25T08:00:00+01:00"}', "is no time"),
        (b'{"at": "1969-12-31T23:59:59Z"}', "is no time"),
        (line(exit_status=True), "exit_status: Input should be a valid integer"),
        (line(exit_status=2**31), "exit_status: Input should be less than"),
        (line(duration_s=-1), "duration_s: Input should be greater than or equal to 0"),
        (line(duration_s=float("nan")), "duration_s: Input should be a finite number"),
        (line(duration_s=float("inf")), "duration_s: Input should be a finite number"),
        (line(duration_s=1e300), "duration_s: Input should be less than or equal to"),
        (line(resources=5), "resources: Input should be a valid array"),
        (line(resources=[{}]), "resources.0.name: Field required"),
        (line(resources=[{"name": "a", "gates": "grace"}]), "resources.0.gates: "),
        (line(resources=[{"name": "a", "needs_operator": 1}]), "resources.0.needs_operator: "),
        (line(recover=["mail"]), "recover: Input should be a valid string"),
    ],
)
def test_a_damaged_line_is_a_problem_and_costs_only_itself(damaged: bytes, words: str) -> None:
    found = parsed(line(exit_status=1), damaged, b"", line(exit_status=2), b"")
    assert [entry.exit_status for entry in found.entries] == [1, 2]
    (problem,) = found.problems
    assert (problem.file, problem.line) == ("journal.jsonl", 2)
    assert problem.message.startswith(words) or words in problem.message
    assert len(problem.message) < 200


def test_a_last_line_counts_where_only_its_end_is_missing() -> None:
    assert len(parsed(line()).entries) == 1


def test_a_mount_point_that_is_no_utf_8_damages_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    used_by = [os.fsdecode(b"/mnt/\xff")]
    resource = {"name": "mail", "reason": used_by[0], "volumes": [{"used_by": used_by}]}
    journal.append(path, {"at": AT, "resources": [resource]})
    found = history.parse(history.read(path))
    assert found == History((Entry(AT_WALL_S, resources=(Told("mail", reason="/mnt/?"),)),))


def test_so_many_problems_are_told_and_the_rest_counted() -> None:
    found = parsed(*[b"x"] * (history.MAX_PROBLEMS + 7), line())
    assert len(found.entries) == 1
    assert len(found.problems) == history.MAX_PROBLEMS + 1
    assert found.problems[-1] == JournalProblem(
        "journal.jsonl", None, "7 more lines cannot be read"
    )


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="directory"):
        history.read(tmp_path)


def accounted_for(data: bytes) -> None:
    """Every line with something in it is an entry or a problem that names it."""
    written = {number for number, text in enumerate(data.split(b"\n"), 1) if text.strip()}
    found = parsed(data)
    damaged = {problem.line for problem in found.problems}
    assert damaged <= written
    assert len(found.entries) + len(damaged) == len(written)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_may_be_there(data: bytes) -> None:
    accounted_for(data)


@settings(deadline=None)
@given(st.data())
def test_a_real_line_may_be_damaged_anywhere(data: st.DataObject) -> None:
    whole = json.dumps(a_pass()).encode()
    begin = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(begin, len(whole)))
    accounted_for(whole[:begin] + data.draw(st.binary(max_size=8)) + whole[end:])


KEYS = st.sampled_from(
    ["at", "resources", "recover", "commands", "name", "outcome", "evidence", "kind", "gates"]
)
WORDS = st.sampled_from(["", "mail", "grace", "<&>\x1b", "\ud800"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.dictionaries(KEYS, JSON, max_size=6), st.booleans())
def test_any_json_may_be_there(value: dict[str, Any], timed: bool) -> None:
    accounted_for(json.dumps({**value, "at": AT} if timed else value).encode())
