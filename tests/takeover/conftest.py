"""Two nodes for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.takeover.nodes import Nodes
from tests.takeover.stage import TakeoverStage


@pytest.fixture
def nodes(tmp_path: Path) -> Nodes:
    """Both Secondary, Connected, UpToDate, nothing mounted."""
    return Nodes(tmp_path)


@pytest.fixture
def stage(tmp_path: Path) -> TakeoverStage:
    """Node beta for real processes: nobody is active."""
    return TakeoverStage(tmp_path)
