"""A pass in plain lines: what cron mails and a person reads."""

from __future__ import annotations

from collections.abc import Iterator

from connector.act.commands import printable
from connector.model import OutcomeKind
from connector.report.passes import PassReport, ResourceReport


def pass_lines(report: PassReport) -> Iterator[str]:
    """One line for each decision, and one below it for each thing that a person should do."""
    for item in report.resources:
        yield _line(item, dry_run=report.dry_run)
    if not report.resources and not report.observation.problems:
        yield "no DRBD resources are up or configured here"


def _line(item: ResourceReport, *, dry_run: bool) -> str:
    decision = item.decision
    parts = [f"{decision.resource}: {decision.name}: {decision.reason}"]
    would = "; ".join(printable(action) for action in decision.actions)
    done = "; ".join(" ".join(command.argv) for command in item.outcome.commands)
    if dry_run and would:
        parts.append(f"would run: {would}")
    elif done:
        parts.append(f"ran: {done}")
    if item.outcome.rescue:
        parts.append(f"kept first: rescue {item.outcome.rescue}")
    if item.outcome.kind not in (OutcomeKind.NOTHING, OutcomeKind.WOULD_ACT):
        parts.append(f"{item.outcome.kind}: {item.outcome.detail}")
    if item.needs_operator:
        parts.append("OPERATOR NEEDED")
    return " | ".join(parts)
