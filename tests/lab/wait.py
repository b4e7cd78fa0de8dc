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
    pause_s: float = PAUSE_S,
) -> Seen:
    """Call `predicate` until what it returns is true, and return that.

    Between two calls is `pause_s`, and no less than a call took: looking into a node keeps its one
    processor from what is waited for.

    Raises WaitTimedOut, whose text names `what` and, if `saw` is given, shows the state then.
    """
    deadline = time.monotonic() + timeout_s
    began = time.monotonic()
    while not (seen := predicate()):
        now = time.monotonic()
        if now > deadline:
            state = f"; at the end:\n{saw()}" if saw is not None else ""
            raise WaitTimedOut(f"not within {timeout_s} s: {what}{state}")
        time.sleep(max(pause_s, now - began))
        began = time.monotonic()
    return seen
