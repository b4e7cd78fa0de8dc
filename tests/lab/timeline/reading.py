"""What a recording tells, as spans of time: states, passes, commands, writes and the story's steps.

Only what the two nodes wrote is used. What they did not write is left open, not guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from tests.lab.recording import Event

from .kernel import kernel_said, turns_of
from .programs import commanded, decided, passes_of
from .spans import RESOURCE_OF_MINOR, Group, History, Kind, Lane, spans
from .states import state_lanes
from .story import link_of, steps_of


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
    turns = {name: turns_of(own, resource_of_minor) for name, own in of_node.items()}
    nodes = []
    for name, own in of_node.items():
        others = [turn for other, theirs in turns.items() if other != name for turn in theirs]
        states = state_lanes(turns[name], others, own, resource_of_minor, until_s)
        nodes.append(_group(name, [*states, *_node_lanes(own, resource_of_minor, until_s)]))
    steps = Lane("story", Kind.MARKS, steps_of(told))
    between = _group("between", [steps, Lane("link", Kind.BANDS, link_of(told, until_s))])
    return History(until_s, (*nodes[:1], between, *nodes[1:]))


def _node_lanes(
    own: Sequence[Event], resource_of_minor: Mapping[int, str], until_s: float
) -> Iterator[Lane]:
    kernel = spans(own, lambda event: kernel_said(event, resource_of_minor))
    yield Lane("kernel", Kind.MARKS, kernel)
    yield Lane("passes", Kind.MARKS, passes_of(own, until_s))
    yield Lane("drbdadm by a pass", Kind.MARKS, spans(own, commanded))
    yield Lane("decided", Kind.MARKS, spans(own, decided))


def _group(name: str, lanes: Iterable[Lane]) -> Group:
    return Group(name, tuple(lane for lane in lanes if lane.spans))
