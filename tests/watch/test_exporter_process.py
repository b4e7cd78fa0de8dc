"""The exporter's process beside the watch: real forks, on a clock that the test moves."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NoReturn

import pytest

from connector.report.exporter import Exporter, run
from connector.watch.exporter_process import END_S, ExporterProcess
from connector.watch.reader import FIRST_PAUSE_S, LASTED_S, LONGEST_PAUSE_S
from tests.act.programs import PATIENCE_S, alive, pid_in, python, wait_for
from tests.report.scraping import ask, look

# pytest-xdist has a thread; what is forked here does little.
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")


class Beside:
    """The process, its socket, and a loop that has time only for it."""

    def __init__(self, folder: Path, serve: Callable[[], None] | None = None) -> None:
        self.now_s = 1000.0
        self.said: list[str] = []
        self.folder = folder
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.prepared = 0
        self.serve = serve or self.exporter
        self.process = ExporterProcess(
            self.work, self.socket.fileno(), self.said.append, self.prepare
        )

    def prepare(self) -> None:
        """Count the starts."""
        self.prepared += 1

    def work(self) -> None:
        """What the process does."""
        (self.folder / "pid").write_text(f"{os.getpid()}\n")
        self.serve()

    def exporter(self) -> None:
        """The real one."""
        run(Exporter(look, listening=self.socket))

    def turn(self, later_s: float = 0.0) -> None:
        """One turn of the loop, that much later."""
        self.now_s += later_s
        self.process.look_after(self.now_s)

    def pid(self) -> int:
        """The number of the process that runs now, once it is at work."""
        return pid_in(self.folder / "pid")

    def ended(self) -> None:
        """Wait for what the loop waits for, and go round."""
        assert select.select([self.process], [], [], PATIENCE_S)[0], "it does not end"
        (self.folder / "pid").unlink(missing_ok=True)
        self.turn()

    def close(self) -> None:
        """End all."""
        self.process.close()
        self.socket.close()


@contextmanager
def beside(folder: Path, serve: Callable[[], None] | None = None) -> Iterator[Beside]:
    with closing(Beside(folder, serve)) as made:
        made.turn()
        yield made


def sleep() -> None:
    time.sleep(600)


def fail() -> NoReturn:
    raise ZeroDivisionError("of no use")


def test_it_serves_on_the_watchs_socket(tmp_path: Path) -> None:
    with beside(tmp_path) as own:
        assert own.process.running
        assert own.pid() != os.getpid()
        assert ask(own.port, "/-/healthy")[0] == 200
        assert own.process.next_s == float("inf")
        own.turn(3600.0)
        pid = own.pid()
    assert not alive(pid)
    assert not own.process.running
    assert own.said == []


def test_killed_it_comes_again_on_the_same_port_and_who_asks_meanwhile_is_answered(
    tmp_path: Path,
) -> None:
    with beside(tmp_path) as own:
        first = own.pid()
        os.kill(first, signal.SIGKILL)
        own.ended()
        assert own.said == ["the exporter ended by signal 9; it is started again in 1 s"]
        assert not own.process.running
        assert own.process.next_s == own.now_s + FIRST_PAUSE_S
        statuses: list[int] = []
        asks = threading.Thread(target=lambda: statuses.append(ask(own.port, "/-/healthy")[0]))
        asks.start()
        own.turn(FIRST_PAUSE_S - 0.1)
        assert not own.process.running
        own.turn(0.1)
        asks.join(PATIENCE_S)
        assert statuses == [200]
        assert own.pid() != first
        assert own.prepared == 2


def test_one_that_ends_again_and_again_is_started_with_longer_and_longer_pauses(
    tmp_path: Path,
) -> None:
    with beside(tmp_path, fail) as own:
        pauses = []
        for _ in range(9):
            own.ended()
            pauses.append(own.process.next_s - own.now_s)
            own.turn(pauses[-1])
        assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, LONGEST_PAUSE_S, 60.0, 60.0]
        assert own.said[-1] == "the exporter ended with 1; it is started again in 60 s"


def test_after_one_that_has_lasted_the_pause_is_short_again(tmp_path: Path) -> None:
    with beside(tmp_path, sleep) as own:
        for expected_s in (1.0, 2.0, 1.0):
            os.kill(own.pid(), signal.SIGKILL)
            if expected_s == 1.0:
                own.now_s += LASTED_S
            own.ended()
            assert own.process.next_s - own.now_s == expected_s
            own.turn(expected_s)


def test_what_it_fails_of_is_said_and_not_shown(tmp_path: Path) -> None:
    said = tmp_path / "said"
    own = Beside(tmp_path, fail)

    def write(line: str) -> None:
        said.write_text(line)

    own.process = ExporterProcess(own.work, own.socket.fileno(), write)
    with closing(own):
        own.turn()
        wait_for(said.exists)
        assert select.select([own.process], [], [], PATIENCE_S)[0]
        assert said.read_text() == "the exporter failed: ZeroDivisionError('of no use')"


def test_asked_for_a_restart_it_ends_and_another_begins_at_once(tmp_path: Path) -> None:
    with beside(tmp_path) as own:
        first = own.pid()
        own.process.restart(own.now_s)
        assert own.process.next_s == own.now_s + END_S
        own.ended()
        assert own.process.running
        assert own.pid() != first
        assert ask(own.port, "/-/healthy")[0] == 200
        assert own.said == []
        assert own.prepared == 2


def deaf() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sleep()


def test_one_that_does_not_hear_is_killed_and_another_begins(tmp_path: Path) -> None:
    with beside(tmp_path, deaf) as own:
        first = own.pid()
        wait_for(lambda: ignores(first, signal.SIGTERM))
        own.process.restart(own.now_s)
        own.turn(END_S - 0.1)
        assert alive(first)
        (tmp_path / "pid").unlink()
        own.turn(0.1)
        assert not alive(first)
        assert own.pid() != first
        wait_for(lambda: ignores(own.pid(), signal.SIGTERM))
        began_s = time.monotonic()
        own.process.close()
        assert time.monotonic() - began_s >= END_S
        assert not alive(own.pid())


def ignores(pid: int, number: signal.Signals) -> bool:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return bool(int(status.partition("SigIgn:")[2].split()[0], 16) >> (number - 1) & 1)


def test_asked_for_a_restart_in_a_pause_it_begins_at_once(tmp_path: Path) -> None:
    with beside(tmp_path, sleep) as own:
        for _ in range(3):
            os.kill(own.pid(), signal.SIGKILL)
            own.ended()
            own.turn(own.process.next_s - own.now_s)
        os.kill(own.pid(), signal.SIGKILL)
        own.ended()
        own.process.restart(own.now_s)
        own.turn()
        assert own.process.running
        os.kill(own.pid(), signal.SIGKILL)
        own.ended()
        assert own.process.next_s - own.now_s == FIRST_PAUSE_S


def test_the_watch_goes_on_where_it_cannot_be_prepared(tmp_path: Path) -> None:
    own = Beside(tmp_path)
    own.process = ExporterProcess(own.work, own.socket.fileno(), own.said.append, fail)
    with closing(own):
        own.turn()
        assert own.said == ["the exporter cannot be started: of no use; tried again in 1 s"]
        assert (own.process.running, own.process.next_s) == (False, own.now_s + 1.0)


def open_files(pid: int) -> dict[int, str]:
    """What it has open beyond 0, 1 and 2, by kind; what waits for connections comes and goes."""
    found = {}
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            found[int(path.name)] = os.readlink(path).partition(":")[0]
    return {fd: kind for fd, kind in found.items() if fd > 2 and kind != "anon_inode"}


def test_it_has_nothing_of_the_watchs_but_its_socket(tmp_path: Path) -> None:
    here, there = socket.socketpair()
    here.setblocking(False)
    there.setblocking(False)
    before = signal.set_wakeup_fd(there.fileno())
    handler = signal.signal(signal.SIGHUP, lambda *_: None)
    try:
        with beside(tmp_path) as own:
            pid = own.pid()
            assert ask(own.port, "/-/healthy")[0] == 200
            # The socket, and the pipe by which its end is noticed; the connection is over soon.
            wait_for(lambda: sorted(open_files(pid).values()) == ["pipe", "socket"])
            assert open_files(pid)[own.socket.fileno()] == "socket"
            assert ignores(pid, signal.SIGHUP)
            assert os.getpgid(pid) == pid != os.getpgrp()
            assert Path(f"/proc/{pid}/oom_score_adj").read_text() == "500\n"
            assert os.getpriority(os.PRIO_PROCESS, pid) > os.getpriority(os.PRIO_PROCESS, 0) or (
                os.getpriority(os.PRIO_PROCESS, 0) == 19
            )
            os.kill(pid, signal.SIGHUP)
            assert ask(own.port, "/-/healthy")[0] == 200
            with pytest.raises(BlockingIOError):
                here.recv(1)
    finally:
        signal.set_wakeup_fd(before)
        signal.signal(signal.SIGHUP, handler)
        here.close()
        there.close()


def test_no_descriptor_is_left_behind(tmp_path: Path) -> None:
    with beside(tmp_path) as own:
        own.pid()
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(5):
            os.kill(own.pid(), signal.SIGKILL)
            own.ended()
            own.turn(own.process.next_s - own.now_s)
        own.pid()
        assert len(os.listdir("/proc/self/fd")) == before


WATCH = (
    "import os, signal, socket, sys, time",
    "from connector.watch.exporter_process import ExporterProcess",
    "listening = socket.create_server(('127.0.0.1', 0))",
    "def serve():",
    "    print(os.getpid(), flush=True)",
    "    time.sleep(600)",
    "process = ExporterProcess(serve, listening.fileno(), print)",
    "process.look_after(0.0)",
    "time.sleep(600)",
)


def test_it_dies_with_a_watch_that_is_killed() -> None:
    with subprocess.Popen(python(*WATCH), stdout=subprocess.PIPE) as watch:
        assert watch.stdout is not None
        pid = int(watch.stdout.readline())
        assert alive(pid)
        watch.kill()
        wait_for(lambda: not alive(pid))


NO_PROCESS = (
    "import os, resource, socket",
    "from connector.watch.exporter_process import ExporterProcess",
    "listening = socket.create_server(('127.0.0.1', 0))",
    "process = ExporterProcess(lambda: None, listening.fileno(), print)",
    "import ctypes; ctypes.CDLL(None)",
    "before = len(os.listdir('/proc/self/fd'))",
    "os.setuid(65534) if os.geteuid() == 0 else None",
    "resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))",
    "process.look_after(0.0)",
    "print(process.running, process.next_s, len(os.listdir('/proc/self/fd')) - before)",
)


def test_where_no_process_can_be_had_it_is_tried_again_later() -> None:
    done = subprocess.run(
        python(*NO_PROCESS), stdout=subprocess.PIPE, timeout=60, check=False, text=True
    )
    said, told = done.stdout.splitlines()
    assert said.startswith("the exporter cannot be started: ")
    assert said.endswith("; tried again in 1 s")
    assert told == "False 1.0 0"
