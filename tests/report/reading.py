"""Reads metrics back as Prometheus does."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client.parser import text_string_to_metric_families

from connector.report.metrics import PREFIX, snapshot, text
from connector.report.passes import ResourceReport
from connector.report.series import MetricsMemory

Read = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(items: Sequence[ResourceReport], memory: MetricsMemory | None = None) -> Read:
    """Every series of the classic format, by name and labels."""
    data = text(snapshot(items, memory or MetricsMemory())).decode()
    return {
        (sample.name.removeprefix(PREFIX), frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(data)
        for sample in family.samples
    }


def ones(read: Read, name: str, label: str) -> list[tuple[str, float]]:
    """The words of the state set whose value is not 0, for every combination of other labels."""
    return [
        (dict(labels)[label], value)
        for (family, labels), value in read.items()
        if family == name and value != 0
    ]


def value(read: Read, name: str, **labels: str) -> float:
    return read[name, frozenset(labels.items())]
