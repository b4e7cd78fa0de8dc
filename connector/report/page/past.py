"""What was done before: the journal's entries in which commands were run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from connector.memory import history
from connector.memory.history import Entry, Told

MOST_ACTIONS = 5


@dataclass(frozen=True, slots=True)
class Past:
    """The journal's entries in which commands were run, newest first.

    `problem` says why some or all of the journal could not be read; None where all could.
    """

    entries: tuple[Entry, ...] = ()
    problem: str | None = None


NOTHING_PAST = Past()


@dataclass(frozen=True, slots=True)
class Action:
    """What one entry tells of one resource: a pass that ran commands, or a person who did."""

    at_wall_s: float
    by_person: bool
    told: Told


def read_past(journal: Path) -> Past:
    """The past as the journal has it; raises nothing: a problem is a part of it."""
    try:
        found = history.parse(history.read(journal))
    except OSError as error:
        return Past(problem=f"the journal cannot be read: {error.strerror}")
    ran = tuple(entry for entry in reversed(found.entries) if any(map(_acted, entry.resources)))
    problem = None
    if found.problems:
        first = found.problems[0]
        where = first.file if first.line is None else f"{first.file} line {first.line}"
        problem = f"a part of the journal cannot be read ({where}: {first.message})"
    return Past(ran, problem)


def last_actions(past: Past, resource: str, most: int = MOST_ACTIONS) -> tuple[Action, ...]:
    """The newest entries that ran commands for the resource, newest first."""
    found: list[Action] = []
    for entry in past.entries:
        mine = (told for told in entry.resources if told.name == resource and _acted(told))
        found += [Action(entry.at_wall_s, entry.by_person, told) for told in mine]
        if len(found) >= most:
            break
    return tuple(found[:most])


def _acted(told: Told) -> bool:
    return bool(told.outcome.commands)
