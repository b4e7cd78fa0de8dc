"""The real Prometheus of the tests: it comes up, it answers, and nothing of it is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import pytest

from tests.docs.pages import PROJECT

from .monitoring.asking import Http, NotAnswered, until
from .monitoring.prometheus import Prometheus, Target, configuration
from .monitoring.server import NotUp, Server
from .monitoring.sooner import sooner
from .programs import needed
from .rules import ALERTS, ALERTS_FILE

pytestmark = pytest.mark.slow

NOBODY = "127.0.0.1:1"  # nothing listens there

# Starts a Prometheus in the folder that is named, says its number, and waits to be killed.
_STARTER = """
import sys, time
from pathlib import Path
from tests.contrib.monitoring.prometheus import Prometheus
with Prometheus(Path(sys.argv[1])) as prometheus:
    print(prometheus.pid, flush=True)
    time.sleep(600)
"""


def runs(pid: int) -> bool:
    """Whether there is such a process; one that has ended and is waited for by nobody is none."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """One with a target that nobody serves, and the alerts as they are in contrib."""
    folder = tmp_path_factory.mktemp("prometheus")
    targets = [Target(NOBODY, "connector", {"pair": "pair-a", "instance": "alpha"})]
    with Prometheus(folder, targets, rule_files=[ALERTS_FILE]) as running:
        pid = running.pid
        assert runs(pid)
        yield running
    assert not runs(pid)


def test_targets_of_the_same_job_become_one_job() -> None:
    made = configuration(
        [
            Target("a:1", "connector", {"pair": "one"}),
            Target("n:1", "node"),
            Target("b:1", "connector", {"pair": "two", "instance": "b"}),
        ],
        [ALERTS_FILE],
        scrape_interval_s=0.5,
        evaluation_interval_s=60,
    )
    assert made["scrape_configs"] == [
        {
            "job_name": "connector",
            "static_configs": [
                {"targets": ["a:1"], "labels": {"pair": "one"}},
                {"targets": ["b:1"], "labels": {"pair": "two", "instance": "b"}},
            ],
        },
        {"job_name": "node", "static_configs": [{"targets": ["n:1"], "labels": {}}]},
    ]
    assert made["rule_files"] == [str(ALERTS_FILE)]
    assert set(made["global"].values()) == {"500ms", "60000ms"}


def test_what_cannot_be_scraped_is_down_and_its_alert_waits(prometheus: Prometheus) -> None:
    api = prometheus.api
    api.wait_for_scrapes()
    (target,) = api.targets()
    assert (target["labels"]["instance"], target["health"]) == ("alpha", "down")
    (up,) = api.query("up")
    assert (up.labels["pair"], up.value) == ("pair-a", 0)
    api.wait_for_alert("pending", "ConnectorDown", {"instance": "alpha"})
    assert api.alert_state("ConnectorDown", {"instance": "beta"}) == "inactive"
    assert "ConnectorDown" in {alert["labels"]["alertname"] for alert in api.alerts()}


def test_a_question_about_what_there_is_not_is_an_error(prometheus: Prometheus) -> None:
    with pytest.raises(LookupError, match="no alert is named ConnectorSplitBrian"):
        prometheus.api.alert_state("ConnectorSplitBrian")
    with pytest.raises(NotAnswered, match="parse error"):
        prometheus.api.query("up{")
    with pytest.raises(NotAnswered, match="no vector"):
        prometheus.api.query("up[5m]")
    with pytest.raises(NotAnswered, match="refused"):
        Http(f"http://{NOBODY}").get("/")


def test_waiting_has_an_end(prometheus: Prometheus) -> None:
    with pytest.raises(AssertionError, match=r"ConnectorAbsent .*is not firing"):
        prometheus.api.wait_for_alert("firing", "ConnectorAbsent", within_s=0.2)
    with pytest.raises(AssertionError, match="in vain: because"):
        until(lambda: False, lambda: "because", within_s=0.2)


def test_one_that_does_not_come_up_shows_its_log(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text('{"groups": [{"name": "a", "rules": [{"alert": "A", "expr": "up{"}]}]}')
    with (
        pytest.raises(NotUp, match=r"(?s)prometheus ended with status 1:.*parse error"),
        Prometheus(tmp_path / "prometheus", rule_files=[rules]),
    ):
        raise AssertionError("it came up")


def test_one_that_hears_no_word_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    deaf = "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    server = (
        "from http.server import *; s = ThreadingHTTPServer(('127.0.0.1', 0), "
        "SimpleHTTPRequestHandler);"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        "print('listening on', f'127.0.0.1:{s.server_port}', 'child', child.pid, flush=True);"
        "s.serve_forever()"
    )
    argv = [sys.executable, "-c", deaf + server]
    with Server(argv, tmp_path / "log", "/", end_s=0.5) as running:
        pids = (running.pid, int(running.said().split("child ")[1].split()[0]))
        assert all(map(runs, pids))
    until(lambda: not any(map(runs, pids)), lambda: f"one of {pids} still runs")
    assert (running.pid, running.port) == (0, 0)


def test_nothing_is_left_where_the_tests_are_killed(tmp_path: Path) -> None:
    needed("prometheus", "prometheus", "a real Prometheus was")
    with subprocess.Popen(
        [sys.executable, "-c", _STARTER, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    ) as starter:
        try:
            assert starter.stdout is not None
            pid = int(starter.stdout.readline())
            assert runs(pid)
        finally:
            starter.send_signal(signal.SIGKILL)
    until(lambda: not runs(pid), lambda: f"{pid} still runs")


@pytest.mark.parametrize(("factor", "first"), [(60, "5000ms"), (600, "500ms")])
def test_sooner_changes_every_for_and_nothing_else(tmp_path: Path, factor: int, first: str) -> None:
    made = sooner(ALERTS_FILE, tmp_path, factor).read_text(encoding="utf-8")
    changed = [
        (before, after)
        for before, after in zip_longest(ALERTS_FILE.read_text().splitlines(), made.splitlines())
        if before != after
    ]
    assert len(changed) == len(ALERTS)
    assert changed[0] == ("        for: 5m", f"        for: {first}")
    assert all(before.startswith("        for: ") for before, _ in changed)


def test_a_for_that_would_stay_as_it_was_is_an_error(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text("        for: 5m\n        for: 30s\n", encoding="utf-8")
    with pytest.raises(ValueError, match="1 of 2 `for` are not in whole minutes"):
        sooner(rules, tmp_path / "made", 60)


def test_without_a_program_it_is_said_and_fails_where_it_is_required(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CONNECTOR_LAB", "auto")
    said = "a real Prometheus was NOT tried: there is no prometheus; as root, type: apt-get"
    with pytest.raises(pytest.skip.Exception, match=said):
        Prometheus(tmp_path / "data")
    monkeypatch.setenv("CONNECTOR_LAB", "required")
    with pytest.raises(pytest.fail.Exception, match=said):
        Prometheus(tmp_path / "data")
