"""Plays each story on the simulated cluster and, with DRBD9_MODULES, on a real pair."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.drbd_9_pair import Drbd9Pair
from tests.lab.recording import Source

from .ending import Played, broken
from .simulated import SimulatedPair9
from .vocabulary import Pair9

REAL = pytest.param("real", marks=[pytest.mark.real_drbd, pytest.mark.real_drbd_9])


@pytest.fixture(params=["simulated", REAL])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair9]:
    """A clean pair; after the story it is seen whether anything was lost."""
    if request.param == "simulated":
        simulated = SimulatedPair9(tmp_path)
        yield simulated
        _hold(_played_on_simulated(simulated))
    else:
        real: Drbd9Pair = request.getfixturevalue("booted_pair_9")
        real.reset()
        yield real
        _hold(_played_on_real(real))


def _hold(played: Played) -> None:
    if sentences := broken(played):
        pytest.fail("\n".join(sentences), pytrace=False)


def _played_on_simulated(pair: SimulatedPair9) -> Played:
    return Played(
        {name: minor for name, (minor, _) in pair.acknowledged.items()},
        {(node.name, minor): node.on_disk(minor) for node in pair.nodes for minor in (0, 1, 2)},
        {},
        tuple(command for node in pair.nodes for command in node.ran),
        keeps_rescues=pair.rescues,
    )


def _played_on_real(pair: Drbd9Pair) -> Played:
    for node in pair.nodes:
        node.catch_up()
    lines = [event.text.split() for event in pair.recording.events() if event.source is Source.NODE]
    places = [(node, minor) for node in pair.nodes for minor in (0, 1, 2)]
    return Played(
        {words[2]: int(words[1]) for words in lines if words[0] == "wrote"},
        {(node.name, minor): node.on_disk(minor) for node, minor in places},
        {(node.name, minor): node.rescued(minor) for node, minor in places},
        tuple(" ".join(words[3:]) for words in lines if words[0] == "drbdadm"),
        keeps_rescues=pair.rescues,
    )
