"""A panel of type `table`, with the transformations and overrides that the dashboards use. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connector.report.page.markup import Markup, tag

from .answers import Answered, Named
from .values import ink_on, shown

Row = dict[str, str | float]


def table(answer: Answered) -> Markup:
    """The panel as an HTML table; without a row it says so."""
    names = columns(answer.panel, rows(answer))
    if not names:
        return tag("p", "No data", class_="empty")
    configs = {name: _config(answer.panel, name) for _, name in names}
    return tag(
        "table",
        tag("tr", (tag("th", name) for _, name in names)),
        (
            tag("tr", (_cell(row.get(field), configs[name]) for field, name in names))
            for row in rows(answer)
        ),
    )


def rows(answer: Answered) -> list[Row]:
    """The answers as rows: a column for each label, and one for each target's value.

    `merge` makes one row of those that agree in all columns that every target has.
    """
    several = len(answer.targets) > 1
    frames = [
        [_row(series, f"Value #{reference}" if several else "Value") for series in answers]
        for reference, answers in answer.targets.items()
    ]
    if "merge" in _transformations(answer.panel):
        return _merged(frames)
    return [row for frame in frames for row in frame]


def _row(series: Named, value_column: str) -> Row:
    return {**series.labels, value_column: series.value}


def _merged(frames: Sequence[Sequence[Row]]) -> list[Row]:
    """As Grafana merges. The metric's name is a column too, so it must not be in the answers."""
    columns_of = [{name for row in frame for name in row} for frame in frames if frame]
    keys = sorted(set.intersection(*columns_of)) if columns_of else []
    made: list[Row] = []
    for row in (row for frame in frames for row in frame):
        same = (one for one in made if all(one.get(key) == row.get(key) for key in keys))
        fitting = next((one for one in same if _agree(one, row)), None)
        if fitting is None:
            made.append(dict(row))
        else:
            fitting.update(row)
    return made


def _agree(one: Row, other: Row) -> bool:
    return all(one[name] == other[name] for name in one.keys() & other.keys())


def columns(panel: Mapping[str, Any], found: Sequence[Row]) -> list[tuple[str, str]]:
    """(field, heading) of each column, as `organize` excludes, sorts and renames them."""
    options = _transformations(panel).get("organize", {})
    fields = dict.fromkeys(name for row in found for name in row)
    excluded, order = options.get("excludeByName", {}), options.get("indexByName", {})
    kept = [name for name in fields if not excluded.get(name)]
    kept.sort(key=lambda name: order.get(name, len(order)))
    renamed = options.get("renameByName", {})
    return [(name, renamed.get(name, name)) for name in kept]


def _transformations(panel: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    found = {one["id"]: one["options"] for one in panel.get("transformations", ())}
    if found.keys() - {"merge", "organize"}:
        raise ValueError(f"transformations that are not drawn here: {sorted(found)}")
    return found


def _config(panel: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The column's configuration: the defaults with the overrides of its heading."""
    made = dict(panel["fieldConfig"]["defaults"])
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"] == {"id": "byName", "options": name}:
            made |= {one["id"]: one["value"] for one in override["properties"]}
    return made


def _cell(value: str | float | None, config: Mapping[str, Any]) -> Markup:
    if value is None:
        return tag("td")
    if isinstance(value, str):
        return tag("td", tag("span", value, class_="link") if "links" in config else value)
    told = shown(value, config)
    if config.get("custom.cellOptions", {}).get("type") != "color-background":
        return tag("td", told.text)
    return tag("td", told.text, style=f"background:{told.color};color:{ink_on(told.color)}")
