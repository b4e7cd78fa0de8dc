"""The hour of incident.py in a real Prometheus, with the rules of contrib/prometheus evaluated.

Prometheus evaluates rules only for the present. So the hour is moved to end within the last
minute, and what is drawn is moved back:

1. The scrapes become blocks (`promtool tsdb create-blocks-from openmetrics`).
2. Recording rules are filled in for the past (`promtool tsdb create-blocks-from rules`).
3. Alerts are evaluated on what the hour ended with, by a Prometheus that runs now. Every `for` is
   shortened (monitoring/sooner.py); the alerts' own samples are the only ones from after the hour.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.contrib import programs, rules
from tests.contrib.monitoring.asking import Api, until
from tests.contrib.monitoring.prometheus import Prometheus
from tests.contrib.monitoring.sooner import sooner

from . import openmetrics
from .incident import Scrape, hour

MINUTE_S = 60
_FACTOR = 600  # a `for` of half an hour is three seconds
_LATEST_S = 240.0  # Prometheus shows a sample for five minutes


@dataclass(frozen=True, slots=True)
class Staged:
    """A Prometheus that knows the hour. Times are Prometheus's; `shift_s` less is the story's."""

    api: Api
    from_s: float
    to_s: float
    shift_s: float

    @property
    def lasts_s(self) -> float:
        """How long the hour is."""
        return self.to_s - self.from_s


@contextmanager
def staged(folder: Path) -> Iterator[Staged]:
    """The hour in a Prometheus that runs; the folder takes all of it.

    Without Prometheus the test is skipped or fails: see `needed`.
    """
    programs.needed("prometheus", "prometheus", "the dashboards on a real Prometheus were")
    scrapes = hour(folder / "nodes")
    ends_s = _whole_minute_after(scrapes)
    shift_s = time.time() // MINUTE_S * MINUTE_S - ends_s
    from_s, to_s = scrapes[0].at_s + shift_s, ends_s + shift_s
    _blocks_of_scrapes(scrapes, shift_s, folder / "data")
    with Prometheus(folder) as past:
        _blocks_of_rules(past, from_s, to_s, folder)
    for block in (folder / "recorded").iterdir():
        shutil.move(block, folder / "data")
    alerts = sooner(rules.ALERTS_FILE, folder, _FACTOR)
    with Prometheus(folder, rule_files=[alerts]) as present:
        _wait_for_alerts(present.api)
        late_s = time.time() - to_s
        assert late_s < _LATEST_S, f"too slow: the alerts came {late_s:.0f} s after the hour"
        yield Staged(present.api, from_s - from_s % MINUTE_S, to_s, shift_s)


def _whole_minute_after(scrapes: Sequence[Scrape]) -> float:
    last_s = max(scrape.at_s for scrape in scrapes)
    return (last_s // MINUTE_S + 1) * MINUTE_S


def _blocks_of_scrapes(scrapes: Sequence[Scrape], shift_s: float, data: Path) -> None:
    file = data.parent / "scrapes.txt"
    file.write_text(openmetrics.text(scrapes, shift_s), encoding="utf-8")
    _promtool("create-blocks-from", "openmetrics", file.name, data.name, cwd=data.parent)


def _blocks_of_rules(past: Prometheus, from_s: float, to_s: float, folder: Path) -> None:
    # A group's moments follow from the name of its file: the same name, the same moments.
    shutil.copy(rules.RECORDING_FILE, folder)
    _promtool(
        "create-blocks-from",
        "rules",
        f"--url={past.url}",
        f"--start={from_s:.0f}",
        f"--end={to_s:.0f}",
        f"--eval-interval={MINUTE_S}s",
        "--output-dir=recorded",
        rules.RECORDING_FILE.name,
        cwd=folder,
    )


def _promtool(*arguments: str, cwd: Path) -> None:
    done = programs.promtool("tsdb", *arguments, cwd=cwd)
    assert done.returncode == 0, done.stdout


def _wait_for_alerts(api: Api) -> None:
    """Come back once every rule was evaluated, and each alert that is to fire does."""

    def all_fire() -> bool:
        alerts = api.alerts()
        return (
            {rule["health"] for rule in api.rules()} == {"ok"}
            and {alert["state"] for alert in alerts} == {"firing"}
            # The state is told a moment before its sample is kept.
            and len(api.query('ALERTS{alertstate="firing"}')) == len(alerts)
        )

    until(all_fire, lambda: f"alerts still wait: {api.alerts()}")
