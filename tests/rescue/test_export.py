"""A rescue goes out as one archive, and comes back as it was."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from connector.act.subprocess_runner import SubprocessRunner
from connector.errors import ConnectorError, UsageError
from connector.program import Completed
from connector.rescue import shelf
from connector.rescue.export import export
from connector.rescue.kept import Rescue
from connector.settings import Settings
from connector.world import World
from tests.rescue.making import MIB, Hands, a_copy, a_snapshot, rescue, settings_in
from tests.rescue.test_copying import CLEAN
from tests.rescue.test_superblock import beginning, changed

HOLE_BYTES = 20 * MIB


def kept(folder: Path, item: Rescue) -> Settings:
    """The rescue on a shelf: copies of little data and a large hole."""
    settings = settings_in(folder)
    place = settings.rescues_dir / item.name
    place.mkdir(parents=True)
    shelf.write(place, item)
    for volume in item.volumes:
        if volume.file:
            with (place / volume.file).open("wb") as stream:
                stream.write(f"volume {volume.volume}".encode())
                stream.truncate(HOLE_BYTES)
    return settings


def real(folder: Path) -> World:
    """A world with this machine's programs."""
    hands = Hands(folder)
    world = hands.world
    return World(world.root, SubprocessRunner(), hands, world.host)


def unpacked(archive: Path, folder: Path) -> Path:
    """As `connector rescue export` says that it is to be unpacked."""
    folder.mkdir()
    argv = ["tar", "-S", "-x", "-z", "-f", str(archive)]
    subprocess.run(argv, cwd=folder, check=True, timeout=60)
    return folder


def test_there_and_back(tmp_path: Path) -> None:
    item = rescue(a_copy(), a_copy(1))
    settings = kept(tmp_path, item)
    target = tmp_path / "out/mail.tar.gz"
    target.parent.mkdir()
    export(real(tmp_path), settings, item, target)
    assert os.listdir(target.parent) == [target.name]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert target.stat().st_size < MIB
    back = unpacked(target, tmp_path / "back")
    assert sorted(os.listdir(back)) == ["rescue.json", "volume-0.img", "volume-1.img"]
    assert shelf.record(back / "rescue.json") == item
    for volume in item.volumes:
        assert volume.file is not None
        before = settings.rescues_dir / item.name / volume.file
        after = back / volume.file
        assert not after.is_symlink()
        assert after.stat().st_size == HOLE_BYTES
        assert after.stat().st_blocks * 512 < MIB
        assert after.read_bytes() == before.read_bytes()
    # And what was kept is there as before.
    assert sorted(os.listdir(settings.rescues_dir / item.name)) == sorted(os.listdir(back))


def test_a_snapshot_is_copied_beside_the_archive(tmp_path: Path) -> None:
    item = rescue(a_snapshot(filesystem=None, size_bytes=3 * MIB), a_copy(1))
    settings = kept(tmp_path, item)
    device = tmp_path / "dev/pair" / str(item.volumes[0].snapshot)
    device.parent.mkdir(parents=True)
    device.write_bytes(b"as it was" * MIB)
    target = tmp_path / "out.tar.gz"
    export(real(tmp_path), settings, item, target)
    back = unpacked(target, tmp_path / "back")
    assert (back / "volume-0.img").read_bytes() == device.read_bytes()[: 3 * MIB]
    assert (back / "volume-1.img").stat().st_size == HOLE_BYTES


def programs(folder: Path) -> Hands:
    """Programs that write down what they are told, and do as if."""

    def copies(argv: Sequence[str]) -> Completed:
        Path(argv[-1]).write_bytes(b"copied")
        return Completed(tuple(argv), 0)

    def tar(argv: Sequence[str]) -> Completed:
        Path(argv[list(argv).index("-f") + 1]).write_bytes(b"archive")
        return Completed(tuple(argv), 0)

    def xfs_logprint(argv: Sequence[str]) -> Completed:
        return Completed(tuple(argv), 0, stdout=CLEAN)

    tools = {"e2image": copies, "xfs_logprint": xfs_logprint, "xfs_copy": copies}
    return Hands(folder, {**tools, "tar": tar})


@pytest.mark.parametrize(
    ("kind", "tools"),
    [
        ("ext4-1k", ["e2image -ra"]),
        ("xfs", ["xfs_logprint -t", "xfs_copy -d"]),
        ("unclean", []),
    ],
)
def test_a_snapshot_is_copied_by_the_tool_of_what_is_on_it(
    tmp_path: Path, kind: str, tools: list[str]
) -> None:
    size = (300 if kind == "xfs" else 12) * MIB
    item = rescue(a_snapshot(size_bytes=size))
    settings = kept(tmp_path, item)
    device = tmp_path / "dev/pair" / str(item.volumes[0].snapshot)
    device.parent.mkdir(parents=True)
    unclean = changed("ext4-1k", 1024 + 58, bytes(2))
    with device.open("wb") as stream:
        stream.write(unclean if kind == "unclean" else beginning(kind))
        stream.truncate(size)
    hands = programs(tmp_path)
    export(hands.world, settings, item, tmp_path / "out.tar.gz")
    *ran, last = hands.lines
    assert [" ".join(line.split()[:2]) for line in ran] == tools
    assert last.endswith("archive rescue.json volume-0.img")
    assert (tmp_path / "out.tar.gz").read_bytes() == b"archive"


@pytest.mark.parametrize("there", ["file", "folder"])
def test_nothing_is_overwritten(tmp_path: Path, there: str) -> None:
    item = rescue()
    settings = kept(tmp_path, item)
    target = tmp_path / "out.tar.gz"
    target.mkdir() if there == "folder" else target.write_bytes(b"precious")
    hands = programs(tmp_path)
    with pytest.raises(UsageError, match=r"out\.tar\.gz is there already; nothing was written"):
        export(hands.world, settings, item, target)
    assert hands.lines == []


def left_in(folder: Path) -> list[str]:
    return sorted(set(os.listdir(folder)) - {"dev", "proc", "state"})


def test_where_tar_fails_nothing_is_left(tmp_path: Path) -> None:
    item = rescue()
    settings = kept(tmp_path, item)
    hands = programs(tmp_path)

    def tar(argv: Sequence[str]) -> Completed:
        hands.programs["tar"](argv)
        return Completed(tuple(argv), 2, stderr="tar: No space left on device\n")

    failing = Hands(tmp_path, {**hands.programs, "tar": tar})
    with pytest.raises(ConnectorError, match="said: tar: No space left on device"):
        export(failing.world, settings, item, tmp_path / "out.tar.gz")
    assert left_in(tmp_path) == []


def test_interrupted_nothing_is_left(tmp_path: Path) -> None:
    item = rescue()
    settings = kept(tmp_path, item)

    def tar(argv: Sequence[str]) -> Completed:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(Hands(tmp_path, {"tar": tar}).world, settings, item, tmp_path / "out.tar.gz")
    assert left_in(tmp_path) == []


def test_a_copy_that_is_gone(tmp_path: Path) -> None:
    item = rescue()
    settings = kept(tmp_path, item)
    (settings.rescues_dir / item.name / "volume-0.img").unlink()
    with pytest.raises(ConnectorError, match=r"volume-0\.img"):
        export(real(tmp_path), settings, item, tmp_path / "out.tar.gz")
    assert left_in(tmp_path) == []


def test_a_snapshot_that_is_gone(tmp_path: Path) -> None:
    item = rescue(a_snapshot())
    settings = kept(tmp_path, item)
    with pytest.raises(ConnectorError, match=r"connector-.*-0 cannot be read: No such file"):
        export(real(tmp_path), settings, item, tmp_path / "out.tar.gz")
    assert left_in(tmp_path) == []


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    item = rescue()
    settings = kept(tmp_path, item)
    with pytest.raises(ConnectorError, match="No such file or directory"):
        export(real(tmp_path), settings, item, tmp_path / "nowhere/out.tar.gz")
    assert left_in(tmp_path) == []
