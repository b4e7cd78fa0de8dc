"""connector watch while passes hang, others hold the lock, or what it needs goes away."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connector.watch.doorbell import place, ring
from tests.cli.stage import AT_ONCE, PROJECT, Running, Stage, wait_for
from tests.cli.test_exit_status import PREFIX
from tests.cli.test_long_running import until

pytestmark = pytest.mark.slow

StageOf = Callable[..., Stage]
WATCH = ("watch", "--interval", "3600")
# It says what stands in a file, and what is added to it.
DRBDSETUP = "#!/bin/sh\nexec tail -n +1 -s 0.05 -f {file}\n"
QUICK = {"CONNECTOR_RUN_DEADLINE": "6", "CONNECTOR_RUN_COMMAND_TIMEOUT": "5"}


@pytest.fixture
def ready(stage_of: StageOf) -> Stage:
    """A standby with a drbdsetup that reads its events from a file."""
    return with_events(stage_of("healthy"))


def with_events(stage: Stage) -> Stage:
    file = stage.folder / "events"
    file.write_text("exists resource name:mail role:Secondary suspended:no\nexists -\n")
    stage.program("drbdsetup", DRBDSETUP.format(file=file))
    return stage


def say(stage: Stage, line: str = "destroy connection name:mail peer-node-id:0") -> None:
    with (stage.folder / "events").open("a") as file:
        file.write(f"{line}\n")


def disconnect(stage: Stage) -> None:
    with stage.pair.changing() as pair:
        pair.run_on("beta")(("drbdadm", "disconnect", "mail"), 15)


def listens(stage: Stage) -> bool:
    return place(stage.lock).exists()


def passed(stage: Stage) -> bool:
    return (stage.state / "last-pass.json").exists()


def pass_with(running: Running, words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(until(running, words, in_err=True))
    return found


def settled(stage: Stage) -> None:
    """Return after its first passes: one at once, and one when the events are read."""
    wait_for(lambda: listens(stage) and passed(stage))
    kept = stage.state / "last-pass.json"
    wait_for(lambda: time.time() - kept.stat().st_mtime > 1.5)


def contentions(stage: Stage) -> int:
    path = stage.state / "lock-contended"
    return path.stat().st_size if path.exists() else 0


def test_a_handler_wakes_it(ready: Stage) -> None:
    with ready.start(*WATCH, **AT_ONCE) as running:
        settled(ready)
        disconnect(ready)
        assert ready.run("handler", "split-brain", DRBD_RESOURCE="mail").status == 0
        told = pass_with(running, "connect mail")
        running.send(signal.SIGTERM)
        assert running.end().status == 0
    assert told["woken_by"] == ["told: handler split-brain mail"]
    assert (told["event"], told["exit_status"]) == ("pass", 0)
    assert ready.calls() == ["connect mail"]


def test_asked_to_end_it_ends_the_pass_that_is_at_work_in_good_order(stage_of: StageOf) -> None:
    stage = with_events(stage_of("standby-disconnected"))
    stage.pair.set_fault("beta", "hang:connect")
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    with manager:
        manager.bind(str(stage.folder / "notify"))
        manager.settimeout(30)
        notify = {"NOTIFY_SOCKET": str(stage.folder / "notify")}
        with stage.start(*WATCH, **AT_ONCE, **notify) as running:
            wait_for(stage.calls)
            running.send(signal.SIGTERM)
            done = running.end()
        assert manager.recv(200) == b"READY=1\nSTATUS=watching"
        assert manager.recv(200) == b"STOPPING=1"
    assert done.status == 0
    told = json.loads(done.err.splitlines()[-1])
    assert (told["exit_status"], told["messages"]) == (143, ["ended by signal 15"])
    assert not listens(stage)
    wait_for(lambda: stage.processes() == [])


def test_ctrl_c_on_a_terminal_is_the_same(stage_of: StageOf) -> None:
    """There the signal goes to all that the terminal has in front; the pass gets one, not two."""
    stage = with_events(stage_of("standby-disconnected"))
    stage.pair.set_fault("beta", "hang:connect")
    process = subprocess.Popen(
        stage.argv(WATCH),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**stage.environment, **AT_ONCE},
        cwd=stage.folder,
        start_new_session=True,
    )
    with Running(process) as running:
        wait_for(stage.calls)
        os.killpg(process.pid, signal.SIGINT)
        done = running.end()
    assert done.status == 0
    assert json.loads(done.err.splitlines()[-1])["messages"] == ["ended by signal 15"]
    wait_for(lambda: stage.processes() == [])


def test_killed_while_a_pass_is_at_work_it_does_not_keep_the_next_one_away(
    stage_of: StageOf,
) -> None:
    """The pass lives on until it has done, or its deadline; with the lock, but not the socket."""
    stage = with_events(stage_of("standby-disconnected"))
    stage.pair.set_fault("beta", "hang:connect")
    with stage.start(*WATCH, **AT_ONCE, **QUICK) as running:
        wait_for(stage.calls)
        running.send(signal.SIGKILL)
        running.process.wait(30)
        assert listens(stage)
        assert not ring(place(stage.lock), "anybody?")
        stage.pair.set_fault("beta", None)
        with stage.start(*WATCH, **AT_ONCE, **QUICK) as following:
            wait_for(lambda: contentions(stage) or len(stage.calls()) > 1)
            # The lock was not free, or is by now: in any case its pass is made up for.
            pass_with(following, "connect mail")
            following.send(signal.SIGTERM)
            assert following.end().status == 0
    assert stage.calls() == ["connect mail"] * 2
    wait_for(lambda: stage.processes() == [])


def test_where_crons_pass_holds_the_lock_its_own_is_made_up_for(ready: Stage) -> None:
    with ready.start(*WATCH, **AT_ONCE) as running:
        settled(ready)
        ready.pair.set_fault("beta", "hang:connect")
        disconnect(ready)
        with ready.start("reconcile", **AT_ONCE) as cron:
            wait_for(ready.calls)
            say(ready)
            wait_for(lambda: contentions(ready))
            ready.pair.set_fault("beta", None)
            cron.send(signal.SIGTERM)
            assert cron.end().status == 143
        assert pass_with(running, "connect mail")["exit_status"] == 0
        running.send(signal.SIGTERM)
        assert running.end().status == 0
    assert ready.calls() == ["connect mail"] * 2


def test_a_command_that_hangs_costs_its_time_and_the_next_event_is_answered(
    stage_of: StageOf,
) -> None:
    stage = with_events(stage_of("standby-disconnected"))
    stage.pair.set_fault("beta", "hang:connect")
    limits = {"CONNECTOR_RUN_DEADLINE": "5", "CONNECTOR_RUN_COMMAND_TIMEOUT": "1"}
    with stage.start(*WATCH, **AT_ONCE, **limits) as running:
        told = pass_with(running, '"event":"pass"')
        assert told["exit_status"] == 1
        assert told["resources"][0]["commands"] == ["drbdadm connect mail"]
        stage.pair.set_fault("beta", None)
        say(stage)
        told = pass_with(running, '"exit_status":0')
        assert "mail: destroy connection" in told["woken_by"]
        running.send(signal.SIGTERM)
        assert running.end().status == 0
    assert stage.calls() == ["connect mail"] * 2


def test_where_nobody_reads_its_log_any_more_it_goes_on(ready: Stage) -> None:
    with ready.start(*WATCH, **AT_ONCE) as running:
        wait_for(lambda: listens(ready) and passed(ready))
        assert running.process.stderr is not None
        running.process.stderr.close()
        running.process.stderr = None
        disconnect(ready)
        say(ready)
        wait_for(lambda: len(ready.calls()) == 1)
        disconnect(ready)
        say(ready)
        wait_for(lambda: len(ready.calls()) == 2)
        running.send(signal.SIGTERM)
        assert running.process.wait(30) == 0
    assert ready.calls() == ["connect mail"] * 2
    assert not listens(ready)


def test_drbd_may_go_away_and_come_back(ready: Stage) -> None:
    text = (ready.root / "proc/drbd").read_bytes()
    ready.show(text)
    with ready.start(*WATCH, **AT_ONCE) as running:
        settled(ready)
        ready.show(None)
        say(ready)
        told = pass_with(running, '"exit_status":69')
        assert "does not exist" in told["messages"][0]
        ready.show(text.replace(b"cs:Connected", b"cs:StandAlone"))
        say(ready, "create connection name:mail connection:StandAlone")
        assert pass_with(running, "StandAlone")["resources"][0]["was"] == "StandAlone"
        running.send(signal.SIGTERM)
        assert running.end().status == 0


def test_the_lock_of_a_watch_that_runs_cannot_be_moved(ready: Stage, tmp_path: Path) -> None:
    config = ready.config(f'[run]\nlock = "{ready.lock}"\n')
    environment = {
        name: value for name, value in ready.environment.items() if name != "CONNECTOR_RUN_LOCK"
    }
    ready.environment = environment
    with ready.start(*WATCH, "--config", str(config)) as running:
        wait_for(lambda: listens(ready))
        ready.config(f'[run]\nlock = "{tmp_path / "other"}"\n')
        running.send(signal.SIGHUP)
        assert "[run] lock cannot be changed while" in until(running, "old one stays", in_err=True)
        ready.config("nonsense")
        running.send(signal.SIGHUP)
        assert "not valid TOML" in until(running, "old one stays", in_err=True)
        config.unlink()
        running.send(signal.SIGHUP)
        assert "no such file" in until(running, "old one stays", in_err=True)
        running.send(signal.SIGTERM)
        assert running.end().status == 0


def test_what_stops_it_from_beginning(ready: Stage) -> None:
    done = ready.run("watch", "--config", str(ready.folder / "missing.toml"))
    assert (done.status, done.out) == (78, "")
    assert done.err.endswith("missing.toml: no such file\n")
    ready.lock.parent.mkdir()
    place(ready.lock).write_text("precious")
    done = ready.run("watch")
    assert (done.status, done.out) == (1, "")
    assert done.err == f"connector: {place(ready.lock)}: Address already in use\n"
    place(ready.lock).unlink()
    ready.lock.parent.chmod(0)
    done = ready.run_under(PREFIX, "watch")
    assert (done.status, done.out) == (77, "")
    assert "run connector as root" in done.err


def test_a_person_reads_sentences(ready: Stage) -> None:
    """On a terminal; a journal gets JSON."""
    script = (
        "import os, pty, sys\n"
        "pid, terminal = pty.fork()\n"
        "if pid == 0: os.execv(sys.argv[1], sys.argv[1:])\n"
        "heard = b''\n"
        "while b'exit_status' not in heard and b'ran drbdadm' not in heard:\n"
        "    heard += os.read(terminal, 1000)\n"
        "os.write(terminal, b'\\x03')\n"
        "sys.stdout.buffer.write(heard)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )
    disconnect(ready)
    done = ready.run_under((*ready.argv(())[:1], "-c", script), *WATCH, **AT_ONCE)
    assert done.status == 0
    assert "mail StandAlone -> Connected: reconnect-standby, ran drbdadm connect mail" in done.out


def test_its_help_names_what_it_reads(ready: Stage) -> None:
    text = " ".join(ready.run("watch", "--help").out.split())
    assert "drbdsetup events2" in text
    assert "/proc/drbd every second" in text
    assert PROJECT.joinpath("docs/watch.md").exists()
