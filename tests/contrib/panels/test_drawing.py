"""Panels as pictures: what is in them, and that nothing in an answer can break them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from connector.report.page.markup import Markup
from tests.contrib.dashboards import BOARDS
from tests.report.page.reading import HOSTILE, SHOWN, part, words

from .__main__ import main
from .answers import STEP_S, Answered, Named, Window
from .board import board, drawn
from .geometry import box
from .table import rows, table
from .timeaxis import Scale
from .timeline import bands
from .values import COLORS

BEGIN_S = 1_795_593_600.0  # 2026-11-25 08:00:00
HOUR = Scale(BEGIN_S, BEGIN_S + 3600, 0, 1)
STEPS_AN_HOUR = 3600 // STEP_S


def panel(board_name: str, title: str) -> dict[str, Any]:
    """A panel of the real dashboards."""
    (found,) = [one for one in BOARDS[board_name]["panels"] if one["title"] == title]
    return dict(found)


PAIR, PAIRS = "connector-pair.json", "connector-pairs.json"


def one_series(name: str, *values: float | None, labels: dict[str, str] | None = None) -> Named:
    """A series with these values one after the other; None is a gap."""
    points = ((BEGIN_S + STEP_S * n, value) for n, value in enumerate(values) if value is not None)
    return Named(name, labels or {}, tuple((at_s, value) for at_s, value in points))


def picture(shown: dict[str, Any], *series: Named) -> Markup:
    """The panel with an answer to its first target."""
    answer = Answered(shown, {"A": series})
    return drawn(answer, box(shown["gridPos"]["w"], shown["gridPos"]["h"]), HOUR)


def attributes(markup: Markup, element: str, name: str) -> list[str]:
    """The attribute of every such element that has it."""
    return [one.attrib[name] for one in part(markup).iter(element) if name in one.attrib]


@pytest.mark.parametrize("board_name", BOARDS)
def test_every_panel_can_be_drawn_with_anything(board_name: str) -> None:
    labels = {"pair": HOSTILE, "resource": HOSTILE, "instance": HOSTILE, "decision": HOSTILE}
    for shown in BOARDS[board_name]["panels"]:
        few = 1 if shown["type"] == "stat" else 3
        for value in (0.0, 1.0, -1.0, 1e15):
            series = [one_series(HOSTILE * 9, value, None, value, labels=labels)] * few
            found = part(picture(shown, *series))
            assert "<script" not in str(picture(shown, *series)), shown["title"]
            if shown["type"] == "table":
                assert SHOWN in {cell.strip() for cell in found.itertext()}


@pytest.mark.parametrize("board_name", BOARDS)
def test_a_panel_without_an_answer_says_so(board_name: str) -> None:
    for shown in BOARDS[board_name]["panels"]:
        assert words(part(picture(shown))) == "No data"


def test_an_unknown_type_is_an_error() -> None:
    shown = {**panel(PAIR, "Split brain"), "type": "piechart"}
    with pytest.raises(ValueError, match="Split brain: panels of type piechart"):
        picture(shown, one_series("a", 1))


def test_a_large_value_stands_on_its_colour() -> None:
    made = picture(panel(PAIR, "Split brain"), one_series("", 1))
    assert words(part(made)) == "SPLIT BRAIN"
    assert f"background:{COLORS['red']}" in made
    nodes = picture(panel(PAIR, "Nodes seen"), one_series("", 3))
    assert f"background:{COLORS['orange']}" in nodes


def test_a_timeline_has_a_band_for_each_time_of_one_state() -> None:
    shown = panel(PAIR, "Connection")
    config = shown["fieldConfig"]["defaults"]
    series = one_series("mail", *[1] * 4, *[8] * 2, None, None, *[8] * 3)
    found = [
        (band.from_s - BEGIN_S, band.to_s - BEGIN_S, band.state.text)
        for band in bands(series.points, config)
    ]
    step = STEP_S
    assert found == [
        (0, 4 * step, "Connected"),
        (4 * step, 6 * step, "StandAlone"),
        (8 * step, 11 * step, "StandAlone"),
    ]
    made = picture(shown, series)
    fills = [COLORS["green"], COLORS["red"], COLORS["red"]]
    assert attributes(made, "rect", "fill") == fills
    widths = list(map(float, attributes(made, "rect", "width")))
    assert widths[0] == pytest.approx(2 * widths[1], abs=0.3)
    # A word that has no room is left out, and never cut.
    assert "StandAlone" not in made
    long = picture(shown, one_series("mail", *[8] * STEPS_AN_HOUR))
    assert "StandAlone" in long


def test_a_line_goes_in_steps_and_stops_where_nothing_is_known() -> None:
    shown = panel(PAIR, "Resync")
    made = picture(shown, one_series("mail", 0, 0.5, None, None, 1, 1))
    lines = [path for path in attributes(made, "path", "d") if not path.endswith("Z")]
    assert [re.sub(r"[\d.]+", "", line) for line in lines] == ["M HV", "M HV"]
    assert {"0%", "50%", "100%", "mail", "08:10"} <= set(part(made).itertext())
    heights = [float(line.rpartition("V")[2]) for line in lines]
    assert heights[0] > heights[1] == pytest.approx(6.0)


def test_bars_stand_on_each_other() -> None:
    shown = panel(PAIR, "Commands, by outcome")
    made = picture(shown, one_series("done", 1, 1), one_series("failed", 1))
    bars = [one for one in part(made).iter("rect") if one.attrib["height"] != "4"]
    at_first = [one for one in bars if one.attrib["x"] == bars[0].attrib["x"]]
    assert len(bars) == 3
    assert len(at_first) == 2
    below, above = at_first
    assert float(above.attrib["y"]) + float(above.attrib["height"]) == pytest.approx(
        float(below.attrib["y"]), abs=0.11
    )


def test_a_bar_is_as_long_as_its_value() -> None:
    shown = panel(PAIRS, "Share of the time with two good copies")
    made = picture(shown, one_series("a", 0.5), one_series("b", 1))
    widths = list(map(float, attributes(made, "rect", "width")))
    assert [widths[1] / widths[0], widths[3] / widths[2]] == pytest.approx([0.5, 1], abs=0.01)
    colors = attributes(made, "rect", "fill")
    assert (colors[1], colors[3]) == (COLORS["red"], COLORS["green"])
    assert {"50%", "100%"} <= set(part(made).itertext())


def test_a_table_merges_what_agrees_and_nothing_else() -> None:
    shown = panel(PAIRS, "Versions and policies")
    alpha, beta = ({"pair": "north", "instance": name} for name in ("alpha", "beta"))
    answer = Answered(
        shown,
        {
            "A": tuple(one_series("", 1, labels=one | {"version": "1"}) for one in (alpha, beta)),
            "B": tuple(
                one_series("", 1, labels=one | {"hash": word})
                for one, word in ((beta, "b"), (alpha, "a"), (alpha, "other"))
            ),
        },
    )
    found = part(table(answer))
    assert [[words(cell) for cell in row] for row in found.iter("tr")] == [
        ["pair", "node", "version", "policies"],
        ["north", "alpha", "1", "a"],
        ["north", "beta", "1", "b"],
        ["north", "alpha", "", "other"],
    ]


def test_metrics_with_their_names_do_not_merge() -> None:
    """As in Grafana, where the name is a column as well: an aggregation takes it away."""
    shown = panel(PAIRS, "All resources")
    about = {"pair": "north", "resource": "mail"}

    def merged(**named: str) -> int:
        targets = {
            reference: (one_series("", 1, labels=about | ({"__name__": name} if name else {})),)
            for reference, name in named.items()
        }
        return len(rows(Answered(shown, targets)))

    assert merged(A="one:metric:max", B="another:metric:max") == 2
    assert merged(A="", B="") == 1


def test_a_transformation_that_is_not_drawn_here_is_an_error() -> None:
    shown = {**panel(PAIRS, "All resources"), "transformations": [{"id": "limit", "options": {}}]}
    with pytest.raises(ValueError, match="limit"):
        picture(shown, one_series("", 1, labels={"pair": "a"}))


def test_the_page_says_by_whom_it_is_drawn_and_about_what_time() -> None:
    answer = Answered(panel(PAIR, "Split brain"), {"A": (one_series("", 0),)})
    window = Window(BEGIN_S + 60, BEGIN_S + 3660, 60, "north")
    page = board("connector: <one> pair", [answer], window)
    assert page == board("connector: <one> pair", [answer], window)
    assert "This is not Grafana" in page
    assert "2026-11-25 08:00:00 to 2026-11-25 09:00:00 UTC, pair north." in page
    assert "<title>connector: &lt;one&gt; pair</title>" in page
    assert window.variables()["$__range"] == "3600s"


def test_the_program_says_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main([]) == main([str(tmp_path / "none")]) == 2
    assert "usage: " in capsys.readouterr().err
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main([str(tmp_path)]) == 1
    assert "apt-get install chromium prometheus" in capsys.readouterr().err
