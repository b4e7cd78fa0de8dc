"""What a recording tells, as spans of time: states, passes, commands, writes and the story's steps.

Only what the two nodes wrote is used. What they did not write is left open, not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from tests.lab.recording import Event, Source

RESOURCE_OF_MINOR: Mapping[int, str] = {0: "mail", 1: "db", 2: "db"}
OFF = "off"  # the power is cut
NOT_UP = "not up"  # the kernel runs, and DRBD has not said anything of the resource
NOT_KNOWN = "not known"

_SUBJECT = re.compile(r"(?:drbd (?P<resource>\S+)|block drbd(?P<minor>\d+)): ")
_CHANGE = re.compile(r"\b(conn|role|disk|peer)\( (\S+) -> (\S+) \)")
_MOUNT = re.compile(r"EXT4-fs \(drbd(\d+)\): (mounted|unmounting) filesystem")
_SPLIT_BRAIN = re.compile(r"block drbd(\d+): (Split-Brain detected.*)")
_PASS = re.compile(r"pass (\d+) ?(.*)")
_ENDED = re.compile(r"ended (\d+) (\S+) (\d+\.?\d*)")
_COMMAND = re.compile(r"drbdadm \d+ (\d+) (.+)")
_WROTE = re.compile(r"wrote (\d+) (.+)")
_DECIDED = re.compile(r"decided (\S+) (\S+) ?(.*)")
_CRASHED = ("node crashed", "crashed")


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


@dataclass(frozen=True)
class _Minor:
    conn: str = ""
    role: str = ""
    disk: str = ""
    mount: str = ""


@dataclass(frozen=True)
class _Change:
    minor: int
    what: str
    before: str
    after: str


@dataclass(frozen=True)
class _Turn:
    """A moment at which a node's power or some of its states changed."""

    at_s: float
    power: str = ""
    changes: tuple[_Change, ...] = ()


_Marks = Callable[[Event], Iterable[Span]]
_LOADED = _Minor("StandAlone", "Secondary", "Diskless", "")  # DRBD's states at its beginning


def history(
    events: Sequence[Event], resource_of_minor: Mapping[int, str] = RESOURCE_OF_MINOR
) -> History:
    """Return what happened. Lines of resources that have no minor there are left out."""
    first_s = min((event.at_s for event in events), default=0.0)
    told = sorted(
        (replace(event, at_s=event.at_s - first_s) for event in events),
        key=lambda event: event.at_s,
    )
    until_s = max((event.at_s for event in told), default=0.0)
    of_node = {
        name: [event for event in told if event.node == name]
        for name in sorted({event.node for event in told} - {""})
    }
    turns = {name: _turns(own, resource_of_minor) for name, own in of_node.items()}
    nodes = []
    for name, own in of_node.items():
        others = [turn for other, theirs in turns.items() if other != name for turn in theirs]
        states = _state_lanes(turns[name], others, own, resource_of_minor, until_s)
        nodes.append(_group(name, [*states, *_node_lanes(own, resource_of_minor, until_s)]))
    steps = Lane("story", Kind.MARKS, _steps(told))
    between = _group("between", [steps, Lane("link", Kind.BANDS, _link(told, until_s))])
    return History(until_s, (*nodes[:1], between, *nodes[1:]))


def _group(name: str, lanes: Iterable[Lane]) -> Group:
    return Group(name, tuple(lane for lane in lanes if lane.spans))


# -- states, as the kernel tells them ---------------------------------------------------------


def _turns(own: Sequence[Event], resource_of_minor: Mapping[int, str]) -> list[_Turn]:
    turns: list[_Turn] = []
    power = ""
    for event in own:
        if turned := _power_after(event, power):
            power = turned
            turns.append(_Turn(event.at_s, power=power))
        elif power != OFF and (changes := _changes(event, resource_of_minor)):
            # Not while it is off: the last lines of a console are read after the crash.
            turns.append(_Turn(event.at_s, changes=changes))
    return turns


def _power_after(event: Event, power: str) -> str:
    if event.source is Source.KERNEL:
        return NOT_UP if event.text.startswith("Linux version ") else ""
    if event.source not in (Source.STORY, Source.FAULT):
        return ""
    if event.text in _CRASHED:
        return OFF if power != OFF else ""
    return NOT_UP if event.text == "booted" and power == OFF else ""


def _changes(event: Event, resource_of_minor: Mapping[int, str]) -> tuple[_Change, ...]:
    if event.source is not Source.KERNEL:
        return ()
    if mount := _MOUNT.match(event.text):
        before, after = ("", "mounted") if mount[2] == "mounted" else ("mounted", "")
        return (_Change(int(mount[1]), "mount", before, after),)
    if not (subject := _SUBJECT.match(event.text)):
        return ()
    minors = (
        [int(subject["minor"])]
        if subject["minor"]
        else [minor for minor, name in resource_of_minor.items() if name == subject["resource"]]
    )
    found = _CHANGE.findall(event.text)
    return tuple(_Change(minor, *change) for minor in minors for change in found)


def _state_lanes(
    turns: Sequence[_Turn],
    others: Sequence[_Turn],
    own: Sequence[Event],
    resource_of_minor: Mapping[int, str],
    until_s: float,
) -> Iterator[Lane]:
    for resource in dict.fromkeys(resource_of_minor.values()):
        minors = [minor for minor, name in resource_of_minor.items() if name == resource]
        if any(change.minor in minors for turn in turns for change in turn.changes):
            now = {minor: _beginning(minor, turns, others) for minor in minors}
            moments = list(_moments(turns, now))
            for name, said in (("connection", _connection), ("use", _use)):
                spans = _bands(
                    ((at_s, said(power, them)) for at_s, power, them in moments), until_s
                )
                yield Lane(f"{resource} {name}", Kind.BANDS, spans)
        writes = tuple(span for event in own for span in _written(event, minors))
        yield Lane(f"{resource} writes", Kind.TICKS, writes)


def _beginning(minor: int, turns: Sequence[_Turn], others: Sequence[_Turn]) -> _Minor:
    """Return a minor's states before the first line, from what they first changed from."""
    first_power_s = next((turn.at_s for turn in turns if turn.power), float("inf"))
    found: dict[str, str] = {}
    for turn in turns:
        for change in turn.changes:
            if change.minor == minor and change.what != "peer" and turn.at_s < first_power_s:
                found.setdefault(change.what, change.before)
    # A role that never changed is not in the node's own log: the other one tells it as `peer`.
    for turn in others:
        for change in turn.changes:
            if change.minor == minor and change.what == "peer" and turn.at_s < first_power_s:
                for role in (change.before, change.after):
                    if role != "Unknown":
                        found.setdefault("role", role)
    return _Minor(**found)


def _moments(
    turns: Sequence[_Turn], now: dict[int, _Minor]
) -> Iterator[tuple[float, str, list[_Minor]]]:
    """Yield each moment with the power and the minors' states from then on."""
    power = ""
    yield 0.0, power, list(now.values())
    for turn in turns:
        if turn.power:
            power = turn.power
            now = dict.fromkeys(now, _LOADED)
        for change in turn.changes:
            if change.minor in now and change.what != "peer":
                power = ""
                now[change.minor] = replace(now[change.minor], **{change.what: change.after})
        yield turn.at_s, power, list(now.values())


def _bands(points: Iterable[tuple[float, tuple[str, Look]]], until_s: float) -> tuple[Span, ...]:
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


def _connection(power: str, minors: Sequence[_Minor]) -> tuple[str, Look]:
    if power:
        return power, Look.ABSENT
    states = list(dict.fromkeys(minor.conn for minor in minors if minor.conn))
    # Where minors differ all are named, and the worst gives the colour.
    looks = {_look_of_connection(state) for state in states}
    worst = (Look.STANDALONE, Look.WAITING, Look.SYNCING, Look.HEALTHY)
    return "/".join(states), next((look for look in worst if look in looks), Look.ABSENT)


def _look_of_connection(state: str) -> Look:
    if state == "Connected":
        return Look.HEALTHY
    if state == "StandAlone":
        return Look.STANDALONE
    syncing = ("Sync", "BitMap", "Verify", "Ahead", "Behind")
    return Look.SYNCING if any(word in state for word in syncing) else Look.WAITING


def _use(power: str, minors: Sequence[_Minor]) -> tuple[str, Look]:
    if power:
        return power, Look.ABSENT
    roles = list(dict.fromkeys(minor.role for minor in minors if minor.role))
    mounted = sum(bool(minor.mount) for minor in minors)
    if not roles and not mounted:
        return "", Look.ABSENT
    words = ["/".join(roles)] if roles else []
    if mounted:
        words.append("mounted" if mounted == len(minors) else f"{mounted} of {len(minors)} mounted")
    words += dict.fromkeys(minor.disk for minor in minors if minor.disk not in ("", "UpToDate"))
    primary = Look.PRIMARY if "Primary" in roles else Look.SECONDARY
    return ", ".join(words), Look.MOUNTED if mounted else primary


# -- what programs did ------------------------------------------------------------------------


def _node_lanes(
    own: Sequence[Event], resource_of_minor: Mapping[int, str], until_s: float
) -> Iterator[Lane]:
    kernel = _spans(own, lambda event: _kernel_said(event, resource_of_minor))
    yield Lane("kernel", Kind.MARKS, kernel)
    yield Lane("passes", Kind.MARKS, _passes(own, until_s))
    yield Lane("drbdadm by a pass", Kind.MARKS, _spans(own, _commanded))
    yield Lane("decided", Kind.MARKS, _spans(own, _decided))


def _spans(events: Iterable[Event], read: _Marks) -> tuple[Span, ...]:
    return tuple(span for event in events for span in read(event))


def _mark(event: Event, text: str, look: Look = Look.PLAIN, detail: str = "") -> Span:
    return Span(event.at_s, event.at_s, text, look, detail or text)


def _kernel_said(event: Event, resource_of_minor: Mapping[int, str]) -> Iterator[Span]:
    if event.source is not Source.KERNEL:
        return
    if split := _SPLIT_BRAIN.match(event.text):
        look = Look.ALARM if "unresolved" in split[2] else Look.PLAIN
        resource = resource_of_minor.get(int(split[1]), f"drbd{split[1]}")
        yield _mark(event, f"{resource}: {split[2]}", look)
    elif mount := _MOUNT.match(event.text):
        done = "mounted" if mount[2] == "mounted" else "unmounted"
        yield _mark(event, f"drbd{mount[1]} {done}", Look.QUIET)


def _passes(own: Sequence[Event], until_s: float) -> tuple[Span, ...]:
    passes: list[Span] = []
    begun: dict[str, tuple[float, str]] = {}
    for event in own:
        if event.source in (Source.STORY, Source.FAULT) and event.text in _CRASHED:
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


def _commanded(event: Event) -> Iterator[Span]:
    if event.source is Source.NODE and (command := _COMMAND.fullmatch(event.text)):
        detail = f"drbdadm {command[2]} (run by pass {command[1]})"
        yield _mark(event, command[2], detail=detail)


def _decided(event: Event) -> Iterator[Span]:
    if event.source is Source.NODE and (decided := _DECIDED.fullmatch(event.text)):
        resource, decision, gates = decided.groups()
        held = f", held by {', '.join(gates.split())}" if gates else ""
        look = Look.QUIET if decision == "healthy" else Look.PLAIN
        yield _mark(event, f"{resource}: {decision}{held}", look)


def _written(event: Event, minors: Sequence[int]) -> Iterator[Span]:
    if (
        event.source is Source.NODE
        and (wrote := _WROTE.fullmatch(event.text))
        and int(wrote[1]) in minors
    ):
        yield _mark(event, f"{wrote[2]} on drbd{wrote[1]}")


# -- what the story did -----------------------------------------------------------------------


def _steps(told: Sequence[Event]) -> tuple[Span, ...]:
    steps: list[Span] = []
    off: set[str] = set()
    for event in told:
        if event.source not in (Source.STORY, Source.FAULT):
            continue
        if event.text in _CRASHED:
            if event.node in off:  # a crash is told twice: by who breaks, and by the story
                continue
            off.add(event.node)
        elif event.text == "booted":
            off.discard(event.node)
        look = Look.ALARM if event.source is Source.FAULT else Look.PLAIN
        steps.append(
            _mark(event, f"{event.node}: {event.text}" if event.node else event.text, look)
        )
    return tuple(steps)


def _link(told: Sequence[Event], until_s: float) -> tuple[Span, ...]:
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
    return _bands(points, until_s) if points else ()


def _link_state(faults: Mapping[str, str]) -> tuple[str, Look]:
    if not faults:
        return "up", Look.HEALTHY
    if "cut" in faults:
        return "cut", Look.STANDALONE
    return ", ".join(faults.values()), Look.WAITING
