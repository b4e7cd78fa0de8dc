"""Each rule that is broken on purpose is caught, by the rule that is meant to catch it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .broken import BREAKS, Break, broken_copy

_VIOLATED = re.compile(r"^seed (\d+): ([a-z ]+):", re.MULTILINE)
LIMIT_S = 240


@pytest.mark.broken_rules
@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: broken.name)
def test_it_is_caught(broken: Break, tmp_path: Path) -> None:
    folder = broken_copy(broken, tmp_path / "copy")
    done = subprocess.run(
        [
            *[sys.executable, "-m", "tests.schedules", "--jobs", "1", "--mode", broken.mode],
            *["--seeds", str(broken.seeds), "--first", str(broken.first), "--no-shortest"],
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    violated = _VIOLATED.findall(done.stdout)
    assert violated, f"not caught in {broken.seeds} seeds:\n{done.stdout}{done.stderr[-2000:]}"
    assert {rule for _, rule in violated} <= broken.rules, done.stdout


def test_every_invariant_has_its_break() -> None:
    assert {broken.invariant for broken in BREAKS} >= {str(number) for number in range(1, 10)}
