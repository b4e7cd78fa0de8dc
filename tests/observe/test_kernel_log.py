"""Reading the kernel log without waiting, and telling the kernel's records from others'."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.observe import kernel_log
from connector.observe.kernel_log import LogRecord, parse_records, read


def test_a_record_of_the_kernel() -> None:
    (record,) = parse_records(["6,1204,71271348,-;block drbd0: Split-Brain detected, dropping"])
    assert record == LogRecord(71.271348, "block drbd0: Split-Brain detected, dropping")


@pytest.mark.parametrize(
    "line",
    [
        "12,1204,71271348,-;block drbd0: Split-Brain detected, dropping",  # a program wrote it
        " SUBSYSTEM=block",
        "",
        "no record at all",
        "6,1204;block drbd0: too few fields",
        "6,1204,99999999999999999999999999,-;block drbd0: no such time",
    ],
)
def test_what_is_no_record_of_the_kernel_counts_for_nothing(line: str) -> None:
    assert parse_records([line]) == ()


@given(st.lists(st.text()))
def test_any_text_may_come(lines: list[str]) -> None:
    parse_records(lines)


def log_at(root: Path, data: bytes) -> Path:
    """A root whose dev/kmsg is a plain file."""
    (root / "dev").mkdir()
    (root / "dev/kmsg").write_bytes(data)
    return root


def test_a_plain_file_stands_in_for_the_log(tmp_path: Path) -> None:
    root = log_at(tmp_path, b"6,1,1,-;one\n6,2,2,-;two \xff\n")
    assert [record.text for record in parse_records(read(root))] == ["one", "two \ufffd"]


def test_of_a_huge_file_the_newest_part_is_read(tmp_path: Path) -> None:
    line = b"6,1,1,-;" + b"x" * 4000 + b"\n"
    root = log_at(tmp_path, line * 5000 + b"6,2,2,-;last\n")
    lines = read(root)
    assert lines[-2] == "6,2,2,-;last"
    assert lines[0].startswith("6,1,1,-;x")  # no half line at the cut
    assert sum(map(len, lines)) <= kernel_log.MAX_FILE_BYTES


def test_a_missing_log_is_empty_and_an_unreadable_one_is_an_error(tmp_path: Path) -> None:
    assert read(tmp_path) == []
    (tmp_path / "dev/kmsg").mkdir(parents=True)
    with pytest.raises(OSError, match="Is a directory"):
        read(tmp_path)


def test_a_reader_never_waits(tmp_path: Path) -> None:
    """A pipe without a writer gives nothing, at once, as /dev/kmsg does at its end."""
    (tmp_path / "dev").mkdir()
    os.mkfifo(tmp_path / "dev/kmsg")
    writer = os.open(tmp_path / "dev/kmsg", os.O_RDWR)
    try:
        assert read(tmp_path) == []
        os.write(writer, b"6,1,1,-;one\n")
        assert parse_records(read(tmp_path)) == (LogRecord(1e-06, "one"),)
    finally:
        os.close(writer)
