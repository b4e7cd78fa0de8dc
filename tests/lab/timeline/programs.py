"""What programs did in a node: passes, the commands and decisions of a pass, writes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tests.lab.recording import Event, Source

from .spans import Look, Span, mark
from .story import CRASHED

_PASS = re.compile(r"pass (\d+) ?(.*)")
_ENDED = re.compile(r"ended (\d+) (\S+) (\d+\.?\d*)")
_COMMAND = re.compile(r"drbdadm \d+ (\d+) (.+)")
_WROTE = re.compile(r"wrote (\d+) (.+)")
_DECIDED = re.compile(r"decided (\S+) (\S+) ?(.*)")


def passes_of(own: Sequence[Event], until_s: float) -> tuple[Span, ...]:
    """Return a span for each pass, one that did not end too."""
    passes: list[Span] = []
    begun: dict[str, tuple[float, str]] = {}
    for event in own:
        if event.source in (Source.STORY, Source.FAULT) and event.text in CRASHED:
            passes += [_pass(pid, *begun.pop(pid), event.at_s, "crashed") for pid in list(begun)]
        elif event.source is not Source.NODE:
            continue
        elif begins := _PASS.fullmatch(event.text):
            begun[begins[1]] = (event.at_s, begins[2])
        elif ended := _ENDED.fullmatch(event.text):
            pid, status, lasted_s = ended.groups()
            unknown = (max(0.0, event.at_s - float(lasted_s)), "its beginning is not recorded")
            passes.append(_pass(pid, *begun.pop(pid, unknown), event.at_s, f"exit {status}"))
    passes += [_pass(pid, *begin, until_s, "not ended") for pid, begin in begun.items()]
    return tuple(sorted(passes, key=lambda span: (span.from_s, span.to_s)))


def _pass(pid: str, from_s: float, arguments: str, to_s: float, how: str) -> Span:
    text = f"{how}, {to_s - from_s:.1f} s"
    look = Look.PLAIN if how == "exit 0" else Look.ALARM
    return Span(from_s, to_s, text, look, f"pass {pid} ({arguments}): {text}")


def commanded(event: Event) -> Iterator[Span]:
    """Mark a drbdadm that a pass ran."""
    if event.source is Source.NODE and (command := _COMMAND.fullmatch(event.text)):
        detail = f"drbdadm {command[2]} (run by pass {command[1]})"
        yield mark(event, command[2], detail=detail)


def decided(event: Event) -> Iterator[Span]:
    """Mark what a pass decided for a resource."""
    if event.source is Source.NODE and (found := _DECIDED.fullmatch(event.text)):
        resource, decision, gates = found.groups()
        held = f", held by {', '.join(gates.split())}" if gates else ""
        look = Look.QUIET if decision == "healthy" else Look.PLAIN
        yield mark(event, f"{resource}: {decision}{held}", look)


def written(event: Event, minors: Sequence[int]) -> Iterator[Span]:
    """Mark a write to one of the minors."""
    if (
        event.source is Source.NODE
        and (wrote := _WROTE.fullmatch(event.text))
        and int(wrote[1]) in minors
    ):
        yield mark(event, f"{wrote[2]} on drbd{wrote[1]}")
