"""The executable `drbdadm` that works on a pair in a folder."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from connector.model import ConnectionState
from connector.observe import kernel_log, proc_drbd
from connector.simulate import SimulatedPair, story
from tests.stand_in import StandIn

C = ConnectionState


@pytest.fixture
def stand_in(tmp_path: Path) -> StandIn:
    return StandIn(tmp_path, story.told("split-brain-with-idle-standby"))


def run(stand_in: StandIn, node: str, *words: str) -> subprocess.CompletedProcess[bytes]:
    program = stand_in.drbdadm(node)
    return subprocess.run([program, *words], capture_output=True, timeout=30, check=False)


def shown(stand_in: StandIn, node: str) -> C | None:
    return proc_drbd.parse(proc_drbd.read(stand_in.root(node))).devices[0].connection


def test_a_split_brain_is_healed_by_separate_processes(stand_in: StandIn) -> None:
    assert shown(stand_in, "alpha") is C.STANDALONE
    for node, words in (
        ("beta", ["secondary"]),
        ("beta", ["connect", "--discard-my-data"]),
        ("alpha", ["connect"]),
    ):
        done = run(stand_in, node, *words, "mail")
        assert (done.returncode, done.stderr) == (0, b"")
    assert [shown(stand_in, node) for node in ("alpha", "beta")] == [C.CONNECTED, C.CONNECTED]
    assert story.survivors(stand_in.look(), "mail")["beta"] == "alpha's word"
    assert stand_in.calls("beta") == ["secondary mail", "connect --discard-my-data mail"]


def test_exit_status_and_output(stand_in: StandIn) -> None:
    done = run(stand_in, "alpha", "secondary", "mail")
    assert (done.returncode, b"(-12)" in done.stderr) == (11, True)
    done = run(stand_in, "alpha", "dump-xml")
    assert (done.returncode, done.stdout[:7]) == (0, b"<config")


def test_the_log_follows_the_machines_clock(stand_in: StandIn) -> None:
    before_s = time.monotonic()
    run(stand_in, "alpha", "connect", "mail")
    records = kernel_log.parse_records(kernel_log.read(stand_in.root("alpha")))
    assert before_s - 0.01 <= records[-1].at_s <= time.monotonic() + 0.01


def test_people_change_the_pair_too(stand_in: StandIn) -> None:
    with stand_in.changing() as pair:
        pair.umount("alpha", "mail", "/mnt/mail")
    assert " 147:0 " not in (stand_in.root("alpha") / "proc/self/mountinfo").read_text()
    assert run(stand_in, "alpha", "secondary", "mail").returncode == 0
    assert StandIn(stand_in.folder).look().state == stand_in.look().state


def test_processes_do_not_lose_each_others_changes(stand_in: StandIn) -> None:
    for node in ("alpha", "beta"):
        stand_in.drbdadm(node)
    names = [(node, name) for node in ("alpha", "beta") for name in ("mail", "db")] * 2
    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(lambda item: run(stand_in, item[0], "connect", item[1]), names))
    # Every command saw a whole pair. One that found its side waiting already was refused.
    assert {completed.returncode for completed in done} <= {0, 10}
    assert sorted(stand_in.calls("alpha") + stand_in.calls("beta")) == sorted(
        f"connect {name}" for _, name in names
    )


@pytest.mark.parametrize(
    ("fault", "status", "connected"),
    [
        ("garbage", 7, C.STANDALONE),
        ("refuse", 20, C.STANDALONE),
        ("die", -signal.SIGKILL, C.STANDALONE),
        ("killed", -signal.SIGKILL, C.WF_CONNECTION),
        ("die:secondary", 0, C.WF_CONNECTION),
    ],
)
def test_faults(stand_in: StandIn, fault: str, status: int, connected: C) -> None:
    stand_in.set_fault("beta", fault)
    assert run(stand_in, "beta", "connect", "mail").returncode == status
    assert shown(stand_in, "beta") is connected
    stand_in.set_fault("beta", None)
    again = run(stand_in, "beta", "connect", "mail")
    assert again.returncode == (10 if connected is C.WF_CONNECTION else 0)


@pytest.mark.parametrize(("fault", "state"), [("hang", C.STANDALONE), ("late", C.WF_CONNECTION)])
def test_a_command_that_never_ends(stand_in: StandIn, fault: str, state: C) -> None:
    """By the environment, as a test that starts it itself may prefer."""
    program = stand_in.drbdadm("beta")
    process = subprocess.Popen(
        [program, "connect", "mail"], env={**os.environ, "STAND_IN_FAULT": fault}
    )
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1.5)
        assert shown(stand_in, "beta") is state
    finally:
        process.kill()
        process.wait()
    assert run(stand_in, "alpha", "dump-xml").returncode == 0


def test_a_fresh_pair_may_be_given(tmp_path: Path) -> None:
    stand_in = StandIn(tmp_path, SimulatedPair())
    assert shown(stand_in, "beta") is C.CONNECTED
