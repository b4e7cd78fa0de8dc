"""The time axis of a picture, and the marks on any axis. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from connector.report.page.markup import Markup, tag
from connector.report.past_incidents import clock

GRID, MUTED = "#e3e7ec", "#57616e"
_TICK_S = 600
_ROUND = {
    "bytes": (1024, (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)),
    "s": (60, (1, 2, 5, 10, 15, 20, 30, 60)),
}
AXIS_PX = 16


@dataclass(frozen=True, slots=True)
class Scale:
    """Seconds to pixels."""

    from_s: float
    to_s: float
    left: float
    right: float

    def x(self, at_s: float) -> float:
        """Where a moment is; what lies outside is put to the edge."""
        part = (at_s - self.from_s) / (self.to_s - self.from_s)
        return round(self.left + (self.right - self.left) * min(1.0, max(0.0, part)), 1)


def time_ticks(scale: Scale, top: float, bottom: float) -> Iterator[Markup]:
    """A line and a time of day (UTC) every ten minutes."""
    at_s = math.ceil(scale.from_s / _TICK_S) * _TICK_S
    while at_s <= scale.to_s:
        x = scale.x(at_s)
        yield tag("line", x1=x, y1=top, x2=x, y2=bottom, stroke=GRID)
        anchor = "start" if x < scale.left + 15 else "end" if x > scale.right - 15 else "middle"
        yield label(x, bottom + 12, clock(at_s)[11:16], anchor=anchor, color=MUTED)
        at_s += _TICK_S


def label(x: float, y: float, text: str, *, anchor: str = "start", color: str = MUTED) -> Markup:
    """A text in a picture."""
    return tag("text", text, x=round(x, 1), y=round(y, 1), text_anchor=anchor, fill=color)


def round_steps(low: float, high: float, unit: str) -> list[float]:
    """Numbers from `low` to one that is not below `high`, round in their unit: three to six."""
    base, sizes = _ROUND.get(unit, (10, (1, 2, 5, 10)))
    wanted = max(high - low, 1e-9) / 4
    scale = float(base) ** math.floor(math.log(wanted, base))
    step = next(scale * size for size in sizes if scale * size >= wanted * 0.999)
    return [low + step * number for number in range(math.ceil((high - low) / step - 1e-9) + 1)]
