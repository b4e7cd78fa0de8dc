"""Scrapes as an OpenMetrics file with time stamps, which promtool makes blocks of TSDB of."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from connector.report.metrics import PREFIX
from connector.report.series import FAMILIES

from .incident import Scrape

JOB = "connector"
_TIMES = ("last_run_timestamp_seconds", "last_success_timestamp_seconds")
_ESCAPED = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


def text(scrapes: Iterable[Scrape], shift_s: float) -> str:
    """All series with the labels that Prometheus adds, and `up`, moved by `shift_s`.

    Values that are times move along.
    """
    series: dict[str, dict[str, list[str]]] = {family.name: {} for family in FAMILIES}
    ups: dict[str, list[str]] = {}
    for scrape in scrapes:
        added = {"instance": scrape.instance, "job": JOB, "pair": scrape.pair}
        at = f"{scrape.at_s + shift_s:.3f}"
        for (name, labels), value in scrape.read.items():
            if name in _TIMES and value:
                value += shift_s
            braces = _braces({**dict(labels), **added})
            series[name].setdefault(braces, []).append(f"{PREFIX}{name}{braces} {value!r} {at}")
        braces = _braces(added)
        ups.setdefault(braces, []).append(f"up{braces} 1 {at}")
    lines = ["# TYPE up gauge", *chain.from_iterable(ups.values())]
    for family in FAMILIES:
        kind = "counter" if family.is_counter else "gauge"
        lines.append(f"# TYPE {PREFIX}{family.name.removesuffix('_total')} {kind}")
        # OpenMetrics wants all samples of a series one after the other.
        lines += chain.from_iterable(series[family.name].values())
    return "\n".join([*lines, "# EOF\n"])


def _braces(labels: dict[str, str]) -> str:
    """Sorted, so that the same scrapes give the same text."""
    words = (f'{name}="{word.translate(_ESCAPED)}"' for name, word in sorted(labels.items()))
    return "{" + ",".join(words) + "}"
