"""The machine breaks no rule, and one that is broken on purpose is caught by it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from .broken import BREAKS, broken_copy
from .machine import FEW, Machine

pytestmark = pytest.mark.slow

LIMIT_S = 240
# As many examples as somebody has the patience for, each time others.
MORE = os.environ.get("CONNECTOR_STATEFUL_EXAMPLES")
CAUGHT = ("no record of what is given up", "the mode is not asked for", "a connect is forced")


def test_whatever_is_done_to_the_pair_no_rule_is_broken() -> None:
    many = settings(FEW, max_examples=int(MORE), derandomize=False) if MORE else FEW
    run_state_machine_as_test(Machine, settings=many)


@pytest.mark.broken_rules
@pytest.mark.parametrize("name", CAUGHT)
def test_it_is_caught(name: str, tmp_path: Path) -> None:
    broken = next(one for one in BREAKS if one.name == name)
    folder = broken_copy(broken, tmp_path / "copy")
    done = subprocess.run(
        [sys.executable, "-m", "tests.schedules.machine"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode != 0
    violated = re.findall(r"facts\.Violation: ([a-z ]+):", done.stderr)
    assert violated, done.stderr[-2000:]
    assert set(violated) <= broken.rules, done.stderr[-2000:]
