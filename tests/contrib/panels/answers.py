"""What Prometheus answers to a dashboard's panels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.contrib.dashboards import BOARDS, without_variables
from tests.contrib.monitoring.asking import Api, Labels, Series

STEP_S = 30
_PLACE = re.compile(r"\{\{(\w+)\}\}")
# Grafana asks for four times the scrape interval of a minute.
_RATE_INTERVAL = "4m"


@dataclass(frozen=True, slots=True)
class Window:
    """The time range of a dashboard in seconds since 1970, and the values of its variables.

    `shift_s` is what the times are moved by from those that are to be shown.
    """

    from_s: float
    to_s: float
    shift_s: float
    pair: str
    resource: str = ".*"

    def variables(self) -> Mapping[str, str]:
        """What stands for each variable in a query."""
        return {
            "$__rate_interval": _RATE_INTERVAL,
            "$__range": f"{self.to_s - self.from_s:.0f}s",
            "$pair": self.pair,
            "$resource": self.resource,
        }


@dataclass(frozen=True, slots=True)
class Named:
    """One series with its name in the legend."""

    name: str
    labels: Labels
    points: tuple[tuple[float, float], ...]

    @property
    def value(self) -> float:
        """The newest value."""
        return self.points[-1][1]


@dataclass(frozen=True, slots=True)
class Answered:
    """One panel and the answer to each of its targets, by refId. Times are those to be shown."""

    panel: Mapping[str, Any]
    targets: Mapping[str, tuple[Named, ...]]

    @property
    def title(self) -> str:
        """The panel's title."""
        return str(self.panel["title"])

    @property
    def series(self) -> tuple[Named, ...]:
        """The series of all targets."""
        return tuple(series for found in self.targets.values() for series in found)


def answered(board: str, api: Api, window: Window) -> Iterator[Answered]:
    """Every panel of the dashboard, in its order. NotAnswered where a query is refused."""
    for panel in BOARDS[board]["panels"]:
        yield Answered(
            panel,
            {
                target["refId"]: tuple(
                    Named(
                        legend(target["legendFormat"], series.labels),
                        series.labels,
                        tuple((at_s - window.shift_s, value) for at_s, value in series.points),
                    )
                    for series in _asked(target, api, window)
                )
                for target in panel["targets"]
            },
        )


def _asked(target: Mapping[str, Any], api: Api, window: Window) -> list[Series]:
    expression = without_variables(target["expr"], window.variables())
    if target["range"]:
        return api.query_range(expression, from_s=window.from_s, to_s=window.to_s, step_s=STEP_S)
    # Alerts are evaluated after the hour (stage.py), so they are asked for now.
    return api.query(expression, None if "ALERTS{" in expression else window.to_s)


def legend(written: str, labels: Labels) -> str:
    """A series' name by its `legendFormat`; a label that it does not have leaves nothing."""
    if written in ("", "__auto"):
        return ", ".join(f"{name}={word}" for name, word in sorted(labels.items())) or "Value"
    return _PLACE.sub(lambda found: labels.get(found[1], ""), written).strip()
