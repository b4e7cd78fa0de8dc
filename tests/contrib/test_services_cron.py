"""contrib/heartbeat/connector-services and cron: the jobs, and what others have beside them."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from .services_node import HEARTBEAT, JOBS, ONE_TWO_THREE, SCRIPT, THREE_TWO_ONE, Node


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """A node where nothing is started."""
    return Node(tmp_path)


# The cron jobs


def test_without_jobs_there_is_no_link(node: Node) -> None:
    (node.etc / "cron.cluster").unlink()
    assert node.does("start") == (0, "")
    assert node.does("status") == (0, "running\n")
    assert not node.link.is_symlink()
    node.jobs_are(JOBS)
    assert node.does("status") == (4, "unknown\n")
    assert node.does("start") == (0, "")
    assert node.is_active()
    (node.etc / "cron.cluster").unlink()
    assert node.does("status") == (4, "unknown\n")
    assert node.does("start") == (0, "")
    assert node.does("status") == (0, "running\n")
    assert not node.link.is_symlink()


def twice(path: Path) -> None:
    path.with_name("another-name").hardlink_to(path)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.chmod(0o664), "with the rights 0644"),
        (lambda path: path.chmod(0o646), "with the rights 0644"),
        (twice, "no other hard link"),
        (lambda path: (path.unlink(), path.mkdir()), "it must be a file of root"),
        (lambda path: (path.unlink(), path.symlink_to("gone")), "it must be a file of root"),
        (lambda path: path.write_text(JOBS.rstrip()), "must end with a newline"),
    ],
)
def test_what_cron_would_leave_out_is_named(
    node: Node, spoil: Callable[[Path], object], said: str
) -> None:
    assert node.run(str(node.etc), "start").stderr == ""
    node.does("stop")
    spoil(node.etc / "cron.cluster")
    done = node.run(str(node.etc), "start")
    # The services matter more than the jobs.
    assert (done.returncode, node.running()) == (0, {"one", "two", "three"})
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"connector-services: {node.etc}/cron.cluster: cron will not take it: ")
    assert said in line
    assert node.does("status") == (0, "running\n")
    assert node.does("stop") == (0, "")
    assert node.is_clean()


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT tried: only root can give a file away")
def test_a_file_that_is_not_roots_is_named(node: Node) -> None:
    os.chown(node.etc / "cron.cluster", 65534, -1)
    assert "it must be a file of root" in node.run(str(node.etc), "start").stderr


def test_without_cron_jobs_are_an_error(node: Node) -> None:
    shutil.rmtree(node.cron_d)
    assert f"{node.cron_d} is not there, but {node.etc}/cron.cluster is" in node.fails("start")
    assert node.calls() == []
    assert node.does("stop") == (0, "")
    (node.etc / "cron.cluster").unlink()
    assert node.does("start") == (0, "")


def test_where_the_link_cannot_be_made_nothing_stays_started(node: Node) -> None:
    node.program("ln", '#!/bin/sh\ncase "$*" in *cron.d*) exit 1; esac\nexec /bin/ln "$@"\n')
    assert f"{node.link}: the jobs could not be switched on" in node.fails("start")
    assert node.calls() == [*ONE_TWO_THREE, *THREE_TWO_ONE]
    assert node.is_clean()


def test_where_the_link_cannot_be_removed_the_jobs_are_off_all_the_same(node: Node) -> None:
    node.does("start")
    node.program("rm", '#!/bin/sh\ncase "$*" in *cron.d*) exit 1; esac\nexec /bin/rm "$@"\n')
    node.fails("stop")
    assert not node.running()
    assert node.link.is_symlink()
    assert not node.link.exists()
    (node.folder / "bin/rm").unlink()
    assert node.does("stop") == (0, "")
    assert node.is_clean()


# What is not ours


def a_file(node: Node) -> None:
    node.link.write_text("* * * * * root somebody else's\n")


def a_link_elsewhere(node: Node) -> None:
    node.link.symlink_to(node.folder / "crontabs/root")


def a_link_to_the_jobs(node: Node) -> None:
    """It was not made by the script, so it stays."""
    node.link.symlink_to(node.etc / "cron.cluster")


def a_folder(node: Node) -> None:
    node.link.mkdir()


FOREIGN = [a_file, a_link_elsewhere, a_link_to_the_jobs, a_folder]


def everything_in(folder: Path) -> dict[str, object]:
    return {
        str(path): (
            path.lstat().st_ino,
            path.lstat().st_mtime_ns,
            os.readlink(path) if path.is_symlink() else path.is_file() and path.read_bytes(),
        )
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize("foreign", FOREIGN)
def test_what_others_have_under_our_name_stays(node: Node, foreign: Callable[[Node], None]) -> None:
    foreign(node)
    before = everything_in(node.cron_d)
    assert f"{node.link} is no link to {node.run_folder}" in node.fails("start")
    assert node.calls() == []
    assert not node.run_folder.exists()
    assert node.does("status") == (3, "stopped\n")
    done = node.run(str(node.etc), "stop")
    assert (done.returncode, done.stdout) == (0, "")
    assert "it is left as it is" in done.stderr
    assert everything_in(node.cron_d) == before


@pytest.mark.parametrize("foreign", FOREIGN)
def test_what_comes_under_our_name_meanwhile_stays(
    node: Node, foreign: Callable[[Node], None]
) -> None:
    node.does("start")
    node.link.unlink()
    foreign(node)
    before = everything_in(node.cron_d)
    assert node.does("status") == (4, "unknown\n")
    assert node.does("stop") == (0, "")
    assert everything_in(node.cron_d) == before
    assert not node.running()
    assert not list(node.run_folder.iterdir())


def test_what_comes_under_our_name_at_the_last_moment_stays(node: Node) -> None:
    foreign = f'[ -e "{node.link}" ] || echo other >"{node.link}"\n'
    node.program("ln", f'#!/bin/sh\n{foreign}exec /bin/ln "$@"\n')
    assert "the jobs could not be switched on" in node.fails("start")
    assert node.link.read_text() == "other\n"
    assert not node.running()
    assert not list(node.run_folder.iterdir())


@pytest.mark.parametrize("foreign", FOREIGN)
def test_without_jobs_what_others_have_hinders_nothing(
    node: Node, foreign: Callable[[Node], None]
) -> None:
    (node.etc / "cron.cluster").unlink()
    foreign(node)
    before = everything_in(node.cron_d)
    assert "it is left as it is" in node.run(str(node.etc), "start").stderr
    assert node.does("status") == (0, "running\n")
    assert node.does("stop") == (0, "")
    assert everything_in(node.cron_d) == before


def test_another_folder_does_not_take_the_link_over(node: Node) -> None:
    node.does("start")
    other = node.folder / "srv/news/etc"
    shutil.copytree(node.etc, other)
    assert node.run(str(other), "start").returncode == 1
    done = node.run(str(other), "stop")
    assert (done.returncode, node.leads_to_the_jobs()) == (0, True)


# What lies beside it


def test_the_group_in_haresources_has_it_after_the_disk_and_the_address() -> None:
    text = (HEARTBEAT / "haresources").read_text(encoding="utf-8")
    (line,) = (line for line in text.splitlines() if line and not line.startswith("#"))
    names = [word.partition("::")[0] for word in line.split()[1:]]
    assert names == ["connector-resource", "IPaddr2", SCRIPT.name]
    assert line in SCRIPT.read_text(encoding="utf-8")


def test_the_example_list_is_a_list(node: Node) -> None:
    shutil.copy(HEARTBEAT / "services", node.etc / "services")
    assert node.does("start") == (0, "")
    assert node.calls() == ["start dovecot", "start postfix"]


def test_the_example_jobs_are_what_cron_takes(node: Node) -> None:
    path = HEARTBEAT / "cron.cluster"
    text = path.read_text(encoding="utf-8")
    node.jobs_are(text)
    assert node.run(str(node.etc), "start").stderr == ""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    jobs = [line for line in lines if re.fullmatch(r"([\d*/,-]+\s+){5}root\s+\w.*", line)]
    assert len(jobs) == 2
    assert len(lines) == len(jobs) + len(
        [line for line in lines if re.fullmatch(r"[A-Z]+=\S+", line)]
    )
    assert "%" not in "".join(jobs)
