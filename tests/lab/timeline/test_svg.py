"""The SVG: any text is in it, and nothing from elsewhere."""

from __future__ import annotations

from xml.etree import ElementTree

from tests.lab.recording import Event, Source

from .builders import SPLIT, SVG, texts
from .picture import draw


def test_the_picture_needs_nothing_else() -> None:
    svg = draw(SPLIT, title="t")
    root = ElementTree.fromstring(svg)

    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {
        *("svg", "defs", "pattern", "path", "rect", "line", "g", "title", "text"),
    }
    values = [value for element in root.iter() for value in element.attrib.values()]
    assert not [value for value in values if "//" in value]
    assert {value for value in values if "url(" in value} == {"url(#waiting)"}


def test_any_text_is_escaped() -> None:
    hostile = "<script>&\"']]>\x00\x1b\x7f\ud800"
    events = [
        Event(0, "<&\x00", Source.STORY, hostile),
        Event(1, "<&\x00", Source.NODE, f"pass 1 {hostile}"),
        Event(2, "<&\x00", Source.NODE, f"drbdadm 2 1 {hostile}"),
    ]
    svg = draw(events, title=hostile)

    assert "<script" not in svg
    assert "<script>&\"']]>\ufffd\ufffd\x7f\ufffd" in texts(svg)
    assert "<&\ufffd" in texts(svg)
    svg.encode()
