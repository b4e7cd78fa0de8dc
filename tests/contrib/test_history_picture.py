"""The picture of an incident in docs/ is what the program draws from the journal that is kept."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from tests.cli.stage import Stage
from tests.docs.pages import PROJECT
from tests.report.page.reading import root_of

from .history_picture import JOURNAL, NODE, RESOURCE, main, picture

KEPT = PROJECT / "docs" / "pictures" / "history.svg"


def test_the_picture_in_docs_is_the_one_that_is_drawn() -> None:
    assert KEPT.read_text(encoding="utf-8") == picture(), "draw it again: make pictures"


def test_it_shows_what_the_journal_tells() -> None:
    words = set(root_of(picture()).itertext())
    assert words >= {"WFConnection", "StandAlone", "SyncSource", "reconnect-survivor"}
    assert words >= {"Primary", "connect: done; reconnected"}


def test_the_command_draws_the_same_for_its_own_node(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "beta")
    stage.state.mkdir()
    shutil.copy(JOURNAL, stage.state / "journal.jsonl")
    done = stage.run("history", RESOURCE, "--svg", "-")
    assert (done.status, done.err) == (0, "")

    def on_no_node(svg: str, node: str) -> str:
        # Whether it is over goes by this machine's clock.
        return re.sub(r"2 entries, [^\"<]*", "2 entries", svg.replace(f" on {node}: ", ": "))

    assert on_no_node(done.out, os.uname().nodename) == on_no_node(picture(), NODE)


def test_the_module_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "history.svg"
    assert main([str(path)]) == 0
    assert path.read_text(encoding="utf-8") == picture()
    assert main([]) == 2
    assert "usage: " in capsys.readouterr().err
