"""The kernel's list of who holds a DRBD 9 volume open."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.model import Problem
from connector.observe.nine.openers import MAX_OPENERS_BYTES, Opener, parse, read

FIXTURES = Path(__file__).parents[2] / "fixtures/drbd-9"
CAPTURED = sorted(FIXTURES.glob("*/*/debugfs_openers"))


def put(root: Path, resource: str, volume: int, data: bytes) -> Path:
    path = root / f"sys/kernel/debug/drbd/resources/{resource}/volumes/{volume}/openers"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    return path


def test_one_opener() -> None:
    assert parse(b"mount\t253\t2108\n") == ((Opener(253, "mount"),), ())


def test_nobody() -> None:
    assert parse(b"") == ((), ())


def test_the_newest_first_and_each_once() -> None:
    data = b"qemu-system-x86\t9\t3\nswapon\t2695\t1158\nswapon\t2695\t1158\n"
    assert parse(data) == ((Opener(9, "qemu-system-x86"), Opener(2695, "swapon")), ())


def test_the_open_that_promoted_is_told_once() -> None:
    data = b"bash\t4161\t1818\n+bash\t4161\t1818\n"
    assert parse(data) == ((Opener(4161, "bash"),), ())


def test_the_open_that_promoted_by_way_of_another_volume() -> None:
    assert parse(b"+qemu-system-x86\t4161\t1818\n") == ((Opener(4161, "qemu-system-x86"),), ())


def test_a_plus_before_the_last_line_belongs_to_the_name() -> None:
    data = b"+x\t5\t10\nbash\t4161\t1818\n"
    assert parse(data) == ((Opener(5, "+x"), Opener(4161, "bash")), ())


def test_a_clock_that_was_set_back() -> None:
    assert parse(b"mount\t253\t-86400000\n") == ((Opener(253, "mount"),), ())


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"\t7\t1\n", ""),
        (b"a\tb c\t7\t1\n", "a\tb c"),
        (b"a\rb\t7\t1\n", "a\rb"),
        (b"caf\xc3\xa9\t7\t1\n", "caf\u00e9"),
        (b"caf\xe9\t7\t1\n", os.fsdecode(b"caf\xe9")),
    ],
)
def test_a_process_may_call_itself_anything(data: bytes, name: str) -> None:
    assert parse(data) == ((Opener(7, name),), ())


@pytest.mark.parametrize(
    "line",
    [
        b"mount",
        b"mount\t253",
        b"+",
        b"mount\tx\t2108",
        b"mount\t-1\t2108",
        b"mount\t253\t2108 ms",
        b"mount 253 2108",
        b"sixteen-letters-\t253\t2108",
        "mount\t٣\t2108".encode(),
    ],
)
def test_a_line_that_is_not_understood(line: bytes) -> None:
    found, problems = parse(b"dd\t4\t5\n" + line + b"\nbash\t6\t7\n")
    assert found == (Opener(4, "dd"), Opener(6, "bash"))
    assert problems == (Problem(2, "a line of openers that cannot be read"),)


def test_many_lines_that_are_not_understood() -> None:
    found, problems = parse(b"x\n" * 30)
    assert found == ()
    assert [problem.line for problem in problems] == [*range(1, 11), None]
    assert problems[-1].message == "20 more lines of openers that cannot be read"


def test_a_list_over_the_bound() -> None:
    line = b"dd\t4\t5\n"
    found, problems = parse(line * (MAX_OPENERS_BYTES // len(line) + 1) + b"bash\t6\t7\n")
    assert found == (Opener(4, "dd"),)
    assert problems[-1] == Problem(None, f"openers is larger than {MAX_OPENERS_BYTES} bytes")


def test_every_line_of_the_captures_is_understood() -> None:
    names: set[str] = set()
    for path in CAPTURED:
        lines = [line for line in path.read_bytes().splitlines(True) if not line.startswith(b"==")]
        found, problems = parse(b"".join(lines))
        assert problems == (), path
        assert len(found) == len({line.lstrip(b"+").split(b"\t")[1] for line in lines}), path
        names.update(opener.name for opener in found)
    assert names == {"mount", "bash", "swapon"}


@pytest.mark.parametrize("resource", ["mail", "m\u00e4il \u2713", os.fsdecode(b"m\xe4il"), "..."])
def test_reading(tmp_path: Path, resource: str) -> None:
    put(tmp_path, resource, 3, b"mount\t253\t2108\n")
    assert read(tmp_path, resource, 3) == b"mount\t253\t2108\n"
    with pytest.raises(FileNotFoundError):
        read(tmp_path, resource, 0)


def test_reading_stops_just_over_the_bound(tmp_path: Path) -> None:
    put(tmp_path, "mail", 0, b"x" * (MAX_OPENERS_BYTES + 100))
    assert len(read(tmp_path, "mail", 0)) == MAX_OPENERS_BYTES + 1


@pytest.mark.parametrize(
    "resource", ["", ".", "..", "a/../mail", "/", "../mail", "ma\0il", "\ud800"]
)
def test_no_name_leads_out_of_the_folder(tmp_path: Path, resource: str) -> None:
    """Taken as paths, all that can be one would find a list."""
    put(tmp_path, "mail", 0, b"")
    put(tmp_path, "a", 0, b"")
    folder = tmp_path / "sys/kernel/debug/drbd"
    for other in (folder, folder / "resources"):
        path = other / "volumes/0/openers"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"mount\t253\t2108\n")
    with pytest.raises(FileNotFoundError):
        read(tmp_path, resource, 0)


def test_a_list_that_cannot_be_read(tmp_path: Path) -> None:
    path = put(tmp_path, "mail", 0, b"")
    path.unlink()
    path.symlink_to("openers")
    with pytest.raises(OSError, match="symbolic links"):
        read(tmp_path, "mail", 0)


@given(st.binary(max_size=300))
def test_any_bytes_are_told_or_named(data: bytes) -> None:
    found, problems = parse(data)
    assert bool(found or problems) == bool(data.strip(b"\n"))
