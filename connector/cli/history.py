"""connector history: what happened on this node, from the journal."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from connector.cli.node import this_world
from connector.cli.options import Setup, connector_command, duration_s
from connector.errors import ConnectorError, NotPermitted, UsageError
from connector.memory import history
from connector.memory.files import write_atomic
from connector.memory.history import Entry, JournalProblem, JournalText, Told
from connector.report import past_incidents
from connector.report.past_incidents import Incident, plain

_MOST_PROBLEMS = 10  # on standard error; --json has all
_STANDARD_OUTPUT = "-"


@dataclass(frozen=True, slots=True)
class _Shown:
    """What was asked for, oldest first; `left_out` older entries are not in it.

    `resources` are those that the journal tells of, or the one that was asked for.
    """

    entries: tuple[Entry, ...]
    left_out: int
    incidents: tuple[Incident, ...]
    resources: tuple[str, ...]


@connector_command("history")
@click.argument("resource", required=False)
@click.option(
    "--since",
    "since_s",
    callback=duration_s,
    metavar="TIME",
    help="Only what is not older than TIME (90s, 30m, 24h, 7d).",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    metavar="N",
    help="The newest N passes.",
)
@click.option(
    "--incident",
    "number",
    type=click.IntRange(min=1),
    metavar="N",
    help="Only incident N of RESOURCE; the newest is 1.",
)
@click.option(
    "--svg",
    metavar="FILE",
    help="Draw the newest incident of RESOURCE, or incident N, into FILE; - prints it.",
)
def command(
    setup: Setup,
    resource: str | None,
    since_s: int | None,
    limit: int,
    number: int | None,
    svg: str | None,
) -> int:
    """What happened on this node, from the journal: all passes that acted or wanted to.

    RESOURCE may be left out where the journal tells of one only, or for the table of all.
    """
    if svg is not None and setup.as_json:
        raise UsageError("--svg and --json cannot be had at once: ask for one, then for the other")
    path, world = setup.settings().journal_file, this_world(setup.root)
    texts = _read(path)
    found = history.parse(texts)
    if not texts:
        click.echo(f"connector: no journal yet: {path} does not exist", err=True)
        resource = number = svg = None
    _tell(found.problems)
    picks_one = "--svg" if svg is not None else "--incident" if number is not None else None
    resources = _resources(past_incidents.names(found.entries), resource, picks_one)
    now_wall_s = world.clock.wall_s()
    shown = _chosen(found.entries, resources, now_wall_s, since_s, limit)
    if picks_one is not None:
        shown = _of_one(shown, number or 1, limit, "--incident" if number else "--svg")
    if svg is not None:
        return _draw(shown.incidents[0], world.host, svg)
    if setup.as_json:
        shown_json = past_incidents.to_json(found, shown.entries, shown.incidents)
        click.echo(json.dumps(shown_json, indent=2))
    elif texts:
        _print(setup, shown)
    return 0


def _read(path: Path) -> tuple[JournalText, ...]:
    try:
        return history.read(path)
    except PermissionError as error:
        raise NotPermitted(f"{error.filename}: {error.strerror}; run connector as root") from error
    except OSError as error:
        raise ConnectorError(f"{path}: the journal cannot be read: {error.strerror}") from error


def _tell(problems: Sequence[JournalProblem]) -> None:
    for problem in problems[:_MOST_PROBLEMS]:
        place = problem.file if problem.line is None else f"{problem.file} line {problem.line}"
        click.echo(f"connector: {place}: {plain(problem.message)}", err=True)
    more = len(problems) - _MOST_PROBLEMS
    if more > 0:
        click.echo(f"connector: {more} more such problems; --json lists them", err=True)


def _resources(
    known: tuple[str, ...], resource: str | None, picks_one: str | None
) -> tuple[str, ...]:
    """Those that are asked for; UsageError where that is none, or not the one that is needed."""
    told = ", ".join(map(plain, known)) or "no resource"
    if resource is not None:
        if resource not in known:
            raise UsageError(
                f"RESOURCE: the journal tells nothing of {resource!r}; it tells of: {told}"
            )
        return (resource,)
    if picks_one is not None and len(known) != 1:
        raise UsageError(f"{picks_one} needs one RESOURCE: the journal tells of {told}")
    return known


def _chosen(
    entries: Sequence[Entry],
    resources: tuple[str, ...],
    now_wall_s: float,
    since_s: int | None,
    limit: int,
) -> _Shown:
    since_wall_s = 0.0 if since_s is None else now_wall_s - since_s
    if len(resources) == 1:
        entries = past_incidents.only(entries, resources[0])
    recent = tuple(entry for entry in entries if entry.at_wall_s >= since_wall_s)
    past = (
        incident
        for resource in resources
        for incident in past_incidents.incidents(entries, resource, now_wall_s=now_wall_s)
        if incident.to_s >= since_wall_s
    )
    in_order = tuple(sorted(past, key=lambda incident: incident.from_s))
    return _Shown(recent[-limit:], max(0, len(recent) - limit), in_order, resources)


def _of_one(shown: _Shown, number: int, limit: int, option: str) -> _Shown:
    """The same with one incident only, from its first pass, however long ago that was."""
    for incident in shown.incidents:
        if incident.number == number:
            entries = tuple(step.entry for step in incident.steps)
            left_out = max(0, len(entries) - limit)
            return _Shown(entries[-limit:], left_out, (incident,), shown.resources)
    there = [str(incident.number) for incident in reversed(shown.incidents)]
    numbers = f"there are {', '.join(there)}" if there else "there is none in that time (--since)"
    raise UsageError(f"{option}: no incident {number} of {plain(shown.resources[0])}: {numbers}")


def _draw(incident: Incident, host: str, svg: str) -> int:
    from connector.report import history_svg

    data = history_svg.draw(incident, host).encode()
    if svg == _STANDARD_OUTPUT:
        click.echo(data, nl=False)
        return 0
    path = Path(svg)
    try:
        _must_be_writable(path)
        write_atomic(path, data, 0o644)
    except PermissionError as error:
        raise NotPermitted(f"--svg: {path}: {error.strerror}") from error
    except OSError as error:
        raise ConnectorError(f"--svg: {path} cannot be written: {error.strerror}") from error
    name = plain(incident.resource)
    click.echo(f"{path}: {name}, incident {incident.number}: {incident.in_words}")
    return 0


def _must_be_writable(path: Path) -> None:
    """A rename would put the picture in the place of a device or a link, whatever it stands for."""
    if not path.parent.is_dir():
        raise UsageError(f"--svg: {path.parent} is no folder: make it, or name another one")
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise UsageError(f"--svg: {path} is there and no plain file; `-` is standard output")


def _print(setup: Setup, shown: _Shown) -> None:
    from connector.report.tables import console

    if not shown.entries:
        click.echo("connector: the journal tells of no pass in that time", err=True)
        return
    console(color=setup.color).print(_table(shown.entries))
    if shown.left_out:
        click.echo(f"{shown.left_out} older entries are not shown: --limit shows more")
    oldest_s = min(entry.at_wall_s for entry in shown.entries)
    for incident in shown.incidents:
        if incident.to_s >= oldest_s:
            name = plain(incident.resource)
            click.echo(f"{name}, incident {incident.number}: {incident.in_words}")


def _table(entries: Iterable[Entry]) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for heading in ("time (UTC)", "resource", "was -> is", "decision", "gates", "commands"):
        # On 80 columns a time and two states have their blanks to be broken at.
        table.add_column(heading, overflow="fold", no_wrap=heading == "decision")
    for entry in entries:
        for told in entry.resources:
            time = past_incidents.clock(entry.at_wall_s)
            table.add_row(*(Text(plain(cell)) for cell in (time, *_cells(entry, told))))
    return table


def _cells(entry: Entry, told: Told) -> Iterable[str]:
    was, now = told.connection, told.outcome.connection
    yield told.name
    yield "" if entry.by_person else f"{was or '?'} -> {now or '?'}"
    yield "a person: connector recover" if entry.by_person else told.decision or "?"
    yield ", ".join(told.gates or ())
    did, would = past_incidents.done(told), past_incidents.would(told)
    words = [did or f"would: {would}"] if did or would else []
    yield "; ".join([*words, "operator needed"] if told.needs_operator else words)
