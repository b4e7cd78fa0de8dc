"""Who holds a device, and who owns the resources."""

from __future__ import annotations

import os
import stat as mode_bits
from pathlib import Path

import pytest

from connector.observe.processes import (
    DeviceUser,
    cluster_owner,
    having_open,
    process_ids,
    processes_using,
)

MINOR_0 = os.makedev(147, 0)
MINOR_1 = os.makedev(147, 1)
MINOR_10 = os.makedev(147, 10)


class FakeStat:
    """Answers by what a link points to; what it has not been told of does not exist."""

    def __init__(self) -> None:
        self.known: dict[str, os.stat_result] = {}

    def file(self, target: str, device: int) -> None:
        self.known[target] = _stat_result(mode_bits.S_IFREG, device, 0)

    def block_device(self, target: str, device: int) -> None:
        self.known[target] = _stat_result(mode_bits.S_IFBLK, os.makedev(0, 5), device)

    def character_device(self, target: str, device: int) -> None:
        self.known[target] = _stat_result(mode_bits.S_IFCHR, os.makedev(0, 5), device)

    def __call__(self, path: str) -> os.stat_result:
        target = str(Path(path).readlink())
        if target not in self.known:
            raise FileNotFoundError(target)
        return self.known[target]


def _stat_result(kind: int, device: int, rdev: int) -> os.stat_result:
    return os.stat_result((kind | 0o600, 0, device, 1, 0, 0, 0, 0, 0, 0), {"st_rdev": rdev})


def add_process(place: Path, pid: int, name: str, **links: str) -> None:
    """`links` are cwd, root, exe and fdN."""
    folder = place / f"proc/{pid}"
    (folder / "fd").mkdir(parents=True)
    (folder / "comm").write_text(f"{name}\n", encoding="utf-8")
    for link, target in links.items():
        (folder / (f"fd/{link[2:]}" if link.startswith("fd") else link)).symlink_to(target)


def test_processes_on_a_device(tmp_path: Path) -> None:
    stat = FakeStat()
    stat.block_device("/dev/drbd0", MINOR_0)
    stat.block_device("/dev/drbd10", MINOR_10)
    stat.character_device("/dev/odd", MINOR_0)
    stat.file("/mnt/mail", MINOR_0)
    stat.file("/mnt/mail/spool", MINOR_0)
    stat.file("/mnt/db/table", MINOR_1)
    add_process(tmp_path, 30, "dd", cwd="/root", fd0="/dev/null", fd11="/dev/drbd0")
    add_process(tmp_path, 4, "bash", cwd="/mnt/mail", fd1="/mnt/mail/spool")
    add_process(tmp_path, 5, "dovecot", fd2="/mnt/mail/spool", fd10="/dev/drbd0")
    add_process(tmp_path, 6, "mariadbd", root="/mnt/db/table")
    add_process(tmp_path, 7, "qemu", fd3="/dev/drbd10", fd4="/dev/odd")
    assert processes_using(tmp_path, {0, 1}, stat) == (
        DeviceUser(4, "bash", "/mnt/mail (cwd)"),
        DeviceUser(5, "dovecot", "/mnt/mail/spool"),
        DeviceUser(6, "mariadbd", "/mnt/db/table (root)"),
        DeviceUser(30, "dd", "/dev/drbd0"),
    )


def test_processes_that_ended_or_may_not_be_looked_into(tmp_path: Path) -> None:
    (tmp_path / "proc/5").mkdir(parents=True)
    (tmp_path / "proc/6").symlink_to("6")
    (tmp_path / "proc/7/fd").mkdir(parents=True)
    (tmp_path / "proc/7/fd/1").symlink_to("/mnt/mail")
    stat = FakeStat()
    stat.file("/mnt/mail", MINOR_0)
    assert processes_using(tmp_path, {0}, stat) == (DeviceUser(7, "", "/mnt/mail"),)


def test_no_proc(tmp_path: Path) -> None:
    assert processes_using(tmp_path, {0}) == ()
    assert cluster_owner(tmp_path) is None


def test_the_machine_itself() -> None:
    """Real links of this process: nothing of it is on a device that does not exist."""
    found = processes_using(Path("/"), {2**20 - 1})
    assert os.getpid() not in {user.pid for user in found}


def test_process_ids_are_numbers_in_order_and_bounded(tmp_path: Path) -> None:
    for name in ("10", "9", "self", "sys", "٣", "1x"):
        (tmp_path / "proc" / name).mkdir(parents=True)
    assert process_ids(tmp_path, limit=2) == ([9, 10], True)
    assert process_ids(tmp_path, limit=1) == ([9], False)


@pytest.mark.parametrize(
    ("names", "owner"),
    [
        (["pacemakerd"], "Pacemaker"),
        (["drbd-reactor"], "drbd-reactor"),
        (["drbd-reactor", "pacemakerd"], "Pacemaker"),
        (["not-pacemakerd", "pacemakerd2", "Pacemakerd", " pacemakerd"], None),
        ([], None),
    ],
)
def test_cluster_owner(tmp_path: Path, names: list[str], owner: str | None) -> None:
    (tmp_path / "proc/99").mkdir(parents=True)
    add_process(tmp_path, 1, "systemd")
    for pid, name in enumerate(names, start=2):
        add_process(tmp_path, pid, name)
    assert cluster_owner(tmp_path) == owner


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_a_strangers_process_owns_nothing(tmp_path: Path) -> None:
    (tmp_path / "proc/7").mkdir(parents=True)
    (tmp_path / "proc/7/comm").write_text("pacemakerd\n")
    assert cluster_owner(tmp_path) == "Pacemaker"
    os.chown(tmp_path / "proc/7", 65534, 65534)
    assert cluster_owner(tmp_path) is None


def test_processes_that_have_a_device_open(tmp_path: Path) -> None:
    def minor_of(link: str, target: str) -> int | None:
        assert str(Path(link).readlink()) == target
        return int(target[9:]) if target.startswith("/dev/drbd") else None

    add_process(tmp_path, 1, "systemd", fd0="/dev/null", fd1="/mnt/drbd5")
    add_process(tmp_path, 30, "dd", cwd="/dev/drbd9", fd0="/dev/drbd0", fd1="/dev/drbd1")
    add_process(tmp_path, 4, "qemu", fd7="/dev/drbd0", fd8="/dev/drbd0")
    found = {0: [(4, "qemu"), (30, "dd")], 1: [(30, "dd")]}
    assert having_open(tmp_path, minor_of) == (found, "")
    too_few = having_open(tmp_path, minor_of, max_descriptors=1)
    assert too_few == ({}, "3 processes may not be looked into")
    assert having_open(tmp_path, minor_of, max_descriptors=2) == (found, "")
