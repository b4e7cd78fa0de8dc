"""docs/metrics.md names the metrics that there are, with their types and labels."""

from __future__ import annotations

import re
from pathlib import Path

from connector.report.exporter import CONNECTION_S, DEFAULT_HOST, DEFAULT_PORT, MAX_CONNECTIONS
from connector.report.metrics import PREFIX
from connector.report.series import FAMILIES

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
ROW = re.compile(r"\| `(connector_\w+)` \| (gauge|counter) \| ([^|]*) \| [^|]+ \|")


def test_the_table_is_that_of_the_code() -> None:
    written = [
        (name, kind, tuple(re.findall(r"`(\w+)`", labels)))
        for name, kind, labels in ROW.findall(PAGE.replace("| |", "|  |"))
    ]
    assert written == [
        (PREFIX + item.name, "counter" if item.is_counter else "gauge", item.labels)
        for item in FAMILIES
    ]


def test_no_other_metric_is_named() -> None:
    named = set(re.findall(r"\bconnector_\w+", PAGE)) - {PREFIX}
    assert named == {PREFIX + item.name for item in FAMILIES}


def test_the_address_and_the_limits_are_those_of_the_code() -> None:
    assert f"http://{DEFAULT_HOST}:{DEFAULT_PORT}/metrics" in PAGE
    said = " ".join(PAGE.split())
    assert f"at most {MAX_CONNECTIONS} connections at a time" in said
    assert f"each for at most {CONNECTION_S:.0f} seconds" in said
