"""Where things go: seconds to pixels, and names that cover no other one."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from .spans import Look, Span

WIDTH_PX = 1100
MARKS_PER_LANE = 400
LABEL_ROWS = 3
LEFT_PX = 130
RIGHT_PX = WIDTH_PX - 20
CHAR_PX = 6.1  # a generous mean at 10 px: no font can be measured here
_LABEL_LENGTHS = (64, 44, 18, 10)  # the longest that has room
_SHORTEST_NAME = 5  # fewer characters of a state do not tell which one it is
_TICKS = 14


@dataclass(frozen=True)
class Scale:
    """Seconds to pixels. There is some room after the last event, so that its outcome is seen."""

    until_s: float

    def x(self, at_s: float) -> float:
        """Return where a moment is."""
        return LEFT_PX + (RIGHT_PX - LEFT_PX) * (at_s / self.until_s)


def step_s_of(until_s: float) -> float:
    """Return a round number of seconds that divides the time into few enough parts."""
    step_s = 0.1
    for factor in itertools.cycle((2.0, 2.5, 2.0)):
        if until_s / step_s <= _TICKS:
            break
        step_s *= factor
    return step_s


def kept_of(spans: Sequence[Span]) -> Sequence[Span]:
    """Leave out the middle: how it began and how it ended tell the most."""
    if len(spans) <= MARKS_PER_LANE:
        return spans
    half = MARKS_PER_LANE // 2
    return [*spans[:half], *spans[-half:]]


def fitting(text: str, width: float) -> str:
    """Return as much of the text as has room, nothing where that would not tell."""
    characters = int(width / CHAR_PX)
    if len(text) <= characters:
        return text
    return short(text, characters) if characters >= _SHORTEST_NAME else ""


def short(text: str, longest: int) -> str:
    """Return the text, or its beginning and an ellipsis."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


@dataclass(frozen=True)
class Label:
    """A name below its mark; without a row where there was no room for it."""

    text: str
    row: int
    x: float
    anchor: str


def labels_of(spans: Sequence[Span], scale: Scale) -> list[Label]:
    """Give each span a label that covers no other one, the quiet spans last."""
    taken: list[list[tuple[float, float]]] = [[] for _ in range(LABEL_ROWS)]
    found: dict[int, Label] = {}
    for number in sorted(range(len(spans)), key=lambda one: (spans[one].look is Look.QUIET, one)):
        found[number] = _place(spans[number].text, scale.x(spans[number].from_s), taken)
    return [found[number] for number in range(len(spans))]


def _place(text: str, x: float, taken: list[list[tuple[float, float]]]) -> Label:
    for longest, after in itertools.product(_LABEL_LENGTHS, (True, False)):
        shown = short(text, longest)
        width = len(shown) * CHAR_PX + 5
        left, right = (x - 1, x + width) if after else (x - width, x + 1)
        if left < LEFT_PX - 1 or right > WIDTH_PX - 8:
            continue
        for row, others in enumerate(taken):
            if all(right <= start or end <= left for start, end in others):
                others.append((left, right))
                return Label(shown, row, x + 3 if after else x - 3, "start" if after else "end")
    return Label("", -1, x, "start")
