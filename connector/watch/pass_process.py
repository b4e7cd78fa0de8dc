"""A pass in a process of its own, so that whatever it meets, the watch goes on watching."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any, NoReturn

from connector.watch.schedule import Ended

# What a pass may take on top of its own deadline before it is killed: its last words.
PATIENCE_S = 10.0
# A process that the kernel holds in an uninterruptible wait dies later than it is killed.
REAP_S = 1.0
_LOOK_AGAIN_S = 0.005
_CHUNK_BYTES = 64 * 1024
_INTERNAL_ERROR = 1
_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_FIRST_FREE_FD = 3

# Passes that were killed and had not ended; each new pass looks after them.
_unreaped: list[int] = []


@dataclass(frozen=True, slots=True)
class Told:
    """What a pass tells the watch: for the schedule, and for the log."""

    exit_status: int
    ended: Ended = field(default_factory=Ended)
    duration_s: float = 0.0
    eventful: bool = False
    resources: list[dict[str, Any]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)


class PassProcess:
    """A pass that runs; `fileno` is readable when there is something to `read`."""

    def __init__(self, work: Callable[[], Told], now_s: float, limit_s: float) -> None:
        """Fork, and do `work` there; it is killed `limit_s` after `now_s`.

        A fork takes no time to load anything: what an acting pass needs is here already.

        Raises:
            OSError: no process can be had.
        """
        _unreaped[:] = [pid for pid in _unreaped if _exit_code(pid) is None]
        self.overdue_s = now_s + limit_s
        self._heard = b""
        self._read_fd, write_fd = os.pipe()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
        # A request to end must not meet the watch's own handlers in the new process.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        try:
            self._pid = os.fork()
            if self._pid == 0:
                _be_the_pass(work, write_fd)
        except OSError:
            os.close(self._read_fd)
            raise
        finally:
            os.close(write_fd)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.set_blocking(self._read_fd, False)

    def fileno(self) -> int:
        """For select."""
        return self._read_fd

    def read(self) -> Told | None:
        """What it has told, once it has ended; None while it is at work."""
        try:
            while chunk := os.read(self._read_fd, _CHUNK_BYTES):
                self._heard += chunk
        except BlockingIOError:
            return None
        return self._end()

    def kill(self) -> Told:
        """End it now; what it ran ends with it, as when cron's pass is killed."""
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        return self._end()

    def ask_to_end(self) -> None:
        """As `kill` of a cron pass does it: it ends in good order."""
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGTERM)

    def _end(self) -> Told:
        os.close(self._read_fd)
        code = _reap(self._pid)
        try:
            told = json.loads(self._heard)
            return Told(**{**told, "ended": Ended(**told["ended"])})
        except (ValueError, TypeError, KeyError):
            if code is None:
                return _failed(_INTERNAL_ERROR, "the pass was killed; the kernel still holds it")
            if code < 0:
                how = f"the pass was killed by signal {-code} and told nothing"
                return _failed(128 - code, how)
            return _failed(code or _INTERNAL_ERROR, f"the pass ended with {code} and told nothing")


def _failed(exit_status: int, message: str) -> Told:
    ended = Ended(acted=True, healthy=False)
    return Told(exit_status=exit_status, ended=ended, eventful=True, messages=[message])


def _reap(pid: int) -> int | None:
    """Its exit code; None where it does not end in time, and is looked after later."""
    until_s = time.monotonic() + REAP_S
    while (code := _exit_code(pid)) is None and time.monotonic() < until_s:
        time.sleep(_LOOK_AGAIN_S)
    if code is None:
        _unreaped.append(pid)
    return code


def _exit_code(pid: int) -> int | None:
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def _be_the_pass(work: Callable[[], Told], write_fd: int) -> NoReturn:
    status = _INTERNAL_ERROR
    try:
        signal.set_wakeup_fd(-1)
        for number in _ENDING:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
        # Ctrl-C is for the watch, which asks to end once; a second signal would end this at once.
        os.setpgid(0, 0)
        # Held here, the watch's socket would keep the next watch away after a kill.
        os.closerange(_FIRST_FREE_FD, write_fd)
        os.closerange(max(write_fd + 1, _FIRST_FREE_FD), os.sysconf("SC_OPEN_MAX"))
        told = _done(work)
        status = told.exit_status
        with open(write_fd, "wb") as pipe:
            pipe.write(json.dumps(asdict(told)).encode())
        sys.stderr.flush()
    finally:
        # Not sys.exit: what the watch has registered for its own end is not this process's.
        os._exit(status)


def _done(work: Callable[[], Told]) -> Told:
    try:
        return work()
    except Exception as error:  # noqa: BLE001  it ends this pass, and is told, not shown
        return _failed(_INTERNAL_ERROR, f"internal error: {error!r}")
