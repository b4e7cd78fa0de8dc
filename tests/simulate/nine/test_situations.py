"""The simulated cluster shows what real nodes showed in the same situations."""

from __future__ import annotations

import functools
import json

import pytest

from connector.simulate.nine import SimulatedCluster
from tests.simulate.nine import captured, replays
from tests.simulate.nine.more_stories import MORE_OF_TWO_NODES
from tests.simulate.nine.split_stories import SPLIT_BRAINS
from tests.simulate.nine.stories import TWO_NODES, Story
from tests.simulate.nine.stories_of_three import THREE_NODES

# Their end is that of a list of commands.
REPLAYED = ("2n-commands-healthy-and-cut", "2n-commands-split-brain", "3n-split-brain-healed")
STORIES: dict[str, Story] = {
    **TWO_NODES,
    **SPLIT_BRAINS,
    **MORE_OF_TWO_NODES,
    **THREE_NODES,
    **{name: functools.partial(replays.played, name) for name in REPLAYED},
}


@functools.cache
def told(situation: str) -> SimulatedCluster:
    """The cluster at the end of the story; tests only look at it."""
    return STORIES[situation]()


def test_every_situation_is_told() -> None:
    assert sorted(STORIES) == captured.situations()


EVERYWHERE = [(situation, node) for situation in STORIES for node in captured.nodes(situation)]


@pytest.mark.parametrize(("situation", "node"), EVERYWHERE)
def test_states(situation: str, node: str) -> None:
    real = captured.text(situation, node, "drbdsetup_status.json")
    shown = told(situation).status(node)
    assert captured.states(shown) == captured.states(real)
    newer = captured.newer_status(situation, node)
    if newer is not None:
        again = told(situation).status(node, newer=True)
        assert captured.states(again) == captured.states(newer)


@pytest.mark.parametrize(("situation", "node"), EVERYWHERE)
def test_layout(situation: str, node: str) -> None:
    real = captured.text(situation, node, "drbdsetup_status.json")
    shown = told(situation).status(node)
    json.loads(shown)
    assert captured.keys(shown) == captured.keys(real)
    newer = captured.newer_status(situation, node)
    if newer is not None:
        assert captured.keys(told(situation).status(node, newer=True)) == captured.keys(newer)
