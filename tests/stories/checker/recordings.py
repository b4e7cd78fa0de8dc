"""Recordings of stories, built line by line, and what the checker finds in them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from tests.lab.recording import Event, Source

from .rules import violations

HEALED = Path(__file__).parent / "data" / "healed_split_brain.txt"
_LINE = re.compile(r"^ *(\d+\.\d\d) (\w*) +(kernel|node|story|fault) +(.*)$", re.MULTILINE)
CONNECT, DISCARD = "connect mail", "connect --discard-my-data mail"
BY_0PRI, BY_1PRI = "0 primaries, automatically", "1 primaries, automatically"
MET, SYNCED = 3.0, 20.0


def recorded(path: Path) -> list[Event]:
    """A recording as it was printed."""
    return [
        Event(float(at_s), node, Source(source), text)
        for at_s, node, source, text in _LINE.findall(path.read_text())
    ]


def kernel(at_s: float, node: str, text: str, *, minor: int = 0) -> Event:
    """A kernel line of a minor."""
    return Event(at_s, node, Source.KERNEL, f"block drbd{minor}: {text}")


def conn(at_s: float, node: str, before: str, after: str, *, resource: str = "mail") -> Event:
    """A resource's connection state becomes another one."""
    return Event(at_s, node, Source.KERNEL, f"drbd {resource}: conn( {before} -> {after} ) ")


def said(at_s: float, node: str, text: str) -> Event:
    """A line of a program in a node."""
    return Event(at_s, node, Source.NODE, text)


def story(at_s: float, node: str, text: str) -> Event:
    """What the story or a person did."""
    return Event(at_s, node, Source.STORY, text)


def fault(at_s: float, node: str, text: str) -> Event:
    """What the story broke."""
    return Event(at_s, node, Source.FAULT, text)


def wrote(at_s: float, node: str, record: str) -> Event:
    """A writer was told that its record is on the disk."""
    return said(at_s, node, f"wrote 0 {record}")


def command(
    at_s: float,
    node: str,
    line: str,
    *,
    parent: int,
    connection: str = "StandAlone",
    role: str = "Secondary",
    used: Sequence[int] = (),
) -> list[Event]:
    """One drbdadm of a pass, with what was seen right before it."""
    pid = parent + 1
    state = f"cs:{connection} ro:{role}/Unknown ds:UpToDate/DUnknown   r-----"
    return [
        *(said(at_s, node, f"saw {pid} {minor} {state}") for minor in (0, 1, 2)),
        *(said(at_s, node, f"used {pid} {minor} mount") for minor in used),
        said(at_s, node, f"drbdadm {pid} {parent} {line}"),
    ]


def one_pass(
    at_s: float,
    node: str,
    line: str = "",
    *,
    pid: int = 400,
    arguments: str = "reconcile --json",
    took_s: float = 2.0,
    connection: str = "StandAlone",
    role: str = "Secondary",
    used: Sequence[int] = (),
) -> list[Event]:
    """A pass with at most one command, in its middle."""
    ran = command(
        at_s + took_s / 2,
        node,
        line,
        parent=pid,
        connection=connection,
        role=role,
        used=used,
    )
    return [
        said(at_s, node, f"pass {pid} {arguments}"),
        *(ran if line else []),
        said(at_s + took_s, node, f"ended {pid} 0 {took_s:.3f}"),
    ]


def cut(at_s: float) -> list[Event]:
    """The link is cut, and both nodes notice it for mail."""
    changes = [("Connected", "NetworkFailure"), ("NetworkFailure", "WFConnection")]
    return [
        fault(at_s, "", "link cut"),
        *(
            conn(at_s + 0.5, node, before, after)
            for node in ("alpha", "beta")
            for before, after in changes
        ),
    ]


def sides(at_s: float, node: str, mine: int, its: int, *, bits: int = 13) -> list[Event]:
    """The handshake lines; 1 is a Primary, 0 a Secondary: the lowest bit says it."""
    uuids = "0000000000000002:0000000000000000:0000000000000000"
    return [
        conn(at_s, node, "WFConnection", "WFReportParams"),
        kernel(at_s, node, f"self E75E31AC211112F{6 + mine}:{uuids} bits:{bits} flags:0"),
        kernel(at_s, node, f"peer 3411CC56E399410{6 + its}:{uuids} bits:13 flags:0"),
        kernel(at_s, node, "uuid_compare()=100 by rule 90"),
    ]


def refused(at_s: float, *, alpha: int = 1, beta: int = 0) -> list[Event]:
    """The link comes back, or they meet again; both refuse, and both are StandAlone."""
    events = []
    for node, mine, its in (("alpha", alpha, beta), ("beta", beta, alpha)):
        events += sides(at_s, node, mine, its)
        events.append(
            kernel(at_s, node, "Split-Brain detected but unresolved, dropping connection!")
        )
        events.append(conn(at_s + 0.3, node, "WFReportParams", "Disconnecting"))
        events.append(conn(at_s + 0.3, node, "Disconnecting", "StandAlone"))
    return sorted(events, key=lambda event: event.at_s)


def solved(
    at_s: float, *, how: str = "manually", victim: str = "beta", bits: int = 13
) -> list[Event]:
    """DRBD picks a side, and the victim takes the other one's data."""
    events = []
    for node in ("alpha", "beta"):
        loses = node == victim
        source, letter = ("peer", "T") if loses else ("this", "S")
        text = f"Split-Brain detected, {how} solved. Sync from {source} node"
        events += [
            *sides(at_s, node, int(not loses), int(loses), bits=bits if loses else 13),
            kernel(at_s, node, text),
            kernel(at_s, node, f"conn( WFReportParams -> WFBitMap{letter} ) "),
            kernel(at_s + 0.5, node, f"conn( WFBitMap{letter} -> Connected ) "),
        ]
    return sorted(events, key=lambda event: event.at_s)


def modes(mode: str) -> list[Event]:
    """Both nodes' mode from the beginning on."""
    return [story(0, node, f"mode {mode}") for node in ("alpha", "beta")]


def split(*, alpha: int = 1, beta: int = 0, mode: str = "discard") -> list[Event]:
    """The beginning of most stories: a cut, and a split brain that DRBD refuses."""
    return [
        *modes(mode),
        *cut(1),
        story(2.5, "", "link restored"),
        *refused(MET, alpha=alpha, beta=beta),
    ]


def by_time(*parts: Sequence[Event]) -> list[Event]:
    """All of them in the order of their times."""
    return sorted((event for part in parts for event in part), key=lambda event: event.at_s)


def found(events: Sequence[Event]) -> list[str]:
    """The violations of a story without records, without the time and the command."""
    return violations(events, {}, {})


def heads(sentences: Sequence[str]) -> list[str]:
    """Which rules were broken where."""
    return [" ".join(sentence.split()[:3]).rstrip(",") for sentence in sentences]


HEALING = by_time(
    split(),
    one_pass(10, "beta", DISCARD),
    one_pass(15, "alpha", CONNECT, role="Primary", used=[0]),
    solved(SYNCED),
)
BOTH_WROTE = [wrote(2.2, "alpha", "alpha-1"), wrote(2.2, "beta", "beta-1")]
