"""Small files: the old one or the new one, whatever happens in between."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from connector.memory.files import read_bounded, set_aside, sweep, write_atomic, write_changed


def test_written_whole_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    before = os.umask(0o077)
    try:
        write_atomic(path, b"one", 0o644)
    finally:
        os.umask(before)
    write_atomic(path, b"two", 0o644)
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert os.listdir(path.parent) == ["file"]


def test_what_a_killed_writer_left_is_swept_and_a_living_ones_is_not(tmp_path: Path) -> None:
    dead, alive = tmp_path / ".file.4999999.tmp", tmp_path / ".file.1.tmp"
    dead.write_text("half")
    alive.write_text("half")
    write_atomic(tmp_path / "file", b"whole")
    assert not dead.exists()
    assert alive.exists()


def test_a_folder_is_swept_of_all_that_killed_writers_left(tmp_path: Path) -> None:
    left, alive = tmp_path / ".one.json.4999999.tmp", tmp_path / ".two.json.1.tmp"
    kept = [alive, tmp_path / "three.json", tmp_path / ".hidden"]
    for path in (left, *kept):
        path.write_bytes(b"half")
    sweep(tmp_path)
    assert set(tmp_path.iterdir()) == set(kept)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomic(path, b"old")
    (tmp_path / f".file.{os.getpid()}.tmp").mkdir()
    with pytest.raises(FileExistsError):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"


def test_a_symbolic_link_in_the_way_is_not_written_through(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("precious")
    (tmp_path / f".file.{os.getpid()}.tmp").symlink_to(target)
    write_atomic(tmp_path / "file", b"new")
    assert target.read_text() == "precious"
    (tmp_path / "link").symlink_to(target)
    write_atomic(tmp_path / "link", b"new")
    assert target.read_text() == "precious"


def test_a_name_without_a_folder_is_one_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_atomic(Path("file"), b"here")
    assert (tmp_path / "file").read_bytes() == b"here"
    assert os.listdir(tmp_path) == ["file"]


def inode(path: Path) -> int:
    """Another one after each writing."""
    return path.stat().st_ino


def test_what_is_there_already_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    write_changed(path, b"one")
    first = inode(path)
    write_changed(path, b"one")
    assert inode(path) == first
    write_changed(path, b"two")
    assert inode(path) != first
    assert path.read_bytes() == b"two"
    write_changed(path, b"")
    assert path.read_bytes() == b""


def test_what_only_looks_so_is_written_again(tmp_path: Path) -> None:
    """Another mode, a link, a longer file that begins so, a folder that cannot be written over."""
    path, target = tmp_path / "file", tmp_path / "target"
    write_changed(path, b"one")
    path.chmod(0o644)
    write_changed(path, b"one")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.rename(target)
    path.symlink_to(target)
    write_changed(path, b"one")
    assert not path.is_symlink()
    path.write_bytes(b"one and more")
    write_changed(path, b"one")
    assert path.read_bytes() == b"one"
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        write_changed(tmp_path / "folder", b"one")


def test_reading_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert read_bounded(path) is None
    path.write_bytes(b"12345")
    assert read_bounded(path, 5) == b"12345"
    with pytest.raises(OSError, match="larger than 4 bytes"):
        read_bounded(path, 4)


def test_set_aside_keeps_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("damaged")
    assert set_aside(path).read_text() == "damaged"
    assert not path.exists()
