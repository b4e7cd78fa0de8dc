"""What signals ask of the watch: they are written down, and the loop takes them in its own time."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import suppress
from types import FrameType

RELOAD = "reload"
END = "end"
_MEANING = {signal.SIGHUP: RELOAD, signal.SIGTERM: END, signal.SIGINT: END}


class SignalWishes:
    """SIGHUP asks to read the configuration again, SIGTERM and SIGINT to end."""

    def __init__(self) -> None:
        """Take the three signals over; only in the main thread, and for the process's life."""
        self._wanted: set[str] = set()
        self._here, self._there = socket.socketpair()
        for end in (self._here, self._there):
            end.setblocking(False)
        for number in _MEANING:
            signal.signal(number, self._note)
        # A signal that comes right before select would wait with it otherwise.
        signal.set_wakeup_fd(self._there.fileno(), warn_on_full_buffer=False)

    def fileno(self) -> int:
        """For select."""
        return self._here.fileno()

    def take(self) -> set[str]:
        """What has been asked for since the last time."""
        with suppress(BlockingIOError):
            os.read(self._here.fileno(), 4096)
        wanted, self._wanted = self._wanted, set()
        return wanted

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._wanted.add(_MEANING[signal.Signals(number)])
