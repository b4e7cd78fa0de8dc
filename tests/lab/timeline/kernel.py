"""What a kernel's lines tell: changes of DRBD's states, mounts, split brains and its own start."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.lab.recording import Event, Source

from .spans import Look, Span, mark
from .story import CRASHED

OFF = "off"  # the power is cut
NOT_UP = "not up"  # the kernel runs, and DRBD has not said anything of the resource
_SUBJECT = re.compile(r"(?:drbd (?P<resource>\S+)|block drbd(?P<minor>\d+)): ")
_CHANGE = re.compile(r"\b(conn|role|disk|peer)\( (\S+) -> (\S+) \)")
_MOUNT = re.compile(r"EXT4-fs \(drbd(\d+)\): (mounted|unmounting) filesystem")
_SPLIT_BRAIN = re.compile(r"block drbd(\d+): (Split-Brain detected.*)")


@dataclass(frozen=True)
class Change:
    """What a kernel's line says of a minor: `what` is conn, role, disk, mount or peer."""

    minor: int
    what: str
    before: str
    after: str


@dataclass(frozen=True)
class Turn:
    """A moment at which a node's power or some of its states changed."""

    at_s: float
    power: str = ""
    changes: tuple[Change, ...] = ()


def turns_of(own: Sequence[Event], resource_of_minor: Mapping[int, str]) -> list[Turn]:
    """Return when a node's power or its states changed, oldest first."""
    turns: list[Turn] = []
    power = ""
    for event in own:
        if turned := _power_after(event, power):
            power = turned
            turns.append(Turn(event.at_s, power=power))
        elif power != OFF and (changes := _changes(event, resource_of_minor)):
            # Not while it is off: the last lines of a console are read after the crash.
            turns.append(Turn(event.at_s, changes=changes))
    return turns


def _power_after(event: Event, power: str) -> str:
    if event.source is Source.KERNEL:
        return NOT_UP if event.text.startswith("Linux version ") else ""
    if event.source not in (Source.STORY, Source.FAULT):
        return ""
    if event.text in CRASHED:
        return OFF if power != OFF else ""
    return NOT_UP if event.text == "booted" and power == OFF else ""


def _changes(event: Event, resource_of_minor: Mapping[int, str]) -> tuple[Change, ...]:
    if event.source is not Source.KERNEL:
        return ()
    if mount := _MOUNT.match(event.text):
        before, after = ("", "mounted") if mount[2] == "mounted" else ("mounted", "")
        return (Change(int(mount[1]), "mount", before, after),)
    if not (subject := _SUBJECT.match(event.text)):
        return ()
    minors = (
        [int(subject["minor"])]
        if subject["minor"]
        else [minor for minor, name in resource_of_minor.items() if name == subject["resource"]]
    )
    found = _CHANGE.findall(event.text)
    return tuple(Change(minor, *change) for minor in minors for change in found)


def kernel_said(event: Event, resource_of_minor: Mapping[int, str]) -> Iterator[Span]:
    """Mark a split brain and a mount."""
    if event.source is not Source.KERNEL:
        return
    if split := _SPLIT_BRAIN.match(event.text):
        look = Look.ALARM if "unresolved" in split[2] else Look.PLAIN
        resource = resource_of_minor.get(int(split[1]), f"drbd{split[1]}")
        yield mark(event, f"{resource}: {split[2]}", look)
    elif mount := _MOUNT.match(event.text):
        done = "mounted" if mount[2] == "mounted" else "unmounted"
        yield mark(event, f"drbd{mount[1]} {done}", Look.QUIET)
