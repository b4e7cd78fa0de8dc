"""What a run of stories was put through and how it came out, as numbers for a report."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.lab.recording import Event, Source

from .checker import Lost
from .checker.journal import RESOURCE_OF_MINOR, Ending, Journal
from .checker.reading import read

KILLED = 137
PASSES = ("reconcile", "recover")
SAME_REFUSAL_S = 5.0


@dataclass(frozen=True)
class SplitBrain:
    """A split brain of one resource, from when DRBD met it.

    `refusals` counts the handshakes that DRBD refused, each once although both nodes tell it.
    `ended` says how a side was picked at last; `healed` that the minors were Connected after it.
    """

    resource: str
    met_at_s: float
    refusals: int = 0
    refused_at_s: float = float("-inf")
    ended: Ending | None = None
    ended_at_s: float = float("inf")
    healed: bool = False


@dataclass(frozen=True)
class Recovery:
    """A link that was cut and came back; `took_s` is None where not all came together again."""

    restored_at_s: float
    resources: tuple[str, ...]
    took_s: float | None


class Tally:
    """Adds stories up."""

    def __init__(self, resource_of_minor: Mapping[int, str] = RESOURCE_OF_MINOR) -> None:
        """Begin with none."""
        self._resource_of_minor = resource_of_minor
        self._stories: list[str] = []
        self._faults: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._recovered_s: list[float] = []

    def add(self, story_name: str, events: Sequence[Event], lost: Sequence[Lost]) -> None:
        """Add one story, with what its checker found lost."""
        journal = read(events, self._resource_of_minor)
        passes = [one for one in journal.passes if one.command in PASSES]
        splits = split_brains(journal)
        refused = [split for split in splits if split.refusals]
        link_recoveries = recoveries(journal)
        self._stories.append(story_name)
        self._faults.update(
            " ".join(event.text.split()[:2])
            for event in journal.told
            if event.source is Source.FAULT
        )
        self._counts.update(
            passes=len(passes),
            passes_killed=sum(one.exit_status == KILLED for one in passes),
            commands=len(journal.commands),
            split_brains_refused=len(refused),
            refusals=sum(split.refusals for split in refused),
            split_brains_healed=sum(split.healed for split in refused),
            healed_manually=_healed(refused, Ending.MANUALLY),
            healed_automatically=_healed(refused, Ending.AUTOMATICALLY),
            split_brains_never_refused=len(splits) - len(refused),
            links_restored=len(link_recoveries),
            not_recovered=sum(one.took_s is None for one in link_recoveries),
            records_acknowledged=len(journal.acknowledged),
            records_given_up=sum(one.allowed for one in lost),
            records_lost=sum(not one.allowed for one in lost),
        )
        self._recovered_s += [one.took_s for one in link_recoveries if one.took_s is not None]

    def sums(self) -> dict[str, object]:
        """Return all that `include` needs, in types that can be sent to another process."""
        return {
            "stories": self._stories,
            "faults": dict(self._faults),
            "counts": dict(self._counts),
            "recovered_s": self._recovered_s,
        }

    def include(self, sums: Mapping[str, Any]) -> None:
        """Add what another process has added up, by its `sums`."""
        self._stories += sums["stories"]
        self._faults.update(sums["faults"])
        self._counts.update(sums["counts"])
        self._recovered_s += sums["recovered_s"]

    def to_json(self) -> dict[str, object]:
        """Return the numbers by name; seconds are None where no link was recovered."""
        return {
            "stories": len(self._stories),
            "faults": dict(sorted(self._faults.items())),
            **self._counts,
            "recovery_mean_s": statistics.fmean(self._recovered_s) if self._recovered_s else None,
            "recovery_worst_s": max(self._recovered_s, default=None),
        }

    def lines(self) -> list[str]:
        """Return the numbers as short lines for a terminal."""
        count = self._counts
        faults = sorted(self._faults.items())
        shown = [
            ("stories", len(self._stories), ""),
            ("faults injected", self._faults.total(), ""),
            *((f"  {kind}", times, "") for kind, times in faults),
            ("passes run", count["passes"], f"{count['passes_killed']} killed"),
            ("commands run", count["commands"], ""),
            ("split brains refused", count["split_brains_refused"], _times(count["refusals"])),
            (
                "  healed",
                count["split_brains_healed"],
                f"{count['healed_manually']} manually, "
                f"{count['healed_automatically']} automatically",
            ),
            ("  ended by policy at once", count["split_brains_never_refused"], ""),
            ("links recovered", len(self._recovered_s), self._recovery_times()),
            ("  left apart", count["not_recovered"], ""),
            ("records acknowledged", count["records_acknowledged"], ""),
            ("  given up by a victim", count["records_given_up"], ""),
            (
                "  lost on survivors",
                count["records_lost"],
                "" if not count["records_lost"] else "!",
            ),
        ]
        return [f"{name:<26} {number:>6}  {more}".rstrip() for name, number, more in shown]

    def _recovery_times(self) -> str:
        if not self._recovered_s:
            return ""
        mean_s, worst_s = statistics.fmean(self._recovered_s), max(self._recovered_s)
        return f"mean {mean_s:.1f} s, worst {worst_s:.1f} s"


def _healed(splits: Sequence[SplitBrain], ended: Ending) -> int:
    return sum(split.healed and split.ended is ended for split in splits)


def _times(refusals: int) -> str:
    return f"{refusals} refused handshakes" if refusals else ""


def split_brains(journal: Journal) -> list[SplitBrain]:
    """Return each split brain of each resource, oldest first.

    What DRBD refuses again before it is healed is the same split brain. One that was ended without
    a side being picked (the nodes are Connected again, and nobody says why) is not healed.
    """
    resources = dict.fromkeys(journal.resource_of_minor.values())
    found = [split for name in resources for split in _split_brains_of(journal, name)]
    return sorted(found, key=lambda split: split.met_at_s)


def _split_brains_of(journal: Journal, resource: str) -> Iterator[SplitBrain]:
    minors = journal.minors_of(resource)
    spans = journal.connected(journal.nodes, minors)
    now: SplitBrain | None = None
    for handshake in journal.handshakes:
        if handshake.minor not in minors or handshake.ending is Ending.NOTHING_DONE:
            continue
        at_s = handshake.at_s
        if now and _next_connected_s(spans, now.met_at_s) < at_s:
            yield _completed(now, spans)
            now = None
        now = now or SplitBrain(resource, at_s)
        if handshake.ending is not Ending.REFUSED:
            now = replace(now, ended=handshake.ending, ended_at_s=at_s)
        elif at_s - now.refused_at_s > SAME_REFUSAL_S:
            now = replace(now, refusals=now.refusals + 1, refused_at_s=at_s)
    if now:
        yield _completed(now, spans)


def _completed(split: SplitBrain, spans: Sequence[tuple[float, float]]) -> SplitBrain:
    return replace(split, healed=_next_connected_s(spans, split.ended_at_s) < float("inf"))


def _next_connected_s(spans: Sequence[tuple[float, float]], after_s: float) -> float:
    """The first moment from then on at which the resource became Connected."""
    return min((from_s for from_s, _ in spans if from_s >= after_s), default=float("inf"))


def recoveries(journal: Journal) -> list[Recovery]:
    """Return how each link that came back after a cut was recovered from.

    It counts for the resources that were not Connected on both nodes in the moment when the link
    came back, until all of these are, or until the next cut. A cut too short to be noticed is none.
    """
    cut, found = False, []
    for number, event in enumerate(journal.told):
        if _is_cut(event):
            cut = True
        elif cut and event.text == "link restored":
            cut = False
            later = (other.at_s for other in journal.told[number:] if _is_cut(other))
            recovery = _recovery(journal, event.at_s, next(later, float("inf")))
            found += [recovery] if recovery.resources else []
    return found


def _is_cut(event: Event) -> bool:
    return event.source is Source.FAULT and event.text.startswith("link ")


def _recovery(journal: Journal, restored_at_s: float, until_s: float) -> Recovery:
    spans = {
        name: journal.connected(journal.nodes, journal.minors_of(name))
        for name in dict.fromkeys(journal.resource_of_minor.values())
    }
    apart = tuple(
        name
        for name, its in spans.items()
        if not any(from_s <= restored_at_s < to_s for from_s, to_s in its)
    )
    minors = [minor for minor, name in journal.resource_of_minor.items() if name in apart]
    together = journal.connected(journal.nodes, minors) if apart else []
    at_s = min((from_s for from_s, _ in together if from_s >= restored_at_s), default=until_s)
    took_s = at_s - restored_at_s if at_s < until_s else None
    return Recovery(restored_at_s, apart, took_s)
