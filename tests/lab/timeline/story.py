"""What the story did: its steps, and what it did to the link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.lab.recording import Event, Source

from .spans import Look, Span, bands, mark

CRASHED = ("node crashed", "crashed")
NOT_KNOWN = "not known"


def steps_of(told: Sequence[Event]) -> tuple[Span, ...]:
    """Return a mark for all that the story did or broke."""
    steps: list[Span] = []
    off: set[str] = set()
    for event in told:
        if event.source not in (Source.STORY, Source.FAULT):
            continue
        if event.text in CRASHED:
            if event.node in off:  # a crash is told twice: by who breaks, and by the story
                continue
            off.add(event.node)
        elif event.text == "booted":
            off.discard(event.node)
        look = Look.ALARM if event.source is Source.FAULT else Look.PLAIN
        steps.append(mark(event, f"{event.node}: {event.text}" if event.node else event.text, look))
    return tuple(steps)


def link_of(told: Sequence[Event], until_s: float) -> tuple[Span, ...]:
    """Return the states of the link, none where nothing was done to it."""
    points: list[tuple[float, tuple[str, Look]]] = []
    faults: dict[str, str] = {}
    for event in told:
        if event.source not in (Source.STORY, Source.FAULT) or not event.text.startswith("link "):
            continue
        if not points:
            # Every story begins by restoring the link: that does not tell that it was cut.
            before = "up" if event.source is Source.FAULT else NOT_KNOWN
            points.append((0.0, (before, Look.HEALTHY if before == "up" else Look.ABSENT)))
        said = event.text.removeprefix("link ")
        if said == "restored":
            faults.clear()
        else:
            faults["loses" if said.startswith("loses") else said] = said
        points.append((event.at_s, _link_state(faults)))
    return bands(points, until_s) if points else ()


def _link_state(faults: Mapping[str, str]) -> tuple[str, Look]:
    if not faults:
        return "up", Look.HEALTHY
    if "cut" in faults:
        return "cut", Look.STANDALONE
    return ", ".join(faults.values()), Look.WAITING
