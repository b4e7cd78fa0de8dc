"""Passes that are killed, and a drbdadm that hangs, lies or is missing."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from connector.model import ConnectionState
from tests.cli.stage import AT_ONCE, DISCARD, Stage, wait_for

pytestmark = pytest.mark.slow

StageOf = Callable[..., Stage]


def connected(stage: Stage) -> bool:
    return stage.pair.look().connection("beta", "mail") is ConnectionState.CONNECTED


def begun(stage: Stage, command: str) -> bool:
    return any(call.split()[0] == command for call in stage.pair.calls("beta"))


@pytest.mark.parametrize("fault", ["hang:dump-xml", "hang:connect", "late:connect"])
def test_a_killed_pass_leaves_nothing_that_stops_the_next_one(
    stage_of: StageOf, fault: str
) -> None:
    """Killed while the names are asked for, before the command takes effect, and after it."""
    stage = stage_of("standby-disconnected")
    stage.pair.set_fault("beta", fault)
    with stage.start("reconcile", **AT_ONCE) as running:
        wait_for(lambda: begun(stage, fault.partition(":")[2]))
        if fault == "late:connect":
            wait_for(lambda: connected(stage))
        assert len(stage.processes()) >= 2
        running.send(signal.SIGKILL)
        assert running.end().status == -signal.SIGKILL
    # The parent-death signal takes drbdadm along.
    wait_for(lambda: not stage.processes())
    stage.pair.set_fault("beta", None)
    done = stage.run("reconcile", **AT_ONCE)
    assert (done.status, done.err) == (0, "")
    assert connected(stage)
    tried = 2 if fault == "hang:connect" else 1
    assert stage.calls() == ["connect mail"] * tried
    assert not [name for name in os.listdir(stage.state) if name.endswith(".tmp")]


def test_killed_between_two_commands(stage_of: StageOf) -> None:
    """Demoted, but not connected: the next pass sees another picture and goes on from there."""
    stage = stage_of("split-brain-with-idle-standby")
    stage.pair.set_fault("beta", "hang:connect")
    with stage.start("reconcile", "--resource", "mail", **DISCARD) as running:
        wait_for(lambda: begun(stage, "connect"))
        running.send(signal.SIGKILL)
        running.end()
    wait_for(lambda: not stage.processes())
    assert stage.kept("incidents.json")["resources"]["mail"]["attempts"] == 1
    stage.pair.set_fault("beta", None)
    done = stage.run("reconcile", "--resource", "mail", **DISCARD)
    assert (done.status, done.err) == (0, "")
    assert stage.calls() == ["secondary mail", "connect mail", "connect mail"]
    assert stage.kept("incidents.json")["resources"]["mail"]["attempts"] == 2


def test_a_half_written_file_of_a_killed_pass_is_never_taken_for_real(stage_of: StageOf) -> None:
    stage = stage_of("standby-disconnected")
    stage.state.mkdir()
    gone = 2**22 + 1  # beyond the kernel's largest process number
    names = ("incidents.json", "counters.json", "last-pass.json", "resources.json", "pauses.json")
    for name in names:
        (stage.state / f".{name}.{gone}.tmp").write_bytes(b'{"version": 1, "pauses": {"*"')
    done = stage.run("reconcile", **AT_ONCE)
    assert (done.status, done.err) == (0, "")
    assert connected(stage)
    left = {name for name in os.listdir(stage.state) if name.endswith(".tmp")}
    assert left <= {f".pauses.json.{gone}.tmp"}  # nothing was written there, so nothing is swept


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_a_pass_and_its_drbdadm(stage_of: StageOf, number: signal.Signals) -> None:
    stage = stage_of("standby-disconnected")
    stage.pair.set_fault("beta", "hang:connect")
    with stage.start("reconcile", **AT_ONCE) as running:
        wait_for(stage.calls)
        running.send(number)
        done = running.end()
    assert (done.status, done.out) == (128 + number, "")
    assert done.err == f"connector: ended by signal {number:d}\n"
    wait_for(lambda: not stage.processes())


def test_a_drbdadm_that_hangs_is_ended_in_time(stage_of: StageOf) -> None:
    stage = stage_of("standby-disconnected")
    stage.run("check")  # the names are learned without that time-out
    stage.pair.set_fault("beta", "hang:connect")
    done = stage.run("reconcile", **AT_ONCE, CONNECTOR_RUN_COMMAND_TIMEOUT="0.5")
    assert (done.status, done.err) == (1, "")
    assert "`drbdadm connect mail` did not end in time" in done.out
    assert stage.calls() == ["connect mail"]
    assert done.seconds < 30
    assert stage.processes() == []


def test_a_pass_ends_within_its_deadline(stage_of: StageOf) -> None:
    """The whole pass: a command may take longer than what is left of it."""
    stage = stage_of("standby-disconnected")
    stage.run("check")
    stage.pair.set_fault("beta", "hang:connect")
    limits = {"CONNECTOR_RUN_DEADLINE": "5", "CONNECTOR_RUN_COMMAND_TIMEOUT": "4.9"}
    done = stage.run("reconcile", **AT_ONCE, **limits)
    assert done.status == 1
    assert done.seconds < 20
    assert stage.processes() == []


def test_a_drbdadm_that_names_nothing(stage_of: StageOf) -> None:
    """Hanging or babbling when asked for the names: nobody knows what may be acted upon."""
    stage = stage_of("standby-disconnected")
    for fault, timeout_s, words in (
        ("hang:dump-xml", "0.5", "drbdadm dump-xml did not end within 0.5 s"),
        ("garbage:dump-xml", "30", "drbdadm dump-xml failed with exit status 7"),
    ):
        stage.pair.set_fault("beta", fault)
        done = stage.run("reconcile", **AT_ONCE, CONNECTOR_RUN_COMMAND_TIMEOUT=timeout_s)
        assert done.status == 3
        assert f"connector: the resources' names are not known: {words}" in done.err
        assert "minor 0: unknown: no resource of the configuration claims minor 0" in done.out
    assert stage.calls() == []


def test_a_drbdadm_that_babbles(stage_of: StageOf) -> None:
    stage = stage_of("standby-disconnected")
    stage.pair.set_fault("beta", "garbage:connect")
    done = stage.run("reconcile", **AT_ONCE)
    assert (done.status, done.err) == (1, "")
    assert "`drbdadm connect mail` failed for a reason that is not known here" in done.out
    assert stage.calls() == ["connect mail"]


def test_no_drbdadm(stage_of: StageOf) -> None:
    stage = stage_of("standby-disconnected")
    missing = str(stage.folder / "missing")
    done = stage.run("reconcile", **AT_ONCE, CONNECTOR_RUN_DRBDADM=missing)
    assert done.status == 3
    assert f"{missing} is no executable file: install the package" in done.err
    assert stage.run("check", CONNECTOR_RUN_DRBDADM=missing).status == 2
    assert stage.calls() == []


def test_attempts_are_bounded(stage_of: StageOf) -> None:
    stage = stage_of("standby-disconnected")
    stage.pair.set_fault("beta", "refuse:connect")
    limits = {**AT_ONCE, "CONNECTOR_POLICY_MAX_ATTEMPTS": "2"}
    assert [stage.run("reconcile", **limits).status for _ in range(2)] == [1, 3]
    done = stage.run("reconcile", **limits)
    assert done.status == 3
    assert "2 attempts did not bring the pair together; no more are made" in done.out
    assert stage.calls() == ["connect mail"] * 2
    stage.pair.set_fault("beta", None)
    assert stage.run("resume", "mail").status == 0
    assert stage.run("reconcile", **limits).status == 0
    assert connected(stage)


def test_a_proc_that_never_answers(stage: Stage) -> None:
    stage.show(None)
    os.mkfifo(stage.root / "proc/drbd")  # opening it waits for a writer
    limits = {"CONNECTOR_RUN_DEADLINE": "5", "CONNECTOR_RUN_COMMAND_TIMEOUT": "4"}
    done = stage.run("reconcile", **limits)
    assert (done.status, done.out) == (1, "")
    assert done.err == ("connector: the pass took longer than its deadline of 5 s and was ended\n")
    assert 5 <= done.seconds < 30
