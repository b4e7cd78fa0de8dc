"""One started program: its pipes, its exit status, its end."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import time
from collections.abc import Mapping
from contextlib import suppress

OUTPUT_LIMIT_BYTES = 1024 * 1024
_CHUNK_BYTES = 64 * 1024
_SHORTEST_WAIT_S = 0.001
_LONGEST_WAIT_S = 0.05

# A process that the kernel holds in an uninterruptible wait dies later than it is killed.
_REAP_S = 1.0

_FIRST_FREE_FD = 3
_DEFAULTED_SIGNALS = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}


class Output:
    """The reading end of one of the program's pipes, and the first MiB of what came through it."""

    def __init__(self) -> None:
        self.read_fd = -1
        self.write_fd = -1
        self._kept = bytearray()

    @property
    def text(self) -> str:
        """What was kept; bytes that are no UTF-8 are replaced."""
        return self._kept.decode("utf-8", errors="replace")

    def open(self) -> None:
        """Make the pipe, clear of 0, 1 and 2, which our parent may have closed.

        glibc before 2.29 keeps close-on-exec on a descriptor that is duplicated onto itself.
        """
        self.read_fd, self.write_fd = (_above_stdio(fd) for fd in os.pipe())
        os.set_blocking(self.read_fd, False)

    def read(self) -> bool:
        """Take what is there; False at the end of the stream, and where nothing is there."""
        with suppress(BlockingIOError):
            chunk = os.read(self.read_fd, _CHUNK_BYTES)
            self._kept += chunk[: OUTPUT_LIMIT_BYTES - len(self._kept)]
            return bool(chunk)
        return False

    def read_rest(self) -> None:
        """Take what is still in the pipe, and no more than that: somebody may go on writing."""
        for _ in range(OUTPUT_LIMIT_BYTES // _CHUNK_BYTES):
            if not self.read():
                break

    def close_writing(self) -> None:
        """Close our copy of the program's end, so that the end of the stream can be seen."""
        # Forgotten first: a signal handler's exception in between must not have it closed twice.
        fd, self.write_fd = self.write_fd, -1
        _close(fd)

    def close(self) -> None:
        """Close what is open."""
        self.close_writing()
        fd, self.read_fd = self.read_fd, -1
        _close(fd)


class Child:
    """A program in a session and process group of its own. `end` must follow whatever happens."""

    def __init__(self) -> None:
        self.stdout = Output()
        self.stderr = Output()
        self._pid = 0

    def start(self, line: tuple[str, ...], environment: Mapping[str, str]) -> None:
        """Start it: nothing on stdin, no descriptor but 0, 1, 2, every signal at its default.

        OSError where it cannot be started, ValueError where an argument holds a NUL.
        """
        self.stdout.open()
        self.stderr.open()
        actions: list[tuple[object, ...]] = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, self.stdout.write_fd, 1),
            (os.POSIX_SPAWN_DUP2, self.stderr.write_fd, 2),
            *((os.POSIX_SPAWN_CLOSE, fd) for fd in _inheritable_fds()),
        ]
        self._pid = os.posix_spawn(
            line[0],
            line,
            environment,
            file_actions=actions,
            setsid=True,
            setsigmask=(),
            setsigdef=_DEFAULTED_SIGNALS,
        )
        self.stdout.close_writing()
        self.stderr.close_writing()

    def wait(self, deadline_s: float) -> int | None:
        """The exit status, or None when `deadline_s` (time.monotonic) came first.

        Output is read meanwhile. What the program started and left behind is not waited for.
        """
        poller = select.poll()
        reading = {output.read_fd: output for output in (self.stdout, self.stderr)}
        for fd in reading:
            poller.register(fd, select.POLLIN)
        wait_s = _SHORTEST_WAIT_S
        while (exit_status := self._exit_status()) is None:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                break
            for fd, _ in poller.poll(min(wait_s, left_s) * 1000):
                if not reading[fd].read():
                    poller.unregister(fd)
                    wait_s = _SHORTEST_WAIT_S  # its end follows at once, as a rule
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
        for output in reading.values():
            output.read_rest()
        return exit_status

    def end(self) -> None:
        """Kill all that is left of it, and give everything back."""
        if self._pid:
            # Its number cannot belong to anybody else yet: nobody has asked for its exit status.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, signal.SIGKILL)
            self._reap()
        self.stdout.close()
        self.stderr.close()

    def _exit_status(self) -> int | None:
        info = os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if info is None:
            return None
        return info.si_status if info.si_code == os.CLD_EXITED else -info.si_status

    def _reap(self) -> None:
        deadline_s = time.monotonic() + _REAP_S
        wait_s = _SHORTEST_WAIT_S
        with suppress(ChildProcessError):
            while os.waitpid(self._pid, os.WNOHANG) == (0, 0) and time.monotonic() < deadline_s:
                time.sleep(wait_s)
                wait_s = min(wait_s * 2, _LONGEST_WAIT_S)


def _above_stdio(fd: int) -> int:
    if fd >= _FIRST_FREE_FD:
        return fd
    moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE_FD)
    os.close(fd)
    return moved


def _close(fd: int) -> None:
    if fd >= 0:
        os.close(fd)


def _inheritable_fds() -> list[int]:
    # Python's own descriptors are not; those that came from our parent may be.
    fds = []
    with suppress(OSError):
        for name in os.listdir("/proc/self/fd"):
            with suppress(OSError):
                if int(name) >= _FIRST_FREE_FD and os.get_inheritable(int(name)):
                    fds.append(int(name))
    return fds
