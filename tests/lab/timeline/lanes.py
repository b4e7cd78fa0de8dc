"""Lanes as SVG: bands, marks and ticks below each other, a group at a time."""

from __future__ import annotations

from collections.abc import Sequence

from .layout import RIGHT_PX, WIDTH_PX, Scale, fitting, kept_of, labels_of
from .looks import FILL, TEXT, WHITE_TEXT
from .spans import Group, Kind, Lane, Look, Span
from .svg import line, rect, text_at, with_detail

_ROW_PX = 13
_BAND_PX = 17
_TICKS_PX = 9
_BAR_PX = 9


def group_drawn(group: Group, top: float, scale: Scale) -> tuple[list[str], float]:
    """Return a group's elements and its height."""
    parts: list[str] = []
    y = top + 8
    if group.name == "between":
        name = []
    else:
        name = [text_at(12, y + 12, group.name, size=13, bold=True)]
        y += 18
    for lane in group.lanes:
        drawn, height = _lane(lane, y, scale)
        parts += drawn
        y += height + 4
    ground = rect(6, top + 2, WIDTH_PX - 12, y - top, "#f7f7f4" if not name else "none")
    return [ground, *name, *parts], y + 4 - top


def _lane(lane: Lane, y: float, scale: Scale) -> tuple[list[str], float]:
    kept = kept_of(lane.spans)
    drawing = {Kind.BANDS: _bands, Kind.MARKS: _marks, Kind.TICKS: _ticks}[lane.kind]
    drawn, height = drawing(kept, y, scale)
    names = [text_at(20, y + 9, lane.name, color="#222")]
    if left_out := len(lane.spans) - len(kept):
        names.append(text_at(20, y + 20, f"+{left_out} more", size=9, color=TEXT[Look.ALARM]))
        height = max(height, 22)
    return [*names, *drawn], height


def _bands(spans: Sequence[Span], y: float, scale: Scale) -> tuple[list[str], float]:
    parts = []
    for span in spans:
        x = scale.x(span.from_s)
        end = RIGHT_PX if span is spans[-1] else scale.x(span.to_s)  # the last state goes on
        width = max(end - x, 1.0)
        name = fitting(span.text, width - 6)
        color = "#fff" if span.look in WHITE_TEXT else "#111"
        band = rect(x, y, width, _BAND_PX, FILL[span.look], "#fff" if width > 4 else "none")
        inside = [text_at(x + 4, y + 12, name, color=color)] if name else []
        parts.append(with_detail([band, *inside], span))
    return parts, _BAND_PX


def _ticks(spans: Sequence[Span], y: float, scale: Scale) -> tuple[list[str], float]:
    parts = []
    for span in spans:
        tick = rect(scale.x(span.from_s) - 0.6, y, 1.2, _TICKS_PX, FILL[span.look])
        parts.append(with_detail([tick], span))
    return parts, _TICKS_PX + 2


def _marks(spans: Sequence[Span], y: float, scale: Scale) -> tuple[list[str], float]:
    labels = labels_of(spans, scale)
    rows = max((label.row for label in labels), default=-1) + 1
    lines, names = [], []
    for span, label in zip(spans, labels, strict=True):
        x = scale.x(span.from_s)
        bar = rect(x - 1, y, max(scale.x(span.to_s) - x, 2.0), _BAR_PX, FILL[span.look])
        shown = [bar]
        if label.row >= 0:
            base = y + _BAR_PX + _ROW_PX * (label.row + 1) - 2
            color = TEXT.get(span.look, "#111")
            lines.append(line(x, y + _BAR_PX, x, base, "#bbb"))
            shown.append(text_at(label.x, base, label.text, anchor=label.anchor, color=color))
        names.append(with_detail(shown, span))
    return [*lines, *names], _BAR_PX + _ROW_PX * rows + 2
