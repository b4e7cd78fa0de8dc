"""The folder with DRBD 9's modules: what is wrong with it is said before anything is booted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from . import drbd_9_modules
from .drbd_9_modules import NAMES, Ask, built_modules, check_kernel, main, named_folder
from .errors import ModulesUnfit

KERNEL = "6.1.0-56-amd64"
FLAGS = "SMP preempt mod_unload modversions"


def built(folder: Path) -> Path:
    """A folder with both files."""
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_bytes(b"\x7fELF")
    return folder


def answers(version: str = "9.2.12", kernel: str = KERNEL) -> Ask:
    """What modinfo says of every file."""
    fields = {"version": version, "vermagic": f"{kernel} {FLAGS}"}
    return lambda _module, field: fields[field]


def unfit(work: Callable[[], object]) -> str:
    """What is said of modules that do not fit."""
    with pytest.raises(ModulesUnfit) as caught:
        work()
    return str(caught.value)


def test_both_files_are_found_in_the_order_of_loading(tmp_path: Path) -> None:
    folder = built(tmp_path / "built")
    assert built_modules(folder, answers()) == (
        folder / "drbd.ko",
        folder / "drbd_transport_tcp.ko",
    )


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    said = unfit(lambda: built_modules(tmp_path / "nowhere", answers()))
    assert said == f"DRBD9_MODULES={tmp_path}/nowhere is not a folder: name the one with drbd.ko"


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_missing(tmp_path: Path, name: str) -> None:
    folder = built(tmp_path / "built")
    (folder / name).unlink()
    said = unfit(lambda: built_modules(folder, answers()))
    assert said == f"DRBD9_MODULES={folder} has no {name}: build it, or copy it there"


def test_a_file_that_is_packed(tmp_path: Path) -> None:
    folder = built(tmp_path / "built")
    (folder / "drbd.ko").rename(folder / "drbd.ko.xz")
    said = unfit(lambda: built_modules(folder, answers()))
    assert said == f"DRBD9_MODULES={folder} has no drbd.ko, only drbd.ko.xz: unpack it"


@pytest.mark.parametrize("version", ["8.4.11", "", "90.1"])
def test_another_generation(tmp_path: Path, version: str) -> None:
    folder = built(tmp_path / "built")
    said = unfit(lambda: built_modules(folder, answers(version)))
    assert f"{folder}/drbd.ko: version {version or 'unknown'} is not 9: " in said


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    folder = built(tmp_path / "built")
    with (folder / "drbd.ko").open("wb") as file:
        file.truncate(drbd_9_modules.MOST_BYTES + 1)
    assert "drbd.ko has more than 64 MiB: strip it" in unfit(lambda: built_modules(folder))


def test_a_file_that_is_no_module(tmp_path: Path) -> None:
    folder = built(tmp_path / "built")
    (folder / "drbd.ko").write_text("no module\n", encoding="utf-8")
    said = unfit(lambda: built_modules(folder))
    # With kmod it is modinfo that says so, and without it that modinfo is missing.
    assert f"{folder}/drbd.ko cannot be read as a kernel module: " in said


def test_another_kernel(tmp_path: Path) -> None:
    files = (tmp_path / "drbd.ko",)
    own = tmp_path / "own.ko"

    def ask(module: Path, field: str) -> str:
        return answers(kernel=KERNEL if module == own else "6.1.0-50-amd64")(module, field)

    check_kernel(files, KERNEL, own, answers())
    said = unfit(lambda: check_kernel(files, KERNEL, own, ask))
    assert said == (
        f"{files[0]} is built for the kernel '6.1.0-50-amd64 {FLAGS}', and the laboratory's is "
        f"'{KERNEL} {FLAGS}': build it with the package linux-headers-{KERNEL}"
    )


@pytest.mark.parametrize("value", [None, "", " "])
def test_no_folder_is_named(value: str | None) -> None:
    assert named_folder({} if value is None else {"DRBD9_MODULES": value}) is None


def test_what_did_not_run_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main({}) == 3
    said = capsys.readouterr().err
    assert said.startswith("lab-9: the stories on DRBD 9 DID NOT RUN: DRBD9_MODULES is not set")
    assert main({"DRBD9_MODULES": str(tmp_path)}) == 2
    assert f"DID NOT RUN: DRBD9_MODULES={tmp_path} has no drbd.ko" in capsys.readouterr().err
