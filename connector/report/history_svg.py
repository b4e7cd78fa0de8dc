"""One incident as a picture that needs nothing else: SVG, for a ticket. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from xml.sax.saxutils import escape, quoteattr

from connector.model import ESTABLISHED, HEALTHY, OutcomeKind
from connector.report.past_incidents import Incident, Step, clock, done, plain, shortened, telling

WIDTH_PX = 1100
MAX_DRAWN = 60
_LEFT_PX, _RIGHT_PX, _TOP_PX = 130, WIDTH_PX - 20, 66
_ROW_PX, _CHAR_PX = 13, 6.1  # a generous mean at 10 px: no font can be measured here
_LABEL_LENGTHS, _LABEL_ROWS, _SHORTEST = (64, 44, 24, 12), 4, 5
_LONGEST_NAME, _LONGEST_TITLE, _LONGEST_DETAIL = 60, 135, 400
_ROUND_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200)
_DAY_S, _MOST_TICKS = 86400, 12

# Light and dark as well as coloured, so that a printer and any eye can tell them apart.
_GREEN, _BLUE, _RED, _GREY = "#a5dcb8", "#2f74c0", "#b3261e", "#ececec"
_PALE, _DARK, _STRIPES = "#dfe7f2", "#263a6e", "url(#striped)"
_PATTERN = (
    '<defs><pattern id="striped" width="6" height="6" patternUnits="userSpaceOnUse">'
    '<rect width="6" height="6" fill="#ffe29a"/>'
    '<path d="M-1 7L7 -1M-1 1L1 -1M5 7L7 5" stroke="#f3bd3f" stroke-width="1.3"/></pattern></defs>'
)
_LEGEND = {
    _GREEN: "Connected",
    _BLUE: "resync",
    _STRIPES: "waiting, changing, held by a gate",
    _RED: "StandAlone, operator needed, failed",
    _DARK: "Primary, acted",
    _PALE: "Secondary, did not act",
    _GREY: "not known",
}
_FILL_OF_STATE: dict[str | None, str] = {
    **dict.fromkeys(ESTABLISHED, _BLUE),
    **dict.fromkeys(HEALTHY, _GREEN),
    **{"StandAlone": _RED, "Unconfigured": _GREY, None: _GREY},
}
_FILL_OF_ROLE: dict[str | None, str] = {"Primary": _DARK, "Secondary": _PALE}
_BAD = frozenset({OutcomeKind.FAILED, OutcomeKind.DROPPED, OutcomeKind.OUT_OF_TIME})


@dataclass(frozen=True, slots=True)
class _Said:
    """What is so from a moment on: one or two lines of text, and more for a pointer at it."""

    from_s: float
    text: str
    fill: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class _Scale:
    """Seconds to pixels."""

    from_s: float
    until_s: float

    def x(self, at_s: float) -> float:
        part = (at_s - self.from_s) / (self.until_s - self.from_s)
        return _LEFT_PX + (_RIGHT_PX - _LEFT_PX) * part


def draw(incident: Incident, node: str) -> str:
    """The incident on this node as SVG text; the same arguments give the same picture."""
    name, where = shortened(incident.resource, _LONGEST_NAME), shortened(node, _LONGEST_NAME)
    title = f"{name} on {where}: {incident.in_words}"
    runs = telling(incident.steps, MAX_DRAWN)
    ends = [moment for step in incident.steps for moment in (step.from_s, step.to_s)]
    # A little room after the end shows what came of it.
    scale = _Scale(min(ends), max(ends) + max((max(ends) - min(ends)) * 0.1, 1.0))
    parts: list[str] = []
    y = float(_TOP_PX)
    for lane, says, height in _LANES:
        parts += [_text(12, y + 12, lane, "#222"), *_bands(_said(runs, says), y, height, scale)]
        y += height + 8
    parts += [_text(12, y + 9, "commands", "#222"), *_marks(runs, y, scale)]
    y += 16 + _ROW_PX * _LABEL_ROWS
    notes = "; ".join(_notes(incident.steps, runs))
    below = [_text(20, y + 32, notes, "#444"), *_legend(y + 54)]
    head = _text(
        20, 26, shortened(title, _LONGEST_TITLE), style='font-size="13" font-weight="bold"'
    )
    return _document(int(y + 68), title, [_PATTERN, head, *_grid(scale, y), *parts, *below])


def _notes(steps: Sequence[Step], runs: Iterable[Sequence[Step]]) -> Iterator[str]:
    yield "All times are UTC; between two passes: as last seen"
    left_out = len(steps) - sum(map(len, runs))
    if left_out:
        yield f"{left_out} of {len(steps)} entries are not drawn"
    if any(after.from_s < before.from_s for before, after in pairwise(steps)):
        yield "the clock was set back in between"


def _connection(step: Step) -> Iterator[_Said]:
    states = (step.from_s, step.told.connection), (step.to_s, step.told.outcome.connection)
    for at_s, state in () if step.entry.by_person else states:
        yield _Said(at_s, state or "not known", _FILL_OF_STATE.get(state, _STRIPES))


def _role(step: Step) -> Iterator[_Said]:
    roles = (step.from_s, step.told.role), (step.to_s, step.told.outcome.role)
    for at_s, role in () if step.entry.by_person else roles:
        yield _Said(at_s, role or "not known", _FILL_OF_ROLE.get(role, _GREY))


def _decision(step: Step) -> Iterator[_Said]:
    told = step.told
    name = "a person:\nconnector recover" if step.entry.by_person else told.decision or "not known"
    held = f"\nheld by {', '.join(told.gates)}" if told.gates else ""
    fill = _STRIPES if held else _DARK if done(told) else _PALE
    yield _Said(step.from_s, name + held, fill, told.reason or "")


def _operator(step: Step) -> Iterator[_Said]:
    if not step.entry.by_person:
        yield _Said(step.to_s, "operator needed" if step.told.needs_operator else "", _RED)


_Says = Callable[[Step], Iterable[_Said]]
_LANES: tuple[tuple[str, _Says, int], ...] = (
    ("connection", _connection, 18),
    ("role", _role, 18),
    ("decision", _decision, 30),
    ("operator", _operator, 18),
)


def _said(runs: Sequence[Sequence[Step]], says: _Says) -> list[_Said]:
    """What a lane shows: each thing once, for as long as it is said."""
    found: list[_Said] = []
    for run in runs:
        cut = [] if run is runs[-1] else [_Said(run[-1].to_s, "not drawn", _GREY)]
        for one in [*(one for step in run for one in says(step)), *cut]:
            if not found:
                found.append(one)
            elif (one.text, one.fill) != (found[-1].text, found[-1].fill):
                # A clock that was set back must not make a band end before it begins.
                found.append(replace(one, from_s=max(one.from_s, found[-1].from_s)))
    return found


def _bands(said: Sequence[_Said], y: float, height: int, scale: _Scale) -> Iterator[str]:
    ends = [*(one.from_s for one in said[1:]), scale.until_s]
    for one, end_s in zip(said, ends, strict=False):
        if not one.text:
            continue
        x = scale.x(one.from_s)
        width = max(scale.x(end_s) - x, 1.0)
        color = "#fff" if one.fill in (_BLUE, _RED, _DARK) else "#111"
        parts = [_rect(x, y, width, height, one.fill)]
        lines = one.text.split("\n")[:2]
        for row, line in enumerate(lines):
            parts.append(_text(x + 4, y + 12 + _ROW_PX * row, _fitting(line, width - 6), color))
        words = " ".join(filter(None, (*lines, one.detail)))
        yield _group(parts, f"{clock(one.from_s)} to {clock(end_s)}: {words}")


def _marks(runs: Iterable[Sequence[Step]], y: float, scale: _Scale) -> Iterator[str]:
    """A bar for each pass that ran commands, as long as the pass, and its words where they fit."""
    taken: list[list[tuple[float, float]]] = [[] for _ in range(_LABEL_ROWS)]
    for step in [step for run in runs for step in run if done(step.told)]:
        text = ("a person: " if step.entry.by_person else "") + done(step.told)
        color = _RED if step.told.outcome.kind in _BAD else _DARK
        x = scale.x(step.from_s)
        bar = _rect(x, y, max(scale.x(step.to_s) - x, 2.0), 9, color)
        words = (f"{clock(step.from_s)}: {text}", step.told.outcome.detail)
        yield _group([bar, *_label(text, x, y + 9, color, taken)], "; ".join(filter(None, words)))


def _label(
    text: str, x: float, y: float, color: str, taken: list[list[tuple[float, float]]]
) -> Iterator[str]:
    """The longest form of the text that covers no other one, with a line up to its mark."""
    for longest, after, row in product(_LABEL_LENGTHS, (True, False), range(_LABEL_ROWS)):
        shown = shortened(text, longest)
        width = len(shown) * _CHAR_PX + 5
        left, right = (x - 1, x + width) if after else (x - width, x + 1)
        inside = left >= _LEFT_PX - 1 and right <= WIDTH_PX - 8
        if inside and all(right <= start or end <= left for start, end in taken[row]):
            taken[row].append((left, right))
            base = y + _ROW_PX * (row + 1) - 2
            yield _line(x, y, base, "#bbb")
            yield _text(x + 3 if after else x - 3, base, shown, color, "start" if after else "end")
            return


def _grid(scale: _Scale, bottom: float) -> Iterator[str]:
    """A line for each round time, with the time above, and the day below where it is a new one."""
    whole_s = scale.until_s - scale.from_s
    days = -int(-whole_s // (_DAY_S * _MOST_TICKS))
    step_s = next((one for one in _ROUND_S if whole_s <= one * _MOST_TICKS), _DAY_S * days)
    before = ""
    for number in range(-int(-scale.from_s // step_s), int(scale.until_s // step_s) + 1):
        day, time = clock(number * step_s).split(" ")
        x = scale.x(number * step_s)
        yield _line(x, _TOP_PX - 8, bottom, "#e4e4e4")
        yield _text(x, _TOP_PX - 12, time, "#444", "middle")
        yield _text(x, bottom + 13, day if day != before else "", "#444", "middle")
        before = day


def _legend(y: float) -> Iterator[str]:
    x = 20.0
    for fill, name in _LEGEND.items():
        yield _rect(x, y - 10, 18, 12, fill, "#999")
        yield _text(x + 23, y, name, "#222")
        x += 23 + len(name) * _CHAR_PX + 10


def _document(height_px: int, title: str, parts: Iterable[str]) -> str:
    size, shown = f'width="{WIDTH_PX}" height="{height_px}"', plain(title)
    view = f'{size} viewBox="0 0 {WIDTH_PX} {height_px}" font-family="sans-serif" font-size="10"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {view} role="img" aria-label='
    ground = f'<title>{escape(shown)}</title>\n<rect {size} fill="#fff"/>'
    return "\n".join([f"{head}{quoteattr(shown)}>", ground, *parts, "</svg>\n"])


def _group(parts: Iterable[str], detail: str) -> str:
    shown = escape(plain(shortened(detail, _LONGEST_DETAIL)))
    return f"<g><title>{shown}</title>{''.join(parts)}</g>"


def _rect(x: float, y: float, width: float, height: float, fill: str, edge: str = "#fff") -> str:
    size = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {size} fill="{fill}" stroke="{edge}" stroke-width="0.8"/>'


def _line(x: float, y: float, to_y: float, color: str) -> str:
    return f'<path d="M{x:.1f} {y:.1f}V{to_y:.1f}" stroke="{color}" stroke-width="0.8"/>'


def _text(
    x: float, y: float, text: str, color: str = "#000", anchor: str = "start", style: str = ""
) -> str:
    where = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}" {style}'
    return f"<text {where}>{escape(plain(text))}</text>" if text else ""


def _fitting(text: str, width: float) -> str:
    """As much of the text as has room, nothing where that would not tell."""
    characters = int(width / _CHAR_PX)
    return shortened(text, characters) if characters >= min(len(text), _SHORTEST) else ""
