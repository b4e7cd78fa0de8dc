"""connector watch as a process, beside a stand-in for drbdsetup that a test makes speak."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.stage import AT_ONCE, PATIENCE_S, Running, Stage
from tests.cli.test_long_running import until

StageOf = Callable[..., Stage]
# It says what is written into a pipe, as events2 does; `exec` so that it is one process.
DRBDSETUP = "#!/bin/sh\necho 'exists -'\nexec cat {pipe}\n"


@contextmanager
def events(stage: Stage) -> Iterator[Callable[[str], None]]:
    """Give the stage a drbdsetup, and return what makes it say a line."""
    pipe = stage.folder / "events"
    os.mkfifo(pipe)
    stage.program("drbdsetup", DRBDSETUP.format(pipe=pipe))
    # Both ends, so that neither open waits for the other, and cat sees no end.
    descriptor = os.open(pipe, os.O_RDWR)

    def say(line: str) -> None:
        os.write(descriptor, line.encode() + b"\n")

    try:
        yield say
    finally:
        os.close(descriptor)


def eventually(seen: Callable[[], bool], what: str) -> None:
    """Return once it is so; fail where it never is."""
    end_s = time.monotonic() + PATIENCE_S
    while not seen():
        assert time.monotonic() < end_s, f"never: {what}"
        time.sleep(0.05)


def settled(stage: Stage) -> None:
    """Return when its first passes are over: one at once, and one when the events are read."""
    kept = stage.state / "last-pass.json"
    eventually(kept.exists, "its first pass")
    eventually(lambda: time.time() - kept.stat().st_mtime > 2, "two quiet seconds")


def disconnect(stage: Stage) -> None:
    """Somebody disconnects the standby."""
    with stage.pair.changing() as pair:
        pair.run_on("beta")(("drbdadm", "disconnect", "mail"), 15)


def bell_of(stage: Stage) -> Path:
    """Where it listens."""
    return stage.lock.parent / "watch"


def pass_line(running: Running, words: str) -> dict[str, Any]:
    """The line of its log that has these words."""
    found: dict[str, Any] = json.loads(until(running, words, in_err=True))
    return found


def test_an_event_begins_a_pass(stage: Stage) -> None:
    with events(stage) as say, stage.start("watch", "--interval", "3600", **AT_ONCE) as running:
        eventually(bell_of(stage).exists, "it listens")
        settled(stage)
        disconnect(stage)
        assert stage.calls() == []
        say("destroy connection name:mail peer-node-id:0 conn-name:alpha")
        line = pass_line(running, "connect mail")
        running.send(signal.SIGTERM)
        assert running.end().status == 0
    assert stage.calls() == ["connect mail"]
    assert line["woken_by"] == ["mail: destroy connection"]
    assert line["resources"][0]["decision"] == "reconnect-standby"
    assert not bell_of(stage).exists()
    assert stage.processes() == []


def test_without_drbdsetup_it_looks_at_proc_drbd(stage: Stage) -> None:
    stage.program("drbdsetup", "#!/bin/sh\necho 'unknown command' >&2\nexit 20\n")
    with stage.start("watch", "--interval", "3600", **AT_ONCE) as running:
        until(running, "ended with 20", in_err=True)
        eventually(lambda: (stage.state / "last-pass.json").exists(), "its first pass")
        disconnect(stage)
        pass_line(running, "connect mail")
        running.send(signal.SIGINT)
        assert running.end().status == 0
    assert stage.calls() == ["connect mail"]


def test_a_bad_configuration_is_refused_and_a_good_one_taken(stage: Stage) -> None:
    config = stage.config('[policy]\nmode = "observe"\n')
    words = ("watch", "--interval", "3600", "--config", str(config))
    with events(stage) as say, stage.start(*words, **AT_ONCE) as running:
        eventually(lambda: (stage.state / "last-pass.json").exists(), "its first pass")
        stage.config('[policy]\nmod = "reconnect"\n')
        running.send(signal.SIGHUP)
        said = until(running, "the old one stays in force", in_err=True)
        assert f"{config}:2: policy.mod: unknown key" in said
        disconnect(stage)
        say("change connection name:mail connection:StandAlone")
        assert pass_line(running, '"mail"')["resources"][0]["gates"] == ["mode"]
        stage.config('[policy]\nmode = "reconnect"\n')
        running.send(signal.SIGHUP)
        until(running, "was read again", in_err=True)
        pass_line(running, "connect mail")
        running.send(signal.SIGTERM)
        assert running.end().status == 0
    assert stage.calls() == ["connect mail"]


def test_a_second_one_does_not_begin(stage: Stage) -> None:
    with events(stage), stage.start("watch") as running:
        eventually(bell_of(stage).exists, "it listens")
        second = stage.run("watch")
        assert second.status == 1
        assert "another connector watch is at work" in second.err
        assert stage.run("reconcile").status == 0
        running.send(signal.SIGTERM)
        assert running.end().status == 0


def test_one_that_is_killed_leaves_nothing_in_the_way(stage: Stage) -> None:
    with events(stage):
        with stage.start("watch") as running:
            eventually(bell_of(stage).exists, "it listens")
            eventually(lambda: (stage.state / "last-pass.json").exists(), "its first pass")
            running.send(signal.SIGKILL)
            assert running.end().status == -signal.SIGKILL
        eventually(lambda: stage.processes() == [], "its drbdsetup has ended, too")
        with stage.start("watch") as running:
            until_it_watches = (stage.state / "last-pass.json").stat().st_mtime_ns
            eventually(
                lambda: (stage.state / "last-pass.json").stat().st_mtime_ns > until_it_watches,
                "the next one's first pass",
            )
            running.send(signal.SIGTERM)
            assert running.end().status == 0


def test_without_drbd_it_does_not_begin(stage: Stage) -> None:
    stage.show(None)
    done = stage.run("watch")
    assert done.status == 69
    assert "modprobe drbd" in done.err


@pytest.mark.parametrize("interval", ["0", "3601", "soon"])
def test_an_interval_that_is_none(stage: Stage, interval: str) -> None:
    assert stage.run("watch", "--interval", interval).status == 2
