"""A command in a process that has connector loaded does what it does in one of its own."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.cli import loaded
from tests.cli.stage import PATIENCE_S, Stage


@pytest.mark.parametrize(
    ("words", "environment"),
    [
        (("--help",), {}),
        (("recover", "--help"), {"COLUMNS": "60"}),
        (("reconcil",), {}),
        (("reconcile", "--dry-run"), {}),
        (("status",), {"CONNECTOR_POLICY_MODE": "discard"}),
        (("status",), {"CONNECTOR_POLICY_MODE": "discrad"}),
        (("explain", "-"), {}),
    ],
)
def test_it_says_the_same(
    tmp_path: Path, words: tuple[str, ...], environment: dict[str, str]
) -> None:
    stage = Stage(tmp_path, "split-brain")
    here = stage.run(*words, **environment)
    anew = stage.run_under((), *words, **environment)
    assert (here.status, here.out, here.err) == (anew.status, anew.out, anew.err)
    assert here.out + here.err


def test_nothing_is_left_for_the_next_one(stage: Stage) -> None:
    refused = stage.run("status", CONNECTOR_POLICY_MODE="discrad")
    assert refused.status == 78
    assert stage.run("status").status == 0


def test_the_text_on_standard_input_is_there(stage: Stage) -> None:
    unread = stage.run_fed(b"", "parse", "-")
    read = stage.run_fed((stage.root / "proc/drbd").read_bytes(), "parse", "-")
    assert read.status == 0
    assert (read.out, read.err) != (unread.out, unread.err)


def test_a_signal_is_told_as_subprocess_tells_it(stage: Stage) -> None:
    stage.program("drbdadm", "#!/bin/sh\nkill -KILL $PPID\n")
    words = ["--root", str(stage.root), "reconcile", "--dry-run"]
    status, _, _ = loaded.run(words, b"", stage.environment, stage.folder, PATIENCE_S)
    assert status == -signal.SIGKILL


@pytest.mark.parametrize("name", ["LC_ALL", "LANG", "PYTHONUTF8"])
def test_what_has_to_be_there_at_the_start_wants_a_process_of_its_own(name: str) -> None:
    assert loaded.can_run({"PATH": "/bin", "PYTHONPATH": "/srv"})
    assert not loaded.can_run({"PATH": "/bin", name: "C"})


def test_a_long_environment_wants_one_too(stage: Stage) -> None:
    long = {"LONG": "x" * loaded.ASKED_BYTES}
    assert not loaded.can_run(long)
    assert stage.run("status", **long).status == 0
