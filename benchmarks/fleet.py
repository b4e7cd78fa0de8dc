"""What a fleet of pairs costs Prometheus, beside the same fleet with node_exporter's drbd series.

`python -m benchmarks.fleet`, or with `--help`. docs/fleet.md has a result, and
benchmarks/README.md tells what is compared, and how.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import scrape
from benchmarks.asking import NODE_EXPORTER, PROJECT, require
from benchmarks.fleet_pages import NODES, Kind, kinds_of, pages
from benchmarks.fleet_side import (
    PROMETHEUS,
    Fleet,
    Plan,
    Reading,
    Side,
    pair_name,
    read,
    told,
    wait_until_scraped,
)
from benchmarks.fleet_table import table
from benchmarks.healthy_pass import in_own_namespace

SIDES = (
    Side("connector", "connector", rules=True),
    Side("without-rules", "connector"),
    Side("node_exporter", "node_exporter"),
)
PLAN = Plan(pairs=1000, interval_s=15, lasts_s=180.0, sooner_by=20)
MINORS = 2  # of a node, as fleet_pages has them
# Before all are scraped, ConnectorAbsent and ConnectorPairNotTwo are right, and with so short a
# `for` they fire. Two more evaluations end them.
SETTLES = 2
ALERTS_S = 120.0  # for the last alerts to fire, after all the measuring
_POLL_S = 0.5
# An alert's name and the pair that it is about.
Raised = tuple[str, str]


def expected(kinds: Sequence[Kind]) -> set[Raised]:
    """Which alerts the pairs must raise."""
    return {
        (alert, pair_name(number)) for number, kind in enumerate(kinds) for alert in kind.alerts
    }


def judge(wanted: set[Raised], firing: set[Raised], any_state: set[Raised]) -> list[str]:
    """What is wrong with the alerts, in words: one is missing, or one is about nothing."""
    missing = [f"{name} of {pair} is missing" for name, pair in sorted(wanted - firing)]
    return missing + [f"{name} of {pair} is false" for name, pair in sorted(any_state - wanted)]


def alerts_of(fleet: Fleet) -> tuple[set[Raised], set[Raised]]:
    """Those that fire, and those that fire or are pending, now."""
    found = [
        (one["state"], (one["labels"]["alertname"], one["labels"].get("pair", "")))
        for one in fleet.api.alerts()
    ]
    return {one for state, one in found if state == "firing"}, {one for _, one in found}


def ever_fired(fleet: Fleet, from_s: float, plan: Plan) -> set[Raised]:
    """Those that fired at any evaluation since then."""
    found = fleet.api.query_range(
        'ALERTS{alertstate="firing"}', from_s=from_s, to_s=time.time(), step_s=plan.interval_s
    )
    return {(one.labels["alertname"], one.labels.get("pair", "")) for one in found}


def run(folder: Path, plan: Plan) -> dict[str, Any]:
    """Both fleets at once: what they cost, and what is wrong with the alerts.

    Raises ValueError for too few pairs, or too short a time.
    """
    kinds = kinds_of(plan.pairs)
    settle_s = SETTLES * plan.interval_s
    if plan.lasts_s <= settle_s:
        raise ValueError(f"lasts {plan.lasts_s:g} s: it must last for more than {settle_s} s")
    folder.mkdir()
    of = pages(folder / "pages")
    with ExitStack() as stack:
        fleets = [Fleet(side, folder / side.name, plan, kinds, of[side.shows]) for side in SIDES]
        for fleet in fleets:
            stack.enter_context(fleet.nodes)
            fleet.write_configuration()
            stack.enter_context(fleet.prometheus)
        for fleet in fleets:
            wait_until_scraped(fleet, plan.pairs * len(NODES))
        settled_s = time.time() + settle_s
        readings = _watch(fleets, plan)
        alerts = _alerts(fleets[0], expected(kinds), settled_s, plan)
        costs = {fleet.name: told(fleet, readings[fleet.name]) for fleet in fleets}
        slowest = slowest_rules(fleets[0])
        up = {fleet.name: int(fleet.value("sum(up)") or 0) for fleet in fleets}
    return {
        "plan": asdict(plan),
        "in_trouble": sum(bool(kind.alerts) for kind in kinds),
        "nodes_gone": sum(not kind.beta_answers for kind in kinds),
        "targets_up": up,
        "alerts": alerts,
        "costs": costs,
        "ratios": ratios(costs),
        "slowest_rules_ms": slowest,
    }


def _watch(fleets: Sequence[Fleet], plan: Plan) -> dict[str, list[Reading]]:
    """A reading of each at the beginning, once an interval, and at the end."""
    readings = {fleet.name: [read(fleet)] for fleet in fleets}
    ends_s = time.monotonic() + plan.lasts_s
    while (left_s := ends_s - time.monotonic()) > 0:
        time.sleep(min(plan.interval_s, left_s))
        for fleet in fleets:
            readings[fleet.name].append(read(fleet))
    return readings


def _alerts(fleet: Fleet, wanted: set[Raised], settled_s: float, plan: Plan) -> dict[str, Any]:
    """Those that fire, as soon as all are right or after a while, and what is wrong with them."""
    deadline_s = time.monotonic() + ALERTS_S
    while wrong := judge(wanted, *alerts_of(fleet)):
        if time.monotonic() > deadline_s:
            break
        time.sleep(_POLL_S)
    fired = ever_fired(fleet, settled_s, plan)
    wrong += [f"{name} of {pair} fired for a while" for name, pair in sorted(fired - wanted)]
    return {"expected": len(wanted), "firing": sorted(alerts_of(fleet)[0]), "wrong": wrong}


def slowest_rules(fleet: Fleet, number: int = 5) -> dict[str, float]:
    """The rules whose last evaluation took longest, in ms."""
    found = sorted(fleet.api.rules(), key=lambda rule: -float(rule["evaluationTime"]))
    return {
        str(rule["name"]): round(1000 * float(rule["evaluationTime"]), 1) for rule in found[:number]
    }


def ratios(costs: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float | None]]:
    """The costs of the others in node_exporter's; None where that side has none."""
    theirs = costs["node_exporter"]
    return {
        name: {key: round(own[key] / theirs[key], 2) if theirs[key] else None for key in own}
        for name, own in costs.items()
        if name != "node_exporter"
    }


def version() -> str:
    """Prometheus's own word."""
    said = subprocess.run([PROMETHEUS, "--version"], capture_output=True, text=True, check=True)
    return (said.stdout or said.stderr).split()[2]


def main() -> None:
    """Measure and print; exit status 1 where the alerts are wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--pairs", type=int, default=PLAN.pairs)
    parser.add_argument("--interval", type=int, default=PLAN.interval_s, help="of scrapes, in s")
    parser.add_argument("--lasts", type=float, default=PLAN.lasts_s, help="for so many s")
    parser.add_argument("--sooner", type=int, default=PLAN.sooner_by, help="divides each `for`")
    given = parser.parse_args()
    if min(given.interval, given.sooner) < 1:
        parser.error("--interval and --sooner are whole numbers from 1 on")
    require(PROMETHEUS, NODE_EXPORTER)
    # It is started anew in a mount namespace, as a file and not as a module.
    os.environ["PYTHONPATH"] = str(PROJECT)
    isolated = in_own_namespace()
    with tempfile.TemporaryDirectory(prefix="connector-bench-") as folder:
        plan = Plan(given.pairs, given.interval, given.lasts, given.sooner)
        try:
            found = run(Path(folder) / "fleet", plan)
        except ValueError as error:
            sys.exit(str(error))
        found["node"] = scrape.measure(
            Path(folder), MINORS, scrape.ROUNDS, isolated=isolated, requests=scrape.REQUESTS[:1]
        )
    found["machine"] = found["node"]["machine"] | {"prometheus": version()}
    print(json.dumps(found, indent=2) if given.json else table(found))
    sys.exit(bool(found["alerts"]["wrong"]))


if __name__ == "__main__":
    main()
