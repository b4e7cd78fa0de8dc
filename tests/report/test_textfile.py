"""The file in node_exporter's folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from connector.report.metrics import write_textfile


def test_the_textfile_is_renamed_into_place_and_readable_for_all(tmp_path: Path) -> None:
    path = tmp_path / "connector.prom"
    write_textfile(path, b"old\n")
    old = path.stat()
    before = os.umask(0o077)
    try:
        write_textfile(path, b"new\n")
    finally:
        os.umask(before)
    assert path.read_bytes() == b"new\n"
    assert path.stat().st_mode & 0o7777 == 0o644
    assert path.stat().st_ino != old.st_ino
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_missing_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="none"):
        write_textfile(tmp_path / "none" / "connector.prom", b"")
    assert list(tmp_path.iterdir()) == []


def test_a_full_folder_raises_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "connector.prom"
    write_textfile(path, b"old\n")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("connector.memory.files.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_textfile(path, b"new\n")
    assert path.read_bytes() == b"old\n"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_raises(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError):
        write_textfile(tmp_path / "connector.prom", b"")
