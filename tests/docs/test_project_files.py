"""Makefile targets, the build machine's script, the hooks, and what no file may say."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector import __version__

from . import pages

MADE = {".venv", ".git", "build", "dist", "__pycache__"}
# A folder of a person, on Linux or a Mac.
_SOMEBODYS = re.compile(r"(?<![\w.~])/(?:home|Users)/\w+")


def targets() -> set[str]:
    """The targets of the Makefile."""
    return set(re.findall(r"^([a-z0-9-]+):", pages.text("Makefile"), re.MULTILINE))


def named_targets(page: str) -> set[str]:
    """The targets that a page tells to make, in console blocks and in sentences."""
    shown = "\n".join([*pages.blocks(page, "console"), *pages.spans(page)])
    return set(re.findall(r"\bmake ([a-z0-9-]+)", shown))


@pytest.mark.parametrize("page", pages.PAGE_NAMES)
def test_targets_that_a_page_names_exist(page: str) -> None:
    assert named_targets(pages.text(page)) <= targets()


def test_the_two_commands_are_named() -> None:
    assert named_targets(pages.text("README.md")) >= {"demo", "test"}
    assert "nothing" not in targets()


@pytest.mark.parametrize("name", [".pre-commit-config.yaml", ".ci/run"])
def test_targets_that_a_file_calls_exist(name: str) -> None:
    lines = [line for line in pages.text(name).splitlines() if not line.startswith("#")]
    called = set(re.findall(r"\bmake ([a-z0-9-]+)", "\n".join(lines)))
    assert called
    assert called <= targets()


def test_hooks_fetch_nothing() -> None:
    text = pages.text(".pre-commit-config.yaml")
    assert re.findall(r"repo: (\S+)", text) == ["local"]
    assert set(re.findall(r"language: (\S+)", text)) == {"system"}


def test_the_build_machine_requires_the_lab(tmp_path: Path) -> None:
    make = tmp_path / "make"
    make.write_text('#!/bin/sh\necho "$CONNECTOR_LAB $PWD $*"\nexit 7\n', encoding="utf-8")
    make.chmod(0o755)
    script = pages.PROJECT / ".ci/run"
    assert os.access(script, os.X_OK)
    done = subprocess.run(
        [script],
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout == f"required {pages.PROJECT} test\n"
    assert done.returncode == 7


def project_files() -> Iterator[Path]:
    """Every file that is part of the project, as far as that can be told without git."""
    for folder, folders, names in os.walk(pages.PROJECT):
        folders[:] = [
            name
            for name in folders
            if name not in MADE and not (name.startswith(".") and name != ".ci")
        ]
        yield from (Path(folder) / name for name in names if not name.endswith(".pyc"))


def paths_of_a_machine(text: str) -> list[str]:
    """Words that only make sense on the machine where they were written."""
    found = _SOMEBODYS.findall(text)
    checkout = f"{pages.PROJECT}/"
    if checkout.count("/") > 2 and checkout in text:
        found.append(checkout)
    return found


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    wrong = {}
    seen = 0
    for file in project_files():
        seen += 1
        found = paths_of_a_machine(file.read_bytes().decode("utf-8", "replace"))
        if found:
            wrong[str(file.relative_to(pages.PROJECT))] = found
    assert seen > 100
    assert wrong == {}


def test_such_a_path_would_be_found() -> None:
    assert paths_of_a_machine(f"see {pages.PROJECT}/connector") or pages.PROJECT.parent == Path("/")
    for start in ("home", "Users"):
        assert paths_of_a_machine(f"see /{start}/jo/connector")
    assert not paths_of_a_machine("$HOME/.cache ~/home/x /root/dev /home/")


def test_the_changelog_has_this_version() -> None:
    versions = re.findall(r"^## \[([\d.]+)\]", pages.text("CHANGELOG.md"), re.MULTILINE)
    assert versions[0] == __version__
    assert f"| {__version__.rpartition('.')[0]} | yes |" in pages.text("SECURITY.md")
