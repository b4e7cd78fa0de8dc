"""The laboratory as pytest fixtures.

The environment variable CONNECTOR_LAB says what happens where the laboratory cannot run:
`auto` (the default) skips its tests and says so, also at the end of the run; `required` installs
what it needs when root, and fails the tests if it still cannot run; `off` never runs it.

A test that fails leaves its evidence in build/lab/TEST/, and says so. A marker
`story_timeout(seconds)` gives a test more or less time than STORY_TIMEOUT_S.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Generator, Iterator
from types import FrameType
from typing import Any

import pytest

from .drbd_node import CHECKOUT
from .errors import LabUnavailable, StoryTimedOut
from .packages import require
from .pair import Pair

STORY_TIMEOUT_S = 180.0
EVIDENCE_FOLDER = CHECKOUT / "build" / "lab"

_RUNNING = pytest.StashKey[Pair]()
_REASON = pytest.StashKey[str]()
_NOT_RUN = "lab not run"


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers."""
    config.addinivalue_line("markers", "real_drbd: runs on the real pair")
    config.addinivalue_line("markers", "soak: takes long; `make soak` runs it")
    config.addinivalue_line(
        "markers", "story_timeout(seconds): how long a laboratory story may take in all"
    )


@pytest.fixture(scope="session")
def booted_pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """Two booted nodes for the whole run; stories use `fresh_pair`, or call its `reset`."""
    mode = os.environ.get("CONNECTOR_LAB", "auto")
    if mode not in ("auto", "required", "off"):
        pytest.fail(f"CONNECTOR_LAB={mode}: it can be auto, required or off")
    try:
        if mode == "off":
            raise LabUnavailable("CONNECTOR_LAB=off; to run it, set it to auto or required")
        require(install=mode == "required")
        lab = Pair()
    except LabUnavailable as error:
        reason = f"the real-DRBD laboratory did not run: {error}"
        request.config.stash[_REASON] = reason
        if mode == "required":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    with lab as running:
        request.config.stash[_RUNNING] = running
        yield running
        del request.config.stash[_RUNNING]


@pytest.fixture
def fresh_pair(booted_pair: Pair) -> Pair:
    """The pair in its clean state: Secondary on both nodes, Connected, UpToDate, no records."""
    booted_pair.reset()
    return booted_pair


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Stop a story that takes too long; booting and cleaning have time-outs of their own."""
    if "real_drbd" not in item.keywords:
        return (yield)  # it may use that alarm itself
    limit_s = _limit_s(item)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise StoryTimedOut(f"the story took more than {limit_s} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _limit_s(item: pytest.Item) -> float:
    marker = item.get_closest_marker("story_timeout")
    return float(marker.args[0]) if marker else STORY_TIMEOUT_S


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep the evidence of a story that failed, and name its folder in the failure."""
    report = yield
    running = item.config.stash.get(_RUNNING, None)
    if report.failed and running and "real_drbd" in item.keywords:
        folder = EVIDENCE_FOLDER / re.sub(r"[^\w.-]+", "_", item.name)
        running.keep(folder)
        report.sections.append(
            ("laboratory", f"evidence of both nodes: {folder.relative_to(CHECKOUT)}/")
        )
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what runs on the real pair, and run it last: booting it takes a while.

    What takes long begins first, so that two processes that share the stories end together.
    """
    for item in items:
        if "booted_pair" in getattr(item, "fixturenames", ()):
            item.add_marker("real_drbd")
    items.sort(key=lambda item: ("real_drbd" in item.keywords, -_limit_s(item)))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the process that began this one (pytest-xdist), if one did, why the lab did not run."""
    reason = session.config.stash.get(_REASON, None)
    if reason and hasattr(session.config, "workeroutput"):
        session.config.workeroutput[_NOT_RUN] = reason


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Be told so by another process."""
    if reason := getattr(node, "workeroutput", {}).get(_NOT_RUN):
        node.config.stash[_REASON] = reason


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say once more, where it is read, that nothing was tried against real DRBD."""
    if reason := config.stash.get(_REASON, None):
        terminalreporter.section("NOT TRIED ON REAL DRBD", sep="!", red=True)
        terminalreporter.line(reason)
        terminalreporter.line("to have it installed and required: CONNECTOR_LAB=required, as root")
