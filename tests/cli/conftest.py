"""A stage for each test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.stage import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A healthy standby."""
    return Stage(tmp_path)


@pytest.fixture
def stage_of(tmp_path: Path) -> Callable[..., Stage]:
    """A standby, or the node that is asked for, in one of the situations."""
    return lambda situation, node="beta": Stage(tmp_path / node, situation, node)
