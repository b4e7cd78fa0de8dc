"""Passes in processes of their own, and every way in which they may end."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from connector.act.deadline import deadline
from connector.errors import Interrupted
from connector.watch.pass_process import REAP_S, PassProcess, Told
from connector.watch.schedule import Ended
from tests.act.programs import PATIENCE_S, alive, pid_in, python, wait_for

# pytest-xdist has a thread; what is forked here does no more than a few system calls.
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")

NOTHING = Told(exit_status=0)
BAD_END = Ended(acted=True, healthy=False)
_PTRACE_SEIZE = 0x4206


def begin(work: Callable[[], Told]) -> PassProcess:
    return PassProcess(work, now_s=1000.0, limit_s=60.0)


def told_by(work: Callable[[], Told]) -> Told:
    return wait(begin(work))


def wait(process: PassProcess) -> Told:
    """What the loop does: read when there is something, until it has ended."""
    while True:
        assert select.select([process], [], [], PATIENCE_S)[0], "nothing came"
        told = process.read()
        if told is not None:
            return told


def sleep() -> Told:
    time.sleep(600)
    return NOTHING


def pid_told() -> Told:
    return Told(exit_status=0, messages=[str(os.getpid())])


def test_what_is_told_arrives_whole() -> None:
    told = Told(
        exit_status=3,
        ended=Ended(acted=True, healthy=False, look_again=True),
        duration_s=1.25,
        eventful=True,
        resources=[{"name": "mail", "was": None, "gates": ["grace"], "needs_operator": True}],
        messages=["/proc/drbd line 1: ü \x1b \0", ""],
    )
    assert told_by(lambda: told) == told


@pytest.mark.parametrize("size", [64 * 1024, 64 * 1024 + 1, 1024 * 1024])
def test_also_what_is_larger_than_a_pipe(size: int) -> None:
    told = Told(exit_status=0, messages=["x" * size, "the end"])
    assert told_by(lambda: told) == told


def test_it_is_overdue_after_its_limit() -> None:
    process = PassProcess(lambda: NOTHING, now_s=1000.5, limit_s=59.5)
    assert process.overdue_s == 1060.0
    wait(process)


def test_while_it_works_there_is_nothing_to_hear() -> None:
    process = begin(sleep)
    assert process.read() is None
    assert select.select([process], [], [], 0)[0] == []
    process.kill()


def test_one_that_is_killed_by_the_watch() -> None:
    process = begin(sleep)
    told = process.kill()
    assert told == Told(
        exit_status=137,
        ended=BAD_END,
        eventful=True,
        messages=["the pass was killed by signal 9 and told nothing"],
    )


def ends(status: int) -> NoReturn:
    os._exit(status)


def dies(number: signal.Signals) -> Told:
    os.kill(os.getpid(), number)
    return sleep()


@pytest.mark.parametrize(
    ("work", "exit_status", "message"),
    [
        (lambda: ends(0), 1, "the pass ended with 0 and told nothing"),
        (lambda: ends(7), 7, "the pass ended with 7 and told nothing"),
        (lambda: dies(signal.SIGKILL), 137, "the pass was killed by signal 9 and told nothing"),
        (lambda: dies(signal.SIGTERM), 143, "the pass was killed by signal 15 and told nothing"),
        (lambda: dies(signal.SIGHUP), 129, "the pass was killed by signal 1 and told nothing"),
    ],
)
def test_one_that_dies(work: Callable[[], Told], exit_status: int, message: str) -> None:
    assert told_by(work) == Told(
        exit_status=exit_status, ended=BAD_END, eventful=True, messages=[message]
    )


def test_a_bug_ends_the_pass_and_is_told() -> None:
    def broken() -> Told:
        raise ZeroDivisionError("a bug")

    assert told_by(broken) == Told(
        exit_status=1,
        ended=BAD_END,
        eventful=True,
        messages=["internal error: ZeroDivisionError('a bug')"],
    )


def test_a_pass_that_wants_to_leave_the_process_does_not_leave_the_watch_behind() -> None:
    def leaves() -> Told:
        raise SystemExit(5)

    assert told_by(leaves).messages == ["the pass ended with 1 and told nothing"]
    assert told_by(lambda: Told(exit_status=0, messages=[object()])).messages == [  # type: ignore[list-item]
        "the pass ended with 0 and told nothing"
    ]


def say(words: bytes) -> None:
    """In a pass: the writing end is the only descriptor that it begins with."""
    (end,) = (fd for fd in range(3, 100) if os.path.exists(f"/proc/self/fd/{fd}"))
    os.write(end, words)


def test_one_that_is_killed_while_it_tells() -> None:
    def tells_and_tells() -> Told:
        say(b'{"exit_status": 0, "ended": {}, "messages": ["')
        return sleep()

    process = begin(tells_and_tells)
    assert select.select([process], [], [], PATIENCE_S)[0]
    assert process.read() is None
    told = process.kill()
    assert (told.ended, told.exit_status) == (BAD_END, 137)


def test_one_that_tells_garbage() -> None:
    for garbage in (b"\xff\xfe", b"[]", b"{}", b'{"ended": {}}', b'{"exit_status": 0, "ended": 7}',
                    b'{"exit_status": 0, "ended": {"tired": true}}', b"null", b"{}{}"):  # fmt: skip

        def babbles(garbage: bytes = garbage) -> Told:
            say(garbage)
            return ends(0)

        told = told_by(babbles)
        assert (told.ended, told.exit_status, told.eventful) == (BAD_END, 1, True), garbage


def test_nothing_is_left_of_any_of_them() -> None:
    before = len(os.listdir("/proc/self/fd"))
    pids = [told_by(pid_told).messages[0] for _ in range(5)]
    for _ in range(3):
        begin(sleep).kill()
        told_by(lambda: ends(0))
    assert len(os.listdir("/proc/self/fd")) == before
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    assert [pid for pid in children if not alive(int(pid))] == []


def test_it_holds_nothing_that_the_watch_has_opened() -> None:
    """A socket that lives on in a pass would keep the next watch away."""
    ours, watchs = socket.socketpair()
    process = begin(sleep)
    watchs.close()
    with ours:
        ours.settimeout(PATIENCE_S)
        assert ours.recv(1) == b""
    process.kill()


def test_the_signals_of_the_watch_are_not_its_own() -> None:
    woken, wakes = socket.socketpair()
    with woken, wakes, their_own_signals(wakes):

        def looks() -> Told:
            handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
            blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
            messages = [repr(handlers), repr(blocked), str(signal.set_wakeup_fd(-1))]
            return Told(exit_status=0, messages=messages)

        before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        default = signal.Handlers.SIG_DFL
        assert told_by(looks).messages == [repr([default, default]), repr(before), "-1"]
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
        process = begin(sleep)
        process.ask_to_end()
        assert wait(process).exit_status == 143
        woken.setblocking(False)
        with pytest.raises(BlockingIOError):
            woken.recv(1)


@contextmanager
def their_own_signals(wakes: socket.socket) -> Iterator[None]:
    """Handlers and a descriptor as the watch has them."""
    wakes.setblocking(False)
    numbers = (signal.SIGTERM, signal.SIGHUP)
    handlers = {number: signal.signal(number, lambda *_: None) for number in numbers}
    fd = signal.set_wakeup_fd(wakes.fileno())
    try:
        yield
    finally:
        signal.set_wakeup_fd(fd)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def test_asked_to_end_it_ends_in_good_order(tmp_path: Path) -> None:
    def pass_with_a_deadline() -> Told:
        try:
            with deadline(600):
                (tmp_path / "at-work").touch()
                return sleep()
        except Interrupted as error:
            time.sleep(0.05)  # its last words
            return Told(exit_status=error.exit_status, messages=[str(error)])

    process = begin(pass_with_a_deadline)
    wait_for((tmp_path / "at-work").exists)
    process.ask_to_end()
    assert wait(process) == Told(exit_status=143, messages=["ended by signal 15"])


def test_ctrl_c_on_the_terminal_reaches_the_watch_alone() -> None:
    """It asks its pass to end then; two signals would end the pass without its last words."""
    told = told_by(lambda: Told(exit_status=0, messages=[f"{os.getpgrp()} {os.getpid()}"]))
    group, pid = told.messages[0].split()
    assert group == pid != str(os.getpgrp())


def test_one_that_is_gone_already_may_be_killed_and_asked() -> None:
    process = begin(lambda: ends(0))
    assert select.select([process], [], [], PATIENCE_S)[0]
    process.ask_to_end()
    assert process.kill().ended == BAD_END


@contextmanager
def held(pid: int) -> Iterator[None]:
    """The process, once killed, cannot be waited for: as when the kernel holds it in a disk."""
    said, says = os.pipe()
    holder = os.fork()
    if holder == 0:
        try:
            done = ctypes.CDLL(None).ptrace(_PTRACE_SEIZE, pid, None, None) == 0
            os.write(says, b"y" if done else b"n")
            time.sleep(PATIENCE_S)
        finally:
            os._exit(0)
    try:
        if os.read(said, 1) != b"y":
            pytest.skip("ptrace is not allowed here")
        yield
    finally:
        os.kill(holder, signal.SIGKILL)
        os.waitpid(holder, 0)
        os.close(said)
        os.close(says)


def test_one_that_the_kernel_holds_does_not_hold_the_watch(tmp_path: Path) -> None:
    def held_pass() -> Told:
        (tmp_path / "pid").write_text(f"{os.getpid()}\n")
        return sleep()

    process = begin(held_pass)
    pid = pid_in(tmp_path / "pid")
    began_s = time.monotonic()
    try:
        with held(pid):
            told = process.kill()
            assert time.monotonic() - began_s < REAP_S + PATIENCE_S / 2
            assert Path(f"/proc/{pid}").exists()
            # The next pass is not in its way, and does not take its end for its own.
            assert told_by(lambda: NOTHING) == NOTHING
            assert Path(f"/proc/{pid}").exists()
    finally:
        wait_for(lambda: told_by(lambda: NOTHING) == NOTHING and not Path(f"/proc/{pid}").exists())
    assert told == Told(
        exit_status=1,
        ended=BAD_END,
        eventful=True,
        messages=["the pass was killed; the kernel still holds it"],
    )


BROKEN_STDERR = (
    "import os, select",
    "from connector.watch.pass_process import PassProcess, Told",
    "def work():",
    "    print('nobody hears this', file=sys.stderr)",
    "    return Told(exit_status=0)",
    "main = os.getpid()",
    "for number in range(2):",
    "    process = PassProcess(work, 0.0, 60.0)",
    "    while (told := process.read()) is None:",
    "        select.select([process], [], [])",
    "    print(os.getpid() == main, told.exit_status, flush=True)",
    "os._exit(0)",
)


def test_nobody_reads_standard_error_any_more() -> None:
    """A pass that falls over that must not go on as a second watch."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        python(*BROKEN_STDERR), stdout=subprocess.PIPE, stderr=writing, timeout=60, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stdout) == (0, b"True 1\nTrue 1\n")


def test_a_pass_that_cannot_be_begun_leaves_nothing() -> None:
    limited = (
        "import os, resource",
        "from connector.watch.pass_process import PassProcess, Told",
        "from pathlib import Path",
        "before = len(os.listdir('/proc/self/fd'))",
        "os.setuid(65534)" if os.geteuid() == 0 else "",
        "resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))",
        "try:",
        "    PassProcess(lambda: Told(exit_status=0), 0.0, 60.0)",
        "except OSError as error:",
        "    print(type(error).__name__, len(os.listdir('/proc/self/fd')) - before)",
    )
    done = subprocess.run(python(*limited), stdout=subprocess.PIPE, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, b"BlockingIOError 0\n")
