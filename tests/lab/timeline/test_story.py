"""The steps of a story, and its link."""

from __future__ import annotations

from tests.lab.recording import Event, Source

from .builders import CRASH, bands, end, lane, mark, story
from .reading import history
from .spans import Look


def test_a_crash_that_is_told_twice_is_one_step() -> None:
    assert lane(history(CRASH), "between", "story") == (
        mark(2, "beta: node crashed", Look.ALARM),
        mark(6.5, "beta: booted"),
    )


def test_faults_of_the_link_add_up_until_it_is_restored() -> None:
    said = ("loses 20 %", "loses 30 %", "cut one way, from alpha", "cut", "restored", "restored")
    told = history(
        [
            Event(at_s, "", Source.STORY if text == "restored" else Source.FAULT, f"link {text}")
            for at_s, text in enumerate(said, 1)
        ]
    )

    assert bands(told, "between", "link") == [
        (0, 1, "loses 20 %", Look.WAITING),
        (1, 2, "loses 30 %", Look.WAITING),
        (2, 3, "loses 30 %, cut one way, from alpha", Look.WAITING),
        (3, 4, "cut", Look.STANDALONE),
        (4, 5, "up", Look.HEALTHY),
    ]


def test_what_the_link_was_before_it_was_restored_is_not_known() -> None:
    told = history(
        [
            end(0, "alpha"),
            story(3, "", "link restored"),
            end(9, "alpha"),
        ]
    )

    assert bands(told, "between", "link") == [
        (0, 3, "not known", Look.ABSENT),
        (3, 9, "up", Look.HEALTHY),
    ]
