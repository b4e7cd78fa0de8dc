"""`python -m tests.schedules` as somebody types it."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from .__main__ import main
from .draw import draw


def test_a_few_seeds() -> None:
    done = CliRunner().invoke(main, ["--seeds", "3", "--jobs", "1"])
    assert done.exit_code == 0
    assert "seeds                     3" in done.output
    assert "violations                0" in done.output


def test_a_kept_schedule_is_told_and_drawn(tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    kept.write_text(json.dumps(draw(3).to_json()), encoding="utf-8")
    into = tmp_path / "drawn"
    done = CliRunner().invoke(main, ["--file", str(kept), "--into", str(into)])
    assert done.exit_code == 0, done.output
    assert f"drawn in {into / 'kept.svg'}" in done.output
    assert (into / "kept.svg").read_text("utf-8").startswith("<svg")
    assert "pass 1000 reconcile" in done.output


def test_a_file_that_is_no_schedule_is_named(tmp_path: Path) -> None:
    path = tmp_path / "wrong.json"
    path.write_text('{"setup": {"mode": 3}}', encoding="utf-8")
    done = CliRunner().invoke(main, ["--file", str(path)])
    assert done.exit_code == 2
    assert "no schedule that was kept here" in done.output


def test_a_typing_mistake_says_what_there_is() -> None:
    done = CliRunner().invoke(main, ["--mode", "discrad"])
    assert done.exit_code == 2
    assert "'observe', 'reconnect', 'discard'" in done.output
