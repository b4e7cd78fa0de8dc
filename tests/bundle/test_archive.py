"""The archive is there whole, or not at all."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from connector.bundle.archive import write_new

PATIENCE_S = 60.0
PROJECT = Path(__file__).resolve().parents[2]
SLOW = """\
import os, sys, time
from pathlib import Path
from connector.bundle.archive import write_new


def fsync(descriptor):
    Path(sys.argv[1] + ".begun").touch()
    time.sleep(3600)

os.fsync = fsync
write_new(Path(sys.argv[1]), b"x" * 100_000)
"""


def test_it_is_written_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    before = os.umask(0)
    try:
        write_new(path, b"abc")
    finally:
        os.umask(before)
    assert path.read_bytes() == b"abc"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["a.tar.gz"]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(b"old")
    with pytest.raises(FileExistsError):
        write_new(path, b"new")
    link = tmp_path / "b.tar.gz"
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError):
        write_new(link, b"new")
    assert path.read_bytes() == b"old"
    assert sorted(os.listdir(tmp_path)) == ["a.tar.gz", "b.tar.gz"]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_new(tmp_path / "no/a.tar.gz", b"abc")
    assert os.listdir(tmp_path) == []


def test_killed_half_way_there_is_nothing_of_that_name(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    process = subprocess.Popen([sys.executable, "-c", SLOW, str(path)], cwd=PROJECT)
    try:
        deadline_s = time.monotonic() + PATIENCE_S
        while not (tmp_path / "a.tar.gz.begun").exists():
            assert process.poll() is None
            assert time.monotonic() < deadline_s, "it never began to write"
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE_S)
    assert not path.exists()
    write_new(path, b"the next one")
    assert path.read_bytes() == b"the next one"
