"""The lines of a recording, read into the values of a journal.

This reading is the tests' own: nothing of the program under test has a part in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from tests.lab.recording import Event, Source

from .journal import (
    DOWN,
    RESOURCE_OF_MINOR,
    Acknowledged,
    Change,
    Command,
    Ending,
    Handshake,
    Journal,
    Pass,
    Seen,
)

_PREFIX = re.compile(r"(?:block drbd(\d+)|drbd ([^\s:/]+)): (.*)")
_CONNECTION = re.compile(r"\bconn\( (\w+) -> (\w+) \)")
_ROLE = re.compile(r"\brole\( (\w+) -> (\w+) \)")
_SIDE = re.compile(r"(self|peer) [0-9A-F]{15}([0-9A-F]):\S* bits:(\d+) ")
_REFUSED = "Split-Brain detected but unresolved"
_SOLVED = re.compile(r"Split-Brain detected, .*(manually|automatically) solved\. Sync from (\w+) ")
_NOTHING_DONE = ("I shall become SyncTarget, but I am primary", "dry-run connect: ")
_SECONDS = re.compile(r"\d+\.\d+")
_SAW = re.compile(r"cs:(\w+)(?: ro:(\w+)/(\w+) ds:(\w+))?")

_Line = tuple[Event, tuple[int, ...], str]


def read(
    events: Sequence[Event], resource_of_minor: Mapping[int, str] = RESOURCE_OF_MINOR
) -> Journal:
    """Return what the recording says; lines that say nothing of interest are passed over."""
    passes = _passes(events)
    kernel = list(_kernel_lines(events, resource_of_minor))
    return Journal(
        events=events,
        resource_of_minor=resource_of_minor,
        passes=tuple(passes),
        commands=tuple(_commands(events, passes)),
        acknowledged=tuple(
            Acknowledged(event.node, int(minor), record, event.at_s)
            for event, words in _said_by_nodes(events)
            if len(words) == 3 and words[0] == "wrote" and int(words[1]) in resource_of_minor
            for minor, record in [words[1:]]
        ),
        handshakes=tuple(_handshakes(kernel)),
        connections=tuple(_changes(kernel, _CONNECTION)),
        roles=tuple(_changes(kernel, _ROLE)),
        told=tuple(
            e for e in events if e.source in (Source.STORY, Source.FAULT) and e.text.strip()
        ),
    )


def is_crash(event: Event) -> bool:
    """Whether a node lost its power, with its memory."""
    return bool(event.node) and event.text in ("crashed", "node crashed")


def _said_by_nodes(events: Sequence[Event]) -> Iterator[tuple[Event, list[str]]]:
    """The lines of programs as words. Their second word is a number, or the line is torn."""
    for event in events:
        words = event.text.split()
        if event.source is Source.NODE and len(words) > 1 and words[1].isdigit():
            yield event, words


def _passes(events: Sequence[Event]) -> list[Pass]:
    passes: list[Pass] = []
    newest: dict[tuple[str, str], int] = {}  # pids repeat after a reboot
    for event, words in _said_by_nodes(events):
        match words:
            case ["pass", pid, *arguments]:
                newest[event.node, pid] = len(passes)
                passes.append(Pass(event.node, int(pid), tuple(arguments), event.at_s))
            case ["ended", pid, status, duration_s] if (
                (event.node, pid) in newest and status.isdigit() and _SECONDS.fullmatch(duration_s)
            ):
                number = newest[event.node, pid]
                passes[number] = replace(
                    passes[number],
                    ended_at_s=event.at_s,
                    exit_status=int(status),
                    duration_s=float(duration_s),
                )
    return passes


def _commands(events: Sequence[Event], passes: Iterable[Pass]) -> Iterator[Command]:
    """The commands, each with what was seen under its own pid right before it."""
    in_order = iter(passes)
    running: dict[tuple[str, str], Pass] = {}
    seen: dict[tuple[str, str], dict[int, Seen]] = {}
    used: dict[tuple[str, str], set[int]] = {}
    for event, words in _said_by_nodes(events):
        key = event.node, words[1]
        match words:
            case ["pass", *_]:
                running[key] = next(in_order)
            case ["saw", _, minor, *state] if minor.isdigit() and (
                found := _SAW.match(" ".join(state))
            ):
                if int(minor) in seen.get(key, ()) or key in used:
                    # The same pid after a reboot: what it saw before never became a command.
                    seen.pop(key, None), used.pop(key, None)
                seen.setdefault(key, {})[int(minor)] = Seen(
                    *(word or "" for word in found.groups())
                )
            case ["used", _, minor, _] if minor.isdigit():
                used.setdefault(key, set()).add(int(minor))
            case ["drbdadm", _, parent, *arguments]:
                yield Command(
                    event.node,
                    event.at_s,
                    running.get((event.node, parent)),
                    tuple(arguments),
                    seen.pop(key, {}),
                    frozenset(used.pop(key, ())),
                )


def _kernel_lines(events: Sequence[Event], resource_of_minor: Mapping[int, str]) -> Iterator[_Line]:
    """DRBD's lines, each with the minors that it is about; a crash is told as a line of its own."""
    for event in events:
        if is_crash(event):
            yield event, tuple(resource_of_minor), f"conn( Connected -> {DOWN} )"
        elif event.source is Source.KERNEL and (found := _PREFIX.match(event.text)):
            minor, resource, text = found.groups()
            minors = (m for m, name in resource_of_minor.items() if name == resource)
            yield event, (int(minor),) if minor else tuple(minors), text


def _changes(lines: Iterable[_Line], pattern: re.Pattern[str]) -> Iterator[Change]:
    for event, minors, text in lines:
        if found := pattern.search(text):
            for minor in minors:
                yield Change(event.at_s, event.node, minor, *found.groups())


def _handshakes(lines: Iterable[_Line]) -> list[Handshake]:
    """Only those that ended in one of a split brain's ways; the others are none of our concern."""
    handshakes: list[Handshake] = []
    sides: dict[tuple[str, int, str], tuple[bool, int]] = {}
    newest: dict[tuple[str, int], int] = {}
    for event, minors, text in lines:
        for minor in minors:
            key = event.node, minor
            if found := _SIDE.match(text):
                sides[*key, found[1]] = bool(int(found[2], 16) & 1), int(found[3])
            elif text.startswith(_REFUSED):
                newest[key] = len(handshakes)
                handshakes.append(_ended(event, minor, Ending.REFUSED, "", sides))
            elif found := _SOLVED.match(text):
                newest[key] = len(handshakes)
                handshakes.append(_ended(event, minor, Ending(found[1]), found[2], sides))
            elif text.startswith(_NOTHING_DONE) and key in newest:
                number = newest.pop(key)
                handshakes[number] = replace(handshakes[number], ending=Ending.NOTHING_DONE)
    return handshakes


def _ended(
    event: Event,
    minor: int,
    ending: Ending,
    sync_from: str,
    sides: dict[tuple[str, int, str], tuple[bool, int]],
) -> Handshake:
    """The lines of both sides are used up: they say nothing about the next handshake."""
    mine, its = (sides.pop((event.node, minor, side), (None, None)) for side in ("self", "peer"))
    return Handshake(event.node, minor, event.at_s, ending, sync_from, mine[0], its[0], mine[1])
