"""The comparison of the two pairs notices what differs, and says at which step."""

from __future__ import annotations

import importlib
import inspect
import re
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from tests.lab.errors import CommandFailed
from tests.lab.recording import Event, Source
from tests.lab.states import Different, Step, Trace

from .compared import FOLDER, NOT_COMPARED, Story
from .kernel_messages import told
from .simulated import SimulatedStories
from .test_surroundings import test_a_link_that_works_one_way_only as play_one_way
from .test_table_rows import test_standalone_secondary_reconnects_as_the_standby as play_standby
from .vocabulary import StoryPair
from .watched import Watched

CUT: Step = ("both: cut_link", "shows  alpha mail/0: WFConnection")
BACK: Step = ("both: restore_link",)
REFUSED: Step = ("both: restore_link", "shows  alpha mail/0: StandAlone")
WAITS: Step = ("both: restore_link", "shows  alpha mail/0: WFConnection")
PASS: Step = ("alpha: run_pass", "ran    alpha drbdadm connect mail: exit status 0, done")
ONE_WAY = Story("one way", FOLDER / "surroundings/a_link_that_works_one_way_only-standby.json")
EXTRA = ["block drbd7: role( Secondary -> Primary ) "]
STANDBY = Story(
    "standby", FOLDER / "table_rows/standalone_secondary_reconnects_as_the_standby.json"
)


def trace_of(*runs: list[Step]) -> Trace:
    """What was seen in these runs."""
    trace = Trace()
    for run in runs:
        trace.add(run)
    return trace


def test_what_was_seen_conforms_and_survives_being_kept(tmp_path: Path) -> None:
    trace = trace_of([CUT, REFUSED, PASS], [CUT, WAITS])
    trace.save(tmp_path / "story.json")
    kept = Trace.load(tmp_path / "story.json")
    assert kept == trace
    kept.compare([CUT, REFUSED, PASS])
    kept.compare([CUT, WAITS])
    assert [one.seen for one in kept.steps[0]] == [2]


def test_a_difference_names_the_step_and_shows_both() -> None:
    with pytest.raises(Different) as caught:
        trace_of([CUT, REFUSED]).compare([CUT, WAITS])
    text = str(caught.value)
    assert text.startswith("step 2 (both: restore_link) is another than on the real pair")
    assert "-shows  alpha mail/0: StandAlone" in text
    assert "+shows  alpha mail/0: WFConnection" in text


def test_an_outcome_is_no_way_out_after_another_one() -> None:
    with pytest.raises(Different, match=r"step 3 \(alpha: run_pass\).* had ended by then"):
        trace_of([CUT, REFUSED, PASS], [CUT, WAITS]).compare([CUT, WAITS, PASS])


def test_a_story_that_ends_too_early_or_too_late() -> None:
    trace = trace_of([CUT, BACK])
    with pytest.raises(Different, match="ends after step 1, and on the real pair it went on"):
        trace.compare([CUT])
    with pytest.raises(Different, match="where the story had ended by then"):
        trace.compare([CUT, BACK, PASS])


def test_without_a_trace_a_story_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CONNECTOR_LAB_STATES", raising=False)
    story = replace(STANDBY, path=FOLDER / "nowhere.json")
    with pytest.raises(Different, match=r"no tests/fixtures/lab-states/nowhere\.json to compare"):
        story.hold([CUT], real=False)
    monkeypatch.setenv("CONNECTOR_LAB_STATES", "anew")
    with pytest.raises(Different, match="to compare"):
        story.hold([CUT], real=False)  # a simulated run writes none


def test_a_real_run_writes_adds_and_is_compared(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    story = replace(STANDBY, path=tmp_path / "story.json")
    for asked, run in (("add", [PASS]), ("anew", [CUT, REFUSED]), ("add", [CUT, WAITS])):
        monkeypatch.setenv("CONNECTOR_LAB_STATES", asked)
        story.hold(run, real=True)
    monkeypatch.setenv("CONNECTOR_LAB_STATES", "compare")
    for run in ([CUT, REFUSED], [CUT, WAITS]):
        story.hold(run, real=True)
    with pytest.raises(Different):
        story.hold([PASS], real=True)
    monkeypatch.setenv("CONNECTOR_LAB_STATES", "nonsense")
    with pytest.raises(Different, match="it can be compare, anew or add"):
        story.hold([PASS], real=True)


@pytest.fixture
def stories(tmp_path: Path) -> SimulatedStories:
    """A simulated pair."""
    return SimulatedStories(tmp_path)


def played(stories: SimulatedStories) -> list[Step]:
    """A story on it, watched."""
    watched = Watched(stories)
    play_standby(cast(StoryPair, watched))
    return watched.steps


def test_a_simulated_kernel_that_does_something_else_is_noticed(stories: SimulatedStories) -> None:
    """A disk that is not what it was on the real node, with all that the story asserts the same."""
    stories.pair.side("beta", "db").volumes[1].changed.add(7)
    with pytest.raises(Different, match=r"^step 1 \(both: configure\)") as caught:
        STANDBY.hold(played(stories), real=False)
    assert "+shows  beta db/1: Connected Secondary/Secondary UpToDate/UpToDate out of sync" in str(
        caught.value
    )


def test_a_message_that_is_missing_is_noticed(stories: SimulatedStories) -> None:
    steps = played(stories)
    STANDBY.hold(steps, real=False)
    without = [tuple(line for line in step if "is disconnected" not in line) for step in steps]
    assert without != steps
    with pytest.raises(Different, match=r"^step 3 \(beta: disconnect mail\)"):
        STANDBY.hold(without, real=False)


class OneRace(SimulatedStories):
    """A simulated pair on which a race goes its other way once."""

    def wait_for_refusal(self, resource: str = "mail") -> dict[str, str]:
        """As always; from then on the nodes hang up when both have looked."""
        states = super().wait_for_refusal(resource)
        self.pair.state.hangs_up_first = None
        return states


@pytest.mark.parametrize("first", [None, "alpha"])
def test_a_race_of_the_real_kernels_is_one_of_the_simulated_ones(
    tmp_path: Path, first: str | None
) -> None:
    """Both sides refuse the handshake, or one has hung up before the other has looked."""
    stories = OneRace(tmp_path)
    stories.pair.state.hangs_up_first = first
    watched = Watched(stories)
    play_one_way(cast(StoryPair, watched), "standby")
    ONE_WAY.hold(watched.steps, real=False)


def test_what_failed_is_told_with_its_error(stories: SimulatedStories) -> None:
    watched = Watched(stories)
    pair = cast(StoryPair, watched)
    pair.alpha.take_over("mail")
    with pytest.raises(CommandFailed):
        pair.beta.primary("mail")
    with pytest.raises(CommandFailed):
        pair.beta.mount(0)
    assert "typed  beta drbdadm primary mail: exit status 11, error -1" in watched.steps[1]
    assert watched.steps[2][:2] == ("beta: mount 0", "refused")


def test_messages_of_the_kernel_without_what_differs_from_run_to_run() -> None:
    said = [
        "drbd mail: conn( WFConnection -> WFReportParams ) ",
        "block drbd0: drbd_sync_handshake:",
        "block drbd0: self 3875E0FE4D2F3617:4B53891C4B844B20:C99A7F2D5005D7EE:C9997F2D5005D7EF"
        " bits:9 flags:0",
        "block drbd0: Split-Brain detected but unresolved, dropping connection!",
        "drbd mail: conn( WFReportParams -> NetworkFailure ) ",
        "drbd mail: conn( NetworkFailure -> Disconnecting ) ",
        "drbd mail: conn( Disconnecting -> StandAlone ) ",
        "drbd[12]: conn( Connected -> Disconnecting ) of a program with that name",
    ]
    events = [Event(0.0, "beta", Source.KERNEL, text) for text in said]
    assert told([*events, Event(0.0, "beta", Source.STORY, said[0])], breaks_link=False) == [
        "said   beta mail: meets its peer",
        "said   beta mail: gives up",
        "said   beta mail/0: self Primary, bits: some, flags: 0",
        "said   beta mail/0: Split-Brain detected but unresolved, dropping connection!",
    ]


def test_a_handshake_that_was_cut_off_and_followed_by_another_is_told_once() -> None:
    once = [
        "drbd mail: conn( WFConnection -> WFReportParams ) ",
        "block drbd0: peer( Unknown -> Primary ) conn( WFReportParams -> WFBitMapT ) ",
    ]
    lost = ["drbd mail: peer( Primary -> Unknown ) conn( WFBitMapT -> NetworkFailure ) "]
    done = ["block drbd0: conn( WFBitMapT -> SyncTarget ) ", *EXTRA]
    events = [
        Event(0.0, "beta", Source.KERNEL, text) for text in [*lost, *once, *lost, *once, *done]
    ]
    assert told(events, breaks_link=True) == [
        "said   beta mail: loses its peer",
        "said   beta mail: meets its peer",
        "said   beta mail/0: becomes SyncTarget",
        "said   beta minor 7: becomes Primary",
    ]


def test_an_outage_that_nobody_made_is_not_told() -> None:
    outage = [
        "drbd db: peer( Secondary -> Unknown ) conn( Connected -> NetworkFailure ) ",
        "drbd db: conn( WFConnection -> WFReportParams ) ",
        "block drbd1: peer( Unknown -> Secondary ) conn( WFReportParams -> Connected ) ",
        "block drbd2: peer( Unknown -> Secondary ) conn( WFReportParams -> Connected ) ",
        *EXTRA,
    ]
    events = [Event(0.0, "alpha", Source.KERNEL, text) for text in outage]
    assert told(events, breaks_link=False) == ["said   alpha minor 7: becomes Primary"]
    assert len(told(events, breaks_link=True)) == len(outage)


def common_stories() -> set[str]:
    """Every test function of these modules that is played on both pairs, as MODULE/NAME."""
    found = set()
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        if path.stem in ("test_compared", "test_simulated_stories"):
            continue
        module = importlib.import_module(f"{__package__}.{path.stem}")
        if getattr(module, "pytestmark", None) == pytest.mark.real_drbd:
            continue  # what it runs no simulated node has
        for name, function in inspect.getmembers(module, inspect.isfunction):
            own = name.startswith("test_") and function.__module__ == module.__name__
            if own and "pair" in inspect.signature(function).parameters:
                found.add(f"{path.stem.removeprefix('test_')}/{name.removeprefix('test_')}")
    return found


def test_each_trace_belongs_to_a_story_and_each_story_has_one() -> None:
    traces = {
        re.sub(r"-.*", "", str(path.relative_to(FOLDER).with_suffix("")))
        for path in FOLDER.rglob("*.json")
    }
    excepted = {name.removeprefix("test_") for name in NOT_COMPARED}
    assert traces == {one for one in common_stories() if one.split("/")[1] not in excepted}
