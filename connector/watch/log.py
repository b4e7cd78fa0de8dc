"""The watch's log on standard error: JSON for a journal, sentences for a person."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from connector.watch.pass_process import Told

Write = Callable[[str], None]
_STDERR = 2


def to_stderr(line: str) -> None:
    """Write a line. Where nobody reads it any more, the watch goes on all the same."""
    with suppress(OSError):
        # Not print: what it could not write it would try again, and fail, at the very end.
        os.write(_STDERR, f"{line}\n".encode("utf-8", "backslashreplace"))


class WatchLog:
    """One canonical line for each pass that has something to say; single sentences besides."""

    def __init__(self, write: Write = to_stderr, *, as_json: bool) -> None:
        """`write` takes a line; as JSON where nobody reads along."""
        self._write = write
        self._as_json = as_json
        self._last: dict[str, Any] = {}

    def say(self, message: str) -> None:
        """A sentence."""
        self._line({"event": "watch", "message": message}, message)

    def tell(self, told: Told, reasons: list[str]) -> None:
        """A pass. One that found a healthy node, or what the last one had found, is no news."""
        found = {
            "exit_status": told.exit_status,
            "resources": told.resources,
            "messages": told.messages,
        }
        known, self._last = found == self._last, found
        if not (told.eventful or told.messages) or (known and not reasons):
            return
        entry = {"event": "pass", "woken_by": reasons, "duration_s": told.duration_s, **found}
        self._line(entry, sentence(told, reasons))

    def _line(self, entry: dict[str, Any], text: str) -> None:
        self._write(json.dumps(entry, separators=(",", ":")) if self._as_json else text)


def sentence(told: Told, reasons: list[str]) -> str:
    """A pass on one line for a person."""
    woken = f" (woken by {', '.join(reasons)})" if reasons else ""
    parts = [_resource(item) for item in told.resources] + told.messages
    return f"pass ended with {told.exit_status} in {told.duration_s:g} s{woken}: " + (
        "; ".join(parts) or "nothing to do"
    )


def _resource(item: dict[str, Any]) -> str:
    gates = f", gates {' '.join(item['gates'])}" if item["gates"] else ""
    ran = f", ran {' and '.join(item['commands'])}" if item["commands"] else ""
    operator = ", an operator is needed" if item["needs_operator"] else ""
    change = f"{item['was']} -> {item['is']}" if item["was"] != item["is"] else f"{item['is']}"
    return f"{item['name']} {change}: {item['decision']}{gates}{ran}{operator}"
