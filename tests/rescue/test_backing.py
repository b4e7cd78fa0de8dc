"""The disk below each volume: found by what DRBD says, and told what is on it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from connector.errors import NotKept
from connector.model import Evidence, Handshake
from connector.observe.node import look
from connector.program import Completed, failed
from connector.rescue.backing import backing_devices, forget_cached
from connector.rescue.superblock import FileSystem
from connector.simulate import SimulatedPair
from tests.rescue.making import MIB, Hands, Lvm, logical_volume, row, settings_in, victim
from tests.rescue.test_superblock import beginning

# `drbdsetup show db` of drbd-utils 9.22 with an 8.4 kernel, StandAlone.
SHOW = """\
resource db {
    options {
    }
    _this_host {
        volume 0 {
            device			minor 0;
            disk			"/dev/pair/data0";
            meta-disk			internal;
            disk {
                size            	0s; # bytes
            }
        }
        volume 1 {
            device			minor 1;
            disk			"/dev/vdb";
            meta-disk			internal;
        }
    }
}
"""


def node(tmp_path: Path, show: str = SHOW, lvm: Lvm | None = None) -> Hands:
    """A node with those two disks: an xfs on the first, nothing on the second."""

    def drbdsetup(argv: Sequence[str]) -> Completed:
        assert list(argv) == ["drbdsetup", "show", "db"]
        return Completed(tuple(argv), 0, stdout=show)

    (tmp_path / "dev/pair").mkdir(parents=True)
    (tmp_path / "dev/dm-0").write_bytes(beginning("xfs"))
    (tmp_path / "dev/pair/data0").symlink_to("../dm-0")
    (tmp_path / "dev/vdb").write_bytes(bytes(4096))
    for minor, size in ((0, 300 * MIB), (1, 12 * MIB)):
        path = tmp_path / f"sys/class/block/drbd{minor}/size"
        path.parent.mkdir(parents=True)
        path.write_text(f"{size // 512}\n")
    programs = (lvm or Lvm()).programs
    return Hands(tmp_path, {"drbdsetup": drbdsetup, **programs})


def mapped(root: Path, uuid: str = "LVM-aBcDeF\n", name: str = "pair-data0\n") -> None:
    """Let device-mapper say whose dm-0 is."""
    folder = root / "sys/class/block/dm-0/dm"
    folder.mkdir(parents=True)
    (folder / "uuid").write_text(uuid)
    (folder / "name").write_text(name)


DB = victim((616, 700), (4, 100), name="db")


def test_what_is_below_two_volumes(tmp_path: Path) -> None:
    bits = Handshake(0, 0x10, 0x21, 9, 635, 0, 0)
    seen = replace(DB, evidence=Evidence(handshakes=(bits,)))
    hands = node(tmp_path, lvm=Lvm(rows=[row()]))
    mapped(tmp_path)
    first, second = backing_devices(hands.world, seen)
    assert (first.path, first.data_bytes) == ("/dev/pair/data0", 300 * MIB)
    assert first.filesystem == FileSystem("xfs", 76800 * 4096, 16416 * 4096)
    assert first.logical_volume == logical_volume()
    assert (first.out_of_sync_kib, first.peer_kib, first.disk_writes_kib) == (616, 2540, 700)
    assert (second.volume, second.minor, second.path) == (1, 1, "/dev/vdb")
    assert (second.filesystem, second.logical_volume) == (None, None)
    assert (second.out_of_sync_kib, second.peer_kib, second.disk_writes_kib) == (4, None, 100)
    # By the name that lvs takes, however drbd.conf names it.
    assert hands.lines == [
        "drbdsetup show db",
        "lvs --reportformat json --units b --nosuffix -o "
        "vg_name,lv_name,lv_size,vg_free,vg_extent_size,segtype /dev/mapper/pair-data0",
    ]


@pytest.mark.parametrize("uuid", ["CRYPT-LUKS2-0123\n", "", None])
def test_a_mapped_device_that_is_not_of_lvm(tmp_path: Path, uuid: str | None) -> None:
    hands = node(tmp_path)
    if uuid is not None:
        mapped(tmp_path, uuid)
    assert [item.logical_volume for item in backing_devices(hands.world, DB)] == [None, None]
    assert hands.lines == ["drbdsetup show db"]


@pytest.mark.parametrize(
    ("show", "why"),
    [
        ("", "volume 0: DRBD has no disk attached there"),
        (SHOW.replace("minor 1;", "minor 7;"), "volume 1: DRBD has no disk attached there"),
        # Detached: the disk's line is missing.
        (SHOW.replace('disk\t\t\t"/dev/vdb";', ""), "volume 1: DRBD has no disk attached"),
        (SHOW.replace("/dev/vdb", "vdb"), "volume 1: DRBD has no disk attached"),
        (SHOW.replace("/dev/vdb", "/dev/vdz"), "/dev/vdz cannot be read: No such file"),
        (SHOW.replace("/dev/vdb", "/dev"), "/dev cannot be read: Is a directory"),
    ],
)
def test_a_disk_that_cannot_be_found(tmp_path: Path, show: str, why: str) -> None:
    with pytest.raises(NotKept, match=why):
        backing_devices(node(tmp_path, show).world, DB)


@pytest.mark.parametrize(
    ("size", "why"),
    [
        ("0\n", "says that drbd0 has no size"),
        ("many\n", "size of drbd0 cannot be read"),
        (None, r"size of drbd0 cannot be read from .*: No such file"),
    ],
)
def test_a_size_that_is_none(tmp_path: Path, size: str | None, why: str) -> None:
    hands = node(tmp_path)
    path = tmp_path / "sys/class/block/drbd0/size"
    path.unlink()
    if size is not None:
        path.write_text(size)
    with pytest.raises(NotKept, match=why):
        backing_devices(hands.world, DB)


def test_programs_that_fail_are_quoted(tmp_path: Path) -> None:
    hands = node(tmp_path)
    mapped(tmp_path)
    with pytest.raises(NotKept, match="lvs does not know /dev/pair/data0"):
        backing_devices(hands.world, DB)
    hands.programs = {}
    with pytest.raises(NotKept, match="drbdsetup was not found"):
        backing_devices(hands.world, DB)


def test_a_volume_that_proc_drbd_does_not_show(tmp_path: Path) -> None:
    (volume,) = victim(name="db").volumes
    seen = replace(DB, volumes=(replace(volume, device=None),))
    with pytest.raises(NotKept, match="volume 0: DRBD has no disk attached there"):
        backing_devices(node(tmp_path).world, seen)


def test_the_simulated_node_has_disks_too(tmp_path: Path) -> None:
    pair = SimulatedPair()
    world = pair.world("beta", tmp_path)
    (mail, db) = look(world, settings_in(tmp_path)).resources
    found = [*backing_devices(world, mail), *backing_devices(world, db)]
    assert [item.path for item in found] == ["/dev/vda", "/dev/vdb", "/dev/vdc"]
    assert {item.data_bytes for item in found} == {12_248 * 1024}
    assert {item.filesystem for item in found} == {FileSystem("ext4", 12_248 * 1024, 3_062 * 1024)}
    missing = world.run(("drbdsetup", "show", "nosuch"), 15)
    assert (missing.exit_status, missing.stdout) == (20, "")


def test_forgetting_what_is_cached_needs_the_device(tmp_path: Path) -> None:
    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(FileNotFoundError):
        forget_cached(tmp_path / "vda")
    (tmp_path / "vda").write_bytes(b"x")
    forget_cached(tmp_path / "vda")
    assert set(os.listdir("/proc/self/fd")) == before


def test_why_a_program_did_not_do_it() -> None:
    argv = ("lvs", "pair/data0")
    assert failed(Completed(argv, None, error="lvs was not found")) == "lvs was not found"
    assert "was still at it after 10 s" in failed(Completed(argv, None, duration_s=10.2))
    assert failed(Completed(argv, 5, stderr=" a\n b\n")) == (
        "`lvs pair/data0` ended with 5 and said: a b"
    )
    assert failed(Completed(argv, 5)).endswith("said: nothing")
    assert len(failed(Completed(argv, 5, stderr="x" * 10_000))) < 400
