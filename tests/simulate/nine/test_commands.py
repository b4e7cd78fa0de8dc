"""Every captured command ends on the simulated cluster as it ended on real nodes."""

from __future__ import annotations

import pytest

from tests.simulate.nine import captured, replays
from tests.simulate.nine.replays import BEGINNINGS, NOT_COVERED


def test_every_file_of_commands_is_replayed() -> None:
    files = {path.parent.name for path in captured.FIXTURES.glob("*/commands.jsonl")}
    assert set(BEGINNINGS) == files


@pytest.mark.parametrize("situation", BEGINNINGS)
def test_commands(situation: str) -> None:
    for cluster, number, line in replays.replay(situation):
        where = f"{situation} line {number}: {line.get('command') or line.get('note')}"
        if not line.get("command"):
            wanted = replays.noted(line["note"])
            assert replays.shown(cluster, wanted) == wanted, where
            continue
        if line["command"].startswith(tuple(NOT_COVERED)):
            continue
        said = replays.run(cluster, line["node"], line["command"])
        warns = line["command"].startswith("mkswap")
        stderr = "" if warns else (line["stderr"].splitlines() or [""])[0]
        assert said == (line["rc"], stderr), where


def test_what_is_not_covered_is_really_met() -> None:
    commands = [
        line.get("command") or "" for name in BEGINNINGS for line in captured.commands(name)
    ]
    for start in NOT_COVERED:
        assert any(command.startswith(start) for command in commands), start


def test_dry_run_prints_one_command_for_each_peer() -> None:
    cluster = BEGINNINGS["3n-commands-per-peer"]()
    for line in captured.commands("3n-commands-per-peer"):
        if (line.get("command") or "").startswith("drbdadm -d"):
            done = cluster.run_on(line["node"])(tuple(line["command"].split()), 15.0)
            assert (done.exit_status, done.stdout) == (line["rc"], line["stdout"])
