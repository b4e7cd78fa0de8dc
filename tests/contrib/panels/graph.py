"""A panel of type `timeseries`: lines, or bars on top of each other, with their legend. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from connector.report.page.markup import Markup, joined, tag

from .answers import STEP_S, Named
from .geometry import CHAR_PX, LEGEND_ROW_PX, Box, fitting, legend_rows
from .timeaxis import AXIS_PX, GRID, MUTED, Scale, label, round_steps, time_ticks
from .values import PALETTE, formatted

Points = Sequence[tuple[float, float]]


def graph(series: Sequence[Named], panel: Mapping[str, Any], room: Box, time: Scale) -> Markup:
    """The panel's picture as SVG; its custom options decide between lines and bars."""
    config = panel["fieldConfig"]["defaults"]
    custom = config["custom"]
    stacked = custom["stacking"]["mode"] == "normal"
    rows = legend_rows([one.name for one in series], room.width)
    bottom = room.height - AXIS_PX - LEGEND_ROW_PX * len(rows) - 4
    marks = _marks(series, config, stacked=stacked)
    unit, decimals = config["unit"], config.get("decimals")
    words = [formatted(mark, unit, decimals) for mark in marks]
    left = max(len(word) for word in words) * CHAR_PX + 8
    scale = Scale(time.from_s, time.to_s, left, room.width - 6.0)
    plot = _Plot(scale, top=6.0, bottom=float(bottom), low=marks[0], high=marks[-1])
    draw = _bars if custom["drawStyle"] == "bars" else _lines
    return tag(
        "svg",
        time_ticks(scale, plot.top, plot.bottom),
        _value_ticks(plot, marks, words),
        draw(series, plot, custom),
        _legend(series, rows, room.width, bottom + AXIS_PX + 4),
        width=room.width,
        height=room.height,
        class_="picture",
    )


class _Plot:
    """The place of the curves, and the values at its upper and lower edge."""

    def __init__(self, scale: Scale, *, top: float, bottom: float, low: float, high: float) -> None:
        self.scale, self.top, self.bottom = scale, top, bottom
        self._low, self._high = low, high

    def y(self, value: float) -> float:
        """Where a value is; what is beyond the edges is put to them."""
        part = (value - self._low) / (self._high - self._low)
        return round(self.bottom - (self.bottom - self.top) * min(1.0, max(0.0, part)), 1)


def _marks(series: Sequence[Named], config: Mapping[str, Any], *, stacked: bool) -> list[float]:
    """The values that the axis has words for: the panel's own ends, or those of the data."""
    values = [value for one in series for _, value in one.points] or [0.0, 1.0]
    if stacked:
        sums: dict[float, float] = {}
        for one in series:
            for at_s, value in one.points:
                sums[at_s] = sums.get(at_s, 0.0) + value
        values = list(sums.values()) or values
    low = float(config.get("min", min(values)))
    high = float(config.get("max", max(values)))
    high = high if high > low else low + 1
    return round_steps(low, high, config["unit"])


def _value_ticks(plot: _Plot, marks: Sequence[float], words: Sequence[str]) -> Iterator[Markup]:
    for mark, word in zip(marks, words, strict=True):
        y = plot.y(mark)
        yield tag("line", x1=plot.scale.left, y1=y, x2=plot.scale.right, y2=y, stroke=GRID)
        yield label(plot.scale.left - 4, y + 3.5, word, anchor="end", color=MUTED)


def _lines(series: Sequence[Named], plot: _Plot, custom: Mapping[str, Any]) -> Iterator[Markup]:
    if custom["lineInterpolation"] != "stepAfter" or custom["spanNulls"]:
        raise ValueError("only lines in steps, with gaps where there is nothing, are drawn here")
    for place, one in enumerate(series):
        color = _color(place)
        for piece in _pieces(one.points):
            path = _steps(piece, plot)
            first, last = plot.scale.x(piece[0][0]), plot.scale.x(piece[-1][0])
            area = f"{path}V{plot.bottom}H{first}Z"
            if last > first:
                yield tag("path", d=area, fill=color, fill_opacity=custom["fillOpacity"] / 100)
            width = max(1.5, custom["lineWidth"])
            yield tag("path", d=path, fill="none", stroke=color, stroke_width=width)


def _pieces(points: Points) -> Iterator[Points]:
    """The points without the gaps between them."""
    numbered = enumerate(points)
    for _, piece in groupby(numbered, lambda item: round(item[1][0] / STEP_S) - item[0]):
        yield [point for _, point in piece]


def _steps(points: Points, plot: _Plot) -> str:
    at_s, value = points[0]
    path = f"M{plot.scale.x(at_s)} {plot.y(value)}"
    for at_s, value in points[1:]:
        path += f"H{plot.scale.x(at_s)}V{plot.y(value)}"
    return path


def _bars(series: Sequence[Named], plot: _Plot, custom: Mapping[str, Any]) -> Iterator[Markup]:
    width = max(1.0, (plot.scale.x(STEP_S + plot.scale.from_s) - plot.scale.left) * 0.9)
    heights: dict[float, float] = {}
    for place, one in enumerate(series):
        for at_s, value in one.points:
            below = heights.get(at_s, 0.0)
            heights[at_s] = below + value
            top, bottom = plot.y(below + value), plot.y(below)
            if bottom > top:
                yield tag(
                    "rect",
                    x=min(plot.scale.x(at_s), round(plot.scale.right - width, 1)),
                    y=top,
                    width=round(width, 1),
                    height=round(bottom - top, 1),
                    fill=_color(place),
                )


def _legend(
    series: Sequence[Named], rows: list[list[int]], width: int, top: float
) -> Iterator[Markup]:
    for number, row in enumerate(rows):
        x, y = 2.0, top + LEGEND_ROW_PX * number + 11
        for place in row:
            name = fitting(series[place].name, width - x - 14)
            mark = tag("rect", x=x, y=y - 5, width=10, height=4, fill=_color(place))
            yield joined(mark, label(x + 14, y, name))
            x += len(name) * CHAR_PX + 22


def _color(place: int) -> str:
    return PALETTE[place % len(PALETTE)]
