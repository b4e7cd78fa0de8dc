"""The colours of looks, and the legend that explains them."""

from __future__ import annotations

from collections.abc import Iterator

from .layout import CHAR_PX
from .spans import Look
from .svg import rect, text_at

# Light and dark as well as coloured, so that a printer and any eye can tell them apart.
FILL = {
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
WHITE_TEXT = {Look.SYNCING, Look.STANDALONE, Look.MOUNTED}
TEXT = {Look.ALARM: "#b3261e", Look.QUIET: "#707070"}
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
STRIPES = (
    '<defs><pattern id="waiting" width="6" height="6" patternUnits="userSpaceOnUse">'
    '<rect width="6" height="6" fill="#ffe29a"/>'
    '<path d="M-1 7L7 -1M-1 1L1 -1M5 7L7 5" stroke="#f3bd3f" stroke-width="1.3"/>'
    "</pattern></defs>"
)


def legend(y: float) -> Iterator[str]:
    """Yield what the colours mean, in one row."""
    x = 20.0
    for look, name in _LEGEND:
        yield rect(x, y - 10, 18, 12, FILL[look], "#999")
        yield text_at(x + 23, y, name, color="#222")
        x += 23 + len(name) * CHAR_PX + 12
