"""What benchmarks.fleet found, as a table for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

ROWS = {
    "head_series": "series in the head",
    "samples_per_scrape": "samples of a scrape",
    "samples_per_s": "samples a second",
    "scrapes_per_s": "scrapes a second",
    "scrape_median_ms": "a scrape, median, ms",
    "scrape_p99_ms": "a scrape, 99th percentile, ms",
    "rules_ms": "all rules once, median, ms",
    "rules_most_ms": "all rules once, most, ms",
    "rules_missed": "evaluations of a group that were missed",
    "cpu_percent_of_a_core": "CPU of Prometheus, % of a core",
    "cpu_ms_per_scrape": "CPU of Prometheus for a scrape, ms",
    "resident_mb": "resident memory of Prometheus, MB",
    "heap_mb": "heap in use of Prometheus, MB",
}


# What benchmarks.scrape found about one node, and what its numbers are divided by.
OF_THE_NODE = (
    ("CPU of the node for a scrape, ms", ("cpu", "median_ms"), 1),
    ("a scrape on the node alone, ms", ("wall", "median_ms"), 1),
    ("an answer as it is sent, kB", ("sent_bytes",), 1000),
    ("resident memory of the exporter, MB", ("resident_bytes",), 1_000_000),
)


def _at(value: Any, keys: Sequence[str]) -> float:
    for key in keys:
        value = value[key]
    return float(value)


def table(found: Mapping[str, Any]) -> str:
    """The same for a person, in Markdown."""
    facts = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in found["machine"].items())
    plan = found["plan"]
    lines = [
        facts,
        f"{plan['pairs']} pairs, {found['in_trouble']} of them in trouble, scraped every "
        f"{plan['interval_s']} s for {plan['lasts_s']:.0f} s; each `for` divided by "
        f"{plan['sooner_by']}",
        "",
        "| | connector | ratio | without rules | ratio | node_exporter, drbd |",
        "|---|---|---|---|---|---|",
    ]
    for key, words in ROWS.items():
        cells = [f"{found['costs']['node_exporter'][key]:,.1f}"]
        for name in ("without-rules", "connector"):
            ratio = found["ratios"][name][key]
            shown = "" if ratio is None else f"{ratio:.2f}"
            cells = [f"{found['costs'][name][key]:,.1f}", shown, *cells]
        lines.append(f"| {words} | {' | '.join(cells)} |")
    (node,) = found["node"]["requests"].values()
    for words, keys, unit in OF_THE_NODE:
        ours, theirs = (_at(node[name], keys) / unit for name in ("connector", "node_exporter"))
        lines.append(f"| {words} | {ours:,.1f} | {ours / theirs:.2f} | | | {theirs:,.1f} |")
    alerts = found["alerts"]
    lines += [
        "",
        f"alerts: {len(alerts['firing'])} fire and {alerts['expected']} should; wrong: "
        f"{'; '.join(alerts['wrong']) or 'none'}",
        "slowest rules, ms: "
        + ", ".join(f"{name} {took:.0f}" for name, took in found["slowest_rules_ms"].items()),
    ]
    return "\n".join(lines)
