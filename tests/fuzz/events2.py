"""Lines of `drbdsetup events2`: what is no event says nothing, and StandAlone is said aloud."""

from __future__ import annotations

from pathlib import Path

from connector.watch.events2 import (
    MAX_LINE_CHARACTERS,
    describe,
    ends_dump,
    is_final,
    is_news,
    parse,
)
from tests.fuzz.entry import Entry, fixtures


def run(data: bytes, _folder: Path) -> None:
    """Parse each line as the reader hands it over."""
    for raw in data.split(b"\n"):
        _check(raw.decode("utf-8", "replace"))


def _check(line: str) -> None:
    event = parse(line)
    if event is None:
        return
    words = line.split()
    assert event.action in words[:2]
    assert event.kind in words[:3]
    for key, value in event.fields.items():
        assert f"{key}:{value}" in line
        assert len(key) + len(value) < MAX_LINE_CHARACTERS
    assert len(describe(event)) <= 2 * MAX_LINE_CHARACTERS
    assert not (ends_dump(event) and is_news(event))
    if is_final(event):
        assert "connection" in line
        assert "destroy" in line or "connection:StandAlone" in line
    if event.kind == "connection" and event.action == "destroy":
        assert is_final(event)
        assert is_news(event)


EVENTS2 = Entry(
    "events2",
    run,
    lambda: fixtures("events2/*.dump", "events2/*.stream"),
    words=(
        *("exists -\n", "change connection name:mail ", "destroy connection name:mail"),
        *("connection:StandAlone", "call helper ", "helper:split-brain", "rename resource "),
        *("response helper ", "2026-01-31T12:00:00.1+01:00 ", "peer-device ", "path ", "create "),
        *("congested:", "may_promote:", "promotion_score:", "open:", "done:", "new_name:", "\n"),
    ),
)
