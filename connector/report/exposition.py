"""The series of one look, and the text of them that Prometheus reads.

The text is written straight from the series. prometheus_client's encoders take five times as long:
for each sample they check names that stand in the code, sort labels that always stand alike, and
want an object made first. Here all that is done once for each family. A test compares every byte
with theirs; how a number is written is still theirs to say.

Importing this imports prometheus_client: do so only where metrics are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.utils import floatToGoString

from connector.report.metrics import PREFIX
from connector.report.passes import ResourceReport
from connector.report.series import FAMILIES, Family, MetricsMemory, Value, values

_OPENMETRICS = "application/openmetrics-text"


class Snapshot(CollectorRegistry):
    """What all series of one look are made from; nothing of it changes any more.

    For prometheus_client it is a registry like any other, only slower than the functions below.
    """

    def __init__(self, resources: Sequence[ResourceReport], memory: MetricsMemory) -> None:
        super().__init__(auto_describe=False)
        self._resources = tuple(resources)
        self._memory = memory

    def series(self) -> Iterator[Value]:
        """Every series, as `values` has it."""
        return values(self._resources, self._memory)

    def collect(self) -> Iterable[Metric]:
        """The same as prometheus_client's own objects."""
        made: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
        for family in FAMILIES:
            kind = CounterMetricFamily if family.is_counter else GaugeMetricFamily
            made[family.name] = kind(PREFIX + family.name, family.help, labels=family.labels)
        for name, labels, value in self.series():
            made[name].add_metric([_utf8(label) for label in labels], value)
        return list(made.values())


def _utf8(label: str) -> str:
    """One name that was no UTF-8 would make the whole text unwritable."""
    return label.encode("utf-8", "backslashreplace").decode("utf-8")


def encoded(snapshot: Snapshot, content_type: str) -> bytes:
    """OpenMetrics where the content type is that, else the classic text format."""
    return (openmetrics if content_type.startswith(_OPENMETRICS) else classic)(snapshot)


def classic(snapshot: Snapshot) -> bytes:
    """The classic text format, the only one that node_exporter's textfile collector reads."""
    return _text(snapshot, lambda family: PREFIX + family.name).encode("utf-8")


def openmetrics(snapshot: Snapshot) -> bytes:
    """OpenMetrics 1.0: the samples are the same, a counter's family has no `_total`."""
    text = _text(snapshot, lambda family: PREFIX + family.name.removesuffix("_total"))
    return f"{text}# EOF\n".encode()


def _text(snapshot: Snapshot, titled: Callable[[Family], str]) -> str:
    """All families in their order, each under its title: no help needs a character escaped."""
    lines: dict[str, list[str]] = {family.name: [_head(family, titled)] for family in FAMILIES}
    line_of = {family.name: _pattern(family).format for family in FAMILIES}
    # A few words and numbers are all that most samples are made of.
    escaped, number = cache(_escaped), cache(floatToGoString)
    for name, labels, value in snapshot.series():
        lines[name].append(line_of[name](*map(escaped, labels), number(value)))
    return "".join(line for family in lines.values() for line in family)


def _head(family: Family, titled: Callable[[Family], str]) -> str:
    title, kind = titled(family), "counter" if family.is_counter else "gauge"
    return f"# HELP {title} {family.help}\n# TYPE {title} {kind}\n"


def _pattern(family: Family) -> str:
    """A sample's line, for `format` with the labels in the family's order, then the value.

    Labels are written in the order of their names, as prometheus_client does.
    """
    places = sorted((label, place) for place, label in enumerate(family.labels))
    written = ",".join(f'{label}="{{{place}}}"' for label, place in places)
    braces = f"{{{{{written}}}}}" if written else ""
    return f"{PREFIX}{family.name}{braces} {{{len(places)}}}\n"


def _escaped(label: str) -> str:
    return _utf8(label).replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
