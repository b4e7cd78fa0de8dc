"""contrib/cron/connector, as cron and the shell read it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from . import pages

FILE = pages.PROJECT / "contrib/cron/connector"
TEXT = FILE.read_text(encoding="utf-8")
SYSTEMD = "/run/systemd/system"
LONGEST_SPLAY_S = 30

_VARIABLE = re.compile(r"([A-Z]+)=(.*)")
# Five fields of time, the user, and the command.
_JOB = re.compile(r"((?:[\d*/,-]+\s+){5})(\w+)\s+(.+)")


def lines() -> list[str]:
    """What cron looks at."""
    return [line for line in TEXT.splitlines() if line and not line.startswith("#")]


VARIABLES = {found[1]: found[2] for line in lines() if (found := _VARIABLE.fullmatch(line))}
JOBS = [(found[1], found[2], found[3]) for line in lines() if (found := _JOB.fullmatch(line))]
COMMAND = JOBS[0][2]


def test_cron_takes_the_file() -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]+", FILE.name)
    assert TEXT.endswith("\n")
    assert "\r" not in TEXT
    assert len(lines()) == len(VARIABLES) + len(JOBS)
    assert not FILE.stat().st_mode & 0o111


def test_one_pass_a_minute_as_root() -> None:
    assert [(times.split(), user) for times, user, _ in JOBS] == [(["*"] * 5, "root")]


def test_no_percent_sign_ends_a_command() -> None:
    assert not re.search(r"(?<!\\)%", COMMAND)


def test_the_variables_are_those_that_are_needed() -> None:
    assert VARIABLES["SHELL"] == "/bin/sh"
    assert VARIABLES["MAILTO"]
    folders = VARIABLES["PATH"].split(":")
    assert all(folder.startswith("/") for folder in folders)
    assert {"/usr/sbin", "/usr/bin", "/usr/local/sbin"} <= set(folders)


def test_each_line_has_its_reason_above_it() -> None:
    every = TEXT.splitlines()
    for line in lines():
        assert every[every.index(line) - 1].startswith("# ")


def test_the_shell_understands_the_command() -> None:
    done = subprocess.run(["sh", "-n", "-c", COMMAND], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@dataclass
class Cron:
    """Runs the command with stand-ins on PATH that write down how they were called."""

    folder: Path
    host: str = "alpha"
    timer_exit_status: int = 1
    systemd: bool = True

    def run(self) -> subprocess.CompletedProcess[str]:
        stand_ins = self.folder / "bin"
        shutil.rmtree(self.folder, ignore_errors=True)
        stand_ins.mkdir(parents=True)
        note = f'echo "${{0##*/}} $*" >>"{self.folder}/calls"\n'
        programs = {
            "connector": f"{note}echo spoken; echo complained >&2; exit 3",
            "logger": f'{note}cat >"{self.folder}/logged"',
            "sleep": note,
            "uname": f"echo {self.host}",
            "systemctl": (
                f"{note}echo Failed to get unit file state >&2; exit {self.timer_exit_status}"
            ),
        }
        for name, script in programs.items():
            (stand_ins / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
            (stand_ins / name).chmod(0o755)
        here = self.folder / "systemd"
        if self.systemd:
            here.mkdir()
        assert SYSTEMD in COMMAND
        return subprocess.run(
            ["/bin/sh", "-c", COMMAND.replace(r"\%", "%").replace(SYSTEMD, str(here))],
            env={"PATH": f"{stand_ins}{os.pathsep}/usr/bin{os.pathsep}/bin", "LC_ALL": "C"},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def calls(self, program: str) -> list[str]:
        """The arguments of each call."""
        file = self.folder / "calls"
        called = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        return [line.partition(" ")[2] for line in called if line.partition(" ")[0] == program]

    def splay_s(self) -> int:
        """How long it waits."""
        assert self.run().returncode == 0
        (seconds,) = self.calls("sleep")
        return int(seconds)


@pytest.fixture
def cron(tmp_path: Path) -> Cron:
    return Cron(tmp_path / "cron")


def test_a_pass_is_run_once_and_logged(cron: Cron) -> None:
    done = cron.run()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert cron.calls("connector") == ["reconcile"]
    assert cron.calls("logger") == ["-t connector"]
    assert sorted((cron.folder / "logged").read_text().split()) == ["complained", "spoken"]
    assert cron.calls("systemctl") == ["is-enabled --quiet connector.timer"]


def test_it_stands_down_for_a_timer(cron: Cron) -> None:
    cron.timer_exit_status = 0
    done = cron.run()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert cron.calls("systemctl")
    assert cron.calls("connector") == []
    assert cron.calls("sleep") == []


def test_without_systemd_nobody_is_asked(cron: Cron) -> None:
    cron.systemd = False
    cron.timer_exit_status = 0
    assert cron.run().stderr == ""
    assert cron.calls("systemctl") == []
    assert cron.calls("connector") == ["reconcile"]


def test_the_splay_is_the_nodes_own(cron: Cron) -> None:
    splays_s = {}
    for host in ("alpha", "beta", "node1", "node2", "mail-a.example.org", "mail-b.example.org"):
        cron.host = host
        splays_s[host] = cron.splay_s()
        assert cron.splay_s() == splays_s[host]
    assert all(0 <= splay_s < LONGEST_SPLAY_S for splay_s in splays_s.values())
    assert len(set(splays_s.values())) > 2
