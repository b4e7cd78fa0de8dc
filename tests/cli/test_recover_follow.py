"""`connector recover` follows the resync: to its end, until something is in the way, or Ctrl-C."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Callable

import pytest

from connector.model import ConnectionState, Role
from connector.simulate import story
from tests.cli.stage import PATIENCE_S, Stage, wait_for

pytestmark = pytest.mark.slow

StageOf = Callable[..., Stage]

HEADER = "version: 8.4.11 (api:1/proto:86-101)\nsrcversion: B536C32A3EADA868561EFD9 \n"
SYNCING = """\
 0: cs:SyncTarget ro:Secondary/Primary ds:Inconsistent/UpToDate C r-----
    ns:0 nr:1504 dw:1554 dr:0 al:0 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:{left}
\t[===================>] sync'ed:100.0% ({left}/4044)K
\tfinish: 0:00:06 speed: 376 (376) want: 300 K/sec
"""
DONE = """\
 0: cs:Connected ro:Secondary/Primary ds:UpToDate/UpToDate C r-----
    ns:0 nr:4048 dw:4100 dr:0 al:0 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:0
"""
PARTED = """\
 0: cs:StandAlone ro:Secondary/Unknown ds:Inconsistent/DUnknown   r-----
    ns:0 nr:3616 dw:3666 dr:0 al:0 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:428
"""
OTHERS = """\
 1: cs:Connected ro:Secondary/Primary ds:UpToDate/UpToDate C r-----
    ns:0 nr:0 dw:0 dr:0 al:0 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:0
 2: cs:Connected ro:Secondary/Primary ds:UpToDate/UpToDate C r-----
    ns:0 nr:0 dw:0 dr:0 al:0 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:0
"""
STILL = SYNCING.format(left=2540)


def show(stage: Stage, mail: str) -> None:
    """Let /proc/drbd hold this of mail, from one look to the next."""
    stage.show((HEADER + mail + OTHERS).encode())


def replace(stage: Stage, mail: str) -> None:
    """The same while somebody looks on: never half a file."""
    path = stage.root / "proc/drbd"
    fresh = path.with_name("drbd.new")
    fresh.write_text(HEADER + mail + OTHERS)
    os.replace(fresh, path)


@pytest.fixture
def syncing(stage: Stage) -> Stage:
    """A standby in the middle of a resync."""
    show(stage, STILL)
    return stage


@pytest.mark.parametrize("words", [(), ("--victim", "here", "--yes"), ("--keep-my-data",)])
def test_run_again_in_the_resync_it_follows_it_whatever_was_said(
    syncing: Stage, words: tuple[str, ...]
) -> None:
    with started(syncing, *words) as process:
        first = line_with(process, "% in sync")
        assert first == "SyncTarget: 37.2 % in sync, 2.5 MiB of 3.9 MiB left, 376 KiB/s, " + (
            "about 6 s to go"
        )
        replace(syncing, DONE)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err) == (0, "")
    assert out.splitlines()[-1].startswith("mail: in step, both disks are UpToDate (3.9 MiB in ")
    assert syncing.calls() == []


def test_that_the_nodes_part_ends_it(syncing: Stage) -> None:
    with started(syncing) as process:
        line_with(process, "% in sync")
        replace(syncing, PARTED)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err) == (3, "")
    assert "mail: the nodes parted before the resync was over (StandAlone). Run `connector" in out


def test_ctrl_c_ends_connector_and_not_the_resync(syncing: Stage) -> None:
    with started(syncing) as process:
        line_with(process, "% in sync")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert "The resync itself goes on; `connector recover mail` follows it again" in err
    assert syncing.calls() == []


def test_a_limit_and_no_following_at_all(syncing: Stage) -> None:
    done = syncing.run("recover", "mail", "--follow-for", "1s")
    assert (done.status, done.err) == (0, "")
    assert "mail: followed for 1 s, and the resync goes on: 2.5 MiB left. Run this again" in (
        done.out
    )
    done = syncing.run("recover", "mail", "--no-follow")
    assert (done.status, done.err) == (0, "")
    assert done.out.endswith("mail is SyncTarget: nothing to recover, the resync runs\n")
    done = syncing.run("recover", "mail", "--dry-run")
    assert (done.status, done.err) == (0, "")
    assert done.out.endswith("mail is SyncTarget: nothing to recover\n")
    assert syncing.run("recover", "mail", "--follow-for", "soon").status == 2


def test_a_pass_is_not_kept_waiting_by_a_person_who_looks_on(syncing: Stage) -> None:
    with started(syncing) as process:
        line_with(process, "% in sync")
        assert syncing.run("reconcile").status == 0
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)


def test_a_bar_on_a_terminal(syncing: Stage) -> None:
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        syncing.argv(("recover", "mail")),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**syncing.environment, "TERM": "xterm", "COLUMNS": "100"},
        cwd=syncing.folder,
        start_new_session=True,
    )
    os.close(terminal)
    try:
        shown = _read_until(controller, b"37.2 %")
        assert "━" in shown.decode()
        replace(syncing, DONE)
        shown += _read_until(controller, b"in step, both disks are UpToDate")
        assert b"100.0 %" in shown
        assert process.wait(PATIENCE_S) == 0
    finally:
        os.close(controller)
        process.kill()
        process.wait()


def started(stage: Stage, *words: str) -> subprocess.Popen[str]:
    """`connector recover mail WORDS`, which runs on."""
    return subprocess.Popen(
        stage.argv(("recover", "mail", *words)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=stage.environment,
        cwd=stage.folder,
    )


def line_with(process: subprocess.Popen[str], words: str) -> str:
    """The first line of its output that contains the words; it fails where there is none."""
    assert process.stdout is not None
    for line in process.stdout:
        if words in line:
            return line.rstrip("\n")
    raise AssertionError(f"it ended without {words!r}")


def _read_until(controller: int, words: bytes) -> bytes:
    shown, deadline_s = b"", time.monotonic() + PATIENCE_S
    while words not in shown:
        assert time.monotonic() < deadline_s, shown
        if select.select([controller], [], [], 1.0)[0]:
            shown += os.read(controller, 65536)
    return shown


# -- killed at any point, and run again ----------------------------------------------------------

VICTIM = ("recover", "mail", "--victim", "here", "--yes")


def _connected(stage: Stage) -> bool:
    return stage.pair.look().connection("beta", "mail") is ConnectionState.CONNECTED


@pytest.mark.parametrize(
    ("fault", "calls"),
    [
        # Before and after each command takes effect.
        ("hang:dump-xml", ["secondary mail", "connect --discard-my-data mail"]),
        ("hang:secondary", ["secondary mail"] * 2 + ["connect --discard-my-data mail"]),
        ("late:secondary", ["secondary mail", "connect --discard-my-data mail"]),
        ("hang:connect", ["secondary mail"] + ["connect --discard-my-data mail"] * 2),
        ("late:connect", ["secondary mail", "connect --discard-my-data mail"]),
    ],
)
def test_killed_at_any_point_it_is_run_again(
    stage_of: StageOf, fault: str, calls: list[str]
) -> None:
    stage = _split_with_waiting_survivor(stage_of)
    stage.pair.set_fault("beta", fault)
    command = fault.partition(":")[2]
    with stage.start(*VICTIM) as running:
        wait_for(lambda: any(c.split()[0] == command for c in stage.pair.calls("beta")))
        if fault == "late:connect":
            wait_for(lambda: _connected(stage))
        elif fault == "late:secondary":
            wait_for(lambda: stage.pair.look().role("beta", "mail") is Role.SECONDARY)
        running.send(signal.SIGKILL)
        assert running.end().status == -signal.SIGKILL
    wait_for(lambda: not stage.processes())
    stage.pair.set_fault("beta", None)

    done = stage.run(*VICTIM)

    if fault == "late:connect":
        # The discard had taken effect: there is nothing to give up any more.
        assert done.status == 3
        assert "mail is Connected: there is nothing to give up" in done.err
        done = stage.run("recover", "mail", "--yes")
    assert (done.status, done.err) == (0, "")
    assert _connected(stage)
    assert stage.calls() == calls
    assert not [name for name in os.listdir(stage.state) if name.endswith(".tmp")]


def test_killed_while_it_waits_for_the_other_node(stage_of: StageOf) -> None:
    """The discard is typed and the survivor is not there: what is left to do is told."""
    stage = _split(stage_of)
    with stage.start(*VICTIM) as running:
        wait_for(lambda: "connect --discard-my-data mail" in stage.calls())
        waiting = ConnectionState.WF_CONNECTION
        wait_for(lambda: stage.pair.look().connection("beta", "mail") is waiting)
        running.send(signal.SIGKILL)
        running.end()
    done = stage.run(*VICTIM)
    assert done.status == 3
    assert "mail waits for its peer already (WFConnection)" in done.err
    assert "connector recover mail --victim peer" in done.err
    assert len(stage.calls()) == 2


def _split_with_waiting_survivor(stage_of: StageOf) -> Stage:
    stage = _split(stage_of)
    with stage.pair.changing() as pair:
        story.drbdadm(pair, "alpha", "connect", "mail")
    return stage


def _split(stage_of: StageOf) -> Stage:
    stage = stage_of("split-brain-with-idle-standby")
    # What is kept before a discard has tests of its own.
    stage.environment["CONNECTOR_RESCUE_KEEP"] = "never"
    return stage
