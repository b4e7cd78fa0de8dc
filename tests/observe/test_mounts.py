"""mountinfo and swaps, parsed: whole values, one fixture for each oddity."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.model import Problem
from connector.observe.mounts import Mount, Swap, parse_mountinfo, parse_swaps

FIXTURES = Path(__file__).parents[1] / "fixtures/mountinfo"
DRBD = 147


def fixture(name: str) -> str:
    return os.fsdecode((FIXTURES / name).read_bytes())


def of_drbd(name: str) -> list[tuple[int, str]]:
    mounts, problems = parse_mountinfo(fixture(name))
    assert problems == ()
    return [(mount.minor, mount.where) for mount in mounts if mount.major == DRBD]


def test_a_line_of_a_real_node() -> None:
    mounts, problems = parse_mountinfo(fixture("8.4-healthy"))
    assert problems == ()
    assert len(mounts) == 7
    assert mounts[5] == Mount(DRBD, 0, "/mnt/mail", "ext4", "/dev/drbd0")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("8.4-healthy", [(0, "/mnt/mail"), (1, "/mnt/db")]),
        ("9-minor-10", [(10, "/mnt/db"), (0, "/mnt/mail")]),
        ("similar-names", [(1, "/srv/drbd0"), (10, "/dev/drbd0")]),
        (
            "bind-and-second-mount",
            [(0, "/mnt/mail"), (0, "/var/spool/mail"), (0, "/backup"), (0, "/backup")],
        ),
        ("octal-escapes", [(0, "/mnt/two words\ttab\nline\\back"), (0, "/mnt/a - b")]),
        (
            "not-utf-8-and-control-characters",
            [(0, "/mnt/latin-\udce4"), (0, "/mnt/form\x0cfeed\rand\x85next")],
        ),
        ("empty-source", [(0, "/mnt/mail")]),
    ],
)
def test_mounts_by_device_number(name: str, expected: list[tuple[int, str]]) -> None:
    assert of_drbd(name) == expected


def test_octal_escapes_are_bytes_of_one_character() -> None:
    mounts, _ = parse_mountinfo(r"1 1 147:0 / /m\303\244\377 rw - ext4 /dev/drbd0 rw")
    assert mounts[0].where == "/mä\udcff"


def test_damaged_lines_are_named_and_left_out() -> None:
    mounts, problems = parse_mountinfo(fixture("damaged-lines"))
    assert [mount.minor for mount in mounts] == [0]
    assert problems == tuple(
        Problem(line, "a line of mountinfo that cannot be read") for line in (2, 3, 4)
    )


def test_many_damaged_lines_are_summed_up() -> None:
    _, problems = parse_mountinfo("?\n" * 5000)
    assert len(problems) == 11
    assert problems[-1] == Problem(None, "4990 more lines of mountinfo that cannot be read")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (fixture("8.4-swaps-on-drbd2"), (Swap("/dev/drbd2", True),)),
        (fixture("9-swaps-on-drbd0"), (Swap("/dev/drbd0", True),)),
        (fixture("swaps-none"), ()),
        (r"/dev/drbd2\040(deleted)  partition  12244 0 -2", (Swap("/dev/drbd2", True),)),
        ("/a\\040swap\tfile\t12244\t0\t-2\n", (Swap("/a swap", False),)),
    ],
)
def test_swaps(text: str, expected: tuple[Swap, ...]) -> None:
    assert parse_swaps(text) == (expected, ())


def test_a_damaged_line_of_swaps() -> None:
    header = fixture("swaps-none")
    assert parse_swaps(f"{header}/dev/drbd2 tape 0\n") == (
        (),
        (Problem(2, "a line of swaps that cannot be read"),),
    )


@settings(deadline=None)
@given(st.text() | st.text(alphabet="0123456789:/ -\\\n\tdrbext4\ud800"))
def test_no_text_raises(text: str) -> None:
    for line in text.split("\n"):
        parse_mountinfo(f"1 1 147:0 / /{line} rw - ext4 {line} rw")
        parse_swaps(f"{line} partition 1 2 3")
    parse_mountinfo(text)
    parse_swaps(text)


@settings(deadline=None)
@given(st.binary().filter(lambda name: b"\0" not in name))
def test_any_mount_point_comes_back_as_it_was(name: bytes) -> None:
    escaped = b"/" + b"".join(
        b"\\%03o" % byte if byte in b" \t\n\\" else bytes([byte]) for byte in name
    )
    mounts, problems = parse_mountinfo(
        os.fsdecode(b"1 1 147:0 / " + escaped + b" rw - ext4 /dev/drbd0 rw\n")
    )
    assert problems == ()
    assert os.fsencode(mounts[0].where) == b"/" + name
