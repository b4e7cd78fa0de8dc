"""contrib/systemd: as systemd itself reads it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from itertools import takewhile
from pathlib import Path

import pytest

from . import pages
from .test_commands import accept

FOLDER = pages.PROJECT / "contrib/systemd"
UNITS = sorted(path.name for path in FOLDER.iterdir())
SERVICES = [name for name in UNITS if name.endswith(".service")]
WATCH = "connector-watch.service"
INSTALLED = "/usr/local/sbin/connector"
# systemd-analyze's own scale: 10 is a service with all rights, 9.6 one of cron's.
MOST_EXPOSED = 3.5
TIMEOUT_S = 60


def analyze(*arguments: str, cwd: Path) -> str:
    """Run systemd-analyze; where it is missing the test is skipped, or fails in CI."""
    program = shutil.which("systemd-analyze")
    if program is None:
        reason = "NOT TRIED: systemd-analyze is missing; apt-get install systemd"
        if os.environ.get("CONNECTOR_LAB") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    done = subprocess.run(
        [program, *arguments], cwd=cwd, capture_output=True, text=True, timeout=TIMEOUT_S
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    """The units, with a program that is there."""
    for name in UNITS:
        text = (FOLDER / name).read_text("utf-8")
        (tmp_path / name).write_text(text.replace(INSTALLED, "/bin/true"), "utf-8")
    return tmp_path


def test_systemd_has_nothing_to_say_against_them(copies: Path) -> None:
    assert analyze("verify", *(f"./{name}" for name in UNITS), cwd=copies) == ""


def test_a_unit_with_a_typing_mistake_would_be_noticed(copies: Path) -> None:
    unit = copies / SERVICES[0]
    unit.write_text(unit.read_text("utf-8").replace("ProtectClock=", "ProtectClok="), "utf-8")
    assert "ProtectClok" in analyze("verify", f"./{unit.name}", cwd=copies)


@pytest.mark.parametrize("name", SERVICES)
def test_the_exposure_is_low(copies: Path, name: str) -> None:
    said = analyze("security", "--offline=true", "--no-pager", f"./{name}", cwd=copies)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert found is not None, said
    assert float(found[1]) <= MOST_EXPOSED


def test_both_services_have_the_same_rights() -> None:
    def rights(name: str) -> str:
        text = (FOLDER / name).read_text("utf-8")
        return text[text.index("# --- What it may do") :].partition("\n[Install]")[0].strip()

    assert len({rights(name) for name in SERVICES}) == 1


def drop_in() -> str:
    """What the unit of the watch says to put into a drop-in for the exporter."""
    lines = (FOLDER / WATCH).read_text("utf-8").splitlines()
    start = lines.index("#     [Service]") + 1
    return "\n".join(
        line.removeprefix("#     ") for line in takewhile(lambda line: line != "#", lines[start:])
    )


def test_systemd_and_connector_take_the_drop_in_for_the_exporter(copies: Path) -> None:
    unit = copies / WATCH
    own = f"ExecStart={INSTALLED} watch\n"
    assert own in (FOLDER / WATCH).read_text("utf-8")
    text = (FOLDER / WATCH).read_text("utf-8").replace(own, f"{own}{drop_in()}\n")
    unit.write_text(text.replace(INSTALLED, "/bin/true"), "utf-8")
    assert analyze("verify", f"./{WATCH}", cwd=copies) == ""
    program, command, *options = shlex.split(
        drop_in().replace("\\\n", " ").partition(f"ExecStart={INSTALLED}")[2]
    )
    assert (program, command) == ("watch", "--listen")
    accept([program, command, *options])
    assert "--port" in options


def test_the_service_outlives_an_exporter_that_memory_runs_out_for() -> None:
    """systemd's default stops all of a service of which one process was killed for that."""
    assert "\nOOMPolicy=continue\n" in (FOLDER / WATCH).read_text("utf-8")


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_run_is_where_the_readme_puts_it(name: str) -> None:
    assert f"ExecStart={INSTALLED} " in (FOLDER / name).read_text("utf-8")
    assert f"{INSTALLED}\n" in pages.text("README.md")
