"""The manual pages are those of the code, render without a warning, and name everything."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from pydantic import BaseModel

from connector.cli.commands import cli
from connector.config_schema import ConfigFile
from connector.errors import ConnectorError
from tests.contrib.programs import needed

PROJECT = Path(__file__).resolve().parents[2]
MAN = PROJECT / "docs/man"
PAGES = ("connector.8", "connector.toml.5")


def run(*argv: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANWIDTH": "200"},
    )


def rendered(name: str) -> str:
    """The page as man shows it, with blanks as single ones."""
    man = needed("man", "man-db", "the manual pages were")
    done = run(man, "--warnings", "--encoding=UTF-8", "-l", MAN / name)
    assert (done.returncode, done.stderr) == (0, "")
    return " ".join(re.sub(r"\x1b\[[\d;]*m|.\x08", "", done.stdout).split())


def all_commands(
    group: click.Group = cli, above: str = "connector"
) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group, info_name=above)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{above} {name}", command
        if isinstance(command, click.Group):
            yield from all_commands(command, f"{above} {name}")


def all_errors(error: type[ConnectorError] = ConnectorError) -> Iterator[type[ConnectorError]]:
    yield error
    for below in error.__subclasses__():
        yield from all_errors(below)


def test_the_pages_are_those_of_the_code(tmp_path: Path) -> None:
    done = run(sys.executable, PROJECT / "packaging/manual.py", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for name in PAGES:
        made = (tmp_path / name).read_text(encoding="utf-8")
        kept = (MAN / name).read_text(encoding="utf-8")
        assert made == kept, f"docs/man/{name} is old: python packaging/manual.py docs/man"


@pytest.mark.parametrize("name", PAGES)
def test_man_shows_it_without_warnings(name: str) -> None:
    title = name.rpartition(".")[0].upper()
    assert rendered(name).startswith(f"{title}({name[-1]})")


@pytest.mark.parametrize("name", PAGES)
def test_mandoc_finds_nothing(name: str) -> None:
    mandoc = needed("mandoc", "mandoc", "the manual pages were, with a second reader,")
    done = run(mandoc, "-Tlint", "-W", "warning", MAN / name)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_page_that_is_wrong_would_be_found(tmp_path: Path) -> None:
    page = tmp_path / "wrong.8"
    page.write_text(".TH WRONG 8 2026-11-28\n.SH NAME\nwrong \\- x\n.nonsense\n", encoding="utf-8")
    mandoc = needed("mandoc", "mandoc", "the manual pages were, with a second reader,")
    assert run(mandoc, "-Tlint", "-W", "warning", page).returncode != 0


def test_every_command_and_every_option_is_there() -> None:
    page = rendered("connector.8")
    commands = dict(all_commands())
    assert len(commands) > 12
    for path, command in commands.items():
        assert path in page
        for parameter in command.params:
            for option in parameter.opts if isinstance(parameter, click.Option) else ():
                assert option in page, f"{path} {option}"


def test_every_exit_status_is_there() -> None:
    page = rendered("connector.8").partition(" EXIT STATUS ")[2].partition(" ENVIRONMENT ")[0]
    own = {error.exit_status for error in all_errors()} | {0, 2}
    for status in own:
        assert re.search(rf"(?<!\S){status} \w", page), status


def test_every_key_is_there_with_its_variable() -> None:
    page = rendered("connector.toml.5")
    text = (MAN / "connector.toml.5").read_text(encoding="utf-8")
    for section, field in ConfigFile.model_fields.items():
        model = field.annotation
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            assert "[RESOURCE.NAME]" in page
            continue
        assert f"[{section.upper()}]" in page
        for key in model.model_fields:
            assert f"\n.TP\n\\fB{key}\\fR\n" in text
            assert f"CONNECTOR_{section}_{key}".upper() in page, key
