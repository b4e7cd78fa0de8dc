"""The journal's entries of one resource as incidents, and all of it as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from itertools import pairwise
from typing import Any

from connector.memory.history import Entry, History, Told
from connector.model import ESTABLISHED, HEALTHY, OutcomeKind

SCHEMA_VERSION = 1
GAP_S = 30 * 60.0
_LAST_S = 253402300799.0  # the end of the year 9999: no date comes after it


class Ending(StrEnum):
    """How an incident ends in the journal, which has no line for a pass that found nothing to do.

    `reconnected`: the nodes had met again, a resync ran, and nothing more was heard.
    """

    CONNECTED = "connected"
    RECONNECTED = "reconnected"
    UNHEARD = "no-more-heard"
    OPEN = "open"


ENDINGS = {
    Ending.CONNECTED: "Connected again",
    Ending.RECONNECTED: "met again, then no more in the journal",
    Ending.UNHEARD: "no more in the journal",
    Ending.OPEN: "not over",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One entry, and what it tells of the resource."""

    entry: Entry
    told: Told

    @property
    def from_s(self) -> float:
        """When it began, in seconds since 1970."""
        return self.entry.at_wall_s

    @property
    def to_s(self) -> float:
        """When it ended; where the line has no duration, when it began."""
        return self.from_s + (self.entry.duration_s or 0.0)


@dataclass(frozen=True, slots=True)
class Incident:
    """What belongs together in one resource's past; `number` counts from the newest, which is 1.

    The steps are in the order they were written, at least one.
    """

    resource: str
    number: int
    ending: Ending
    steps: tuple[Step, ...]

    @property
    def from_s(self) -> float:
        """When its first entry began, in seconds since 1970."""
        return self.steps[0].from_s

    @property
    def to_s(self) -> float:
        """When its last entry ended."""
        return self.steps[-1].to_s

    @property
    def in_words(self) -> str:
        """Its time, its length and its end, on one line."""
        entries = "1 entry" if len(self.steps) == 1 else f"{len(self.steps)} entries"
        ending = ENDINGS[self.ending]
        return f"{clock(self.from_s)} to {clock(self.to_s)} UTC, {entries}, {ending}"


def names(entries: Iterable[Entry]) -> tuple[str, ...]:
    """The resources that the entries tell of, in the order they come up."""
    return tuple(dict.fromkeys(told.name for entry in entries for told in entry.resources))


def only(entries: Iterable[Entry], resource: str) -> tuple[Entry, ...]:
    """The entries that tell of this resource, without the others in them."""
    kept = (
        replace(entry, resources=tuple(told for told in entry.resources if told.name == resource))
        for entry in entries
    )
    return tuple(entry for entry in kept if entry.resources)


def incidents(
    entries: Iterable[Entry], resource: str, *, now_wall_s: float, gap_s: float = GAP_S
) -> tuple[Incident, ...]:
    """The incidents of one resource, oldest first.

    One ends with an outcome that is Connected, or where the next entry is more than `gap_s` away.
    The last one is open while less than that has passed up to `now_wall_s`.
    """
    groups: list[list[Step]] = []
    for entry in only(entries, resource):
        step = Step(entry, entry.resources[-1])
        if not groups or _healed(groups[-1][-1]) or _apart(groups[-1][-1].to_s, entry, gap_s):
            groups.append([])
        groups[-1].append(step)
    return tuple(
        Incident(
            resource,
            number=len(groups) - place,
            ending=_ending(
                group[-1],
                may_go_on=place == len(groups) - 1 and now_wall_s - group[-1].to_s <= gap_s,
            ),
            steps=tuple(group),
        )
        for place, group in enumerate(groups)
    )


def _healed(step: Step) -> bool:
    return step.told.outcome.connection in HEALTHY


def _apart(ended_s: float, entry: Entry, gap_s: float) -> bool:
    """Whether too much time lies between; a clock that was set back says as little."""
    return abs(entry.at_wall_s - ended_s) > gap_s


def _ending(last: Step, *, may_go_on: bool) -> Ending:
    if _healed(last):
        return Ending.CONNECTED
    if may_go_on:
        return Ending.OPEN
    outcome = last.told.outcome
    # `connector recover` tells no state, but its outcome says that the nodes met.
    met = outcome.connection is None and outcome.kind == OutcomeKind.RECONNECTED
    return Ending.RECONNECTED if met or outcome.connection in ESTABLISHED else Ending.UNHEARD


def telling(steps: Sequence[Step], most: int) -> tuple[Sequence[Step], ...]:
    """At most so many steps (an even number), in one piece, or in two around what is left out.

    Those go first that say the same as the one before, then the middle: how it began and how it
    ended tell the most.
    """
    if len(steps) <= most:
        return (steps,)
    new = [two for one, two in pairwise(steps) if two is steps[-1] or _says(one) != _says(two)]
    kept = [steps[0], *new]
    return (kept,) if len(kept) <= most else (kept[: most // 2], kept[-most // 2 :])


def _says(step: Step) -> object:
    """All that is seen of a step in a picture; two that ran commands never say the same."""
    told, outcome = step.told, step.told.outcome
    ran = step.from_s if outcome.commands else None
    before = (told.connection, told.role, told.decision, told.gates, told.needs_operator)
    return (*before, outcome.connection, outcome.role, ran)


def done(told: Told) -> str:
    """The commands that were run, what came of each, and of all; empty where none was run."""
    words = [
        _words(one.argv, told.name) + (f": {one.outcome}" if one.outcome else "")
        for one in told.outcome.commands or ()
    ]
    return "; ".join([*words, told.outcome.kind or "not known"]) if words else ""


def would(told: Told) -> str:
    """The commands if no gate stood before them; empty where there are none."""
    return "; ".join(_words(line.split(), told.name) for line in told.would or ())


def _words(argv: Sequence[str], resource: str) -> str:
    """Without drbdadm and the resource, which are known where this is shown."""
    # A take-over also runs programs that are not drbdadm.
    others = bool(argv) and argv[0].startswith(("mount", "umount", "fsck."))
    words = argv if others else argv[1:]
    return " ".join(word for word in words if word != resource) or "not known"


def to_json(found: History, shown: Sequence[Entry], past: Iterable[Incident]) -> dict[str, Any]:
    """The entries that are shown, the incidents and the problems; docs/json.md lists the keys."""
    return {
        "schema_version": SCHEMA_VERSION,
        "entries": [_entry(entry) for entry in shown],
        "incidents": [_incident(incident) for incident in past],
        "problems": [asdict(problem) for problem in found.problems],
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "at": _stamp(entry.at_wall_s),
        "duration_s": entry.duration_s,
        "exit_status": entry.exit_status,
        "by_person": entry.by_person,
        "resources": [asdict(told) for told in entry.resources],
    }


def _incident(incident: Incident) -> dict[str, Any]:
    last = incident.steps[-1].told
    kinds = [kind.kind for step in incident.steps for kind in step.told.evidence or ()]
    return {
        "resource": incident.resource,
        "number": incident.number,
        "ending": incident.ending,
        "from": _stamp(incident.from_s),
        "to": _stamp(incident.to_s),
        "entries": len(incident.steps),
        "evidence": list(dict.fromkeys(kinds)),
        "connection": last.outcome.connection,
        "needs_operator": last.needs_operator,
    }


def _stamp(wall_s: float) -> str:
    return clock(wall_s).replace(" ", "T") + "Z"


def clock(wall_s: float) -> str:
    """A time in UTC as a person reads it: `2026-11-25 08:00:00`."""
    moment = datetime.fromtimestamp(int(min(wall_s, _LAST_S)), UTC)
    return moment.replace(tzinfo=None).isoformat(" ")


def plain(text: str) -> str:
    """The text on one line; what cannot be shown (control characters and the like) is replaced."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def shortened(text: str, longest: int) -> str:
    """The text, or its beginning and an ellipsis: so many characters at the most."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
