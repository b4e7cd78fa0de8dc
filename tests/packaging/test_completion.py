"""Completion of commands in bash, zsh and fish."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.contrib.programs import needed

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).resolve().parents[2]
FILES = PROJECT / "contrib/completion"
SHELLS = ("bash", "zsh", "fish")
PATIENCE_S = 60.0


@pytest.fixture
def programs(tmp_path: Path) -> str:
    """A PATH on which there is a `connector`."""
    program = tmp_path / "bin" / "connector"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH="{PROJECT}" exec "{sys.executable}" -m connector "$@"\n',
        encoding="utf-8",
    )
    program.chmod(0o755)
    return f"{program.parent}:/usr/bin:/bin"


@pytest.mark.parametrize("shell", SHELLS)
def test_the_file_is_what_the_library_makes(shell: str, programs: str) -> None:
    done = subprocess.run(
        ["connector"],
        env={"PATH": programs, "_CONNECTOR_COMPLETE": f"{shell}_source"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.stdout == (FILES / f"connector.{shell}").read_text(encoding="utf-8")
    assert done.stderr == ""


class Bash:
    """An interactive bash on a terminal."""

    def __init__(self, programs: str, home: Path) -> None:
        self.controller, terminal = pty.openpty()
        self.shown = ""
        self.process = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "-i"],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env={"PATH": programs, "HOME": str(home), "TERM": "dumb", "PS1": "READY> "},
            cwd=home,
            start_new_session=True,
        )
        os.close(terminal)

    def type(self, keys: str) -> None:
        os.write(self.controller, keys.encode())

    def wait_for(self, pattern: str) -> None:
        """Return once the terminal shows it; what was shown before does not count again."""
        deadline_s = time.monotonic() + PATIENCE_S
        while not (found := re.search(pattern, self.shown)):
            assert time.monotonic() < deadline_s, self.shown
            if select.select([self.controller], [], [], 1.0)[0]:
                self.shown += os.read(self.controller, 65536).decode()
        self.shown = self.shown[found.end() :]

    def end(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE_S)
        os.close(self.controller)


def test_bash_completes_commands_options_and_choices(programs: str, tmp_path: Path) -> None:
    bash = Bash(programs, tmp_path)
    try:
        bash.wait_for("READY> ")
        bash.type(f"source '{FILES / 'connector.bash'}'\n")
        bash.wait_for("READY> ")
        bash.type("connector stat\t")
        bash.wait_for("connector status ")
        bash.type("--wat\t")
        bash.wait_for("--watch ")
        bash.type("\x15connector table --format mark\t")
        bash.wait_for("--format markdown ")
        bash.type("\x15connector bundle --outp\t")
        bash.wait_for("--output ")
    finally:
        bash.end()


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_other_shells_take_the_file(shell: str) -> None:
    program = needed(shell, shell, f"completion in {shell} was")
    done = subprocess.run(
        [program, "-n", FILES / f"connector.{shell}"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_fish_completes_a_command(programs: str, tmp_path: Path) -> None:
    fish = needed("fish", "fish", "completion in fish was")
    done = subprocess.run(
        [fish, "-c", f"source '{FILES / 'connector.fish'}'; complete -C 'connector stat'"],
        env={"PATH": programs, "HOME": str(tmp_path), "TERM": "dumb"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.stdout.split()[0] == "status"


def test_zsh_completes_a_command(programs: str, tmp_path: Path) -> None:
    zsh = needed("zsh", "zsh", "completion in zsh was")
    # `_describe` only runs in an editor of lines: here it says what it would show.
    script = (
        "compdef() { }\n"
        f"source '{FILES / 'connector.zsh'}'\n"
        "_describe() { print -l -- ${(P)3} }\n"
        "words=(connector stat); CURRENT=2\n"
        "_connector_completion\n"
    )
    done = subprocess.run(
        [zsh, "-f", "-c", script],
        env={"PATH": programs, "HOME": str(tmp_path), "TERM": "dumb"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.stdout.startswith("status:")
