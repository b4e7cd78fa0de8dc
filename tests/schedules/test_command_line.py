"""`python -m tests.schedules` as somebody types it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from .__main__ import INTERRUPTED, main
from .campaign import Sums
from .draw import draw
from .progress import EVERY_S, Progress

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).resolve().parents[2]
LIMIT_S = 120.0


def test_a_few_seeds() -> None:
    done = CliRunner().invoke(main, ["--seeds", "3", "--jobs", "1"])
    assert done.exit_code == 0
    assert "seeds                     3" in done.output
    assert "violations                0" in done.output


def test_a_kept_schedule_is_told_and_drawn(tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    kept.write_text(json.dumps(draw(3).to_json()), encoding="utf-8")
    into = tmp_path / "drawn"
    done = CliRunner().invoke(main, ["--file", str(kept), "--into", str(into)])
    assert done.exit_code == 0, done.output
    assert f"drawn in {into / 'kept.svg'}" in done.output
    assert (into / "kept.svg").read_text("utf-8").startswith("<svg")
    assert "pass 1000 reconcile" in done.output


def test_a_file_that_is_no_schedule_is_named(tmp_path: Path) -> None:
    path = tmp_path / "wrong.json"
    path.write_text('{"setup": {"mode": 3}}', encoding="utf-8")
    done = CliRunner().invoke(main, ["--file", str(path)])
    assert done.exit_code == 2
    assert "no schedule that was kept here" in done.output


def test_a_typing_mistake_says_what_there_is() -> None:
    done = CliRunner().invoke(main, ["--mode", "discrad"])
    assert done.exit_code == 2
    assert "'observe', 'reconnect', 'discard'" in done.output


def test_a_long_one_says_now_and_then_how_far_it_is_and_a_short_one_does_not() -> None:
    said: list[str] = []
    progress = Progress(20_000, said.append)
    for took_s in (1.0, EVERY_S - 1, EVERY_S + 0.5, EVERY_S + 20, 2 * EVERY_S + 0.5):
        progress.tell(Sums(seeds=1_000, passes=61_000, took_s=took_s, failed={7: "lost: x"}))
    assert said == [
        "1,000 of 20,000 seeds, 61,000 passes, 1 violations, 0.50 ms a pass, 9 min 40 s left",
        "1,000 of 20,000 seeds, 61,000 passes, 1 violations, 0.99 ms a pass, 19 min 10 s left",
    ]


def folders_of(pid: int) -> list[Path]:
    """The folders of a campaign that this process runs."""
    parents = {Path("/dev/shm"), Path(tempfile.gettempdir())}
    pattern = f"connector-schedules-{pid}-*"
    return [found for parent in parents for found in parent.glob(pattern)]


def wait_until(what: Callable[[], bool]) -> None:
    until_s = time.monotonic() + LIMIT_S
    while not what():
        assert time.monotonic() < until_s, "it never came to that"
        time.sleep(0.05)


def nobody_left(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def test_ctrl_c_ends_it_with_what_was_found_and_leaves_nothing_behind() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.schedules", "--seeds", "1000000", "--jobs", "2"],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    ) as process:
        try:
            # Both play: each has a folder of its own below the campaign's.
            wait_until(lambda: any(len(list(f.glob("*"))) == 2 for f in folders_of(process.pid)))
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does
            out, err = process.communicate(timeout=LIMIT_S)
        finally:
            process.kill()
    assert process.returncode == INTERRUPTED, err
    assert "violations                0" in out
    assert err.splitlines()[-1].startswith("stopped by Ctrl-C after ")
    assert "Traceback" not in err
    assert folders_of(process.pid) == []
    wait_until(lambda: nobody_left(process.pid))


def test_processes_end_with_the_one_that_started_them() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.schedules", "--seeds", "1000000", "--jobs", "2"],
        cwd=CHECKOUT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,
    ) as process:
        wait_until(lambda: any(len(list(f.glob("*"))) == 2 for f in folders_of(process.pid)))
        process.kill()
        process.wait(LIMIT_S)
    try:
        wait_until(lambda: nobody_left(process.pid))
    finally:
        for folder in folders_of(process.pid):
            shutil.rmtree(folder, ignore_errors=True)
