"""The picture as a whole."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from tests.lab.recording import Event, Source

from .builders import SPLIT, SVG, details, fault, many, texts
from .picture import draw


def test_the_picture_names_what_happened() -> None:
    svg = draw(SPLIT, title="Both were Primary")

    assert {
        "Both were Primary",
        "alpha",
        "beta",
        "mail connection",
        "WFConnection",
        "StandAlone",
        "Primary, mounted",
        "exit 3, 4.0 s",
        "connect --discard-my-data mail",
        "link restored",
        "alpha: drbdadm primary mail",
        "cut",
        "20 s",
    } <= set(texts(svg))
    assert "5.000 s: alpha-00001 on drbd0" in details(svg)
    assert "8.000 to 13.000 s: StandAlone" in details(svg)


def test_alpha_is_above_the_link_and_the_link_above_beta() -> None:
    tops = {
        element.text: float(element.attrib["y"])
        for element in ElementTree.fromstring(draw(SPLIT, title="")).iter(f"{SVG}text")
    }

    assert tops["alpha"] < tops["link"] < tops["beta"]


def test_what_the_last_event_led_to_is_seen() -> None:
    svg = draw([*SPLIT, fault(121, "", "link cut")], title="t")
    (last,) = [
        group.find(f"{SVG}rect")
        for group in ElementTree.fromstring(svg).iter(f"{SVG}g")
        if group.findtext(f"{SVG}title") == "21.000 s: cut"
    ]

    assert last is not None
    assert float(last.attrib["width"]) > 20


def test_the_same_events_give_the_same_picture() -> None:
    assert draw(many(50), title="t") == draw(many(50), title="t")


@pytest.mark.parametrize("text", ["", "pass", "ended 1", "wrote x y", "drbdadm", "decided mail"])
@pytest.mark.parametrize("source", list(Source))
def test_a_line_that_was_cut_short_does_no_harm(source: Source, text: str) -> None:
    ElementTree.fromstring(draw([Event(7, "alpha", source, text)], title="t"))


def test_without_events_the_picture_says_so() -> None:
    assert texts(draw([], title="<empty>")) == ["<empty>", "nothing was recorded"]
