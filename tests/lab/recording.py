"""What happened, on one clock: every line that a node's kernel and its programs wrote, as it came.

A node writes on two serial ports that end in files on the host, so that nothing of it is lost in a
power cut: the console (the kernel's own messages), and the record (what ran there, what a writer
had acknowledged). The times are the host's.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

POLL_S = 0.03
_CHUNK_BYTES = 1 << 20
_KERNEL_TIME = re.compile(r"^\[ *\d+\.\d+\] ")


class Source(StrEnum):
    """Who wrote a line."""

    KERNEL = "kernel"  # its log
    NODE = "node"  # programs in the node: passes, drbdadm run by a pass, acknowledged records
    STORY = "story"  # what the story did
    FAULT = "fault"  # what the story broke


@dataclass(frozen=True)
class Event:
    """One line; `at_s` is on the host's monotonic clock. `node` is empty where it is both's."""

    at_s: float
    node: str
    source: Source
    text: str


def as_text(events: Sequence[Event]) -> str:
    """Return the events as lines for a person: seconds since the first, node, source, text."""
    return "".join(
        f"{event.at_s - events[0].at_s:8.2f} {event.node or '-':6} {event.source:7} {event.text}\n"
        for event in events
    )


class Recording:
    """All events of a pair since it was last cleared; several threads add to it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with nothing."""
        self._clock = clock
        self._lock = threading.Lock()
        self._events: list[Event] = []

    def add(self, node: str, source: Source, text: str) -> None:
        """Add one line, now."""
        with self._lock:
            self._events.append(Event(self._clock(), node, source, text))

    def events(self) -> list[Event]:
        """Return all events, oldest first."""
        with self._lock:
            return list(self._events)

    def clear(self) -> None:
        """Forget all events."""
        with self._lock:
            self._events.clear()


class Tail:
    """Follows the two files of a node into a recording, until it is closed."""

    def __init__(self, node: str, files: dict[Source, Path], recording: Recording) -> None:
        """Begin to follow; the files need not exist yet."""
        self._node = node
        self._recording = recording
        self._files = files
        self._read_bytes = dict.fromkeys(files, 0)
        self._unread = dict.fromkeys(files, b"")
        self._reading = threading.Lock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def catch_up(self) -> None:
        """Take what is there by now."""
        with self._reading:
            for source, path in self._files.items():
                self._take(source, path)

    def close(self) -> None:
        """Take the rest, and follow no more."""
        self._closed.set()
        self._thread.join()
        self.catch_up()

    def _follow(self) -> None:
        while not self._closed.wait(POLL_S):
            self.catch_up()

    def _take(self, source: Source, path: Path) -> None:
        if not path.exists():
            return
        with path.open("rb") as file:
            file.seek(self._read_bytes[source])
            data = file.read(_CHUNK_BYTES)
        self._read_bytes[source] += len(data)
        *lines, self._unread[source] = (self._unread[source] + data).split(b"\n")
        for line in lines:
            if text := _KERNEL_TIME.sub("", line.decode("utf-8", "replace").rstrip("\r")):
                self._recording.add(self._node, source, text)
