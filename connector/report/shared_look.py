"""One look at this node for all scrapes, and all readers of the page, that come together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.errors import ConnectorError

if TYPE_CHECKING:
    from connector.report.exposition import Snapshot
    from connector.report.page.view import PageView
    from connector.report.passes import PassReport

KEPT_S = 1.0
WAIT_S = 8.0  # Prometheus gives a scrape up after 10 by default


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look gave: for Prometheus, for a person, and for the other node."""

    registry: Snapshot
    view: PageView
    report: PassReport


Collect = Callable[[], Seen]


class LookStuck(ConnectorError):
    """An earlier scrape is still looking, and this one has waited long enough."""


class SharedLook:
    """One look at a time, kept for a moment, its failure too: the next scrapes take it as it is."""

    def __init__(self, collect: Collect, *, kept_s: float = KEPT_S, wait_s: float = WAIT_S) -> None:
        self._collect = collect
        self._kept_s = kept_s
        self._wait_s = wait_s
        self._lock = threading.Lock()
        self._until_s = float("-inf")
        self._kept: Seen | Exception = LookStuck("nothing was seen yet")

    def get(self) -> Seen:
        """What is seen now, or was a moment ago; raises what `collect` raised.

        Raises:
            LookStuck: another scrape has been looking for too long.
        """
        if not self._lock.acquire(timeout=self._wait_s):
            raise LookStuck(
                "an earlier look at DRBD has not come to its end: ask again in a minute"
            )
        try:
            if time.monotonic() >= self._until_s:
                self._kept = self._look()
                self._until_s = time.monotonic() + self._kept_s
            if isinstance(self._kept, Exception):
                raise self._kept
            return self._kept
        finally:
            self._lock.release()

    def _look(self) -> Seen | Exception:
        try:
            return self._collect()
        except Exception as error:  # noqa: BLE001 - every scrape that shares it is told
            return error
