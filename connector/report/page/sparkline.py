"""What was out of sync over the last looks, as a line of an inch. SVG, pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from connector.report.page.markup import Markup, tag
from connector.report.page.samples import Point
from connector.report.page.words import amount, lasting

WIDTH, HEIGHT = 240, 36
BREAK_S = 300.0  # no line is drawn over a longer time without a look
_TOP, _BOTTOM = 3.0, HEIGHT - 3.0


def sparkline(points: Sequence[Point], now_boot_s: float) -> Markup:
    """The picture with its words below it; only words where two looks are not yet there."""
    known = [point.kib for point in points if point.kib is not None]
    if len(points) < 2 or not known:
        return tag("p", _too_early(points), class_="small")
    words = in_words(points, now_boot_s)
    from_s = points[0].at_boot_s
    scale = WIDTH / max(1.0, now_boot_s - from_s)
    highest = max(*known, 1)
    drawn = [
        [
            (
                round((point.at_boot_s - from_s) * scale, 1),
                round(_BOTTOM - (_BOTTOM - _TOP) * min(1.0, max(0, point.kib) / highest), 1),
            )
            for point in run
            if point.kib is not None
        ]
        for run in _runs(points)
    ]
    picture = tag(
        "svg",
        tag("path", d=f"M0 {HEIGHT - 1}H{WIDTH}", class_="base"),
        *(tag("path", d=_area(run), class_="area") for run in drawn),
        *(tag("path", d=_path(run), class_="spark") for run in drawn),
        class_="sparkline",
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        preserveAspectRatio="none",
        role="img",
        aria_label=f"Out of sync: {words}",
    )
    return Markup(picture + tag("p", words, class_="small"))


def in_words(points: Sequence[Point], now_boot_s: float) -> str:
    """What the line shows: now, at first, and at most."""
    first, last = points[0], points[-1]
    known = [point.kib for point in points if point.kib is not None]
    back = lasting(now_boot_s - first.at_boot_s)
    if known and not any(known) and len(known) == len(points):
        return f"0 all along, looked at for {back}"
    return f"{amount(last.kib)} now; {back} ago {amount(first.kib)}; at most {amount(max(known))}"


def _too_early(points: Sequence[Point]) -> str:
    if not points:
        return "not looked at yet"
    return f"{amount(points[-1].kib)} now; a line is drawn from the second look on"


def _runs(points: Sequence[Point]) -> Iterator[list[Point]]:
    """Pieces without a hole: where it was not told, or nobody looked for a while."""
    piece, before_s = 0, points[0].at_boot_s
    numbered: list[tuple[int, Point]] = []
    for point in points:
        if point.kib is None or point.at_boot_s - before_s > BREAK_S:
            piece += 1
        before_s = point.at_boot_s
        if point.kib is not None:
            numbered.append((piece, point))
    for _, run in groupby(numbered, key=lambda item: item[0]):
        yield [point for _, point in run]


def _path(run: Sequence[tuple[float, float]]) -> str:
    """The line; what lies on a level stretch is left out, a look on its own is a dot."""
    kept = [
        here
        for place, here in enumerate(run)
        if place in (0, len(run) - 1) or not run[place - 1][1] == here[1] == run[place + 1][1]
    ]
    first = f"M{kept[0][0]:g} {kept[0][1]:g}"
    return first + ("".join(f"L{x:g} {y:g}" for x, y in kept[1:]) or "h.1")


def _area(run: Sequence[tuple[float, float]]) -> str:
    return f"{_path(run)}V{HEIGHT - 1}H{run[0][0]:g}Z"
