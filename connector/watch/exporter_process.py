"""The exporter beside the watch: a process of its own, so that no scrape is in a pass's way."""

from __future__ import annotations

import math
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from connector.watch.reader import FIRST_PAUSE_S, LASTED_S, LONGEST_PAUSE_S

# What it may take to end, once it was asked to, before it is killed.
END_S = 2.0
# A process that the kernel holds in an uninterruptible wait dies later than it is killed.
REAP_S = 1.0
_LOOK_AGAIN_S = 0.005
_FIRST_FREE_FD = 3
_PR_SET_PDEATHSIG = 1
_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# Passes go first. And where memory runs out, the watch is not what is killed.
_NICENESS = 5
_OOM_SCORE = b"500"

Log = Callable[[str], None]


class NoExporter:
    """Where the watch has none."""

    running = False
    next_s = math.inf

    def fileno(self) -> int:
        """Never asked for, since nothing runs."""
        return -1

    def look_after(self, now_s: float) -> None:
        """Nothing to do."""

    def restart(self, now_s: float) -> None:
        """Nothing to do."""


class ExporterProcess:
    """The process, started again with growing pauses when it ends.

    `look_after` and `restart` are called by the loop and hardly wait. The socket that it listens on
    stays open here meanwhile: who asks in a pause is answered after it.
    """

    def __init__(
        self,
        serve: Callable[[], None],
        listening_fd: int,
        log: Log,
        prepare: Callable[[], object] = lambda: None,
    ) -> None:
        """Nothing is started yet.

        Args:
            serve: what the process does until SIGTERM; raises whatever it likes.
            listening_fd: what of the watch's open files it needs, besides 0, 1 and 2.
            log: gets a sentence when the process ends unasked or cannot be started.
            prepare: done here before each start, for what the next one should have as well.
        """
        self._serve = serve
        self._listening_fd = listening_fd
        self._log = log
        self._prepare = prepare
        self._pid = 0
        self._fd = -1
        self._asked = False
        self._started_s = 0.0
        self._pause_s = FIRST_PAUSE_S
        self._unreaped: list[int] = []
        self.next_s = 0.0

    @property
    def running(self) -> bool:
        """Whether it is there, and `fileno` becomes readable when it ends."""
        return self._pid != 0

    def fileno(self) -> int:
        """For select, while it is running."""
        return self._fd

    def look_after(self, now_s: float) -> None:
        """Notice its end, kill it where it does not end though asked, start it when that is due."""
        if self._pid and (self._has_ended() or (self._asked and now_s >= self.next_s)):
            self._put_away(now_s)
        if not self._pid and now_s >= self.next_s:
            self._start(now_s)

    def restart(self, now_s: float) -> None:
        """Have it end, and start it anew as soon as it has."""
        self._pause_s = FIRST_PAUSE_S
        self.next_s = now_s
        if self._pid:
            self._asked = True
            self.next_s = now_s + END_S
            self._send(signal.SIGTERM)

    def close(self) -> None:
        """End it, within `END_S` and `REAP_S`."""
        if not self._pid:
            return
        self._send(signal.SIGTERM)
        if self._code(END_S) is None:
            self._send(signal.SIGKILL)
            self._code(REAP_S)
        self._forget()

    def _start(self, now_s: float) -> None:
        self._unreaped = [pid for pid in self._unreaped if _exit_code(pid) is None]
        try:
            self._prepare()
            self._pid, self._fd = _forked(self._serve, self._listening_fd, self._log)
        except Exception as error:  # noqa: BLE001  whatever it is, the watch goes on
            self._log(
                f"the exporter cannot be started: {error}; tried again in {self._pause_s:g} s"
            )
            self._wait_longer(now_s)
            return
        self._asked, self._started_s, self.next_s = False, now_s, math.inf

    def _has_ended(self) -> bool:
        try:
            return os.read(self._fd, 1) == b""
        except BlockingIOError:
            return False

    def _put_away(self, now_s: float) -> None:
        self._send(signal.SIGKILL)  # it may have ended only nearly: a thread in the kernel
        code = self._code(REAP_S)
        if code is None:
            self._unreaped.append(self._pid)
        asked = self._asked
        self._forget()
        if asked:
            self.next_s = now_s
            return
        if now_s - self._started_s >= LASTED_S:
            self._pause_s = FIRST_PAUSE_S
        self._log(f"the exporter {_told(code)}; it is started again in {self._pause_s:g} s")
        self._wait_longer(now_s)

    def _wait_longer(self, now_s: float) -> None:
        self.next_s = now_s + self._pause_s
        self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)

    def _send(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._pid, number)

    def _code(self, patience_s: float) -> int | None:
        until_s = time.monotonic() + patience_s
        while (code := _exit_code(self._pid)) is None and time.monotonic() < until_s:
            time.sleep(_LOOK_AGAIN_S)
        return code

    def _forget(self) -> None:
        os.close(self._fd)
        self._pid, self._fd, self._asked = 0, -1, False


def _told(code: int | None) -> str:
    if code is None:
        return "was killed, and the kernel still holds it"
    return f"ended by signal {-code}" if code < 0 else f"ended with {code}"


def _exit_code(pid: int) -> int | None:
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def _forked(serve: Callable[[], None], listening_fd: int, log: Log) -> tuple[int, int]:
    """A new process, and a descriptor that is at its end when that process is."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    import ctypes  # only where there is an exporter

    # Python has no prctl of its own.
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()
    read_fd, write_fd = os.pipe()
    # A request to end must not meet the watch's own handlers in the new process.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        pid = os.fork()
        if pid == 0:
            _be_the_exporter(serve, {listening_fd, write_fd}, log, prctl, parent)
    except OSError:
        os.close(read_fd)
        raise
    finally:
        os.close(write_fd)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    os.set_blocking(read_fd, False)
    return pid, read_fd


def _be_the_exporter(
    serve: Callable[[], None],
    kept_fds: set[int],
    log: Log,
    prctl: Callable[..., int],
    parent: int,
) -> NoReturn:
    status = 1
    try:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() == parent:  # otherwise it died before it was asked to take this along
            _leave_the_watch(kept_fds)
            serve()
            status = 0
    except Exception as error:  # noqa: BLE001  it ends this process, and is told, not shown
        log(f"the exporter failed: {error!r}")
    finally:
        # Not sys.exit: what the watch has registered for its own end is not this process's.
        os._exit(status)


def _leave_the_watch(kept_fds: set[int]) -> None:
    """Nothing of the watch's signals, files and urgency."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the watch hears it, and starts this anew
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
    # Ctrl-C is for the watch, which ends this one.
    os.setpgid(0, 0)
    first = _FIRST_FREE_FD
    for fd in sorted(kept_fds):
        os.closerange(first, fd)
        first = max(first, fd + 1)
    os.closerange(first, os.sysconf("SC_OPEN_MAX"))
    with suppress(OSError):
        os.nice(_NICENESS)
    with suppress(OSError), open("/proc/self/oom_score_adj", "wb") as file:
        file.write(_OOM_SCORE)
