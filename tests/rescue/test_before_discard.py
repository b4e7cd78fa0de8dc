"""What a pass does right before it gives changes up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from connector.errors import NotKept
from connector.model import (
    AfterSplitBrain,
    ConnectionState,
    Mode,
    OutcomeKind,
    Resource,
    Role,
)
from connector.program import Completed
from connector.rescue.before_discard import KEPT_BACK_S, before_discard
from connector.simulate import SimulatedResource
from tests.agents import MINUTE_S, Agents, outcomes
from tests.rescue.making import Hands, names_on, settings_in, victim
from tests.rescue.test_keep import agents_on, idle, kept_by_hand, on_two_disks, seen


def asked(agents: Agents, *looks: Resource | None, left_s: float = 40.0) -> str | None:
    """What comes of it on beta, where it sees these, the last one for ever."""
    left = list(looks)

    def look() -> Resource | None:
        return left.pop(0) if len(left) > 1 else left[0]

    return before_discard(
        agents.world("beta"), agents.settings["beta"], look, why="a test",
        time_left_s=lambda: left_s,
    )  # fmt: skip


def test_it_is_kept_and_named(tmp_path: Path) -> None:
    agents = agents_on(tmp_path)
    idle(agents)
    name = asked(agents, seen(agents))
    assert name is not None
    assert names_on(agents.settings["beta"]) == [name]


def test_nothing_is_kept_of_what_loses_nothing(tmp_path: Path) -> None:
    agents = agents_on(tmp_path)
    idle(agents)
    agents.answer_first("beta", lambda argv, _timeout_s: Completed(tuple(argv), 1))
    assert asked(agents, None) is None
    assert asked(agents, victim(role=Role.PRIMARY)) is None
    assert asked(agents, victim((0, 100))) is None
    with pytest.raises(NotKept):  # it would have been asked for
        asked(agents, victim())


def test_the_settings_may_say_no(tmp_path: Path) -> None:
    agents = agents_on(tmp_path, keep=False)
    idle(agents)

    def never() -> Resource | None:
        raise AssertionError("nobody needs to look")

    assert before_discard(
        agents.world("beta"), agents.settings["beta"], never, why="", time_left_s=lambda: 40.0
    ) is None  # fmt: skip


@pytest.mark.parametrize("refuse", [True, False])
def test_what_cannot_be_kept_stops_it_or_not(tmp_path: Path, refuse: bool) -> None:
    agents = agents_on(tmp_path, refuse_without=refuse, max_size_mib=1)
    idle(agents)
    if refuse:
        with pytest.raises(NotKept, match="there is room for 1 MiB"):
            asked(agents, seen(agents))
    else:
        assert asked(agents, seen(agents)) is None


def test_time_is_kept_back_for_what_comes_after(tmp_path: Path) -> None:
    agents = agents_on(tmp_path)
    idle(agents)
    with pytest.raises(NotKept, match="cannot be made in 0 s"):
        asked(agents, seen(agents), left_s=KEPT_BACK_S)
    assert asked(agents, seen(agents), left_s=KEPT_BACK_S + 5) is not None


@pytest.mark.parametrize("refuse", [True, False])
def test_what_changed_meanwhile_is_no_copy(tmp_path: Path, refuse: bool) -> None:
    agents = agents_on(tmp_path, refuse_without=refuse)
    idle(agents)
    before = seen(agents)
    later = replace(before, role=Role.PRIMARY)
    if refuse:
        with pytest.raises(NotKept, match="written to or changed while it was copied"):
            asked(agents, before, later)
    else:
        assert asked(agents, before, later) is None
    assert names_on(agents.settings["beta"]) == []


def test_an_older_copy_of_the_same_survives_a_change_at_the_last_moment(tmp_path: Path) -> None:
    agents = agents_on(tmp_path)
    idle(agents)
    older = kept_by_hand(agents)
    assert older is not None
    agents.pair.sleep(MINUTE_S)
    before = seen(agents)
    with pytest.raises(NotKept):
        asked(agents, before, None)
    assert names_on(agents.settings["beta"]) == [older.name]


def test_a_snapshot_is_of_one_moment_whatever_comes_after(tmp_path: Path) -> None:
    hands, lvm, settings, _ = on_two_disks(tmp_path)
    looks = [victim((616, 700), name="db"), victim((616, 704), name="db")]
    with pytest.raises(NotKept, match="changed while it was copied"):
        before_discard(
            hands.world, settings, lambda: looks.pop(0), why="", time_left_s=lambda: 40.0
        )
    assert len(lvm.snapshots) == 1
    assert len(names_on(settings)) == 1


def test_a_take_over_while_it_copies_stops_the_pass(tmp_path: Path) -> None:
    """On the pair: somebody mounts it while e2image is at work."""
    agents = agents_on(tmp_path)

    def while_it_copies(argv: Sequence[str], _timeout_s: float) -> Completed | None:
        if argv[0] == "e2image":
            agents.answer_first("beta", lambda _argv, _timeout_s: None)
            done = agents.pair.run_on("beta")(("drbdadm", "primary", "mail"), 15)
            assert done.exit_status == 0
            agents.pair.mount("beta", "mail", "/srv/mail0")
            agents.pair.write("beta", "mail", 0, 3, "acknowledged to a user")
        return None

    agents.answer_first("beta", while_it_copies)
    for _ in range(5):
        report = agents.run_pass("beta")
        agents.pair.sleep(MINUTE_S)
        agents.run_pass("alpha")
        if outcomes(report)["mail"] is OutcomeKind.FAILED:
            break
    assert "was written to or changed while it was copied" in report.resources[0].outcome.detail
    assert not any("discard" in command for command in agents.commands["beta"])
    assert agents.pair.blocks("beta", "mail")[3] == "acknowledged to a user"
    assert names_on(agents.settings["beta"]) == []


def test_a_policy_of_drbd_that_may_lose_is_kept_first_too(tmp_path: Path) -> None:
    """A plain `connect`, after which after-sb-1pri discard-secondary gives beta's changes up."""
    lossy = AfterSplitBrain("discard-zero-changes", "discard-secondary", "disconnect")
    agents = agents_on(tmp_path, (SimulatedResource("mail", (0,), lossy),))
    for _ in range(6):
        agents.minutes(1)
    assert "drbdadm connect mail" in agents.commands["beta"]
    assert agents.connections() == ("Connected", "Connected")
    assert agents.pair.blocks("beta", "mail") == {1: "alpha's 0"}
    assert len(names_on(agents.settings["beta"])) == 1


def test_no_rescue_in_mode_reconnect(tmp_path: Path) -> None:
    agents = agents_on(tmp_path, mode=Mode.RECONNECT)
    agents.minutes(3)
    assert agents.pair.connection("beta", "mail") is not ConnectionState.CONNECTED
    assert names_on(agents.settings["beta"]) == []


def test_nothing_is_asked_of_a_node_without_changes(tmp_path: Path) -> None:
    hands = Hands(tmp_path)
    found = before_discard(
        hands.world, settings_in(tmp_path), lambda: victim((0, 0)), why="", time_left_s=lambda: 0.0
    )
    assert found is None
    assert hands.lines == []
