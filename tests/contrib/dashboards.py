"""The dashboards of contrib/grafana, and their queries as Prometheus gets them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.docs.pages import PROJECT

FOLDER = PROJECT / "contrib" / "grafana"
NAMES = tuple(sorted(path.name for path in FOLDER.glob("*.json")))
BOARDS: dict[str, Any] = {
    name: json.loads((FOLDER / name).read_text(encoding="utf-8")) for name in NAMES
}
# What Grafana puts in the place of its own variables, and of ours.
VARIABLES = {"$__rate_interval": "4m", "$__range": "6h", "$pair": "pair-a", "$resource": "mail"}


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a panel."""

    board: str
    panel: str
    expression: str


def queries() -> Iterator[Query]:
    """Every query of every dashboard."""
    for name, board in BOARDS.items():
        for panel in board["panels"]:
            for target in panel["targets"]:
                yield Query(name, panel["title"], target["expr"])


def without_variables(expression: str, variables: Mapping[str, str] = VARIABLES) -> str:
    """The query as Prometheus gets it."""
    for variable, value in variables.items():
        expression = expression.replace(variable, value)
    assert "$" not in expression, f"an unknown variable in {expression!r}"
    return expression
