"""Names and numbers, and who owns what is mounted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from connector.act.subprocess_runner import SubprocessRunner
from connector.doctor import owners
from connector.doctor.owners import MAX_MOUNTS, MAX_NAMES, Owner, parse_names
from connector.program import Completed

PASSWD = "root:x:0:0:root:/root:/bin/sh\nvmail:x:5000:5000::/:/bin/false\nvmail:x:1:1::/:\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text(PASSWD)
    (tmp_path / "etc/group").write_text("root:x:0:\nmail:x:5000:a,b\n")
    return tmp_path


class Find:
    """Answers like find, and remembers what it was asked."""

    def __init__(self, stdout: str = "", exit_status: int | None = 0, stderr: str = "") -> None:
        self.answer = (stdout, exit_status, stderr)
        self.asked: list[tuple[str, ...]] = []

    def __call__(self, argv: Sequence[str], timeout_s: float) -> Completed:
        self.asked.append(tuple(argv))
        stdout, exit_status, stderr = self.answer
        return Completed(tuple(argv), exit_status, stdout, stderr)


def test_names_are_those_of_passwd_and_the_first_one_counts() -> None:
    assert parse_names(PASSWD) == {"root": 0, "vmail": 5000}
    assert parse_names("+::::::\n#a:x:1:1\nb:x:-1:1\nc:x:\u0661:1\nd:x:99999999999:1\n:x:1:1") == {}


def test_owners_with_their_first_path_and_their_names(root: Path) -> None:
    find = Find(
        "0 0 /mnt|5000 5000 /mnt/a\nb|5000 0 /mnt/c|77 0 /mnt/d|1 1 /cut".replace("|", "\0")
    )
    found = owners.read(root, find, ["/mnt"])
    assert found.found == (
        Owner("user", 0, "root", "/mnt"),
        Owner("group", 0, "root", "/mnt"),
        Owner("user", 5000, "vmail", "/mnt/a\nb"),
        Owner("group", 5000, "mail", "/mnt/a\nb"),
        Owner("user", 77, None, "/mnt/d"),
    )
    assert [one.why for one in found.unseen] == [
        f"owners below {root}/mnt: only of the first 4 files"
    ]
    assert find.asked[0][:2] == ("find", f"{root}/mnt")


def test_a_find_that_fails_is_said_and_what_it_found_is_kept(root: Path) -> None:
    found = owners.read(root, Find("0 0 /mnt\0", 1, "x\nfind: /mnt/a: Permission denied"), ["/mnt"])
    assert len(found.found) == 2
    (one,) = found.unseen
    assert one.why.endswith("/mnt: find: /mnt/a: Permission denied")


def test_a_find_that_hangs_is_said(root: Path) -> None:
    (one,) = owners.read(root, Find(exit_status=None), ["/mnt"]).unseen
    assert "did not end in time" in one.why


def test_many_mounts_are_bounded_and_said(root: Path) -> None:
    find = Find()
    found = owners.read(root, find, [f"/m{number}" for number in range(MAX_MOUNTS + 1)])
    assert len(find.asked) == MAX_MOUNTS
    assert len(found.unseen) == 1


def test_many_names_are_bounded_and_said(root: Path) -> None:
    lines = [f"u{number}:x:{number}:1::/:" for number in range(MAX_NAMES + 1)]
    (root / "etc/passwd").write_text("\n".join(lines))
    found = owners.read(root, Find(), [])
    assert len(found.users) == MAX_NAMES
    assert len(found.unseen) == 1


def test_without_the_files_it_is_said(tmp_path: Path) -> None:
    found = owners.read(tmp_path, Find(), [])
    assert [one.why.rpartition("/")[2] for one in found.unseen] == [
        "passwd: there is none",
        "group: there is none",
    ]


@pytest.mark.skipif(shutil.which("find") is None, reason="there is no find here")
def test_the_real_find_two_levels_deep(root: Path) -> None:
    (root / "mnt/a/b").mkdir(parents=True)
    (root / "mnt/a/b/deep").write_text("")
    found = owners.read(root, SubprocessRunner(), ["/mnt"])
    assert found.unseen == ()
    (user, group) = found.found
    assert (user.kind, user.id, user.where) == ("user", os.geteuid(), f"{root}/mnt")
    assert group.kind == "group"


def test_of_two_mounts_the_first_path_is_told(root: Path) -> None:
    def find(argv: Sequence[str], timeout_s: float) -> Completed:
        return Completed(tuple(argv), 0, f"0 0 {argv[1]}\0")

    found = owners.read(root, find, ["/a", "/b"]).found
    assert [one.where for one in found] == [f"{root}/a", f"{root}/a"]
