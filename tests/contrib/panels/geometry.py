"""Sizes in pixels, and how long words are. Nothing can be measured before a browser draws it."""

from __future__ import annotations

from dataclasses import dataclass

from connector.report.past_incidents import shortened

BOARD_WIDTH_PX = 1180
COLUMNS = 24
ROW_PX, GAP_PX = 24, 6
TITLE_PX, PADDING_PX = 24, 8
CHAR_PX = 5.9  # a generous mean of DejaVu Sans at 10 px
LEGEND_ROW_PX = 15
_MARK_PX = 22  # a legend's mark, and the room after a name


@dataclass(frozen=True, slots=True)
class Box:
    """The room that a panel has for what it shows."""

    width: int
    height: int


def column_px() -> float:
    """How wide one of the grid's columns is."""
    return (BOARD_WIDTH_PX - (COLUMNS - 1) * GAP_PX) / COLUMNS


def box(width: int, height: int) -> Box:
    """The room in a panel of so many columns and rows, without its title and its edges."""
    wide = width * column_px() + (width - 1) * GAP_PX - 2 * PADDING_PX - 2
    high = height * ROW_PX + (height - 1) * GAP_PX - TITLE_PX - PADDING_PX - 2
    return Box(int(wide), int(high))


def fitting(text: str, width_px: float) -> str:
    """The text, or as much of its beginning as there is room for; empty where that is nothing."""
    longest = int(width_px / CHAR_PX)
    return shortened(text, longest) if longest >= min(3, len(text)) else ""


def legend_rows(names: list[str], width_px: int) -> list[list[int]]:
    """Which names stand in which row of a legend, by their place in the list."""
    rows: list[list[int]] = []
    used_px = float(width_px)
    for place, name in enumerate(names):
        needs_px = len(name) * CHAR_PX + _MARK_PX
        if used_px + needs_px > width_px:
            rows.append([])
            used_px = 0.0
        rows[-1].append(place)
        used_px += needs_px
    return rows
