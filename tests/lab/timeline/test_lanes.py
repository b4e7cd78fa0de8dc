"""Lanes with more in them than has room."""

from __future__ import annotations

import itertools
from xml.etree import ElementTree

import pytest

from .builders import SVG, details, many, texts
from .layout import MARKS_PER_LANE, WIDTH_PX
from .picture import draw

pytestmark = pytest.mark.slow


def test_a_long_recording_gives_a_bounded_picture_that_tells_what_is_left_out() -> None:
    svg = draw(many(10_000), title="long")

    assert len(details(svg)) == 7 * MARKS_PER_LANE  # connection, writes, 3 of passes, story, link
    assert texts(svg).count("+9600 more") == 5
    assert texts(svg).count("+19600 more") == 2
    assert max(map(len, details(svg))) <= 500
    assert len(svg) < 2_000_000
    assert ("0.000 s: alpha-00000 on drbd0" in svg, "alpha-09999 on drbd0" in svg) == (True, True)


def test_labels_of_a_lane_do_not_cover_each_other() -> None:
    svg = draw(many(40), title="crowded")
    rows: dict[float, list[tuple[float, float]]] = {}
    for group in ElementTree.fromstring(svg).iter(f"{SVG}g"):
        for label in group.iter(f"{SVG}text"):
            x, width = float(label.attrib["x"]), 6 * len(label.text or "")
            left = x if label.attrib["text-anchor"] == "start" else x - width
            rows.setdefault(float(label.attrib["y"]), []).append((left, left + width))

    assert rows
    for row in map(sorted, rows.values()):
        assert all(end <= start for (_, end), (start, _) in itertools.pairwise(row))
        assert all(start >= 0 and end <= WIDTH_PX for start, end in row)
