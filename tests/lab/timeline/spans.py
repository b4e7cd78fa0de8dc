"""Spans of time and the lanes they are in, and how spans are made of events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from tests.lab.recording import Event

RESOURCE_OF_MINOR: Mapping[int, str] = {0: "mail", 1: "db", 2: "db"}


class Look(StrEnum):
    """What a span is to be taken for at a glance."""

    HEALTHY = "healthy"
    SYNCING = "syncing"
    WAITING = "waiting or changing"
    STANDALONE = "StandAlone"
    ABSENT = "absent"
    SECONDARY = "Secondary"
    PRIMARY = "Primary"
    MOUNTED = "mounted"
    PLAIN = "plain"
    ALARM = "alarm"
    QUIET = "quiet"  # named last, where there is room


class Kind(StrEnum):
    """How the spans of a lane are drawn."""

    BANDS = "bands"  # without a gap, each named in itself
    MARKS = "marks"  # a mark or a bar each, named below
    TICKS = "ticks"  # small, without a name


@dataclass(frozen=True)
class Span:
    """Seconds since the first event, what is written there, and what a pointer is shown."""

    from_s: float
    to_s: float
    text: str
    look: Look = Look.PLAIN
    detail: str = ""


@dataclass(frozen=True)
class Lane:
    """Spans of one sort, oldest first."""

    name: str
    kind: Kind
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Group:
    """The lanes of a node, or those between the nodes."""

    name: str
    lanes: tuple[Lane, ...]


@dataclass(frozen=True)
class History:
    """All that is drawn: the first node, what is between the nodes, the second node."""

    until_s: float
    groups: tuple[Group, ...]


_Marks = Callable[[Event], Iterable[Span]]


def spans(events: Iterable[Event], read: _Marks) -> tuple[Span, ...]:
    """Return all that `read` finds in the events."""
    return tuple(span for event in events for span in read(event))


def mark(event: Event, text: str, look: Look = Look.PLAIN, detail: str = "") -> Span:
    """Return a span without length, at the event."""
    return Span(event.at_s, event.at_s, text, look, detail or text)


def bands(points: Iterable[tuple[float, tuple[str, Look]]], until_s: float) -> tuple[Span, ...]:
    """Return a span for each point whose text is new, up to the next such point."""
    new: list[tuple[float, tuple[str, Look]]] = []
    for at_s, said in points:
        if new and new[-1][0] == at_s:
            new.pop()
        if not new or new[-1][1] != said:
            new.append((at_s, said))
    new.append((until_s, ("", Look.ABSENT)))
    return tuple(
        Span(from_s, to_s, text, look, text)
        for (from_s, (text, look)), (to_s, _) in pairwise(new)
        if text
    )
