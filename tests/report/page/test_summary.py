"""The head of the page: counts, passes, and what could not be told."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from connector.memory.last_pass import LastPass
from connector.report.page.order import Urgency
from connector.report.page.past import Past
from connector.report.page.summary import LATE_S, MOST_MESSAGES, head, title, untold
from connector.report.page.view import PageView
from tests.report.page import example
from tests.report.page.reading import part, with_class, words


def tiles(view: PageView, **numbers: int) -> list[tuple[str, str]]:
    """What each tile says, with its colour."""
    counted = Counter({Urgency[name]: number for name, number in numbers.items()})
    found = with_class(part(head(view, counted)), "tile")
    return [(words(tile), tile.get("class", "").split()[-1]) for tile in found]


def test_the_tiles_count_and_tell_how_long_ago_the_passes_were() -> None:
    view = example.view()
    assert tiles(view, NEEDS_OPERATOR=1, HEALTHY=3) == [
        ("1 operator needed", "bad"),
        ("0 not settled", "none"),
        ("3 healthy", "good"),
        ("38 s since the last pass", "none"),
        ("51 min since the last success, overdue", "warn"),
    ]


@pytest.mark.parametrize(
    ("last", "told"),
    [
        (None, [("none no pass is on record", "warn")]),
        (
            LastPass(example.NOW_WALL_S - 60, None, 1),
            [("1 min since the last pass", "none"), ("never has a pass succeeded", "warn")],
        ),
        (
            LastPass(example.NOW_WALL_S - LATE_S, example.NOW_WALL_S - LATE_S, 1),
            [("10 min since the last pass", "none"), ("10 min since the last success", "none")],
        ),
        (
            LastPass(example.NOW_WALL_S - LATE_S - 1, example.NOW_WALL_S + 50, 1),
            [
                ("10 min since the last pass, overdue: does nothing start them?", "warn"),
                ("0 s since the last success", "none"),
            ],
        ),
    ],
)
def test_the_last_pass(last: LastPass | None, told: list[tuple[str, str]]) -> None:
    assert tiles(replace(example.view(), last_pass=last))[3:] == told


def test_the_title_says_the_worst_first() -> None:
    view = example.view()
    both = Counter({Urgency.NEEDS_OPERATOR: 2, Urgency.UNSETTLED: 1})
    assert title(view, both) == "2 operator needed - alpha - connector"
    assert title(view, Counter({Urgency.UNSETTLED: 1})) == "1 not settled - alpha - connector"
    assert title(view, Counter({Urgency.HEALTHY: 1})) == "alpha - connector"


def test_what_could_not_be_read_is_told_and_bounded() -> None:
    view = example.view()
    assert untold(view) == ""
    messages = tuple(f"message {n}" for n in range(MOST_MESSAGES + 5))
    torn = Past(problem="the journal is torn")
    lines = [words(item) for item in part(untold(replace(view, messages=messages))).iter("li")]
    assert lines[0] == "message 0"
    assert lines[MOST_MESSAGES:] == ["and 5 messages more"]
    [line] = part(untold(replace(view, past=torn))).iter("li")
    assert words(line) == "the journal is torn"
