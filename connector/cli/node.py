"""This machine as a World, for the commands that look at it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from connector.clock import SystemClock
from connector.world import World, host_name

if TYPE_CHECKING:
    from connector.program import Completed, Run


def this_world(root: Path) -> World:
    """The real clocks and programs, with /proc and /sys below `root`."""
    return World(root=root, run=_run, clock=SystemClock(), host=host_name())


def _run(argv: Sequence[str], timeout_s: float) -> Completed:
    return _runner()(argv, timeout_s)


@functools.cache
def _runner() -> Run:
    # A healthy pass starts no program, and does without what starts one.
    from connector.act.subprocess_runner import SubprocessRunner

    return SubprocessRunner()
