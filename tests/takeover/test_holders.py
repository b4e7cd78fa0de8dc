"""Ending processes: only those that hold the mount in both looks, and never ourselves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from connector.clock import SystemClock
from connector.observe.processes import DeviceUser
from connector.takeover.holders import SHOWN, Holders, ancestors, named

PATIENCE_S = 60.0
ROOT = Path("/")
PLAIN = "import time; print('up', flush=True); time.sleep(600)"
DEAF = f"import signal; signal.signal(15, signal.SIG_IGN); {PLAIN}"


@contextmanager
def process(text: str) -> Iterator[subprocess.Popen[str]]:
    """A process that is up."""
    argv = [sys.executable, "-c", text]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            assert running.stdout.readline() == "up\n"
            yield running
        finally:
            running.kill()


class Found:
    """What each look finds; the last one again and again. A process that has ended is not found."""

    def __init__(self, *looks: Collection[subprocess.Popen[str]]) -> None:
        self.looks = [list(look) for look in looks]

    def __call__(self, root: Path, minors: Collection[int]) -> tuple[DeviceUser, ...]:
        look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        return tuple(DeviceUser(item.pid, "it", "/srv") for item in look if item.poll() is None)


def holders(found: Found) -> Holders:
    """This machine's processes, of which these hold the mount."""
    return Holders(ROOT, SystemClock(), found)


def test_a_holder_gets_the_signal_and_is_waited_for() -> None:
    with process(PLAIN) as running:
        holders(Found([running])).end([0], signal.SIGTERM, PATIENCE_S)
        assert running.poll() == -signal.SIGTERM


def test_the_wait_has_an_end() -> None:
    with process(DEAF) as running:
        holders(Found([running])).end([0], signal.SIGTERM, 0.3)
        assert running.poll() is None
        holders(Found([running])).end([0], signal.SIGKILL, PATIENCE_S)
        assert running.poll() == -signal.SIGKILL


def test_who_has_let_go_in_the_second_look_gets_none() -> None:
    with process(PLAIN) as gone, process(PLAIN) as holding:
        holders(Found([gone, holding], [holding])).end([0], signal.SIGKILL, PATIENCE_S)
        assert holding.poll() == -signal.SIGKILL
        assert gone.poll() is None


def test_who_comes_between_the_looks_gets_none() -> None:
    with process(PLAIN) as late, process(PLAIN) as holding:
        found = Found([holding], [holding, late], [holding])
        holders(found).end([0], signal.SIGKILL, PATIENCE_S)
        assert holding.poll() == -signal.SIGKILL
        assert late.poll() is None


def test_nobody_signals_itself_or_those_above_it() -> None:
    us = ancestors(ROOT)
    assert {os.getpid(), os.getppid(), 1} <= us
    text = (
        "import os, pathlib, signal\n"
        "from connector.clock import SystemClock\n"
        "from connector.observe.processes import DeviceUser\n"
        "from connector.takeover.holders import Holders\n"
        "found = lambda root, minors: (DeviceUser(os.getpid(), '', ''),)\n"
        "Holders(pathlib.Path('/'), SystemClock(), found).end([0], signal.SIGKILL, 0.1)\n"
        "print('alive')"
    )
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, timeout=PATIENCE_S, check=True
    )
    assert done.stdout == "alive\n"


def test_a_few_are_named_and_the_others_counted() -> None:
    users = [DeviceUser(number, "imap", "/srv/mail (cwd)") for number in range(100, 112)]
    lines = named(users).splitlines()
    assert lines[0] == "process 100 (imap): /srv/mail (cwd)"
    assert lines[-1] == "and 2 more processes"
    assert len(lines) == SHOWN + 1
    assert "more" not in named(users[:SHOWN])
