"""Panels of type `stat` and `bargauge`: one value large, or a bar for each. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connector.report.page.markup import Markup, tag

from .answers import Named
from .geometry import CHAR_PX, Box, fitting
from .timeaxis import GRID, MUTED, label
from .values import Shown, ink_on, shown

_MOST_NAME_PX, _VALUE_PX, _THICKEST_PX = 200.0, 62.0, 26.0


def stat(series: Sequence[Named], panel: Mapping[str, Any], room: Box) -> Markup:
    """One value on a ground of its colour."""
    if panel["options"]["colorMode"] != "background" or len(series) != 1:
        raise ValueError("only one value on a coloured ground is drawn here")
    told = shown(series[0].value, panel["fieldConfig"]["defaults"])
    style = f"background:{told.color};color:{ink_on(told.color)};height:{room.height}px"
    return tag("p", told.text, class_="stat", style=style)


def bars(series: Sequence[Named], panel: Mapping[str, Any], room: Box) -> Markup:
    """A lying bar for each series, by the panel's own ends or the largest value."""
    config = panel["fieldConfig"]["defaults"]
    low = float(config["min"])
    high = float(config.get("max", max(one.value for one in series)))
    name_px = min(max(len(one.name) for one in series) * CHAR_PX, _MOST_NAME_PX) + 10
    row = min(room.height / len(series), _THICKEST_PX + 8)
    parts = (
        part
        for place, one in enumerate(series)
        for part in _bar(
            fitting(one.name, name_px),
            shown(one.value, config),
            (one.value - low) / ((high - low) or 1.0),
            row * place,
            row,
            (name_px, room.width - _VALUE_PX),
        )
    )
    return tag("svg", parts, width=room.width, height=room.height, class_="picture")


def _bar(
    name: str, told: Shown, part: float, top: float, row: float, ends: tuple[float, float]
) -> Iterator[Markup]:
    left, right = ends
    thick = min(row * 0.8, _THICKEST_PX)
    y, middle = round(top + (row - thick) / 2, 1), top + row / 2 + 3.5
    yield label(left - 6, middle, name, anchor="end", color=MUTED)
    for width, color in ((right - left, GRID), ((right - left) * min(1.0, part), told.color)):
        yield tag("rect", x=left, y=y, width=round(width, 1), height=round(thick, 1), fill=color)
    yield label(right + 6, middle, told.text, color="#1b2430")
