"""The elements of SVG that are drawn, as text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

from .layout import WIDTH_PX, short
from .spans import Span

_LONGEST_DETAIL = 400
# What XML cannot hold, not even escaped: a console may carry any byte.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def document(height_px: int, parts: Iterable[str]) -> str:
    """Return the whole picture."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH_PX}" height="{height_px}" '
        f'viewBox="0 0 {WIDTH_PX} {height_px}" font-family="sans-serif">'
    )
    ground = f'<rect width="{WIDTH_PX}" height="{height_px}" fill="#fff"/>'
    return "\n".join([head, ground, *parts, "</svg>"]) + "\n"


def with_detail(parts: Sequence[str], span: Span) -> str:
    """Return the elements with what a pointer at them is shown."""
    until = f" to {span.to_s:.3f} s" if span.to_s > span.from_s else " s"
    detail = short(f"{span.from_s:.3f}{until}: {span.detail or span.text}", _LONGEST_DETAIL)
    return f"<g><title>{_escaped(detail)}</title>{''.join(parts)}</g>"


def rect(x: float, y: float, width: float, height: float, fill: str, edge: str = "none") -> str:
    """Return a rectangle."""
    size = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {size} fill="{fill}" stroke="{edge}" stroke-width="0.8"/>'


def line(x: float, y: float, to_x: float, to_y: float, color: str, *, dashed: bool = False) -> str:
    """Return a line."""
    ends = f'x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}"'
    dashes = ' stroke-dasharray="3 3"' if dashed else ""
    return f'<line {ends} stroke="{color}" stroke-width="0.8"{dashes}/>'


def text_at(
    x: float,
    y: float,
    text: str,
    *,
    size: int = 10,
    color: str = "#000",
    anchor: str = "start",
    bold: bool = False,
) -> str:
    """Return a text on one line, any text."""
    weight = ' font-weight="bold"' if bold else ""
    where = f'x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}"{weight}'
    return f'<text {where} fill="{color}">{_escaped(text)}</text>'


def _escaped(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))
