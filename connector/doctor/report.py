"""What the doctor found, as text for a person and as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import click

from connector.doctor.finding import Area, Finding, Looked, Severity, worst
from connector.report.check import Level
from connector.report.past_incidents import plain, shortened

SCHEMA_VERSION = 1
_WIDTH = 100
_LONGEST = 1_000
_INDENT = " " * 8
_COLORS = {
    Severity.OK: "green",
    Severity.WARNING: "yellow",
    Severity.CRITICAL: "red",
    Severity.UNKNOWN: "magenta",
}
_LEVELS = {
    Severity.OK: Level.OK,
    Severity.WARNING: Level.WARNING,
    Severity.CRITICAL: Level.CRITICAL,
    Severity.UNKNOWN: Level.UNKNOWN,
}
AREA_WORDS = {
    Area.KERNEL_MODULE: "kernel module and utils",
    Area.DRBD_CONF: "drbd.conf",
    Area.DRBD_SETTINGS: "DRBD's settings",
    Area.CONNECTOR_TOML: "connector.toml",
    Area.PASSES: "cron, timer, watch, last pass",
    Area.TEXTFILE: "metrics file",
    Area.CLUSTER_MANAGER: "cluster manager",
    Area.HEARTBEAT: "Heartbeat",
    Area.PEER: "the other node",
}


def exit_status(areas: Sequence[Looked]) -> int:
    """0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN, as `connector check`."""
    return _LEVELS[worst({area.severity for area in areas})].value


def to_json(host: str, areas: Sequence[Looked]) -> dict[str, Any]:
    """The whole of it as plain values; docs/json.md lists the keys."""
    return {
        "schema_version": SCHEMA_VERSION,
        "host": host,
        "status": worst({area.severity for area in areas}),
        "areas": [{"area": area.area, "status": area.status} for area in areas],
        "findings": [
            {
                "id": item.id,
                "area": area.area,
                "severity": item.severity,
                "resources": list(item.resources),
                "seen": item.seen,
                "where": item.where,
                "why": item.why,
                "fix": item.fix,
            }
            for area, item in _worst_first(areas)
        ],
        "not_looked_at": [
            {"area": area.area, "what": item.what, "why": item.why, "counts": item.counts}
            for area in areas
            for item in area.not_looked_at
        ],
        "exit_status": exit_status(areas),
    }


def to_text(host: str, areas: Sequence[Looked], *, color: bool) -> str:
    """The findings, the worst first, then what is in order, then what was not looked at."""
    return "\n".join(_lines(host, areas, color=color))


def _lines(host: str, areas: Sequence[Looked], *, color: bool) -> Iterator[str]:
    findings = list(_worst_first(areas))
    unseen = [item for area in areas for item in area.not_looked_at]
    for _, item in findings:
        yield from _finding(item, color=color)
        yield ""
    fine = [AREA_WORDS[area.area] for area in areas if area.status is Severity.OK]
    if fine:
        yield from _wrapped("in order: ", ", ".join(fine))
    for not_seen in unseen:
        yield from _wrapped("not looked at: ", f"{not_seen.what}: {not_seen.why}")
    counts = {level: sum(item.severity is level for _, item in findings) for level in Severity}
    warnings = counts[Severity.WARNING]
    unknown = sum(item.counts for item in unseen)
    word = _colored(worst({area.severity for area in areas}), color=color)
    yield (
        f"{word}: {plain(host)}: {counts[Severity.CRITICAL]} critical, "
        f"{warnings} warning{'' if warnings == 1 else 's'}, {unknown} that could not be looked at"
    )


def _worst_first(areas: Sequence[Looked]) -> list[tuple[Looked, Finding]]:
    """All findings with their area; those of one severity in the order of the areas."""
    found = [(area, item) for area in areas for item in area.findings]
    return sorted(found, key=lambda one: one[1].severity is not Severity.CRITICAL)


def _finding(item: Finding, *, color: bool) -> Iterator[str]:
    about = f"  {', '.join(map(plain, item.resources[:20]))}" if item.resources else ""
    if len(item.resources) > 20:
        about += f", and {len(item.resources) - 20} more"
    yield f"{_colored(item.severity, color=color)}  {item.id}{about}"
    for word, text in (("seen", item.seen), ("where", item.where), ("why", item.why)):
        if text:
            yield from _wrapped(f"  {word:6}", text)
    # Not wrapped: a command is to be copied.
    yield f"  {'fix':6}{_told(item.fix)}"


def _wrapped(head: str, text: str) -> list[str]:
    return textwrap.wrap(
        _told(text),
        _WIDTH,
        initial_indent=head,
        subsequent_indent=_INDENT if head.startswith("  ") else "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _told(text: str) -> str:
    return shortened(plain(text.replace("\n", " / ")), _LONGEST)


def _colored(severity: Severity, *, color: bool) -> str:
    word = severity.upper()
    return click.style(word, fg=_COLORS[severity], bold=True) if color else word
