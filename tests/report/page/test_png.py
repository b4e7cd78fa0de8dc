"""The reader of screenshots: what it gives is what is in the picture."""

from __future__ import annotations

import struct
import zlib

import pytest

from tests.report.page import png

# Two rows of two pixels, and the same filtered in each of the five ways (PNG, section 9).
FIRST, SECOND = bytes([10, 20, 30, 40, 50, 60]), bytes([11, 22, 33, 44, 55, 66])
FILTERED = {
    0: SECOND,
    1: bytes([11, 22, 33, 33, 33, 33]),
    2: bytes([1, 2, 3, 4, 5, 6]),
    3: bytes([6, 12, 18, 19, 19, 20]),
    4: bytes([1, 2, 3, 4, 5, 6]),
}


def made(rows: bytes, *, height: int = 2) -> bytes:
    """A PNG, two pixels wide, of rows that are filtered already."""
    header = struct.pack(">IIBBBBB", 2, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I4s", len(body), kind) + body + b"----" for kind, body in chunks
    )


@pytest.mark.parametrize("kind", range(5))
def test_every_filter_is_undone(kind: int) -> None:
    picture = png.read(made(b"\0" + FIRST + bytes([kind]) + FILTERED[kind]))
    assert (picture.width, picture.height) == (2, 2)
    assert picture.rows(10) == [FIRST, SECOND]
    assert picture.pixels(FIRST) == [FIRST[:3], FIRST[3:]]


def test_what_is_packed_is_the_same_picture() -> None:
    picture = png.read(made(b"\0" + FIRST + b"\4" + FILTERED[4]))
    again = png.read(png.packed(picture))
    assert (again.width, again.height) == (2, 2)
    assert again.rows(2) == [FIRST, SECOND]


def test_what_is_no_such_picture_is_refused() -> None:
    whole = made(b"\0" + FIRST + b"\0" + SECOND)
    for wrong in (b"", b"GIF89a", whole[:-12], made(b"\0" + FIRST, height=2)):
        with pytest.raises(ValueError, match=r"PNG|cut off|not as large"):
            png.read(wrong)
