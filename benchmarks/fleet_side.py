"""One side of a fleet: its nodes in a process, and a real Prometheus that scrapes them."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.asking import ALL_CORES, PROJECT, cpu_s, get, resident_bytes
from benchmarks.fleet_nodes import address
from benchmarks.fleet_pages import NODES, Kind, Page, write_nodes
from tests.contrib.monitoring.asking import Api
from tests.contrib.monitoring.server import Server
from tests.contrib.monitoring.sooner import sooner

PROMETHEUS = "prometheus"
RULES = PROJECT / "contrib" / "prometheus"
MISSED = "prometheus_rule_group_iterations_missed_total"
WAIT_S = 300.0
_END_S = 60.0
_POLL_S = 0.5


@dataclass(frozen=True, slots=True)
class Plan:
    """How many pairs, how often they are scraped, for how long, and what a `for` is divided by."""

    pairs: int
    interval_s: int
    lasts_s: float
    sooner_by: int


@dataclass(frozen=True, slots=True)
class Side:
    """Whose text the nodes show (`connector` or `node_exporter`), and whether there are rules."""

    name: str
    shows: str
    rules: bool = False


class Fleet:
    """The nodes of one side in a process, and a Prometheus that scrapes them."""

    def __init__(
        self, side: Side, folder: Path, plan: Plan, kinds: Sequence[Kind], of: Mapping[str, Page]
    ) -> None:
        """`of` are the pages by name; the folder is made."""
        self.name = side.name
        self._rules = side.rules
        self._plan = plan
        self._folder = folder
        self._kinds = kinds
        folder.mkdir()
        nodes = folder / "nodes.json"
        write_nodes(nodes, kinds, of, side.shows)
        argv = ("env", f"PYTHONPATH={PROJECT}", sys.executable, "-m", "benchmarks.fleet_nodes")
        self.nodes = Server((*argv, str(nodes)), folder / "nodes.log", "/")
        self.prometheus = Server(
            (
                *ALL_CORES,
                PROMETHEUS,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                "--web.listen-address=127.0.0.1:0",
            ),
            folder / "prometheus.log",
            "/-/ready",
            end_s=_END_S,
        )

    def write_configuration(self) -> None:
        """Once the nodes listen: the targets stand in a file, two of each pair."""
        targets = [
            {
                "targets": [
                    f"{address(number * len(NODES) + place)}:{self.nodes.port}"
                    for place in range(len(NODES))
                ],
                "labels": {"pair": pair_name(number)},
            }
            for number in range(len(self._kinds))
        ]
        (self._folder / "targets.json").write_text(json.dumps(targets), encoding="utf-8")
        rules: list[Path] = []
        if self._rules:
            alerts = sooner(RULES / "connector-alerts.yml", self._folder, self._plan.sooner_by)
            rules = [alerts, RULES / "connector-recording.yml"]
        written = configuration(rules, self._plan.interval_s)
        # JSON is YAML.
        (self._folder / "prometheus.yml").write_text(json.dumps(written), encoding="utf-8")

    @property
    def api(self) -> Api:
        """What can be asked of its Prometheus."""
        return Api(self.prometheus.url)

    def own(self) -> dict[str, float]:
        """Prometheus's metrics about itself, summed over their labels but for quantiles."""
        text = get(self.prometheus.port, "/metrics").text
        found: dict[str, float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if "quantile" not in sample.labels:
                    found[sample.name] = found.get(sample.name, 0.0) + sample.value
        return found

    def value(self, expression: str) -> float | None:
        """The one value of an expression now; None where there is none."""
        found = self.api.query(expression)
        return found[0].value if found else None


def pair_name(number: int) -> str:
    """The value of the label `pair`."""
    return f"pair-{number:04d}"


def configuration(rules: Iterable[Path], interval_s: int) -> dict[str, Any]:
    """A prometheus.yml with one job, whose targets stand in a file beside it."""
    return {
        "global": {
            "scrape_interval": f"{interval_s}s",
            "scrape_timeout": f"{min(10, interval_s)}s",
            "evaluation_interval": f"{interval_s}s",
        },
        "rule_files": [str(path) for path in rules],
        "scrape_configs": [
            {"job_name": "connector", "file_sd_configs": [{"files": ["targets.json"]}]}
        ],
    }


@dataclass(frozen=True, slots=True)
class Reading:
    """Prometheus at one moment."""

    at_s: float
    cpu_s: float
    own: Mapping[str, float]


def read(fleet: Fleet) -> Reading:
    """Now."""
    return Reading(time.monotonic(), cpu_s(fleet.prometheus.pid), fleet.own())


def told(fleet: Fleet, readings: Sequence[Reading]) -> dict[str, float]:
    """What the fleet cost its Prometheus between the first reading and the last one."""
    first, last = readings[0], readings[-1]
    lasted_s, used_s = last.at_s - first.at_s, last.cpu_s - first.cpu_s
    scrapes, samples = (
        # Not there before the first interval has ended: nothing was counted until then.
        last.own[name] - first.own.get(name, 0.0)
        for name in (
            "prometheus_target_interval_length_seconds_count",
            "prometheus_tsdb_head_samples_appended_total",
        )
    )
    # All groups together; there is no such metric where there are no rules.
    rules_s = [one.own.get("prometheus_rule_group_last_duration_seconds", 0.0) for one in readings]
    return {
        "head_series": last.own["prometheus_tsdb_head_series"],
        "samples_per_scrape": fleet.value("avg(scrape_samples_scraped > 0)") or 0.0,
        "samples_per_s": samples / lasted_s,
        "scrapes_per_s": scrapes / lasted_s,
        "scrape_median_ms": 1000 * (fleet.value("quantile(0.5, scrape_duration_seconds)") or 0.0),
        "scrape_p99_ms": 1000 * (fleet.value("quantile(0.99, scrape_duration_seconds)") or 0.0),
        "rules_ms": 1000 * statistics.median(rules_s),
        "rules_most_ms": 1000 * max(rules_s),
        "rules_missed": last.own.get(MISSED, 0.0) - first.own.get(MISSED, 0.0),
        "cpu_percent_of_a_core": 100 * used_s / lasted_s,
        "cpu_ms_per_scrape": 1000 * used_s / scrapes if scrapes else 0.0,
        "resident_mb": resident_bytes(fleet.prometheus.pid) / 1e6,
        "heap_mb": last.own["go_memstats_heap_inuse_bytes"] / 1e6,
    }


def wait_until_scraped(fleet: Fleet, targets: int) -> None:
    """Until each target has been scraped once. SystemExit where that takes too long."""
    deadline_s = time.monotonic() + WAIT_S
    while fleet.value("count(up)") != targets:
        if time.monotonic() > deadline_s:
            sys.exit(f"{fleet.name}: not all of {targets} targets were scraped in {WAIT_S:.0f} s")
        time.sleep(_POLL_S)
