"""docs/json.md lists the keys that there are."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from connector.act.answers import CommandOutcome
from connector.memory import given_up, history
from connector.model import (
    Action,
    ActionKind,
    Cause,
    CommandResult,
    Decision,
    DecisionName,
    Evidence,
    Gate,
    GateName,
    Handshake,
    Outcome,
    OutcomeKind,
    Problem,
    ProcDrbd,
    Resource,
    SyncProgress,
)
from connector.report import as_json, parsed, past_incidents, table_page
from connector.report.passes import PassReport
from tests import builders

from . import pages

PAGE = pages.text("docs/json.md")

HANDSHAKE = Handshake(
    minor=0,
    self_current=2,
    peer_current=3,
    self_bits=4,
    peer_bits=5,
    self_flags=0,
    peer_flags=0,
)


def split() -> Resource:
    """A standby with every kind of evidence, and with what only DRBD 9 shows."""
    evidence = Evidence(
        readable=False,
        cause=Cause.SPLIT_BRAIN,
        cause_at_s=12.5,
        handshakes=(HANDSHAKE,),
        lines=("block drbd0: Split-Brain detected but unresolved, dropping connection!",),
        solved_by_policy="Split-Brain detected, 1 primaries, automatically solved.",
    )
    seen = builders.resource(evidence=evidence)
    return replace(seen, peer="alpha", suspended=("quorum",))


def decision(seen: Resource) -> Decision:
    """One with commands, and a gate."""
    action = Action(ActionKind.CONNECT_DISCARD, seen.name, seen.picture)
    return Decision(
        resource=seen.name,
        name=DecisionName.RECONNECT_STANDBY,
        reason="split brain",
        actions=(action,),
        would=(action,),
        gates=(Gate(GateName.PAUSE, "paused", operator=False),),
    )


def full_report() -> PassReport:
    """A pass in which no list is empty and no value is missing."""
    seen = split()
    command = CommandResult(argv=("drbdadm", "connect", seen.name), outcome="done", exit_status=0)
    outcome = Outcome(OutcomeKind.RECONNECTED, "now Connected", (command,), "NAME")
    item = builders.resource_report(seen, decision=decision(seen), outcome=outcome)
    return builders.report(item, problems=[Problem(3, "a word")], warnings=["a warning"])


def keys(value: Any, leaves: frozenset[str] = frozenset(), path: str = "") -> set[str]:
    """Every key as docs/json.md writes it; below `leaves` it is not looked."""
    if value is None:
        return set()
    if path in leaves:
        return {path}
    if isinstance(value, dict):
        found: set[str] = set()
        for key, inner in value.items():
            found |= keys(inner, leaves, f"{path}.{key}" if path else key)
        return found
    if isinstance(value, list):
        assert value, f"{path} is empty: its keys were not looked at"
        return set().union(*(keys(inner, leaves, f"{path}[]") for inner in value))
    return {path}


def written(title: str) -> list[str]:
    """The first column of a section's table."""
    return [pages.plain(row[0]) for row in pages.rows(pages.section(PAGE, title))]


def test_the_keys_of_a_pass() -> None:
    listed = written("status --json")
    assert len(listed) == len(set(listed))
    assert set(listed) == keys(as_json.to_json(full_report()))


def test_the_keys_of_parse() -> None:
    sync = SyncProgress(
        kind="resync",
        percent=1.0,
        left_kib=2,
        total_kib=3,
        finish_s=4,
        speed_kib_per_s=5,
        average_kib_per_s=6,
        want_kib_per_s=7,
        stalled=True,
    )
    shown = ProcDrbd("8.4.11", 1, (86, 101), (builders.device(sync=sync),), (Problem(1, "a"),))
    assert set(written("parse")) == keys(parsed.to_json(shown), frozenset({"devices[].statistics"}))


def test_the_keys_of_history() -> None:
    seen = split()
    command = CommandResult(argv=("drbdadm", "connect", seen.name), outcome="done", exit_status=0)
    outcome = Outcome(OutcomeKind.RECONNECTED, "now Connected", (command,))
    item = builders.resource_report(seen, decision=decision(seen), outcome=outcome)
    line = json.dumps(as_json.journal_entry(builders.report(item))).encode()
    found = history.parse([history.JournalText("journal.jsonl", line + b"\nhalf a li")])
    past = past_incidents.incidents(found.entries, seen.name, now_wall_s=0.0)
    value = json.loads(json.dumps(past_incidents.to_json(found, found.entries, past)))
    listed = written("history --json")
    assert len(listed) == len(set(listed))
    assert set(listed) == keys(value)
    assert listed_after("Endings:") >= set(map(str, past_incidents.Ending))


def test_the_keys_of_the_table() -> None:
    found = table_page.to_json()
    for row in found:
        row["steps"] = row["steps"] or ["connect"]  # a row without steps hides no key
    assert set(written("table --json")) == keys(found)


def test_the_keys_of_the_journal() -> None:
    entry = as_json.journal_entry(full_report())
    assert set(written("journal.jsonl")) == keys(entry, frozenset({"resources[]"}))
    assert "`journal.jsonl.1`" in PAGE


def test_the_keys_of_a_record_of_what_was_given_up() -> None:
    seen = split()
    assert set(written("given-up")) == keys(given_up.record(seen, decision(seen), 0.0))
    assert f"At most {given_up.MAX_RECORDS} are kept" in PAGE


def listed_after(words: str) -> set[str]:
    """The words in backticks between `words` and the end of the paragraph or cell."""
    after = PAGE.partition(words)[2]
    assert after, f"{words!r} is not on the page"
    return set(re.findall(r"`([\w-]+)`", re.split(r"\n\n| \|\n|; besides", after)[0]))


def test_the_kinds_are_those_of_the_code() -> None:
    assert listed_after("Kinds of evidence:") == {str(cause) for cause in Cause}
    assert listed_after("Kinds of outcome:") == {str(kind) for kind in OutcomeKind}
    command = listed_after("| what came of it: ")
    assert command == {*map(str, CommandOutcome), "not-run"}
    assert listed_after("kinds of the commands: ") == {str(kind) for kind in ActionKind}


def test_the_two_that_have_other_keys() -> None:
    evidence = as_json.to_json(full_report())["resources"][0]["evidence"]
    assert [(item["kind"], set(item)) for item in evidence if len(item) < 3] == [
        ("unreadable", {"kind"}),
        ("split-brain-solved", {"kind", "line"}),
    ]
    assert "`unreadable` has `kind` only, `split-brain-solved` has `kind` and\n`line`" in PAGE


def test_the_schema_version() -> None:
    assert f"| `schema_version` | {as_json.SCHEMA_VERSION} |" in PAGE
