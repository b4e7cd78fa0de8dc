"""A real split brain, from the watch's own exporter to an alert of a real Prometheus; a kill -9."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contrib.monitoring.prometheus import Prometheus, Target
from tests.contrib.monitoring.sooner import sooner
from tests.docs.pages import PROJECT
from tests.lab.pair import Pair
from tests.lab.relay import Relay
from tests.lab.watching import start_watch, stop_watch

from .vocabulary import in_sync, passes_until

PORT = 19942
RULES = PROJECT / "contrib" / "prometheus" / "connector-alerts.yml"
A_MINUTE_IS_A_SECOND = 60
# To be scraped takes an emulated node half a second.
SCRAPE_S = 3.0
ALERT = "ConnectorSplitBrain"
MAIL = {"resource": "mail", "pair": "lab", "severity": "critical"}


@pytest.mark.soak
def test_the_alert_of_a_split_brain_fires_and_then_a_killed_watch_stops_nobody(
    real_pair: Pair, tmp_path: Path
) -> None:
    pair = real_pair
    pair.configure({"mode": "reconnect", "demote_grace": 90})
    pair.on_both(lambda node: start_watch(node, port=PORT))
    rules = sooner(RULES, tmp_path, A_MINUTE_IS_A_SECOND)
    with Relay(pair.alpha, PORT) as alpha, Relay(pair.beta, PORT) as beta:
        targets = [
            Target(relay.address, "connector", {"pair": "lab", "instance": name})
            for name, relay in (("alpha", alpha), ("beta", beta))
        ]
        with Prometheus(
            tmp_path / "prometheus", targets, rule_files=[rules], scrape_interval_s=SCRAPE_S
        ) as prometheus:
            api = prometheus.api
            pair.split_brain("mail", still_active=["alpha"])
            api.wait_for_alert("firing", ALERT, {**MAIL, "instance": "beta"})
            up = {series.labels["instance"]: series.value for series in api.query("up")}
            assert up == {"alpha": 1, "beta": 1}
            assert api.alert_state(ALERT, {"resource": "db"}) == "inactive"

            done = pair.beta.connector_loaded("recover", "mail", "--yes")
            assert done.exit_status == 0, done.stdout + done.stderr
            pair.wait_all("Connected")
            api.wait_for_alert("inactive", ALERT)
    _killed_it_stops_nobody(pair)


def _killed_it_stops_nobody(pair: Pair) -> None:
    pair.fault(pair.beta, "watch killed")
    pair.beta.run("kill -9 $(cat /run/lab/watch.pid); sleep 1")
    # Its reader and its exporter went with it, and nothing is in the way of a pass.
    for left in ("drbdsetup.* events2", "watching.py"):
        assert pair.beta.run(f"pgrep -f {left!r}", check=False).exit_status == 1
    pair.beta.disconnect("mail")
    passes_until(pair, lambda: in_sync(pair))
    start_watch(pair.beta, port=PORT)
    pair.on_both(stop_watch)
