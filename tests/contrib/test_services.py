"""contrib/heartbeat/connector-services: the list, the services, and the disk that is not there."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from .services_node import ONE_TWO_THREE, SCRIPT, SERVICE, THREE_TWO_ONE, Node


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """A node where nothing is started."""
    return Node(tmp_path)


def test_it_is_a_program_in_plain_sh() -> None:
    assert os.access(SCRIPT, os.X_OK)
    assert SCRIPT.read_text(encoding="utf-8").startswith("#!/bin/sh\n")
    shell = shutil.which("dash") or "/bin/sh"
    done = subprocess.run([shell, "-n", str(SCRIPT)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_services_start_from_the_top_and_stop_from_the_bottom(node: Node) -> None:
    assert node.does("status") == (3, "stopped\n")
    assert node.does("start") == (0, "")
    assert node.calls() == ONE_TWO_THREE
    assert node.is_active()
    assert node.does("status") == (0, "running\n")
    assert node.does("stop") == (0, "")
    assert node.calls() == THREE_TWO_ONE
    assert node.is_clean()
    assert node.does("status") == (3, "stopped\n")


def test_each_may_be_called_twice(node: Node) -> None:
    assert node.does("stop") == (0, "")
    assert node.is_clean()
    assert node.does("start") == node.does("start") == (0, "")
    assert node.is_active()
    assert node.calls() == [*THREE_TWO_ONE, *ONE_TWO_THREE]
    assert node.does("stop") == node.does("stop") == (0, "")
    assert node.is_clean()


def test_the_jobs_come_after_the_services_and_go_before_them(node: Node) -> None:
    seen = node.folder / "seen"
    spy = f'[ ! -e "{node.link}" ] || echo "$2 $1" >>"{seen}"\n'
    node.program("service", SERVICE + spy)
    assert node.does("start") == (0, "")
    assert node.is_active()
    assert node.does("stop") == (0, "")
    assert not seen.exists()
    node.does("start")
    node.does("status")
    assert seen.read_text().splitlines() == ["status one", "status two", "status three"]


def test_jobs_are_on_only_while_they_were_started(node: Node) -> None:
    """A power cut empties /run. The link is left, and a disk that is only mounted has no jobs."""
    node.does("start")
    shutil.rmtree(node.run_folder)
    for path in (node.folder / "running").iterdir():
        path.unlink()
    node.loses_the_disk()
    assert node.link.is_symlink()
    assert not node.link.exists()
    done = node.run(str(node.etc), "status")
    assert (done.returncode, done.stdout) == (4, "unknown\n")
    assert "leads to no jobs: start puts it right, stop removes it" in done.stderr
    node.gets_the_disk()
    assert not node.link.exists()
    assert "leads to no jobs" in node.run(str(node.etc), "status").stderr
    assert node.does("start") == (0, "")
    assert node.is_active()
    assert node.does("stop") == (0, "")
    assert node.is_clean()


@pytest.mark.parametrize("mounted", [True, False])
def test_a_stop_after_a_power_cut_removes_the_link(node: Node, mounted: bool) -> None:
    node.does("start")
    shutil.rmtree(node.run_folder)
    for path in (node.folder / "running").iterdir():
        path.unlink()
    node.calls()
    if not mounted:
        node.loses_the_disk()
    assert node.does("stop") == (0, "")
    assert node.is_clean()
    assert node.calls() == (THREE_TWO_ONE if mounted else [])


# The list


@pytest.mark.parametrize(
    "line",
    [
        "one two",
        "--status-all",
        "-h",
        "../evil",
        ".hidden",
        "one;reboot",
        "$(reboot)",
        "ö",
        "one\r",
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_started(node: Node, line: str) -> None:
    node.list_is("one", "# a comment", line, "two")
    said = node.fails("start")
    assert f"{node.etc}/services, line 3: " in said
    assert "nothing was started" in said
    assert node.calls() == []
    assert node.does("status") == (4, "unknown\n")
    assert node.does("stop") == (0, "")
    assert node.calls() == []
    assert node.is_clean()


def test_a_list_that_became_wrong_does_not_hinder_a_stop(node: Node) -> None:
    node.does("start")
    node.list_is("one", "two three")
    done = node.run(str(node.etc), "stop")
    assert done.returncode == 0
    assert "services, line 2" in done.stderr
    assert node.is_clean()


def test_what_a_list_may_have(node: Node) -> None:
    text = "\n  \t\n# all of it\n\tone # first\n  getty@tty1.x_y-z  \none\n2"
    (node.etc / "services").write_text(text)
    assert node.does("start") == (0, "")
    assert node.calls() == ["start one", "start getty@tty1.x_y-z", "start 2"]
    assert node.does("stop") == (0, "")
    assert node.calls() == ["stop 2", "stop getty@tty1.x_y-z", "stop one"]


def test_an_empty_list_has_jobs_only(node: Node) -> None:
    node.list_is("# none")
    assert node.does("status") == (3, "stopped\n")
    assert node.does("start") == (0, "")
    assert node.does("status") == (0, "running\n")
    assert node.leads_to_the_jobs()
    assert node.does("stop") == (0, "")
    assert node.is_clean()


def test_a_list_that_is_too_long_is_refused(node: Node) -> None:
    (node.etc / "services").write_text("a\n" * 40000)
    assert "or has more than 65536 bytes" in node.fails("start")
    assert node.calls() == []


def test_a_list_that_is_missing_or_a_folder_is_refused(node: Node) -> None:
    (node.etc / "services").unlink()
    assert f"{node.etc}/services is not there" in node.fails("start")
    (node.etc / "services").mkdir()
    assert "it is no file that can be read" in node.fails("start")
    assert node.calls() == []
    assert node.does("stop") == (0, "")


# The disk that is not there, and what was noted


def test_without_the_disk_nothing_starts_and_a_stop_succeeds(node: Node) -> None:
    node.loses_the_disk()
    assert f"{node.etc} is not there: is its disk mounted?" in node.fails("start")
    assert node.does("status") == (3, "stopped\n")
    assert node.does("stop") == (0, "")
    assert node.calls() == []
    assert node.is_clean()


def test_without_the_disk_a_stop_knows_what_was_started(node: Node) -> None:
    node.does("start")
    node.calls()
    node.loses_the_disk()
    assert node.does("status") == (4, "unknown\n")
    assert node.does("stop") == (0, "")
    assert node.calls() == THREE_TWO_ONE
    assert node.is_clean()


def test_what_was_taken_from_the_list_or_added_is_stopped_too(node: Node) -> None:
    node.does("start")
    node.list_is("one", "four", "two")
    (node.folder / "running/four").touch()
    node.calls()
    # Three is not wanted any more: whether it runs does not matter.
    assert node.does("status") == (0, "running\n")
    (node.folder / "running/three").unlink()
    assert node.does("status") == (0, "running\n")
    assert node.does("start") == (0, "")
    assert node.calls() == []
    node.loses_the_disk()
    assert node.does("stop") == (0, "")
    assert node.calls() == ["stop three", "stop two", "stop four", "stop one"]
    assert node.is_clean()


@pytest.mark.parametrize("names", [(), ("one",)])
def test_what_is_noted_is_not_stopped_and_without_the_disk_not_running(
    node: Node, names: Sequence[str]
) -> None:
    """Of a node without jobs, that is: their link would tell it too."""
    (node.etc / "cron.cluster").unlink()
    node.list_is(*names)
    node.does("start")
    assert node.does("status") == (0, "running\n")
    node.loses_the_disk()
    assert node.does("status") == (4, "unknown\n")
    assert node.does("stop") == (0, "")
    assert node.does("status") == (3, "stopped\n")


def test_all_that_runs_without_a_start_is_not_running(node: Node) -> None:
    """Heartbeat starts it then, so it is noted for a stop without the disk."""
    (node.etc / "cron.cluster").unlink()
    for name in ("one", "two", "three"):
        (node.folder / "running" / name).touch()
    assert node.does("status") == (4, "unknown\n")
    assert node.does("start") == (0, "")
    assert node.calls() == []
    assert node.does("status") == (0, "running\n")


def test_no_service_reads_what_the_script_was_given(node: Node) -> None:
    for action in ("start", "status", "stop"):
        node.does(action)
    assert not (node.folder / "read").exists()


def test_what_was_started_by_hand_is_stopped(node: Node) -> None:
    (node.folder / "running/two").touch()
    assert node.does("status") == (4, "unknown\n")
    assert node.does("stop") == (0, "")
    assert node.is_clean()


def test_a_note_that_cannot_be_made_starts_nothing(node: Node) -> None:
    node.run_folder.write_text("no folder")
    assert "cannot be written; nothing was started" in node.fails("start")
    assert node.calls() == []


def test_a_note_that_somebody_broke_fails_a_stop_that_does_the_rest(node: Node) -> None:
    node.does("start")
    (note,) = node.run_folder.glob("*/services")
    note.write_text("one two\n")
    assert f"{note}, line 1: " in node.fails("stop")
    assert not node.running()
    assert not node.link.is_symlink()


def test_no_two_folders_share_a_note(node: Node) -> None:
    (node.etc / "cron.cluster").unlink()
    other = node.folder / "srv/mail-etc"
    shutil.copytree(node.etc, other)
    node.does("start")
    assert node.run(str(other), "start").returncode == 0
    assert len(list(node.run_folder.iterdir())) == 2


# How it is called


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("/srv/mail/etc",),
        ("/srv/mail/etc", "restart"),
        ("/srv/mail/etc", "/srv", "start"),
        ("srv/mail/etc", "stop"),
        ("/", "stop"),
        ("/srv/mail/etc/", "stop"),
        ("/srv//mail", "stop"),
        ("/srv/../etc", "stop"),
        ("/srv/a b", "stop"),
        ("/srv/a+b", "stop"),
        ("/srv/a\nb", "stop"),
        ("/srv/a\n", "stop"),
        ("", "stop"),
    ],
)
def test_it_says_how_it_is_used(node: Node, words: Sequence[str]) -> None:
    done = node.run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage: connector-services FOLDER start|stop|status" in done.stderr
    assert node.calls() == []
    assert node.is_clean()
