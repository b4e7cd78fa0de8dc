"""Runs `connector explain` in this process, on files of the fixtures."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

import pytest

from connector.cli import commands
from tests.cli.stage import PROJECT

FIXTURES = PROJECT / "tests/fixtures"
SPLIT = FIXTURES / "lab" / "split_brain_beta_secondary/beta"
CAPTURES = FIXTURES / "proc_drbd/captures"
VICTIM = CAPTURES / "drbd-8.4/split_brain_victim_secondary/beta"
# Without privileges, whoever runs the tests: root keeps its number and loses what makes it root.
UNPRIVILEGED = ("setpriv", "--bounding-set", "-all", "--inh-caps", "-all")
PREFIX = UNPRIVILEGED if os.geteuid() == 0 else ()


@dataclass(frozen=True)
class Done:
    """What it left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)

    @property
    def one_line(self) -> str:
        """Without line breaks and indentations."""
        return " ".join(self.out.split())


class Runner:
    """The command line, and what it prints."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: object) -> Done:
        """Run `connector explain WORDS`."""
        status = commands.run(["explain", *map(str, words)])
        out, err = self._capsys.readouterr()
        return Done(status, out, err)
