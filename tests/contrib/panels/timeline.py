"""A panel of type `state-timeline`: a row for each series, a band for each time of one state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector.report.page.markup import Markup, tag

from .answers import STEP_S, Named
from .geometry import CHAR_PX, Box, fitting
from .timeaxis import AXIS_PX, MUTED, Scale, label, time_ticks
from .values import Shown, ink_on, shown

_MOST_LABEL_PX = 300.0


@dataclass(frozen=True, slots=True)
class Band:
    """A state, and from when to when it was so, in seconds since 1970."""

    from_s: float
    to_s: float
    state: Shown


def timeline(series: Sequence[Named], panel: Mapping[str, Any], room: Box, time: Scale) -> Markup:
    """The panel's picture as SVG."""
    config = panel["fieldConfig"]["defaults"]
    bottom = room.height - AXIS_PX
    longest = max((len(one.name) for one in series), default=0) * CHAR_PX
    left = min(longest, _MOST_LABEL_PX) + 10
    scale = Scale(time.from_s, time.to_s, left, room.width - 6.0)
    row = bottom / max(len(series), 1)
    return tag(
        "svg",
        time_ticks(scale, 0, bottom),
        (
            part
            for place, one in enumerate(series)
            for part in _row(one, config, scale, row * place, row, panel["options"]["rowHeight"])
        ),
        width=room.width,
        height=room.height,
        class_="picture",
    )


def _row(
    one: Named, config: Mapping[str, Any], scale: Scale, top: float, height: float, part: float
) -> Iterator[Markup]:
    middle = top + height / 2 + 3.5
    name = fitting(one.name, scale.left - 4)
    yield label(scale.left - 6, middle, name, anchor="end", color=MUTED)
    thick = min(height * part, 30.0)
    for band in bands(one.points, config):
        x, end = scale.x(band.from_s), scale.x(band.to_s)
        yield tag(
            "rect",
            x=x,
            y=round(top + (height - thick) / 2, 1),
            width=round(max(end - x, 1.0), 1),
            height=round(thick, 1),
            fill=band.state.color,
        )
        # Cut words say nothing: a band has its whole word or none.
        if len(band.state.text) * CHAR_PX + 6 <= end - x and thick > 9:
            yield label(x + 4, middle, band.state.text, color=ink_on(band.state.color))


def bands(points: Sequence[tuple[float, float]], config: Mapping[str, Any]) -> Iterator[Band]:
    """The times of one state each; a point speaks for the step that begins with it."""
    from_s = to_s = 0.0
    state: Shown | None = None
    for at_s, value in points:
        now = shown(value, config)
        if state is not None and (now != state or at_s > to_s + STEP_S / 2):
            yield Band(from_s, to_s, state)
            state = None
        if state is None:
            from_s, state = at_s, now
        to_s = at_s + STEP_S
    if state is not None:
        yield Band(from_s, to_s, state)
