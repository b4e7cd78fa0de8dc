"""Keeps `drbdsetup events2` running, and hands over its lines as they come."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress

PROGRAM = ("drbdsetup", "events2")
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
# A reader that has lasted this long did work; its end is no reason to wait longer than at first.
LASTED_S = 30.0
MAX_UNREAD_BYTES = 64 * 1024
_CHUNK_BYTES = 64 * 1024
_READS_AT_ONCE = 16
_END_TIMEOUT_S = 2.0
# cron's and systemd's PATH may lack them.
_ALSO_SEARCHED = ("/usr/sbin", "/sbin")

Log = Callable[[str], None]


class Reader:
    """The program, started again with growing pauses when it ends.

    `start_if_due` and `lines` are called by the loop; neither waits.
    """

    def __init__(self, log: Log, program: Sequence[str] = PROGRAM) -> None:
        """Nothing is started yet. `log` gets a sentence when the program ends or cannot start."""
        self._log = log
        self._program = tuple(program)
        self._process: subprocess.Popen[bytes] | None = None
        self._guard_understood = True
        self._unread = b""
        self._started_s = 0.0
        self._pause_s = FIRST_PAUSE_S
        self.next_start_s = 0.0

    @property
    def running(self) -> bool:
        """Whether it is there to be read."""
        return self._process is not None

    def fileno(self) -> int:
        """For select, while it is running."""
        if self._process is None or self._process.stdout is None:
            raise ValueError("drbdsetup events2 is not running")
        return self._process.stdout.fileno()

    def start_if_due(self, now_s: float) -> bool:
        """Start it if it is not running and its pause is over; whether it was started."""
        if self._process is not None or now_s < self.next_start_s:
            return False
        try:
            self._process = subprocess.Popen(  # noqa: S603  its words are our own
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "LC_ALL": "C.UTF-8"},
            )
        except OSError as error:
            self._log(f"{' '.join(self._program)} cannot be started: {error.strerror}")
            self._wait_longer(now_s)
            return False
        os.set_blocking(self.fileno(), False)
        self._unread, self._started_s = b"", now_s
        return True

    def lines(self, now_s: float) -> list[str]:
        """The whole lines that have come; where the program has ended, it is put away.

        A line without an end is whole where the program has ended, or where it is too long.
        """
        data, ended = self._read()
        *whole, self._unread = (self._unread + data).split(b"\n")
        if ended or len(self._unread) > MAX_UNREAD_BYTES:
            whole, self._unread = [*whole, self._unread], b""
        if any(line.startswith(b"setpriv: ") for line in whole):
            # A setpriv before util-linux 2.33, or busybox's: the next start does without.
            self._guard_understood = False
        if ended and self._process is not None:
            self._ended(self._process, now_s)
        return [line.decode("utf-8", "replace") for line in whole if line.strip()]

    def close(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_END_TIMEOUT_S)
        if process.stdout is not None:
            process.stdout.close()

    def _read(self) -> tuple[bytes, bool]:
        found = b""
        for _ in range(_READS_AT_ONCE):
            try:
                chunk = os.read(self.fileno(), _CHUNK_BYTES)
            except BlockingIOError:
                return found, False
            if not chunk:
                return found, True
            found += chunk
        return found, False

    def _ended(self, process: subprocess.Popen[bytes], now_s: float) -> None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_END_TIMEOUT_S)
        self.close()
        if now_s - self._started_s >= LASTED_S:
            self._pause_s = FIRST_PAUSE_S
        self._log(
            f"{' '.join(self._program)} ended with {process.returncode}; /proc/drbd is looked at "
            f"every second until it runs again, in {self._pause_s:g} s"
        )
        self._wait_longer(now_s)

    def _wait_longer(self, now_s: float) -> None:
        self.next_start_s = now_s + self._pause_s
        self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)

    def _command(self) -> list[str]:
        folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
        # An empty or relative entry means the current folder: nothing is run from there.
        absolute = [folder for folder in folders if folder.startswith("/")]
        path = os.pathsep.join([*absolute, *_ALSO_SEARCHED])
        name = shutil.which(self._program[0], path=path)
        if name is None:
            raise FileNotFoundError(2, "no such program on PATH", self._program[0])
        # It must not outlive a watch that is killed.
        guard = shutil.which("setpriv", path=path) if self._guard_understood else None
        return [*([guard, "--pdeathsig", "KILL"] if guard else []), name, *self._program[1:]]
