"""Plays each story on the simulated pair and on the real one, and has both checked afterwards.

The checker stands apart from the stories: whatever a story asserts, afterwards the records on the
disks are compared with those that were acknowledged, and the commands that really ran with the
invariants.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from tests.lab.pair import Pair
from tests.lab.plugin import EVIDENCE_FOLDER
from tests.lab.states import Different
from tests.stories.compared import VARIABLE, Story
from tests.stories.ending import Ending
from tests.stories.resilience import Tally
from tests.stories.simulated import SimulatedStories
from tests.stories.vocabulary import StoryPair
from tests.stories.watched import Recorded, Watched

_TALLY = pytest.StashKey[Tally]()
_PASSED = pytest.StashKey[bool]()
_SUMS = "resilience"


@pytest.fixture(params=["simulated", pytest.param("real", marks=pytest.mark.real_drbd)])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoryPair]:
    """A clean pair, simulated or real; the end of the story is checked."""
    if request.param == "simulated":
        simulated = SimulatedStories(tmp_path)
        with compared(request, simulated) as watched:
            yield watched
        _hold(simulated.ending())
    else:
        for played in _played(request):
            with compared(request, played) as watched:
                yield watched


@pytest.fixture
def real_pair(booted_pair: Pair, request: pytest.FixtureRequest) -> Iterator[Pair]:
    """A clean real pair, for what the simulated one cannot do; its end is checked, too."""
    yield from _played(request)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave some stories on real DRBD to the soak."""
    for item in items:
        values = getattr(getattr(item, "callspec", None), "params", {})
        if values.get("pair") == "real" and "soak_on_real_drbd" in item.keywords:
            item.add_marker(pytest.mark.soak)


@contextmanager
def compared(request: pytest.FixtureRequest, pair: Recorded) -> Iterator[StoryPair]:
    """The pair, watched; in the end what was seen is held against what the real pair showed."""
    story = Story.of(request.node, str(request.param))
    real = request.param == "real"
    # To watch a real pair until it has settled takes a second at each step.
    if story.not_compared or (real and VARIABLE not in os.environ):
        yield pair
        return
    watched = Watched(pair)
    yield cast(StoryPair, watched)
    if request.node.stash.get(_PASSED, False):
        try:
            story.hold(watched.steps, real=real)
        except Different as error:
            raise pytest.fail.Exception(f"{story.name}: {error}", pytrace=False) from None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember whether the story itself has passed: only then it has an end to compare."""
    report = yield
    if call.when == "call":
        item.stash[_PASSED] = report.passed
    return report


def _played(request: pytest.FixtureRequest) -> Iterator[Pair]:
    pair: Pair = request.getfixturevalue("booted_pair")
    pair.reset()
    yield pair
    ending = Ending.of(pair)
    tally = request.config.stash.setdefault(_TALLY, Tally())
    tally.add(request.node.name, ending.events, ending.lost())
    _hold(ending)


def _hold(ending: Ending) -> None:
    if broken := ending.violations():
        pytest.fail("\n".join(broken), pytrace=False)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand what this process has added up to the one that began it (pytest-xdist), if one did."""
    tally = session.config.stash.get(_TALLY, None)
    if tally is not None and hasattr(session.config, "workeroutput"):
        session.config.workeroutput[_SUMS] = tally.sums()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what another process has added up."""
    if sums := getattr(node, "workeroutput", {}).get(_SUMS):
        node.config.stash.setdefault(_TALLY, Tally()).include(sums)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say what was tried on real DRBD, and what came of it."""
    tally = config.stash.get(_TALLY, None)
    if tally is None:
        return
    terminalreporter.section("resilience on real DRBD")
    for line in tally.lines():
        terminalreporter.line(line)
    EVIDENCE_FOLDER.mkdir(parents=True, exist_ok=True)
    (EVIDENCE_FOLDER / "resilience.json").write_text(json.dumps(tally.to_json(), indent=1))
