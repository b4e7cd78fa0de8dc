"""connector explain: what the decision table says of a saved state."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from connector.cli.explain_options import Asked, explain_options, shown
from connector.cli.options import Setup, connector_command
from connector.cli.parse import text_of
from connector.config import load
from connector.decide.context import Policy
from connector.errors import UsageError
from connector.model import ConfiguredResource, Mode
from connector.report.explain import names as explain_names
from connector.report.explain.answer import About, Explanation, Seen, explain
from connector.report.explain.drbdsetup import of_drbdsetup
from connector.report.explain.json_files import of_json
from connector.report.explain.premises import premises
from connector.report.explain.said import Said
from connector.report.explain.source import Reading, of_proc_drbd
from connector.report.past_incidents import plain
from connector.settings import Settings

MAX_EXPLAINED = 256  # resources of one file
_MOST_PROBLEMS = 10  # on standard error; --json has all


@connector_command("explain")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@explain_options
def command(setup: Setup, files: tuple[str, ...], **given: Any) -> int:
    """Which row of the decision table fires for a saved state, and which gates are shut.

    FILE is a copy of /proc/drbd, what `drbdsetup status --json` printed (DRBD 9), a record of the
    state directory (given-up/*.json, journal.jsonl), or what `connector status --json` printed; -
    is standard input. What the file does not tell is
    said by options, or assumed, and every assumption is named. Needs no root and no DRBD, and
    changes nothing.

    The numbers of connector.toml are those of --config, or the defaults: the file may be of
    another node.
    """
    asked = Asked(**given)
    asked.check(files)
    settings = load(setup.config or Path(os.devnull), os.environ)
    said = asked.said(setup)
    names = asked.names(setup)
    readings = [_read(setup, file, said, names, asked.line) for file in files]
    readings = _only(readings, asked.resource)
    modes = tuple(Mode) if asked.mode is None else (Mode(asked.mode),)
    explained = [
        (reading, [_explain(seen, said, settings, modes) for seen in reading.seen])
        for reading in readings
    ]
    status = next((r.exit_status for r in readings if r.exit_status), 0)
    _print(setup, settings, explained, status)
    return status


def _read(
    setup: Setup,
    file: str,
    said: Said,
    names: tuple[ConfiguredResource, ...] | None,
    line: int | None,
) -> Reading:
    data = text_of(setup, file)
    reading = of_json(data, shown(file), line)
    if reading is not None:
        return reading
    if line is not None:
        raise UsageError(f"--line goes with a journal: {shown(file)} is none")
    reading = of_drbdsetup(data, shown(file), names)
    if reading is not None:
        return reading
    if names is None and said.log is not None:
        named = explain_names.by_log(said.log, data)
        return of_proc_drbd(data, shown(file), named, frozenset({About.NAME}))
    return of_proc_drbd(data, shown(file), names)


def _only(readings: Sequence[Reading], resource: str | None) -> list[Reading]:
    """The same with the one resource that is asked for, and not more than are explained."""
    known = dict.fromkeys(seen.resource.name for r in readings for seen in r.seen)
    if resource is not None and resource not in known:
        told = ", ".join(map(plain, list(known)[:MAX_EXPLAINED])) or "none"
        raise UsageError(f"--resource: {resource!r} is not in it; there are: {told}")
    return [_bounded(reading, resource) for reading in readings]


def _bounded(reading: Reading, resource: str | None) -> Reading:
    seen = tuple(s for s in reading.seen if resource in (None, s.resource.name))
    more = len(seen) - MAX_EXPLAINED
    if more > 0:
        note = f"{more} more resources are not explained: --resource R takes one"
        return replace(reading, seen=seen[:MAX_EXPLAINED], notes=(*reading.notes, note))
    return replace(reading, seen=seen)


def _explain(seen: Seen, said: Said, settings: Settings, modes: Sequence[Mode]) -> Explanation:
    case, found = premises(seen, said, settings.policy_for(seen.resource.name))
    return explain(seen, case, found, modes)


def _print(
    setup: Setup,
    settings: Settings,
    files: Sequence[tuple[Reading, Sequence[Explanation]]],
    exit_status: int,
) -> None:
    if setup.as_json:
        from connector.report.explain.json import to_json

        click.echo(json.dumps(to_json(files, exit_status), indent=2))
    else:
        from connector.report.explain.text import of_file, settings_line
        from connector.report.tables import console

        out = console(color=setup.color)
        if any(explained for _, explained in files):
            out.print(settings_line(settings.policy, named=settings.policy != Policy()))
        for reading, explained in files:
            for part in of_file(reading, explained):
                out.print(part)
            out.print()
    for reading, _ in files:
        for line in _problems(reading):
            click.echo(f"connector: {line}", err=True)


def _problems(reading: Reading) -> Iterator[str]:
    for problem in reading.problems[:_MOST_PROBLEMS]:
        place = reading.file if problem.line is None else f"{reading.file} line {problem.line}"
        yield f"{place}: {plain(problem.message)}"
    more = len(reading.problems) - _MOST_PROBLEMS
    if more > 0:
        yield f"{reading.file}: {more} more such problems; --json has all"
