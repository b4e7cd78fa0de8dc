"""The tables of what the stories of the mail cluster came to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from .mail_outcomes import CONNECTOR, OLD, Outcome, by_failure, compared, main, note, read

ONE = Outcome(
    failure="both cut",
    scripts=CONNECTOR,
    mode="discard",
    outage_s=51.4,
    acknowledged=100,
    given_up=7,
    lost=0,
    together=True,
    person=False,
    stale_lock=False,
    crontab_lost=False,
)
OF_OLD = replace(ONE, scripts=OLD, mode="", given_up=0, lost=9, together=False, stale_lock=True)


def test_the_table_of_failures() -> None:
    outcomes = [ONE, replace(ONE, outage_s=60.6), replace(ONE, mode="observe", person=True), OF_OLD]

    assert by_failure(outcomes)[2:] == [
        "| both cut | discard | 2 | 61 s | 200 | 14 | 0 | together |",
        "| both cut | observe | 1 | 51 s | 100 | 7 | 0 | together, by a person |",
    ]


def test_the_comparison_counts_runs_of_either_side() -> None:
    shown = compared([ONE, replace(ONE, mode="observe", lost=50), OF_OLD, OF_OLD])

    assert "| runs | 1 | 2 |" in shown
    assert "| lost | 0 | 18 |" in shown
    assert "| runs that lost a message | 0 | 2 |" in shown
    assert "| runs that ended with the pair apart | 0 | 2 |" in shown
    assert "| runs that left a stale lock | 0 | 2 |" in shown
    assert "| given up, in a rescue | 7 | 0 |" in shown


def test_outcomes_of_several_processes_are_in_one_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "lab/outcomes.jsonl"
    note(ONE, file)
    note(OF_OLD, file)

    assert read(file) == [ONE, OF_OLD]
    assert main([str(file)]) == 0
    assert "| runs | 1 | 1 |" in capsys.readouterr().out


def test_without_an_outcome_there_is_no_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "none")]) == 1
    assert "no outcome of a story is in it" in capsys.readouterr().err
