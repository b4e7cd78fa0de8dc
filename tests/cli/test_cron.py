"""cron's own words, `connector reconcile` and nothing else: the short way, and back to the long."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.stage import PROJECT, Done, Stage

# What the interpreter has loaded at its end, and what it is about to end with.
COUNTING = """\
import atexit, sys
atexit.register(lambda: print("click" in sys.modules, file=sys.stderr))
from connector.cli import main
main(["reconcile"])
"""


def cron(stage: Stage, **environment: str) -> Done:
    """`connector reconcile` as cron runs it: no option, no terminal, all else in variables."""
    began_s = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", COUNTING],
        env={**stage.environment, "CONNECTOR_ROOT": str(stage.root), **environment},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return Done(done.returncode, done.stdout, done.stderr, time.monotonic() - began_s)


def test_a_healthy_node_is_left_without_the_command_lines_library(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    done = cron(stage)
    assert (done.status, done.out, done.err) == (0, "", "False\n")
    kept = json.loads((stage.state / "last-pass.json").read_text())
    assert kept["success_wall_s"] == kept["at_wall_s"]
    assert not stage.lock.exists()


def _without_seconds(text: str) -> str:
    """The two passes run one after the other: what is left of a time differs by some seconds."""
    return re.sub(r"\b\d+ s\b", "N s", text)


@pytest.mark.parametrize("situation", ["standby-disconnected", "link-cut", "split-brain"])
def test_any_other_node_gets_the_whole_pass(tmp_path: Path, situation: str) -> None:
    stage = Stage(tmp_path / "short", situation)
    twin = Stage(tmp_path / "long", situation)
    short, long = cron(stage), twin.run("reconcile", "--no-color")
    assert short.err.splitlines()[-1] == "True"
    assert short.status == long.status
    assert _without_seconds(short.out) == _without_seconds(long.out)
    assert stage.pair.calls("beta") == twin.pair.calls("beta")


def test_what_goes_wrong_is_said_once_and_with_its_status(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    bad = tmp_path / "bad.toml"
    bad.write_text("[policy]\nmodus = 1\n")
    done = cron(stage, CONNECTOR_CONFIG=str(bad))
    assert done.status == 78
    assert done.err.startswith(f"connector: {bad}:2: policy.modus: unknown key")
    assert done.err.count("unknown key") == 1
    assert cron(stage, CONNECTOR_CONFIG=str(tmp_path / "absent")).status == 78
    assert cron(stage, CONNECTOR_POLCY_MODE="x").status == 78
    stage.show(None)
    assert cron(stage).status == 69
    stage.show(b"version: 8.3.11 (api:88/proto:86-96)\n")
    assert cron(stage).status == 69
    stage.show(b"\xff\x00garbage")
    assert cron(stage).status == 3


def test_a_proc_that_never_answers_ends_at_the_deadline_and_not_at_twice_that(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path)
    stage.show(None)
    os.mkfifo(stage.root / "proc/drbd")
    done = cron(stage, CONNECTOR_RUN_DEADLINE="5", CONNECTOR_RUN_COMMAND_TIMEOUT="4")
    assert done.status == 1
    assert "longer than its deadline of 5 s" in done.err
    assert done.seconds < 9.5


def test_a_full_state_directory_is_a_warning(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    done = cron(stage, CONNECTOR_RUN_STATE_DIR=str(in_the_way))
    assert done.status == 0
    assert "last-pass.json: cannot be written" in done.err
