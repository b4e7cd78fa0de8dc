"""The line of what was out of sync."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from connector.report.page.samples import MOST_SAMPLES, Point
from connector.report.page.sparkline import BREAK_S, HEIGHT, WIDTH, sparkline
from tests.report.page.reading import Element, part, with_class, words

NOW_S = 10_000.0


def points(*amounts: int | None, every_s: float = 15.0) -> list[Point]:
    """Looks at these amounts; the last one is now."""
    first_s = NOW_S - every_s * (len(amounts) - 1)
    return [Point(first_s + every_s * number, kib) for number, kib in enumerate(amounts)]


def lines(markup: Element) -> list[str]:
    return [path.get("d", "") for path in with_class(markup, "spark")]


def places(path: str) -> list[tuple[float, float]]:
    """The points of a line."""
    found = re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path)
    return [(float(x), float(y)) for x, y in found]


def test_before_the_second_look_there_are_only_words() -> None:
    assert words(part(sparkline([], NOW_S))) == "not looked at yet"
    told = words(part(sparkline(points(2048), NOW_S)))
    assert told == "2.0 MiB now; a line is drawn from the second look on"
    assert not with_class(part(sparkline(points(None, None), NOW_S)), "spark")


def test_a_line_with_its_words_below_and_as_its_label() -> None:
    markup = part(sparkline(points(0, 4096, 1024), NOW_S))
    picture, below = markup
    said = "1.0 MiB now; 30 s ago 0; at most 4.0 MiB"
    assert words(below) == said
    assert (picture.get("role"), picture.get("aria-label")) == ("img", f"Out of sync: {said}")
    [(x0, low), (x1, high), (x2, between)] = places(lines(markup)[0])
    assert (x0, x1, x2) == (0, WIDTH / 2, WIDTH)
    assert high < between < low  # y counts downwards


def test_nothing_out_of_sync_all_along_is_a_level_line_of_two_points() -> None:
    markup = part(sparkline(points(*[0] * MOST_SAMPLES), NOW_S))
    [line] = lines(markup)
    assert len(places(line)) == 2
    assert words(markup) == "0 all along, looked at for 59 min"


def test_a_level_stretch_keeps_its_two_ends() -> None:
    [line] = lines(part(sparkline(points(0, 8, 8, 8, 8, 0), NOW_S)))
    assert len(places(line)) == 4


def test_what_was_not_told_is_a_hole_and_a_look_on_its_own_is_a_dot() -> None:
    markup = part(sparkline(points(4, 4, None, 4, None, 4, 4), NOW_S))
    first, dot, last = lines(markup)
    assert (len(places(first)), len(places(last))) == (2, 2)
    assert dot.endswith("h.1")
    assert "4 KiB now" in words(markup)


def test_the_present_may_be_what_is_not_told() -> None:
    assert "not known now; 15 s ago 4 KiB" in words(part(sparkline(points(4, None), NOW_S)))


def test_no_line_is_drawn_over_a_time_without_a_look() -> None:
    assert len(lines(part(sparkline(points(4, 8, every_s=BREAK_S), NOW_S)))) == 1
    assert len(lines(part(sparkline(points(4, 8, every_s=BREAK_S + 1), NOW_S)))) == 2


@given(st.lists(st.none() | st.integers(-5, 2**70), max_size=MOST_SAMPLES))
def test_any_amounts_stay_in_the_picture_and_bounded(amounts: list[int | None]) -> None:
    made = sparkline(points(*amounts), NOW_S)
    assert len(made) < 12_000
    for line in lines(part(made)):
        for x, y in places(line):
            assert 0 <= x <= WIDTH
            assert 0 <= y <= HEIGHT
