"""What the page takes from the journal."""

from __future__ import annotations

from pathlib import Path

from connector.memory import journal
from connector.model import (
    CommandResult,
    ConnectionState,
    Decision,
    DecisionName,
    Outcome,
    OutcomeKind,
)
from connector.report.as_json import journal_entry
from connector.report.page.past import MOST_ACTIONS, Past, last_actions, read_past
from connector.report.passes import ResourceReport
from tests import builders

START_S = builders.STARTED_WALL_S


def acted(name: str, *, ran: bool = True) -> ResourceReport:
    """A resource that a pass reconnected, or would have."""
    seen = builders.resource(name, connection=ConnectionState.STANDALONE)
    commands = (CommandResult(("drbdadm", "connect", name), "done"),) if ran else ()
    kind = OutcomeKind.RECONNECTED if ran else OutcomeKind.WOULD_ACT
    return builders.resource_report(
        seen,
        decision=Decision(name, DecisionName.RECONNECT_SURVIVOR, "cut off"),
        outcome=Outcome(kind, "now Connected", commands),
    )


def write(path: Path, minute: int, *items: ResourceReport) -> None:
    entry = journal_entry(builders.report(*items, started_wall_s=START_S + minute * 60))
    assert entry is not None
    journal.append(path, entry)


def test_only_what_ran_commands_newest_first(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    write(path, 0, acted("mail"))
    write(path, 1, acted("mail", ran=False))
    write(path, 2, acted("mail"), acted("home"), acted("held", ran=False))
    past = read_past(path)
    assert past.problem is None
    assert [entry.at_wall_s - START_S for entry in past.entries] == [120, 0]
    assert [action.at_wall_s - START_S for action in last_actions(past, "mail")] == [120, 0]
    assert [action.at_wall_s - START_S for action in last_actions(past, "home")] == [120]
    assert last_actions(past, "held") == last_actions(past, "none") == ()


def test_a_person_who_recovered_it_is_told_too(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    by_hand = {
        "at": "2026-11-25T08:00:00Z",
        "recover": "mail",
        "commands": ["drbdadm connect --discard-my-data mail"],
        "outcome": "reconnected",
        "detail": "",
    }
    journal.append(path, by_hand)
    [action] = last_actions(read_past(path), "mail")
    assert action.by_person
    assert action.told.outcome.kind == "reconnected"


def test_the_newest_five_are_enough(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    for minute in range(MOST_ACTIONS + 4):
        write(path, minute, acted("mail"))
    found = last_actions(read_past(path), "mail")
    assert [(action.at_wall_s - START_S) / 60 for action in found] == [8, 7, 6, 5, 4]


def test_the_file_that_was_turned_over_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    write(path, 0, acted("mail"))
    path.rename(tmp_path / "journal.jsonl.1")
    write(path, 1, acted("mail"))
    assert len(last_actions(read_past(path), "mail")) == 2


def test_no_journal_is_no_problem(tmp_path: Path) -> None:
    assert read_past(tmp_path / "journal.jsonl") == Past()


def test_what_cannot_be_read_is_said_and_the_rest_is_there(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    write(path, 0, acted("mail"))
    with path.open("ab") as stream:
        stream.write(b'{"at": \x00\xff\n')
    past = read_past(path)
    assert len(past.entries) == 1
    assert past.problem is not None
    assert past.problem.startswith("a part of the journal cannot be read (journal.jsonl line 2: ")


def test_a_journal_that_is_a_folder_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").mkdir()
    past = read_past(tmp_path / "journal.jsonl")
    assert past.entries == ()
    assert past.problem == "the journal cannot be read: Is a directory"
