"""A whole dashboard as one HTML page without scripts: its panels on its grid. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from connector.report.page.markup import Markup, joined, tag
from connector.report.past_incidents import clock

from .answers import Answered, Window
from .geometry import BOARD_WIDTH_PX, COLUMNS, GAP_PX, PADDING_PX, ROW_PX, TITLE_PX, Box, box
from .graph import graph
from .table import table
from .tiles import bars, stat
from .timeaxis import Scale
from .timeline import timeline

BY_WHOM = (
    "Drawn by connector's tests from the answers of a real Prometheus. This is not Grafana, which"
    " draws the same dashboard in its own way."
)
_STYLE = f"""
*{{box-sizing:border-box;margin:0;padding:0}}
body{{width:{BOARD_WIDTH_PX + 32}px;padding:16px;background:#f4f5f7;color:#1b2430;
font:12px/1.35 "DejaVu Sans",sans-serif}}
h1{{font-size:19px}}
header{{margin-bottom:10px}}
header p{{color:#57616e}}
main{{display:grid;grid-template-columns:repeat({COLUMNS},1fr);grid-auto-rows:{ROW_PX}px;
gap:{GAP_PX}px;width:{BOARD_WIDTH_PX}px}}
section{{min-width:0;min-height:0;overflow:hidden;background:#fff;border:1px solid #d6dbe2;
border-radius:3px;padding:0 {PADDING_PX}px {PADDING_PX}px}}
h2{{font-size:11px;font-weight:normal;line-height:{TITLE_PX}px;white-space:nowrap}}
.stat{{display:flex;align-items:center;justify-content:center;font-size:21px;font-weight:600;
border-radius:2px;white-space:nowrap}}
.empty{{padding-top:16px;text-align:center;color:#57616e}}
.picture{{display:block;font-size:10px}}
table{{width:100%;border-collapse:collapse;font-size:11px}}
th,td{{padding:2px 6px;border-bottom:1px solid #e3e7ec;text-align:left;white-space:nowrap}}
th{{color:#1a569b}}
.link{{color:#1a569b;text-decoration:underline}}
"""


def board(title: str, panels: Iterable[Answered], window: Window) -> str:
    """The page; the same arguments give the same text."""
    begin, end = (clock(at_s - window.shift_s) for at_s in (window.from_s, window.to_s))
    chosen = f"pair {window.pair}" if window.pair != ".*" else "all pairs"
    page = tag(
        "html",
        tag("head", tag("meta", charset="utf-8"), tag("title", title), _style()),
        tag(
            "body",
            tag(
                "header",
                tag("h1", title),
                tag("p", BY_WHOM),
                tag("p", f"Simulated nodes, {begin} to {end} UTC, {chosen}."),
            ),
            tag("main", _panels(panels, window)),
        ),
        lang="en",
    )
    return f"<!DOCTYPE html>\n{page}\n"


def _style() -> Markup:
    """As it is: nothing of it comes from outside."""
    return Markup(f"<style>{_STYLE}</style>")


def _panels(panels: Iterable[Answered], window: Window) -> Iterator[Markup]:
    time = Scale(window.from_s - window.shift_s, window.to_s - window.shift_s, 0, 1)
    for answer in panels:
        place = answer.panel["gridPos"]
        yield tag(
            "section",
            tag("h2", answer.title),
            drawn(answer, box(place["w"], place["h"]), time),
            style=_place(place),
        )


def _place(place: Mapping[str, int]) -> str:
    columns = f"grid-column:{place['x'] + 1}/span {place['w']}"
    return f"{columns};grid-row:{place['y'] + 1}/span {place['h']}"


def drawn(answer: Answered, room: Box, time: Scale) -> Markup:
    """What the panel shows, by its type.

    Raises:
        ValueError: the type, or something that the panel asks for, is not drawn here.
    """
    kind, panel = answer.panel["type"], answer.panel
    if kind == "table":
        return table(answer)
    if not answer.series:
        return tag("p", "No data", class_="empty")
    in_time: Mapping[str, Any] = {"timeseries": graph, "state-timeline": timeline}
    if kind in in_time:
        return joined(in_time[kind](answer.series, panel, room, time))
    at_once: Mapping[str, Any] = {"stat": stat, "bargauge": bars}
    if kind in at_once:
        return joined(at_once[kind](answer.series, panel, room))
    raise ValueError(f"{answer.title}: panels of type {kind} are not drawn here")
