"""A small fleet of pairs that a real Prometheus scrapes: exactly the right alerts fire.

It is the benchmark of docs/fleet.md in a short form, so that the long one keeps working.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from benchmarks.fleet import PLAN, SIDES, expected, judge, ratios, run
from benchmarks.fleet_nodes import address, number_at
from benchmarks.fleet_pages import (
    HEALTHY,
    KINDS,
    NODES,
    NOW,
    RATIO,
    RESYNCING,
    TROUBLE,
    kinds_of,
    page,
)
from benchmarks.fleet_side import Plan, configuration
from connector.report.metrics import PREFIX
from connector.report.series import MetricsMemory, values
from tests import builders
from tests.docs import pages

from .programs import needed, promtool
from .promql import selectors
from .rules import ALERTS, ALERTS_FILE, RECORDING_FILE, RECORDINGS

pytestmark = pytest.mark.slow

PAGE = pages.text("docs/fleet.md")
PROMETHEUS_YML, ALERTMANAGER_YML, FLEET_RULES_YML, LESS_YML = pages.blocks(PAGE, "yaml")
(TARGETS_JSON,) = pages.blocks(PAGE, "json")
UNTRIED = "a fleet with a real Prometheus was"
# A `for` of 30 minutes is 3 s here, and all targets are scraped within one.
SHORT = Plan(pairs=20, interval_s=1, lasts_s=5, sooner_by=600)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a short run gave; skipped, or failed, without the programs."""
    for program in ("prometheus", "prometheus-node-exporter"):
        needed(program, program, UNTRIED)
    return run(tmp_path_factory.mktemp("fleet") / "short", SHORT)


def test_exactly_the_pairs_in_trouble_have_alerts(found: dict[str, Any]) -> None:
    assert found["alerts"]["wrong"] == []
    assert set(map(tuple, found["alerts"]["firing"])) == expected(kinds_of(SHORT.pairs))
    assert found["in_trouble"] == len(TROUBLE)


def test_every_node_is_scraped_on_every_side(found: dict[str, Any]) -> None:
    there = SHORT.pairs * len(NODES) - found["nodes_gone"]
    assert found["targets_up"] == dict.fromkeys([side.name for side in SIDES], there)
    assert found["nodes_gone"] == 1


def test_every_side_costs_something_and_has_a_ratio(found: dict[str, Any]) -> None:
    for costs in found["costs"].values():
        assert all(value > 0 for key, value in costs.items() if not key.startswith("rules"))
    assert found["costs"]["connector"]["rules_ms"] > 0
    assert found["costs"]["without-rules"]["rules_ms"] == 0
    for name in ("connector", "without-rules"):
        assert found["ratios"][name]["rules_ms"] is None
        assert found["ratios"][name]["samples_per_scrape"] > 1
    slowest = found["slowest_rules_ms"]
    assert len(slowest) == 5
    assert slowest.keys() <= {*ALERTS, *RECORDINGS}


def test_a_missing_and_a_false_alert_would_be_found() -> None:
    wanted = {("ConnectorDown", "pair-0000"), ("ConnectorDegraded", "pair-0000")}
    assert judge(wanted, wanted, wanted) == []
    (missing,) = judge(wanted, {("ConnectorDown", "pair-0000")}, wanted)
    assert missing == "ConnectorDegraded of pair-0000 is missing"
    (false,) = judge(wanted, wanted, wanted | {("ConnectorDown", "pair-0001")})
    assert false == "ConnectorDown of pair-0001 is false"


def test_the_long_fleet_has_one_pair_in_a_hundred_in_trouble() -> None:
    kinds = kinds_of(PLAN.pairs)
    assert len(kinds) == PLAN.pairs == 1000
    assert sum(bool(kind.alerts) for kind in kinds) == 10
    assert set(kinds) == set(KINDS)
    assert kinds.count(RESYNCING) == 1
    assert not HEALTHY.alerts


def test_a_fleet_has_every_kind() -> None:
    assert set(kinds_of(len(KINDS) + 1)) == set(KINDS)
    with pytest.raises(ValueError, match="at least 9 are needed"):
        kinds_of(len(KINDS) - 1)


def test_a_time_too_short_to_settle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must last for more than 30 s"):
        run(tmp_path / "fleet", Plan(pairs=20, interval_s=15, lasts_s=30, sooner_by=20))


def test_the_expected_alerts_are_alerts() -> None:
    named = {name for kind in TROUBLE for name in kind.alerts}
    assert named <= ALERTS.keys()
    assert all(kind.alerts for kind in TROUBLE)


def test_each_node_has_an_address_of_its_own() -> None:
    numbers = range(2 * PLAN.pairs)
    addresses = [address(number) for number in numbers]
    assert len(set(addresses)) == len(numbers)
    assert [number_at(text) for text in addresses] == list(numbers)
    assert number_at("127.0.0.1") < 0


def test_a_page_moves_where_it_should() -> None:
    text = '# TYPE a gauge\na 1.5\nb{x="y"} 0.25\nb{x="z"} 1.0\n'
    moving = ((r"a (.+)", NOW), (r"b\{.*\} (0\.[0-9]+)", RATIO))
    pieces = page(text, moving)
    assert [like for _, like in pieces] == [NOW, RATIO, ""]
    assert "|".join(text for text, _ in pieces) == (
        '# TYPE a gauge\na |\nb{x="y"} |\nb{x="z"} 1.0\n'
    )
    assert page(text, ()) == [(text, "")]


def test_the_configuration_scrapes_as_the_example_does() -> None:
    written = configuration((ALERTS_FILE, RECORDING_FILE), 15)
    assert written["global"]["scrape_timeout"] == "10s"
    (job,) = written["scrape_configs"]
    assert job["job_name"] == "connector"
    assert job["file_sd_configs"]


def test_without_a_cost_there_is_no_ratio() -> None:
    costs = {"connector": {"a": 3.0, "b": 1.0}, "node_exporter": {"a": 2.0, "b": 0.0}}
    assert ratios(costs) == {"connector": {"a": 1.5, "b": None}}


# ---- docs/fleet.md


@pytest.fixture
def as_written(tmp_path: Path) -> Path:
    """A folder with the files of the page beside those of contrib/prometheus."""
    for path in (ALERTS_FILE, RECORDING_FILE):
        shutil.copy(path, tmp_path)
    (tmp_path / "connector-targets").mkdir()
    for name, text in (
        ("prometheus.yml", PROMETHEUS_YML + LESS_YML),
        ("fleet-rules.yml", FLEET_RULES_YML),
        ("connector-targets/pairs.json", TARGETS_JSON),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_promtool_takes_what_the_page_shows(as_written: Path) -> None:
    done = promtool("check", "config", "prometheus.yml", cwd=as_written)
    assert done.returncode == 0, done.stdout
    assert "3 rule files found" in done.stdout
    (as_written / "connector-targets/pairs.json").write_text("[{", encoding="utf-8")
    assert promtool("check", "config", "prometheus.yml", cwd=as_written).returncode != 0


@pytest.mark.parametrize(("degraded", "fires"), [(0, False), (1, False), (2, True)])
def test_the_alert_of_the_page_fires_for_more_than_one_in_twenty(
    as_written: Path, degraded: int, fires: bool
) -> None:
    # With 20 of them one would be the share itself, as near as floats come to it.
    resources = 30
    series = [
        {
            "series": f'pair_resource:connector_redundant:min{{pair="p{number}",resource="mail"}}',
            "values": f"{int(number >= degraded)}x10",
        }
        for number in range(resources)
    ]
    alert = 'ALERTS{alertname="ConnectorFleetDegraded",alertstate="firing",severity="critical"}'
    fired = [{"labels": alert, "value": 1}] if fires else []
    asked = {"expr": alert, "eval_time": "6m", "exp_samples": fired}
    written = {
        "rule_files": ["fleet-rules.yml"],
        "evaluation_interval": "1m",
        "tests": [{"interval": "1m", "input_series": series, "promql_expr_test": [asked]}],
    }
    (as_written / "test.yml").write_text(json.dumps(written), encoding="utf-8")
    done = promtool("test", "rules", "test.yml", cwd=as_written)
    assert done.returncode == 0, done.stdout


def test_the_page_inhibits_as_the_head_of_the_alerts_says() -> None:
    head = re.sub(r"(?m)^# ? ? ? ? ?", "", ALERTS_FILE.read_text(encoding="utf-8"))
    said = head[head.index("inhibit_rules:") : head.index("Severities:")].strip()
    assert said.count("source_matchers") == 3
    assert said in ALERTMANAGER_YML


def test_the_page_counts_the_series_of_a_node() -> None:
    told = re.search(
        r"(\d+) series for each node, (\d+) for each resource and (\d+) for each", PAGE
    )
    assert told
    node, resource, volume = map(int, told.groups())
    for volumes in (1, 2):
        seen = builders.resource(
            volumes=[
                builders.volume(builders.device(number), number=number) for number in range(volumes)
            ]
        )
        found = list(values([builders.resource_report(seen)], MetricsMemory()))
        assert len(found) == node + resource + volumes * volume


def test_no_rule_goes_by_what_the_page_leaves_out() -> None:
    found = re.search(r"regex: connector_\(([\w|]+)\)", LESS_YML)
    assert found
    left_out = {PREFIX + name for name in found[1].split("|")}
    rules = [alert.expression for alert in ALERTS.values()] + list(RECORDINGS.values())
    used = {selector.metric for rule in rules for selector in selectors(rule)}
    assert PREFIX + "connection_state" in used
    assert not left_out & used
