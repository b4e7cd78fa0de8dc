"""A picture of what happened on both nodes of a pair, for whoever has to find out why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tests.lab.recording import Event

from .lanes import group_drawn
from .layout import Scale, kept_of, short, step_s_of
from .looks import STRIPES, legend
from .reading import history
from .spans import RESOURCE_OF_MINOR, History
from .svg import document, line, text_at

_HEAD_PX = 62
_LONGEST_TITLE = 110
_AFTERWARDS = 1.03


def draw(
    events: Sequence[Event],
    *,
    title: str,
    resource_of_minor: Mapping[int, str] = RESOURCE_OF_MINOR,
) -> str:
    """Return an SVG picture that needs nothing else; the same events give the same picture."""
    if not events:
        return document(70, [_title(title), text_at(20, 52, "nothing was recorded", size=12)])
    told = history(events, resource_of_minor)
    scale = Scale(max(told.until_s * _AFTERWARDS, 1.0))
    parts: list[str] = []
    y = float(_HEAD_PX)
    for group in told.groups:
        drawn, height = group_drawn(group, y, scale)
        parts += drawn
        y += height
    behind = [*_grid(scale, y), *_guides(told, scale, y)]
    height_px = int(y + 66)
    return document(height_px, [STRIPES, _title(title), *behind, *parts, *legend(y + 46)])


def _title(title: str) -> str:
    return text_at(20, 28, short(title, _LONGEST_TITLE), size=15, bold=True)


def _grid(scale: Scale, bottom: float) -> Iterator[str]:
    step_s = step_s_of(scale.until_s)
    for number in range(int(scale.until_s / step_s) + 1):
        x = scale.x(number * step_s)
        yield line(x, _HEAD_PX - 6, x, bottom, "#e4e4e4")
        shown = f"{number * step_s:g} s"
        yield text_at(x, _HEAD_PX - 10, shown, anchor="middle", color="#444")
        yield text_at(x, bottom + 13, shown, anchor="middle", color="#444")
    yield text_at(20, bottom + 13, "since the first event", size=9, color="#444")


def _guides(told: History, scale: Scale, bottom: float) -> Iterator[str]:
    """Draw the link's changes through all lanes: most of what happens follows from them."""
    for group in told.groups:
        for lane in group.lanes:
            if lane.name == "link":
                for span in kept_of(lane.spans):
                    if span.from_s:
                        x = scale.x(span.from_s)
                        yield line(x, _HEAD_PX, x, bottom, "#777", dashed=True)
