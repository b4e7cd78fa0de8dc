"""A real Prometheus that scrapes a real exporter and a real node_exporter with a real textfile.

The node is a stand-in (tests/cli/stage.py): `connector exporter` and `connector reconcile` are
processes as users have them, with a `drbdadm` that works on a simulated pair.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import pytest

from connector.report.metrics import PREFIX
from connector.report.series import FAMILIES
from connector.simulate import story
from tests.cli.stage import AT_ONCE, Stage
from tests.docs.test_metrics_doc import PAGE, ROW

from .monitoring.asking import Api, until
from .monitoring.exporter import ConnectorExporter
from .monitoring.node_exporter import NodeExporter
from .monitoring.prometheus import Prometheus, Target
from .monitoring.sooner import sooner
from .rules import ALERTS, ALERTS_FILE, RECORDING_FILE, RECORDINGS

pytestmark = pytest.mark.slow

WAYS = ("connector", "node")  # the jobs of scrape-example.yml
FACTOR = 60  # a minute of `for` is a second here
# All that may differ, and only between a pass that ran commands and the next one: the textfile has
# the decision that the pass went by, the exporter the one that would be made now.
DIFFERS_AFTER_ACTING = {"connector_decision"}

Values = dict[tuple[tuple[str, str], ...], float]


@dataclass(frozen=True, slots=True)
class Watched:
    """A node, and the Prometheus that sees it in both ways."""

    stage: Stage
    textfile: Path
    api: Api

    @property
    def environment(self) -> dict[str, str]:
        """The settings that the passes and the exporter share."""
        return {"CONNECTOR_METRICS_TEXTFILE": str(self.textfile), **AT_ONCE}

    def reconcile(self) -> str:
        """One pass, and then a scrape of both; what the pass said."""
        done = self.stage.run("reconcile", **self.environment)
        assert done.status in (0, 3), done
        self.api.wait_for_scrapes()
        return done.out

    def values(self, way: str) -> Values:
        """Every series of connector by its labels, but for the job."""
        found = self.api.query(f'{{__name__=~"{PREFIX}.+",job="{way}"}}')
        return {
            tuple(sorted((name, word) for name, word in one.labels.items() if name != "job")): (
                one.value
            )
            for one in found
        }

    def differing(self) -> set[str]:
        """The metrics whose values differ; which series there are must never differ."""
        exporter, textfile = (self.values(way) for way in WAYS)
        assert exporter.keys() == textfile.keys()
        assert len(exporter) > 200
        return {
            dict(labels)["__name__"]
            for labels, value in exporter.items()
            if value != textfile[labels]
        }


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """The healthy standby of a pair; every test leaves it healthy."""
    folder = tmp_path_factory.mktemp("watched")
    stage = Stage(folder / "beta")
    textfile = folder / "textfiles" / "connector.prom"
    textfile.parent.mkdir()
    seen = {"pair": "pair-a", "instance": "beta"}
    with ExitStack() as stack:
        node = stack.enter_context(NodeExporter(textfile.parent, folder / "node"))
        settings = Watched(stage, textfile, Api("")).environment
        assert stage.run("reconcile", **settings).status == 0
        exporter = stack.enter_context(ConnectorExporter(stage, folder / "exporter", **settings))
        prometheus = stack.enter_context(
            Prometheus(
                folder / "prometheus",
                [
                    Target(server.address, way, seen)
                    for server, way in zip((exporter, node), WAYS, strict=True)
                ],
                rule_files=[sooner(ALERTS_FILE, folder, FACTOR), RECORDING_FILE],
            )
        )
        prometheus.api.wait_for_scrapes()
        yield Watched(stage, textfile, prometheus.api)


def test_both_ways_show_the_same_series_with_the_same_values(watched: Watched) -> None:
    watched.reconcile()
    targets = watched.api.targets()
    assert {(one["labels"]["job"], one["health"], one["lastError"]) for one in targets} == {
        (way, "up", "") for way in WAYS
    }
    assert watched.differing() == set()
    names = {dict(labels)["__name__"] for labels in watched.values("connector")}
    assert names == {PREFIX + family.name for family in FAMILIES}


def test_openmetrics_is_spoken_and_the_types_are_those_of_the_docs(watched: Watched) -> None:
    helps = {PREFIX + family.name: family.help for family in FAMILIES}
    written = {name: kind for name, kind, _ in ROW.findall(PAGE.replace("| |", "|  |"))}
    assert len(written) == len(FAMILIES)
    for way in WAYS:
        told = {
            name: (one["type"], one["help"])
            for name, one in watched.api.metadata(way).items()
            if name.startswith(PREFIX)
        }
        # The sign of OpenMetrics: a counter's family is named without _total there. Prometheus
        # prefers it, and node_exporter has the classic format only.
        ending = "_total" if way == "connector" else ""
        assert told == {
            name.removesuffix(ending): (kind, helps[name]) for name, kind in written.items()
        }


def test_every_rule_is_evaluated_without_an_error(watched: Watched) -> None:
    until(
        lambda: {rule["health"] for rule in watched.api.rules()} == {"ok"},
        lambda: str([rule for rule in watched.api.rules() if rule["health"] != "ok"]),
    )
    rules = watched.api.rules()
    assert sorted((rule["type"], rule["name"]) for rule in rules) == sorted(
        [("alerting", name) for name in ALERTS] + [("recording", name) for name in RECORDINGS]
    )
    assert [rule["lastError"] for rule in rules if rule.get("lastError")] == []
    for name in RECORDINGS:
        # Those of counters need two scrapes.
        until(lambda name=name: bool(watched.api.query(name)), lambda name=name: f"no {name}")  # type: ignore[misc]


def test_after_a_pass_that_acted_only_its_decision_differs(watched: Watched) -> None:
    with watched.stage.pair.changing() as pair:
        story.standby_disconnected(pair, "mail")
    assert "mail: reconnect-standby: " in watched.reconcile()
    assert watched.differing() == DIFFERS_AFTER_ACTING
    assert watched.reconcile() == ""
    assert watched.differing() == set()


def test_a_split_brain_is_pending_and_fires_and_is_over(watched: Watched) -> None:
    api, began_s = watched.api, time.time()
    for way in WAYS:
        assert api.alert_state("ConnectorSplitBrain", {"job": way}) == "inactive"
    with watched.stage.pair.changing() as pair:
        story.split_brain_with_idle_standby(pair, "mail")
    assert "OPERATOR NEEDED" in watched.reconcile()
    assert watched.differing() == set()
    for way in WAYS:
        about = {"job": way, "instance": "beta", "pair": "pair-a", "resource": "mail"}
        api.wait_for_alert("firing", "ConnectorSplitBrain", about)
        until(
            lambda way=way: _states(api, way, began_s) == ["pending", "firing"],  # type: ignore[misc]
            lambda way=way: str(_states(api, way, began_s)),  # type: ignore[misc]
        )
    assert api.alert_state("ConnectorSplitBrain", {"resource": "db"}) == "inactive"
    # Those that leave a split brain to that alert do so.
    assert api.alert_state("ConnectorOperatorNeeded") == "inactive"
    assert api.alert_state("ConnectorDegraded") == "inactive"

    with watched.stage.pair.changing() as pair:
        story.drbdadm(pair, "alpha", "connect", "mail")
    # No disk lies below this node, so nothing can be kept of it.
    environment = {**watched.environment, "CONNECTOR_RESCUE_KEEP": "never"}
    done = watched.stage.run("recover", "mail", "--discard-my-data", "--yes", **environment)
    assert done.status == 0, done
    assert watched.reconcile() == ""
    api.wait_for_alert("inactive", "ConnectorSplitBrain")
    assert watched.differing() == set()


def _states(api: Api, way: str, began_s: float) -> list[str]:
    """The states that the alert went through, in order."""
    alert = f'ALERTS{{alertname="ConnectorSplitBrain",job="{way}",resource="mail"}}'
    found = api.query_range(alert, from_s=began_s, to_s=time.time(), step_s=1)
    points = sorted((at_s, one.labels["alertstate"]) for one in found for at_s, _ in one.points)
    return [state for state, _ in groupby(state for _, state in points)]
