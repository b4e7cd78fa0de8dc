"""Waiting for something to become true, never longer than told."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from .errors import WaitTimedOut

Seen = TypeVar("Seen")
PAUSE_S = 0.1


def wait_until(
    predicate: Callable[[], Seen | None],
    *,
    timeout_s: float,
    what: str,
    saw: Callable[[], str] | None = None,
) -> Seen:
    """Call `predicate` until what it returns is true, and return that.

    Raises WaitTimedOut, whose text names `what` and, if `saw` is given, shows the state then.
    """
    deadline = time.monotonic() + timeout_s
    while not (seen := predicate()):
        if time.monotonic() > deadline:
            state = f"; at the end:\n{saw()}" if saw is not None else ""
            raise WaitTimedOut(f"not within {timeout_s} s: {what}{state}")
        time.sleep(PAUSE_S)
    return seen
