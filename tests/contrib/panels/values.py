"""How a dashboard shows a value: its unit, its words and its colour. Pure.

As far as the two dashboards use it: value mappings, absolute thresholds, four units.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Grafana's own colours, by the names that a dashboard has for them.
_SHADES = ("dark-", "semi-dark-", "", "light-", "super-light-")
_HUES = {
    "green": ("#37872d", "#56a64b", "#73bf69", "#96d98d", "#c8f2c2"),
    "yellow": ("#e0b400", "#f2cc0c", "#fade2a", "#ffee52", "#fff899"),
    "red": ("#c4162a", "#e02f44", "#f2495c", "#ff7383", "#ffa6b0"),
    "blue": ("#1f60c4", "#3274d9", "#5794f2", "#8ab8ff", "#c0d8ff"),
    "orange": ("#fa6400", "#ff780a", "#ff9830", "#ffb357", "#ffcb7d"),
    "purple": ("#8f3bb8", "#a352cc", "#b877d9", "#ca95e5", "#deb6f2"),
}
COLORS = {
    f"{shade}{hue}": color
    for hue, colors in _HUES.items()
    for shade, color in zip(_SHADES, colors, strict=True)
} | {"text": "#c3c8ce", "transparent": "transparent"}
# The colours of series that have none of their own, in their order.
PALETTE = tuple(
    COLORS[name]
    for name in (
        *("semi-dark-green", "semi-dark-yellow", "semi-dark-blue", "semi-dark-orange"),
        *("semi-dark-red", "semi-dark-purple", "dark-blue", "light-green", "dark-red"),
        *("light-blue", "dark-purple", "light-orange"),
    )
)
_INK, _PAPER = "#1b2430", "#ffffff"
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB")
_SECONDS = ((86400, "day"), (3600, "hour"), (60, "min"))


@dataclass(frozen=True, slots=True)
class Shown:
    """A value as it is shown."""

    text: str
    color: str


def shown(value: float, config: Mapping[str, Any]) -> Shown:
    """The value's words and colour, by a `fieldConfig.defaults` (with overrides put in)."""
    for mapping in config.get("mappings", ()):
        if mapping["type"] != "value":
            raise ValueError(f"a mapping of type {mapping['type']} is not drawn here")
        found = mapping["options"].get(plain(value))
        if found is not None:
            return Shown(found["text"], COLORS[found["color"]])
    text = formatted(value, config.get("unit", "none"), config.get("decimals"))
    return Shown(text, COLORS[_by_threshold(value, config["thresholds"])])


def _by_threshold(value: float, thresholds: Mapping[str, Any]) -> str:
    """The colour of the last step that the value reaches; the first one has no lower end."""
    if thresholds["mode"] != "absolute":
        raise ValueError(f"thresholds of mode {thresholds['mode']} are not drawn here")
    reached = [
        step for step in thresholds["steps"] if step["value"] is None or value >= step["value"]
    ]
    return str(reached[-1]["color"])


def plain(value: float) -> str:
    """A number without a needless `.0`."""
    return str(int(value)) if math.isfinite(value) and value == int(value) else repr(value)


def formatted(value: float, unit: str, decimals: int | None = None) -> str:
    """The value in its unit."""
    if unit == "none":
        return _rounded(value, decimals)
    if unit == "percentunit":
        return f"{_rounded(value * 100, decimals)}%"
    if unit == "bytes":
        step = min(int(math.log(max(abs(value), 1), 1024)), len(_BINARY) - 1)
        return f"{_rounded(value / 1024**step, decimals)} {_BINARY[step]}"
    if unit == "s":
        for length, name in _SECONDS:
            if abs(value) >= length:
                return f"{_rounded(value / length, decimals)} {name}"
        return f"{_rounded(value, decimals)} s"
    raise ValueError(f"the unit {unit} is not drawn here")


def _rounded(value: float, decimals: int | None) -> str:
    """Three digits, or so many after the point as are asked for."""
    if decimals is None:
        decimals = max(0, 2 - int(math.log10(max(abs(value), 1))))
        return plain(round(value, decimals))
    return f"{value:.{decimals}f}"


def ink_on(color: str) -> str:
    """Black or white: what can be read on that colour."""
    if color == "transparent":
        return _INK
    red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return _INK if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else _PAPER
