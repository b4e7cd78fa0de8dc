"""PNG pictures as Chromium writes them: size and pixels, with nothing but the standard library."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {2: 3, 6: 4}  # RGB and RGBA


@dataclass(frozen=True, slots=True)
class Png:
    """A picture of 8 bits a channel; `data` is what its rows are made of, still filtered."""

    width: int
    height: int
    channels: int
    data: bytes

    def rows(self, most: int) -> list[bytes]:
        """The first rows, at most so many: undoing the filters takes time in Python."""
        length = self.width * self.channels
        before = bytes(length)
        found = []
        for number in range(min(most, self.height)):
            start = number * (length + 1)
            line = self.data[start + 1 : start + 1 + length]
            before = _unfiltered(self.data[start], line, before, self.channels)
            found.append(before)
        return found

    def pixels(self, row: bytes) -> list[bytes]:
        """The red, green and blue of each pixel of a row."""
        step = self.channels
        return [row[at : at + 3] for at in range(0, len(row), step)]


def read(data: bytes) -> Png:
    """The picture in these bytes; ValueError where it is not such a PNG, or was cut off."""
    if not data.startswith(_SIGNATURE):
        raise ValueError("no PNG")
    header = b""
    packed = b""
    at = len(_SIGNATURE)
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        header = body if kind == b"IHDR" else header
        packed += body if kind == b"IDAT" else b""
        at += 12 + length
        if kind == b"IEND":
            break
    else:
        raise ValueError("cut off")
    width, height, depth, color, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    if depth != 8 or interlaced or color not in _CHANNELS:
        raise ValueError("a PNG of another kind")
    rows = zlib.decompress(packed)
    if len(rows) != height * (width * _CHANNELS[color] + 1):
        raise ValueError("not as large as it says")
    return Png(width, height, _CHANNELS[color], rows)


def packed(picture: Png) -> bytes:
    """The same picture as a PNG that is packed as well as zlib can."""
    rows = b"".join(b"\0" + row for row in picture.rows(picture.height))
    color = next(color for color, channels in _CHANNELS.items() if channels == picture.channels)
    header = struct.pack(">IIBBBBB", picture.width, picture.height, 8, color, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return _SIGNATURE + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def _unfiltered(kind: int, line: bytes, above: bytes, step: int) -> bytes:
    """One row, from what it differs in from its left and upper neighbours (PNG, section 9)."""
    if kind == 0:
        return line
    if kind == 2:
        return bytes((a + b) & 255 for a, b in zip(line, above, strict=True))
    out = bytearray(line)
    for at in range(len(out)):
        left = out[at - step] if at >= step else 0
        up = above[at]
        corner = above[at - step] if at >= step else 0
        guess = {1: left, 3: (left + up) // 2, 4: _paeth(left, up, corner)}[kind]
        out[at] = (out[at] + guess) & 255
    return bytes(out)


def _paeth(left: int, up: int, corner: int) -> int:
    near = left + up - corner
    return min((left, up, corner), key=lambda one: abs(near - one))
