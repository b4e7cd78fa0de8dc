"""The files of contrib/prometheus, read without a YAML library, and promtool.

They are written in one regular style, which is read here with regular expressions. promtool reads
them as Prometheus does; a test compares how many rules each of the two finds.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.docs.pages import PROJECT

from . import programs
from .promql import labels_left

FOLDER = PROJECT / "contrib" / "prometheus"
ALERTS_FILE = FOLDER / "connector-alerts.yml"
RECORDING_FILE = FOLDER / "connector-recording.yml"
SCRAPE_FILE = FOLDER / "scrape-example.yml"
TEST_FILES = tuple(sorted((FOLDER / "tests").glob("*.yml")))

_RULE = re.compile(r"^      - (alert|record): (\S+)\n((?:(?!      - |  - ).*\n)*)", re.MULTILINE)
_EXPRESSION = re.compile(r"^        expr: \|\n((?:          .*\n)+)", re.MULTILINE)
_FOR = re.compile(r"^(.*)\n        for: (\S+)$", re.MULTILINE)
_SEVERITY = re.compile(r"^          severity: (\S+)$", re.MULTILINE)
_ANNOTATION = re.compile(r'^          (summary|description|runbook): "?(.*?)"?$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as it is written. `above_for` is the line above its `for`."""

    name: str
    expression: str
    lasts: str
    above_for: str
    severity: str
    annotations: dict[str, str]


def alerts() -> Iterator[Alert]:
    """Every alert, in order."""
    for kind, name, body in _RULE.findall(ALERTS_FILE.read_text(encoding="utf-8")):
        assert kind == "alert", f"{name}: the file of alerts has a recording rule"
        lasts, severity = _FOR.search(body), _SEVERITY.search(body)
        assert lasts, f"{name} has no for"
        assert severity, f"{name} has no severity"
        yield Alert(
            name=name,
            expression=_expression(name, body),
            lasts=lasts[2],
            above_for=lasts[1],
            severity=severity[1],
            annotations=dict(_ANNOTATION.findall(body)),
        )


def recordings() -> dict[str, str]:
    """The recording rules: expressions by name."""
    found = _RULE.findall(RECORDING_FILE.read_text(encoding="utf-8"))
    return {name: _expression(name, body) for _, name, body in found}


def _expression(name: str, body: str) -> str:
    found = _EXPRESSION.search(body)
    assert found, f"{name} has no expression in the usual style"
    return found[1]


ALERTS = {alert.name: alert for alert in alerts()}
RECORDINGS = recordings()
RECORDED = {name: labels_left(expression) for name, expression in RECORDINGS.items()}


def promtool(*arguments: str | Path, cwd: Path = FOLDER) -> subprocess.CompletedProcess[str]:
    """Run promtool. Where it is missing the test is skipped, or fails where it is required."""
    return programs.promtool(*arguments, cwd=cwd)
