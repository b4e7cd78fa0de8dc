"""Both dashboards on the staged hour, as pages and as pictures of them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.contrib.dashboards import BOARDS
from tests.report.page import png
from tests.report.page.chromium import Chromium

from .answers import Answered, Window, answered
from .board import BY_WHOM, board
from .geometry import BOARD_WIDTH_PX
from .stage import Staged

# The pair that a dashboard is drawn for.
PAIRS = {"connector-pairs.json": ".*", "connector-pair.json": "north"}
WIDTH_PX = BOARD_WIDTH_PX + 32
_HEADER_BYTES = 8 + 25  # the signature and the chunk IHDR


@dataclass(frozen=True, slots=True)
class Page:
    """One dashboard with all that was answered, and its page."""

    name: str
    panels: tuple[Answered, ...]
    html: str

    @property
    def picture(self) -> str:
        """The name of its picture."""
        return f"{self.name.removesuffix('.json').replace('connector', 'dashboard')}.png"


def pages(staged: Staged) -> Iterator[Page]:
    """Both dashboards, asked and drawn."""
    for name, pair in PAIRS.items():
        window = Window(staged.from_s, staged.to_s, staged.shift_s, pair)
        panels = tuple(answered(name, staged.api, window))
        yield Page(name, panels, board(BOARDS[name]["title"], panels, window))


def opened(page: Page, browser: Chromium, folder: Path) -> None:
    """Have the browser show all of the page, in a window of its size."""
    source = folder / f"{page.name}.html"
    source.write_text(page.html, encoding="utf-8")
    browser.look_as(WIDTH_PX, 900)
    browser.open(source.as_uri())
    browser.look_as(WIDTH_PX, browser.content_size()[1])


def photographed(page: Page, browser: Chromium, folder: Path) -> bytes:
    """A picture of all of the page, as a PNG that is packed well."""
    opened(page, browser, folder)
    return titled(png.packed(png.read(browser.picture())), page)


def titled(picture: bytes, page: Page) -> bytes:
    """The PNG with a description in it: who drew it, and which panels."""
    said = b"Description\0" + description(page.panels).encode("latin-1")
    chunk = struct.pack(">I", len(said)) + b"tEXt" + said
    chunk += struct.pack(">I", zlib.crc32(chunk[4:]))
    return picture[:_HEADER_BYTES] + chunk + picture[_HEADER_BYTES:]


def description(panels: Sequence[Answered]) -> str:
    """What a picture says of itself."""
    return "\n".join([BY_WHOM, *(answer.title for answer in panels)])
