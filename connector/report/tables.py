"""Tables for a person's terminal, through rich."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from connector.act.commands import printable
from connector.model import (
    ConnectionState,
    Decision,
    DecisionName,
    DiskState,
    Observation,
    Resource,
    Source,
)
from connector.report.passes import PassReport, ResourceReport

_GOOD = frozenset({DecisionName.HEALTHY})
_BAD = frozenset({DecisionName.CONTRADICTION, DecisionName.UNKNOWN, DecisionName.DIVERGED})
_READ_FROM = {Source.PROC: "/proc/drbd", Source.DRBDSETUP: "drbdsetup"}


def console(*, color: bool) -> Console:
    """A console on standard output; without colours it writes no control characters."""
    return Console(color_system="auto" if color else None, highlight=False, soft_wrap=False)


def status_table(report: PassReport) -> RenderableType:
    """A table of the states, and below it each decision with what would be done.

    A sentence in a column of its own would leave the states no room on 80 columns. Where a resource
    has several peers each connection has a line, and what uses the resource stands below.
    """
    several = any(len(item.resource.connections) > 1 for item in report.resources)
    table = Table(
        title=_title(report.observation),
        title_justify="left",
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
    )
    for heading in ("resource", "peer") if several else ("resource",):
        table.add_column(heading, no_wrap=not several, overflow="fold" if several else "ellipsis")
    for heading in ("connection", "role", "disk", "oos"):
        table.add_column(heading, no_wrap=True)
    if not several:
        table.add_column("used by", overflow="fold")
    for item in report.resources:
        if several:
            for row in _rows(item.resource):
                table.add_row(*row)
        else:
            table.add_row(*_row(item.resource))
    return Group(table, *(_decision(item, with_use=several) for item in report.resources))


def _title(seen: Observation) -> str:
    return f"DRBD {seen.proc.version or '?'}, from {_READ_FROM[seen.source]}"


def _row(resource: Resource) -> Sequence[RenderableType]:
    used_by = Text("\n".join(_uses(resource)))
    return (Text(resource.name), *_states(resource), used_by)


def _rows(resource: Resource) -> Iterator[Sequence[RenderableType]]:
    """One line for each peer."""
    for number, seen in enumerate(resource.each):
        name = "" if number else resource.name
        yield (Text(name), Text(seen.peer or "?"), *_states(seen))


def _states(resource: Resource) -> Sequence[RenderableType]:
    return (
        Text(resource.connection or "?", style=_connection_style(resource.connection)),
        Text(f"{resource.role or '?'}/{resource.peer_role or '?'}"),
        Text("\n".join(_disks(resource)), style=_disk_style(resource)),
        Text("\n".join(_amounts(resource)), justify="right"),
    )


def _disks(resource: Resource) -> list[str]:
    devices = [volume.device for volume in resource.volumes]
    return [f"{d.disk or '?'}/{d.peer_disk or '?'}" if d else "not up" for d in devices]


def _amounts(resource: Resource) -> list[str]:
    amounts = [v.device.out_of_sync_kib if v.device else None for v in resource.volumes]
    return ["?" if amount is None else f"{amount} KiB" for amount in amounts]


def _uses(resource: Resource) -> list[str]:
    return [
        "?" if volume.used_by is None else ", ".join(use.where for use in volume.used_by) or "-"
        for volume in resource.volumes
    ]


def _decision(item: ResourceReport, *, with_use: bool) -> Text:
    text = Text(f"{item.decision.resource}: ")
    text.append(item.decision.name, style=_decision_style(item.decision))
    text.append(f": {item.decision.reason}")
    if with_use:
        text.append(f"\n  used by {'; '.join(_uses(item.resource))}")
    commands = "; ".join(printable(action) for action in item.decision.actions)
    if commands:
        text.append(f"\n  → {commands}", style="bold")
    if item.needs_operator:
        text.append("\n  operator needed", style="bold red")
    return text


def _connection_style(state: ConnectionState | None) -> str:
    if state is ConnectionState.CONNECTED:
        return "green"
    return "red" if state in (None, ConnectionState.STANDALONE) else "yellow"


def _disk_style(resource: Resource) -> str:
    disks = {volume.device.disk if volume.device else None for volume in resource.volumes}
    return "green" if disks == {DiskState.UP_TO_DATE} else "yellow"


def _decision_style(decision: Decision) -> str:
    if decision.name in _GOOD:
        return "green"
    return "red" if decision.name in _BAD or decision.needs_operator else "yellow"
