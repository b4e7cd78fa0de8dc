"""Every story of `connector demo` is played: the rows that fire, the end, and what it claims."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from connector.decide.context import Policy
from connector.model import DecisionName, Mode
from connector.simulate.play import MINUTE_S, Play, Scene
from connector.simulate.stories import STORIES

TOGETHER = "cs:Connected"


@dataclass
class Told:
    """A story that has been played to its end."""

    play: Play
    scenes: list[Scene] = field(default_factory=list)

    def of(self, node: str, resource: str = "mail") -> list[tuple[str, list[str], list[str]]]:
        """Each pass that was shown of a node: the row, the gates, and the commands that ran."""
        return [
            (
                str(item.decision.name),
                [str(gate.name) for gate in item.decision.gates],
                [" ".join(command.argv) for command in item.outcome.commands],
            )
            for scene in self.scenes
            for done in scene.passes
            if done.node == node and done.report is not None
            for item in done.report.resources
            if item.resource.name == resource
        ]

    def rows(self, node: str, resource: str = "mail") -> list[str]:
        """The rows that fired there."""
        return [row for row, _, _ in self.of(node, resource)]

    def commands(self, node: str, resource: str = "mail") -> list[str]:
        """The commands of connector's that ran there, in the passes that were shown."""
        return [command for _, _, ran in self.of(node, resource) for command in ran]

    def journaled(self, node: str) -> str:
        """All that the agent has written down, in the passes that were not shown too."""
        path = self.play.settings[node].journal_file
        return path.read_text() if path.exists() else ""

    def persons(self) -> dict[str, bool]:
        """By node, whether a pass asked for a person."""
        return {
            node: any(
                item.needs_operator
                for scene in self.scenes
                for done in scene.passes
                if done.node == node and done.report is not None
                for item in done.report.resources
            )
            for node in ("alpha", "beta")
        }

    def given_up(self, node: str) -> list[str]:
        """The records of what the node gave up."""
        return sorted(path.name for path in self.play.settings[node].given_up_dir.glob("*.json"))

    def scene(self, words: str) -> Scene:
        """The first scene of the step whose sentence has these words."""
        return next(scene for scene in self.scenes if words in scene.step.told)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    """Each story, played once."""
    found = {}
    for name, story in STORIES.items():
        play = Play(story, tmp_path_factory.mktemp(name))
        found[name] = Told(play, list(play.scenes()))
    return found


@pytest.mark.parametrize("name", STORIES)
def test_it_ends_as_it_promises(told: dict[str, Told], name: str) -> None:
    play = told[name].play
    assert play.ended_well
    title, _ = play.ending()
    assert play.together is (title == "Together again.")
    if play.together:
        for node in ("alpha", "beta"):
            assert all(TOGETHER in line for line in play.states(node))
            assert play.states(node)


@pytest.mark.parametrize("name", STORIES)
def test_no_pass_ends_in_an_error(told: dict[str, Told], name: str) -> None:
    passes = [done for scene in told[name].scenes for done in scene.passes]
    assert passes
    assert [done.error for done in passes if done.report is None] == []


@pytest.mark.parametrize("name", STORIES)
def test_what_it_shows_is_one_plain_sentence(name: str) -> None:
    story = STORIES[name]
    assert story.name == name
    assert re.fullmatch(r"[A-Z][^.]{30,160}\.", story.shows)
    assert all(re.fullmatch(r"\S.{8,90}[.:]", step.told) for step in story.steps)


@pytest.mark.parametrize("name", STORIES)
def test_a_sentence_that_says_all_is_well_is_true(told: dict[str, Told], name: str) -> None:
    for scene in told[name].scenes:
        for done in scene.passes if "all is well" in scene.step.told else ():
            assert done.report is not None
            rows = {item.decision.name for item in done.report.resources}
            assert rows == {DecisionName.HEALTHY}
            assert done.report.exit_status == 0


def test_words_of_time_are_the_defaults() -> None:
    policy = Policy()
    for story in STORIES.values():
        for seconds in re.findall(r"(\d+) seconds", story.shows):
            assert float(seconds) == policy.demote_grace_s
    assert policy.respect_disconnect_s == 60 * MINUTE_S
    assert "left alone for an hour" in STORIES["operator-disconnect"].shows
    assert policy.max_attempts == 3  # "after three attempts no more are made"


def test_the_standby_of_a_split_brain_gives_up_by_itself(told: dict[str, Told]) -> None:
    story = told["split-brain"]
    assert story.play.mode is Mode.DISCARD
    for resource in ("mail", "db"):
        assert story.rows("alpha", resource) == [
            "reconnect-survivor",
            "hold",
            "hold",
            "reconnect-survivor",
        ]
        assert story.of("beta", resource)[0][:2] == ("demote-and-reconnect", ["grace"])
        assert story.commands("beta", resource) == [
            f"drbdadm secondary {resource}",
            f"drbdadm connect {resource}",
            f"drbdadm connect --discard-my-data {resource}",
        ]
        assert set(story.commands("alpha", resource)) == {f"drbdadm connect {resource}"}
    assert (len(story.given_up("alpha")), len(story.given_up("beta"))) == (0, 2)
    # The active node's changes are kept, on both.
    for node in ("alpha", "beta"):
        assert story.play.pair.blocks(node, "mail") == {7: "a letter delivered on alpha"}
    assert not any(story.persons().values())


def test_in_mode_reconnect_it_is_left_to_a_person(told: dict[str, Told]) -> None:
    story = told["split-brain-reconnect"]
    assert story.play.mode is Mode.RECONNECT
    for resource in ("mail", "db"):
        assert story.rows("alpha", resource) == ["reconnect-survivor", "hold", "hold"]
        assert set(story.commands("alpha", resource)) == {f"drbdadm connect {resource}"}
        assert story.commands("beta", resource) == []
        assert all("mode" in gates for _, gates, _ in story.of("beta", resource))
    assert story.persons() == {"alpha": True, "beta": True}
    assert story.play.pair.blocks("alpha", "mail") == {7: "a letter delivered on alpha"}
    assert story.play.pair.blocks("beta", "mail") == {9: "a letter delivered on beta"}
    assert story.given_up("beta") == []


def test_a_cut_link_mends_without_connector(told: dict[str, Told]) -> None:
    story = told["link-cut"]
    assert story.rows("alpha") == ["hold", "healthy"]
    assert story.rows("beta") == ["wait", "healthy"]
    assert story.commands("alpha") == story.commands("beta") == []
    assert story.journaled("alpha") == story.journaled("beta") == ""
    # DRBD has found its peer before cron looked again, and beta has what it missed.
    assert all(TOGETHER in line for line in story.scene("The link is mended").states["alpha"])
    assert story.play.pair.blocks("beta", "mail") == {3: "a letter during the cut"}


def test_a_rebooted_standby_is_connected(told: dict[str, Told]) -> None:
    story = told["standby-reboot"]
    assert "StandAlone" in story.scene("beta is rebooted").states["beta"][0]
    assert story.rows("alpha") == ["hold", "healthy"]
    assert story.of("beta") == [
        ("reconnect-standby", [], ["drbdadm connect mail"]),
        ("healthy", [], []),
    ]
    assert story.play.pair.blocks("beta", "mail") == {3: "a letter during the cut"}
    assert story.given_up("beta") == []


def test_a_left_over_primary_is_demoted_after_the_grace(told: dict[str, Told]) -> None:
    story = told["left-over-primary"]
    assert story.of("alpha") == [
        ("demote-and-wait", ["grace"], []),
        ("demote-and-wait", ["grace"], []),
        ("demote-and-wait", [], ["drbdadm secondary mail"]),
        ("healthy", [], []),
    ]
    assert story.rows("beta") == ["wait", "wait", "wait", "healthy"]
    assert "ro:Secondary/Secondary" in story.play.states("alpha")[0]


def test_with_both_in_use_a_person_decides(told: dict[str, Told]) -> None:
    story = told["both-in-use"]
    before, after = story.scenes[:-2], story.scenes[-2:]
    for node in ("alpha", "beta"):
        assert story.rows(node)[:4] == ["reconnect-survivor"] * 4
        assert story.of(node)[3][1:] == (["attempts"], [])
        assert set(story.commands(node)) == {"drbdadm connect mail"}
        assert len(story.commands(node)) == 3
    assert story.persons() == {"alpha": True, "beta": True}
    # Until the person's word both copies were there.
    assert all("StandAlone" in line for scene in before[2:] for line in scene.states["beta"])
    assert "beta# connector recover mail --discard-my-data" in after[0].happened
    assert "ran: drbdadm connect --discard-my-data mail" in after[0].happened
    assert story.given_up("alpha") == []
    assert len(story.given_up("beta")) == 1
    for node in ("alpha", "beta"):
        assert story.play.pair.blocks(node, "mail") == {3: "a letter delivered on alpha"}


def test_a_take_over_wins_the_race(told: dict[str, Told]) -> None:
    story = told["take-over-race"]
    assert story.of("beta") == [
        ("demote-and-wait", ["grace"], []),
        ("demote-and-wait", ["grace"], []),
        ("hold", [], []),
        ("healthy", [], []),
    ]
    assert story.rows("alpha") == ["healthy"]  # without power it ran no pass
    assert "ro:Primary/Secondary" in story.play.states("beta")[0]
    assert story.scene("alpha loses its power").states["alpha"] == ()
    assert '"argv"' not in story.journaled("beta")  # what it would have done, it never did


def test_a_disconnect_by_hand_is_respected_for_an_hour(told: dict[str, Told]) -> None:
    story = told["operator-disconnect"]
    assert story.of("beta") == [
        ("reconnect-standby", ["operator-disconnect"], []),
        ("reconnect-standby", ["operator-disconnect"], []),
        ("reconnect-standby", [], ["drbdadm connect mail"]),
    ]
    # 60 passes held back, the one after them connected.
    lines = story.journaled("beta").splitlines()
    assert len(lines) == 61
    assert [number for number, line in enumerate(lines) if '"argv"' in line] == [60]


def test_a_pause_keeps_the_hands_off(told: dict[str, Told]) -> None:
    story = told["pause"]
    assert story.of("beta") == [
        ("reconnect-standby", ["pause"], []),
        ("reconnect-standby", [], ["drbdadm connect mail"]),
    ]
    paused, _ = story.journaled("beta").splitlines()[-2:]
    assert "paused by the operator: disk is being replaced" in paused
    assert len(story.journaled("beta").splitlines()) == 121
    assert not any(story.persons().values())


def test_a_resume_forgets_the_attempts(tmp_path: Path) -> None:
    """As `connector resume` does: the incident begins anew."""
    play = Play(STORIES["pause"], tmp_path)
    kept = []
    for scene in play.scenes():
        path = play.settings["beta"].incidents_file
        kept.append((scene.step.told, path.exists()))
    before, after = (kept[number][1] for number in (2, 3))
    assert kept[3][0] == "The work is done."
    assert (before, after) == (True, False)


def test_a_story_is_the_same_each_time(tmp_path: Path) -> None:
    first, second = (
        [scene.states for scene in Play(STORIES["take-over-race"], tmp_path / name).scenes()]
        for name in ("first", "second")
    )
    assert first == second
