"""Reading up to a bound."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from connector.observe.reading import read_at_most, read_open

PIECE_BYTES = 64 * 1024


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, 3 * PIECE_BYTES + 5])
def test_a_file_is_read_whole_or_up_to_the_bound(tmp_path: Path, size: int) -> None:
    path = tmp_path / "file"
    data = os.urandom(size)
    path.write_bytes(data)
    assert read_at_most(path, 4 * PIECE_BYTES) == data
    for most_bytes in (1, PIECE_BYTES, PIECE_BYTES + 1, size):
        assert read_at_most(str(path), most_bytes) == data[:most_bytes]


def test_what_comes_in_small_pieces_is_put_together() -> None:
    """As a kernel's file may, and a pipe does."""
    reader, writer = os.pipe()
    try:
        for piece in (b"one ", b"two ", b"three"):
            os.write(writer, piece)
            os.write(writer, piece)
        os.close(writer)
        assert read_open(reader, 100) == b"one one two two threethree"
    finally:
        os.close(reader)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="absent"):
        read_at_most(tmp_path / "absent", 10)
    with pytest.raises(IsADirectoryError, match=str(tmp_path)):
        read_at_most(tmp_path, 10)


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    before = os.listdir("/proc/self/fd")
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(OSError, match=str(tmp_path)):
            read_at_most(path, 10)
    assert os.listdir("/proc/self/fd") == before
