"""The laboratory as pytest fixtures.

The environment variable CONNECTOR_LAB says what happens where the laboratory cannot run:
`auto` (the default) skips its tests and says so, also at the end of the run; `required` installs
what it needs when root, and fails the tests if it still cannot run; `off` never runs it.

The stories on DRBD 9 also need the folder with its modules that DRBD9_MODULES names. Without it
they are skipped whatever CONNECTOR_LAB says, and the end of the run says that they did not run; a
folder that does not fit fails them.

A test that fails leaves its evidence in build/lab/TEST/, and says so. A marker
`story_timeout(seconds)` gives a test more or less time than STORY_TIMEOUT_S.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Generator, Iterator
from types import FrameType
from typing import Any, TypeVar

import pytest

from .drbd_9_modules import NOT_NAMED, built_modules, named_folder
from .drbd_9_pair import Drbd9Pair
from .drbd_node import CHECKOUT
from .errors import LabUnavailable, ModulesUnfit, StoryTimedOut
from .packages import require
from .pair import Pair

# It ends what hangs. On a busy host emulated nodes have been five times slower than on an idle one.
STORY_TIMEOUT_S = 600.0
EVIDENCE_FOLDER = CHECKOUT / "build" / "lab"

AnyPair = TypeVar("AnyPair", bound=Pair)

# The pairs that are up, by the fixture that has booted them.
_RUNNING = pytest.StashKey[dict[str, Pair]]()
# What the fixture of a test module is named that boots a pair of its own.
OWN_PAIR = "own_pair"
_REASON = pytest.StashKey[str]()
_REASON_9 = pytest.StashKey[str]()
_NOT_RUN = {_REASON: "lab not run", _REASON_9: "lab not run on DRBD 9"}


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers."""
    config.addinivalue_line("markers", "real_drbd: runs on the real pair")
    config.addinivalue_line(
        "markers", "real_drbd_9: runs on the real pair with DRBD 9; `make lab-9`"
    )
    config.addinivalue_line("markers", "soak: takes long; `make soak` runs it")
    config.addinivalue_line("markers", "soak_on_real_drbd: on the real pair it is soak")
    config.addinivalue_line(
        "markers", "story_timeout(seconds): how long a laboratory story may take in all"
    )


@pytest.fixture(scope="session")
def booted_pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """Two booted nodes for the whole run; stories use `fresh_pair`, or call its `reset`."""
    yield from booted(request, Pair)


@pytest.fixture(scope="session")
def booted_pair_9(request: pytest.FixtureRequest) -> Iterator[Drbd9Pair]:
    """The same with DRBD 9, where somebody has built its modules."""
    if (folder := named_folder(os.environ)) is None:
        request.config.stash[_REASON_9] = f"the stories on DRBD 9 DID NOT RUN: {NOT_NAMED}"
        pytest.skip(request.config.stash[_REASON_9])
    try:
        modules = built_modules(folder)
        yield from booted(request, lambda: Drbd9Pair(modules))
    except ModulesUnfit as error:
        reason = f"the stories on DRBD 9 DID NOT RUN: {error}"
        raise pytest.fail.Exception(reason, pytrace=False) from None


def booted(request: pytest.FixtureRequest, make: Callable[[], AnyPair]) -> Iterator[AnyPair]:
    """Boot the pair that `make` gives, for a fixture; CONNECTOR_LAB says what if it cannot run."""
    mode = os.environ.get("CONNECTOR_LAB", "auto")
    if mode not in ("auto", "required", "off"):
        pytest.fail(f"CONNECTOR_LAB={mode}: it can be auto, required or off")
    try:
        if mode == "off":
            raise LabUnavailable("CONNECTOR_LAB=off; to run it, set it to auto or required")
        require(install=mode == "required")
        lab = make()
    except LabUnavailable as error:
        reason = f"the real-DRBD laboratory did not run: {error}"
        request.config.stash[_REASON] = reason
        if mode == "required":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    with lab as running:
        up = request.config.stash.setdefault(_RUNNING, {})
        up[str(request.fixturename)] = running
        yield running
        del up[str(request.fixturename)]


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
    if report.failed and (running := _pair_of(item)) is not None:
        folder = EVIDENCE_FOLDER / re.sub(r"[^\w.-]+", "_", item.name)
        running.keep(folder)
        report.sections.append(
            ("laboratory", f"evidence of both nodes: {folder.relative_to(CHECKOUT)}/")
        )
    return report


def _pair_of(item: pytest.Item) -> Pair | None:
    """The pair that a test is played on, if it is up: what another one shows would mislead."""
    if "real_drbd" not in item.keywords:
        return None
    own = OWN_PAIR in getattr(item, "fixturenames", ())
    shared = "booted_pair_9" if "real_drbd_9" in item.keywords else "booted_pair"
    return item.config.stash.get(_RUNNING, {}).get(OWN_PAIR if own else shared)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what runs on the real pair, and run it last: booting it takes a while.

    What takes long begins first, so that two processes that share the stories end together.
    """
    for item in items:
        wanted = getattr(item, "fixturenames", ())
        if "booted_pair" in wanted or "booted_pair_9" in wanted:
            item.add_marker("real_drbd")
        if "booted_pair_9" in wanted:
            item.add_marker("real_drbd_9")
    items.sort(key=lambda item: ("real_drbd" in item.keywords, -_limit_s(item)))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the process that began this one (pytest-xdist), if one did, why the lab did not run."""
    for key, name in _NOT_RUN.items():
        reason = session.config.stash.get(key, None)
        if reason and hasattr(session.config, "workeroutput"):
            session.config.workeroutput[name] = reason


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Be told so by another process."""
    for key, name in _NOT_RUN.items():
        if reason := getattr(node, "workeroutput", {}).get(name):
            node.config.stash[key] = reason


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say once more, where it is read, that nothing was tried against real DRBD."""
    if reason := config.stash.get(_REASON, None):
        terminalreporter.section("NOT TRIED ON REAL DRBD", sep="!", red=True)
        terminalreporter.line(reason)
        terminalreporter.line("to have it installed and required: CONNECTOR_LAB=required, as root")
    if reason := config.stash.get(_REASON_9, None):
        terminalreporter.section("NOT TRIED ON REAL DRBD 9", sep="!", red=True)
        terminalreporter.line(reason)
