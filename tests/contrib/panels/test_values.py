"""Values as a dashboard shows them."""

from __future__ import annotations

import pytest

from tests.contrib.dashboards import BOARDS

from .answers import Named, legend
from .geometry import fitting, legend_rows
from .timeaxis import Scale, round_steps
from .values import COLORS, Shown, formatted, ink_on, shown

STEPS = [{"color": "green", "value": None}, {"color": "red", "value": 1}]
MAPPED = {
    "mappings": [{"type": "value", "options": {"0": {"color": "blue", "text": "nothing"}}}],
    "thresholds": {"mode": "absolute", "steps": STEPS},
    "unit": "none",
}


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "none", "0"),
        (2.5, "none", "2.5"),
        (1234.567, "none", "1235"),
        (1, "percentunit", "100%"),
        (0.4406, "percentunit", "44.1%"),
        (0, "bytes", "0 B"),
        (1023, "bytes", "1023 B"),
        (384 * 1024**2, "bytes", "384 MiB"),
        (1.25 * 1024**3, "bytes", "1.25 GiB"),
        (2.0**60, "bytes", "1048576 TiB"),
        (54.535, "s", "54.5 s"),
        (0.25, "s", "0.25 s"),
        (1734, "s", "28.9 min"),
        (7200, "s", "2 hour"),
        (86400, "s", "1 day"),
        (-90, "s", "-1.5 min"),
    ],
)
def test_a_value_in_its_unit(value: float, unit: str, text: str) -> None:
    assert formatted(value, unit) == text


def test_decimals_that_are_asked_for_are_given() -> None:
    assert formatted(5, "none", 0) == "5"
    assert formatted(1 / 3, "percentunit", 2) == "33.33%"


def test_words_and_colours() -> None:
    assert shown(0, MAPPED) == Shown("nothing", COLORS["blue"])
    assert shown(0.5, MAPPED) == Shown("0.5", COLORS["green"])
    assert shown(1, MAPPED) == Shown("1", COLORS["red"])
    assert ink_on(COLORS["dark-red"]) == "#ffffff"
    assert ink_on(COLORS["yellow"]) == ink_on("transparent") == "#1b2430"


def test_what_is_not_drawn_here_is_an_error() -> None:
    with pytest.raises(ValueError, match="unit furlong"):
        formatted(1, "furlong")
    with pytest.raises(ValueError, match="mode percentage"):
        shown(1, {"thresholds": {"mode": "percentage", "steps": STEPS}})
    with pytest.raises(ValueError, match="mapping of type range"):
        shown(1, {"mappings": [{"type": "range"}]})


def test_the_colours_of_the_dashboards_are_known() -> None:
    named = set()
    for board in BOARDS.values():
        for panel in board["panels"]:
            configs = [panel["fieldConfig"]["defaults"]]
            configs += [
                {one["id"]: one["value"] for one in override["properties"]}
                for override in panel["fieldConfig"]["overrides"]
            ]
            for config in configs:
                for mapping in config.get("mappings", ()):
                    named |= {option["color"] for option in mapping["options"].values()}
                named |= {step["color"] for step in config.get("thresholds", {}).get("steps", ())}
    assert len(named) > 12
    assert named <= COLORS.keys()


def test_a_legend() -> None:
    labels = {"pair": "a", "resource": "mail"}
    assert legend("{{resource}} of {{pair}}{{volume}}", labels) == "mail of a"
    assert legend("__auto", labels) == "pair=a, resource=mail"
    assert legend("__auto", {}) == "Value"
    assert Named("mail", labels, ((1.0, 5.0), (2.0, 7.0))).value == 7.0


@pytest.mark.parametrize(
    ("low", "high", "unit", "steps"),
    [
        (0, 1, "percentunit", [0, 0.5, 1]),
        (0, 6, "none", [0, 2, 4, 6]),
        (0, 500 * 1024**2, "bytes", [n * 128 * 1024**2 for n in range(5)]),
        (0, 130, "s", [0, 60, 120, 180]),
        (0, 9.5, "s", [0, 5, 10]),
    ],
)
def test_an_axis_has_round_numbers(low: float, high: float, unit: str, steps: list[float]) -> None:
    found = round_steps(low, high, unit)
    assert found == pytest.approx(steps)
    assert 3 <= len(found) <= 6


def test_words_have_their_place() -> None:
    assert fitting("Connected", 100) == "Connected"
    assert fitting("Connected", 40) == "Conne…"
    assert fitting("Connected", 5) == ""
    assert legend_rows(["a" * 20, "b" * 20, "c"], 300) == [[0, 1], [2]]
    scale = Scale(100, 200, 10, 20)
    assert [scale.x(at_s) for at_s in (0, 100, 150, 300)] == [10, 10, 15, 20]
