"""A picture of what happened on both nodes of a pair, for whoever has to find out why."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from tests.lab.recording import Event

from .bands import RESOURCE_OF_MINOR, Group, History, Kind, Lane, Look, Span, history

WIDTH_PX = 1100
MARKS_PER_LANE = 400
LABEL_ROWS = 3

_LEFT_PX = 130
_RIGHT_PX = WIDTH_PX - 20
_HEAD_PX = 62
_CHAR_PX = 6.1  # a generous mean at 10 px: no font can be measured here
_ROW_PX = 13
_BAND_PX = 17
_TICKS_PX = 9
_BAR_PX = 9
_LONGEST_TITLE = 110
_LABEL_LENGTHS = (64, 44, 18, 10)  # the longest that has room
_SHORTEST_NAME = 5  # fewer characters of a state do not tell which one it is
_LONGEST_DETAIL = 400
_TICKS = 14
_AFTERWARDS = 1.03

# Light and dark as well as coloured, so that a printer and any eye can tell them apart.
_FILL = {
    Look.HEALTHY: "#a5dcb8",
    Look.SYNCING: "#2f74c0",
    Look.WAITING: "url(#waiting)",
    Look.STANDALONE: "#b3261e",
    Look.ABSENT: "#ececec",
    Look.SECONDARY: "#dfe7f2",
    Look.PRIMARY: "#7f93bd",
    Look.MOUNTED: "#263a6e",
    Look.PLAIN: "#4a5878",
    Look.ALARM: "#b3261e",
    Look.QUIET: "#9a9a9a",
}
_WHITE_TEXT = {Look.SYNCING, Look.STANDALONE, Look.MOUNTED}
_TEXT = {Look.ALARM: "#b3261e", Look.QUIET: "#707070"}
_LEGEND = (
    (Look.HEALTHY, "Connected, link up"),
    (Look.WAITING, "waiting or changing"),
    (Look.SYNCING, "resync"),
    (Look.STANDALONE, "StandAlone, link cut"),
    (Look.MOUNTED, "Primary, mounted"),
    (Look.PRIMARY, "Primary"),
    (Look.SECONDARY, "Secondary"),
    (Look.ABSENT, "off, not up, not known"),
)
_STRIPES = (
    '<defs><pattern id="waiting" width="6" height="6" patternUnits="userSpaceOnUse">'
    '<rect width="6" height="6" fill="#ffe29a"/>'
    '<path d="M-1 7L7 -1M-1 1L1 -1M5 7L7 5" stroke="#f3bd3f" stroke-width="1.3"/>'
    "</pattern></defs>"
)
# What XML cannot hold, not even escaped: a console may carry any byte.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class _Scale:
    """Seconds to pixels. There is some room after the last event, so that its outcome is seen."""

    until_s: float

    def x(self, at_s: float) -> float:
        """Return where a moment is."""
        return _LEFT_PX + (_RIGHT_PX - _LEFT_PX) * (at_s / self.until_s)


@dataclass(frozen=True)
class _Label:
    """A name below its mark; without a row where there was no room for it."""

    text: str
    row: int
    x: float
    anchor: str


def draw(
    events: Sequence[Event],
    *,
    title: str,
    resource_of_minor: Mapping[int, str] = RESOURCE_OF_MINOR,
) -> str:
    """Return an SVG picture that needs nothing else; the same events give the same picture."""
    if not events:
        return _svg(70, [_title(title), _text(20, 52, "nothing was recorded", size=12)])
    told = history(events, resource_of_minor)
    scale = _Scale(max(told.until_s * _AFTERWARDS, 1.0))
    parts: list[str] = []
    y = float(_HEAD_PX)
    for group in told.groups:
        drawn, height = _group(group, y, scale)
        parts += drawn
        y += height
    behind = [*_grid(scale, y), *_guides(told, scale, y)]
    height_px = int(y + 66)
    return _svg(height_px, [_STRIPES, _title(title), *behind, *parts, *_legend(y + 46)])


def _title(title: str) -> str:
    return _text(20, 28, _short(title, _LONGEST_TITLE), size=15, bold=True)


def _svg(height_px: int, parts: Iterable[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH_PX}" height="{height_px}" '
        f'viewBox="0 0 {WIDTH_PX} {height_px}" font-family="sans-serif">'
    )
    ground = f'<rect width="{WIDTH_PX}" height="{height_px}" fill="#fff"/>'
    return "\n".join([head, ground, *parts, "</svg>"]) + "\n"


# -- time -------------------------------------------------------------------------------------


def _grid(scale: _Scale, bottom: float) -> Iterator[str]:
    step_s = _step_s(scale.until_s)
    for number in range(int(scale.until_s / step_s) + 1):
        x = scale.x(number * step_s)
        yield _line(x, _HEAD_PX - 6, x, bottom, "#e4e4e4")
        shown = f"{number * step_s:g} s"
        yield _text(x, _HEAD_PX - 10, shown, anchor="middle", color="#444")
        yield _text(x, bottom + 13, shown, anchor="middle", color="#444")
    yield _text(20, bottom + 13, "since the first event", size=9, color="#444")


def _step_s(until_s: float) -> float:
    """Return a round number of seconds that divides the time into few enough parts."""
    step_s = 0.1
    for factor in itertools.cycle((2.0, 2.5, 2.0)):
        if until_s / step_s <= _TICKS:
            break
        step_s *= factor
    return step_s


def _guides(told: History, scale: _Scale, bottom: float) -> Iterator[str]:
    """Draw the link's changes through all lanes: most of what happens follows from them."""
    for group in told.groups:
        for lane in group.lanes:
            if lane.name == "link":
                for span in _kept(lane.spans):
                    if span.from_s:
                        x = scale.x(span.from_s)
                        yield _line(x, _HEAD_PX, x, bottom, "#777", dashed=True)


# -- lanes ------------------------------------------------------------------------------------


def _group(group: Group, top: float, scale: _Scale) -> tuple[list[str], float]:
    parts: list[str] = []
    y = top + 8
    if group.name == "between":
        name = []
    else:
        name = [_text(12, y + 12, group.name, size=13, bold=True)]
        y += 18
    for lane in group.lanes:
        drawn, height = _lane(lane, y, scale)
        parts += drawn
        y += height + 4
    ground = _rect(6, top + 2, WIDTH_PX - 12, y - top, "#f7f7f4" if not name else "none")
    return [ground, *name, *parts], y + 4 - top


def _lane(lane: Lane, y: float, scale: _Scale) -> tuple[list[str], float]:
    kept = _kept(lane.spans)
    drawing = {Kind.BANDS: _bands, Kind.MARKS: _marks, Kind.TICKS: _ticks}[lane.kind]
    drawn, height = drawing(kept, y, scale)
    names = [_text(20, y + 9, lane.name, color="#222")]
    if left_out := len(lane.spans) - len(kept):
        names.append(_text(20, y + 20, f"+{left_out} more", size=9, color=_TEXT[Look.ALARM]))
        height = max(height, 22)
    return [*names, *drawn], height


def _kept(spans: Sequence[Span]) -> Sequence[Span]:
    """Leave out the middle: how it began and how it ended tell the most."""
    if len(spans) <= MARKS_PER_LANE:
        return spans
    half = MARKS_PER_LANE // 2
    return [*spans[:half], *spans[-half:]]


def _bands(spans: Sequence[Span], y: float, scale: _Scale) -> tuple[list[str], float]:
    parts = []
    for span in spans:
        x = scale.x(span.from_s)
        end = _RIGHT_PX if span is spans[-1] else scale.x(span.to_s)  # the last state goes on
        width = max(end - x, 1.0)
        name = _fitting(span.text, width - 6)
        color = "#fff" if span.look in _WHITE_TEXT else "#111"
        band = _rect(x, y, width, _BAND_PX, _FILL[span.look], "#fff" if width > 4 else "none")
        inside = [_text(x + 4, y + 12, name, color=color)] if name else []
        parts.append(_with_detail([band, *inside], span))
    return parts, _BAND_PX


def _fitting(text: str, width: float) -> str:
    characters = int(width / _CHAR_PX)
    if len(text) <= characters:
        return text
    return _short(text, characters) if characters >= _SHORTEST_NAME else ""


def _ticks(spans: Sequence[Span], y: float, scale: _Scale) -> tuple[list[str], float]:
    parts = []
    for span in spans:
        tick = _rect(scale.x(span.from_s) - 0.6, y, 1.2, _TICKS_PX, _FILL[span.look])
        parts.append(_with_detail([tick], span))
    return parts, _TICKS_PX + 2


def _marks(spans: Sequence[Span], y: float, scale: _Scale) -> tuple[list[str], float]:
    labels = _labels(spans, scale)
    rows = max((label.row for label in labels), default=-1) + 1
    lines, names = [], []
    for span, label in zip(spans, labels, strict=True):
        x = scale.x(span.from_s)
        bar = _rect(x - 1, y, max(scale.x(span.to_s) - x, 2.0), _BAR_PX, _FILL[span.look])
        shown = [bar]
        if label.row >= 0:
            base = y + _BAR_PX + _ROW_PX * (label.row + 1) - 2
            color = _TEXT.get(span.look, "#111")
            lines.append(_line(x, y + _BAR_PX, x, base, "#bbb"))
            shown.append(_text(label.x, base, label.text, anchor=label.anchor, color=color))
        names.append(_with_detail(shown, span))
    return [*lines, *names], _BAR_PX + _ROW_PX * rows + 2


def _labels(spans: Sequence[Span], scale: _Scale) -> list[_Label]:
    """Give each span a label that covers no other one, the quiet spans last."""
    taken: list[list[tuple[float, float]]] = [[] for _ in range(LABEL_ROWS)]
    found: dict[int, _Label] = {}
    for number in sorted(range(len(spans)), key=lambda one: (spans[one].look is Look.QUIET, one)):
        found[number] = _place(spans[number].text, scale.x(spans[number].from_s), taken)
    return [found[number] for number in range(len(spans))]


def _place(text: str, x: float, taken: list[list[tuple[float, float]]]) -> _Label:
    for longest, after in itertools.product(_LABEL_LENGTHS, (True, False)):
        shown = _short(text, longest)
        width = len(shown) * _CHAR_PX + 5
        left, right = (x - 1, x + width) if after else (x - width, x + 1)
        if left < _LEFT_PX - 1 or right > WIDTH_PX - 8:
            continue
        for row, others in enumerate(taken):
            if all(right <= start or end <= left for start, end in others):
                others.append((left, right))
                return _Label(shown, row, x + 3 if after else x - 3, "start" if after else "end")
    return _Label("", -1, x, "start")


# -- elements ---------------------------------------------------------------------------------


def _legend(y: float) -> Iterator[str]:
    x = 20.0
    for look, name in _LEGEND:
        yield _rect(x, y - 10, 18, 12, _FILL[look], "#999")
        yield _text(x + 23, y, name, color="#222")
        x += 23 + len(name) * _CHAR_PX + 12


def _with_detail(parts: Sequence[str], span: Span) -> str:
    until = f" to {span.to_s:.3f} s" if span.to_s > span.from_s else " s"
    detail = _short(f"{span.from_s:.3f}{until}: {span.detail or span.text}", _LONGEST_DETAIL)
    return f"<g><title>{_escaped(detail)}</title>{''.join(parts)}</g>"


def _rect(x: float, y: float, width: float, height: float, fill: str, edge: str = "none") -> str:
    size = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {size} fill="{fill}" stroke="{edge}" stroke-width="0.8"/>'


def _line(x: float, y: float, to_x: float, to_y: float, color: str, *, dashed: bool = False) -> str:
    ends = f'x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}"'
    dashes = ' stroke-dasharray="3 3"' if dashed else ""
    return f'<line {ends} stroke="{color}" stroke-width="0.8"{dashes}/>'


def _text(
    x: float,
    y: float,
    text: str,
    *,
    size: int = 10,
    color: str = "#000",
    anchor: str = "start",
    bold: bool = False,
) -> str:
    weight = ' font-weight="bold"' if bold else ""
    where = f'x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}"{weight}'
    return f'<text {where} fill="{color}">{_escaped(text)}</text>'


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def _escaped(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))
