"""Recordings that are read and drawn in the tests, and what was read and drawn of them."""

from __future__ import annotations

import itertools
from xml.etree import ElementTree

from tests.lab.recording import Event, Source

from .spans import History, Look, Span

SVG = "{http://www.w3.org/2000/svg}"


def kernel(at_s: float, node: str, text: str) -> Event:
    return Event(at_s, node, Source.KERNEL, text)


def noted(at_s: float, node: str, text: str) -> Event:
    return Event(at_s, node, Source.NODE, text)


def story(at_s: float, node: str, text: str) -> Event:
    return Event(at_s, node, Source.STORY, text)


def fault(at_s: float, node: str, text: str) -> Event:
    return Event(at_s, node, Source.FAULT, text)


def end(at_s: float, node: str) -> Event:
    """Return a line that tells nothing but that the recording goes on until then."""
    return noted(at_s, node, "saw nothing")


SPLIT = [
    fault(100, "", "link cut"),
    kernel(
        101,
        "beta",
        "drbd mail: peer( Secondary -> Unknown ) conn( Connected -> NetworkFailure )"
        " pdsk( UpToDate -> DUnknown ) ",
    ),
    kernel(102, "beta", "drbd mail: conn( NetworkFailure -> WFConnection ) "),
    story(103, "alpha", "drbdadm primary mail"),
    kernel(103, "alpha", "block drbd0: role( Secondary -> Primary ) "),
    kernel(104, "alpha", "EXT4-fs (drbd0): mounted filesystem with ordered data mode."),
    noted(105, "alpha", "wrote 0 alpha-00001"),
    story(106, "", "link restored"),
    kernel(107, "beta", "block drbd0: Split-Brain detected but unresolved, dropping connection!"),
    kernel(108, "beta", "drbd mail: conn( WFConnection -> StandAlone ) "),
    noted(110, "beta", "pass 735 reconcile --json"),
    noted(111, "beta", "saw 737 0 cs:StandAlone ro:Secondary/Unknown ds:UpToDate/DUnknown r-----"),
    noted(112, "beta", "drbdadm 737 735 connect --discard-my-data mail"),
    kernel(
        113, "beta", "block drbd0: conn( WFReportParams -> SyncTarget ) disk( UpToDate -> Bad )"
    ),
    noted(114, "beta", "ended 735 3 4.000"),
    noted(115, "beta", "decided mail reconnect-standby evidence grace"),
    noted(120, "beta", "decided db healthy"),
]
CRASH = [
    noted(0, "beta", "pass 700 reconcile --json"),
    kernel(1, "beta", "block drbd0: role( Secondary -> Primary ) conn( Connected -> Ahead )"),
    fault(2, "beta", "node crashed"),
    story(2.5, "beta", "crashed"),
    kernel(2.6, "beta", "drbd mail: conn( Connected -> Late ) "),
    kernel(4, "beta", "Linux version 6.1.0-56-amd64"),
    kernel(6, "beta", "block drbd0: disk( Diskless -> Attaching ) "),
    story(6.5, "beta", "booted"),
    kernel(7, "beta", "block drbd0: disk( Attaching -> UpToDate ) "),
    kernel(8, "beta", "drbd mail: conn( StandAlone -> Unconnected ) "),
    noted(9, "beta", "ended 900 0 0.500"),
    noted(10, "beta", "pass 901 reconcile"),
    end(12, "beta"),
]


def many(count: int) -> list[Event]:
    """Return events of every kind, `count` of each."""
    states = itertools.cycle(("Connected", "StandAlone"))
    events = []
    for number in range(count):
        before, after = next(states), next(states)
        if number % 2:
            before, after = after, before
        at_s = number / 10
        events += [
            kernel(at_s, "alpha", f"drbd mail: conn( {before} -> {after} ) "),
            noted(at_s, "alpha", f"pass {number} reconcile"),
            noted(at_s, "alpha", f"drbdadm 1 {number} connect mail"),
            noted(at_s, "alpha", f"wrote 0 alpha-{number:05d}"),
            noted(at_s, "alpha", f"decided mail hold {'gate ' * 400}"),
            noted(at_s + 0.01, "alpha", f"ended {number} 0 0.010"),
            fault(at_s, "", "link cut"),
            story(at_s + 0.05, "", "link restored"),
        ]
    return events


def lane(told: History, group: str, name: str) -> tuple[Span, ...]:
    """Return the spans of a lane, () where it is not drawn."""
    return next(
        (
            lane.spans
            for one in told.groups
            for lane in one.lanes
            if (one.name, lane.name) == (group, name)
        ),
        (),
    )


def bands(told: History, group: str, name: str) -> list[tuple[float, float, str, Look]]:
    """Return a lane's bands without their details."""
    return [(span.from_s, span.to_s, span.text, span.look) for span in lane(told, group, name)]


def mark(at_s: float, text: str, look: Look = Look.PLAIN, detail: str = "") -> Span:
    return Span(at_s, at_s, text, look, detail or text)


def band(from_s: float, to_s: float, text: str, look: Look) -> Span:
    return Span(from_s, to_s, text, look, text)


def texts(svg: str) -> list[str]:
    """Return the texts that are seen without a pointer."""
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def details(svg: str) -> list[str]:
    """Return what a pointer is shown."""
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}title")]
