"""The pages of the dashboards in a real browser, and the pictures that docs/ has of them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.contrib.dashboards import NAMES
from tests.docs.pages import PROJECT
from tests.report.page import png
from tests.report.page.chromium import Chromium

from .pictures import WIDTH_PX, Page, description, opened

pytestmark = pytest.mark.slow

DOCS = PROJECT / "docs" / "pictures"
LARGEST_BYTES = 200_000
# What sticks out of its panel or its picture, and words that lie upon each other.
_MISPLACED = """
(() => {
  const found = [];
  const within = (a, b) => a.left >= b.left - 1 && a.right <= b.right + 1
    && a.top >= b.top - 1 && a.bottom <= b.bottom + 1;
  const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4;
  for (const panel of document.querySelectorAll('section')) {
    const title = panel.querySelector('h2').textContent;
    if (panel.scrollWidth > panel.clientWidth || panel.scrollHeight > panel.clientHeight)
      found.push(`${title}: too large for its panel`);
    for (const part of panel.querySelectorAll('h2, p, td, th'))
      if (part.scrollWidth > part.clientWidth)
        found.push(`${title}: ${part.textContent} is cut`);
    const picture = panel.querySelector('svg');
    if (!picture) continue;
    const edge = picture.getBoundingClientRect();
    for (const part of picture.querySelectorAll('text, rect, path'))
      if (!within(part.getBoundingClientRect(), edge))
        found.push(`${title}: ${part.textContent || part.tagName} sticks out`);
    const said = [...picture.querySelectorAll('text')].filter((text) => text.textContent);
    said.forEach((one, place) => said.slice(place + 1).forEach((other) => {
      if (meet(one.getBoundingClientRect(), other.getBoundingClientRect()))
        found.push(`${title}: ${one.textContent} upon ${other.textContent}`);
    }));
  }
  return found;
})()
"""
_PLACES = """
[...document.querySelectorAll('section')].map((panel) => {
  const edge = panel.getBoundingClientRect();
  return [panel.querySelector('h2').textContent, edge.left, edge.top, edge.right, edge.bottom];
})
"""
_SCALE = 0.25  # a quarter of the size: what fonts and smoothing make of it hardly counts there
_MOST_DIFFERENCE = 12.0  # of 255, in the mean over a panel


@pytest.mark.parametrize("name", NAMES)
def test_a_browser_shows_it_and_nothing_sticks_out(
    drawn: Mapping[str, Page], browser: Chromium, tmp_path: Path, name: str
) -> None:
    page = drawn[name]
    opened(page, browser, tmp_path)
    assert browser.open((tmp_path / f"{name}.html").as_uri()) == [
        (tmp_path / f"{name}.html").as_uri()
    ]
    assert browser.content_size()[0] == WIDTH_PX
    assert evaluated(browser, _MISPLACED) == []
    assert len(evaluated(browser, _PLACES)) == len(page.panels)


def test_what_sticks_out_would_be_found(browser: Chromium, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.html"
    wrong.write_text(
        '<!DOCTYPE html><section style="width:90px;overflow:hidden"><h2>Role</h2>'
        '<svg width="60" height="20"><text y="12">one two three</text>'
        '<text y="14">four</text></svg></section>'
        '<section style="width:40px;overflow:hidden"><h2>Unconfigured</h2></section>',
        encoding="utf-8",
    )
    browser.open(wrong.as_uri())
    found = evaluated(browser, _MISPLACED)
    assert "Role: one two three sticks out" in found
    assert "Role: one two three upon four" in found
    assert "Unconfigured: too large for its panel" in found


@pytest.mark.parametrize("name", NAMES)
def test_the_picture_in_docs_is_the_one_that_is_drawn(
    drawn: Mapping[str, Page], browser: Chromium, tmp_path: Path, name: str
) -> None:
    page = drawn[name]
    path = DOCS / page.picture
    data = path.read_bytes()
    assert len(data) < LARGEST_BYTES
    assert description(page.panels).encode("latin-1") in data
    opened(page, browser, tmp_path)
    width, height = browser.content_size()
    kept = png.read(data)
    redraw = "draw it again: make pictures"
    assert (kept.width, kept.height) == (width, height), redraw
    places = evaluated(browser, _PLACES)
    now = small(browser, width, height)
    beside = tmp_path / "kept.html"
    beside.write_text(f'<!DOCTYPE html><body style="margin:0"><img src="{path.as_uri()}">')
    browser.open(beside.as_uri())
    before = small(browser, width, height)
    different = {title: difference(now, before, edges) for title, *edges in places}
    assert {title: by for title, by in different.items() if by > _MOST_DIFFERENCE} == {}, redraw
    # Two panels that are not the same are far apart.
    one, other = places[0][1:], places[-1][1:]
    moved = [other[0], other[1], other[0] + one[2] - one[0], other[1] + one[3] - one[1]]
    assert difference(now, before, one, moved) > 2 * _MOST_DIFFERENCE


def evaluated(browser: Chromium, expression: str) -> list[Any]:
    """What the expression is in the page that is shown; its own scripts stay off."""
    answer = browser.call("Runtime.evaluate", expression=expression, returnByValue=True)
    assert "exceptionDetails" not in answer, answer
    return list(answer["result"]["value"])


def small(browser: Chromium, width: int, height: int) -> list[bytes]:
    """The page as rows of pixels (RGB), in a fraction of its size."""
    clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": _SCALE}
    answer = browser.call("Page.captureScreenshot", format="png", clip=clip)
    picture = png.read(base64.b64decode(answer["data"]))
    assert picture.channels == 3
    return picture.rows(picture.height)


def difference(
    one: list[bytes], other: list[bytes], edges: list[float], there: list[float] | None = None
) -> float:
    """How far the pixels within the edges are apart in the mean, from 0 to 255."""
    pairs = [
        pair
        for row, beside in zip(part(one, edges), part(other, there or edges), strict=False)
        for pair in zip(row, beside, strict=False)
    ]
    return sum(abs(a - b) for a, b in pairs) / len(pairs)


def part(rows_of_pixels: list[bytes], edges: list[float]) -> list[bytes]:
    """The rows within (left, top, right, bottom) of the page."""
    left, top, right, bottom = (int(edge * _SCALE) for edge in edges)
    return [row[3 * left : 3 * right] for row in rows_of_pixels[top:bottom]]
