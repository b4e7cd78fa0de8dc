"""kill -9 right before and right after every command: the next call completes or undoes it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connector.decide.gates import TAKEOVER_LASTS_S
from connector.errors import ConnectorError
from connector.model import GateName
from connector.program import Completed
from connector.report.passes import PassReport
from tests.takeover.nodes import Before, Killed, Nodes

TAKE_OVER_STEPS = 5
RELEASE_STEPS = 3


def killing_at(number: int) -> Before:
    """A hook that kills at the command of that number, from 0."""
    count = iter(range(1000))

    def hook(_argv: tuple[str, ...]) -> Completed | None:
        if next(count) == number:
            raise Killed
        return None

    return hook


def killed(nodes: Nodes, number: int, when: str, call: Callable[[str], object]) -> None:
    """Run the call on beta and kill it there; afterwards nobody kills any more."""
    if when == "before":
        nodes.before = killing_at(number)
    else:
        nodes.after = killing_at(number)
    with pytest.raises(Killed):
        call("beta")
    nodes.before = nodes.after = lambda _argv: None


@pytest.fixture(params=["before", "after"])
def when(request: pytest.FixtureRequest) -> str:
    """On which side of a command the kill comes."""
    return str(request.param)


@pytest.mark.parametrize("step", range(TAKE_OVER_STEPS))
def test_a_killed_take_over_is_completed_by_the_next(nodes: Nodes, step: int, when: str) -> None:
    killed(nodes, step, when, nodes.take_over)

    nodes.take_over("beta")

    assert nodes.is_active("beta")
    nodes.release("beta")
    assert nodes.is_passive("beta")


@pytest.mark.parametrize("step", range(TAKE_OVER_STEPS))
def test_a_killed_take_over_is_undone_by_a_release(nodes: Nodes, step: int, when: str) -> None:
    killed(nodes, step, when, nodes.take_over)

    nodes.release("beta")

    assert nodes.is_passive("beta")
    assert not nodes.settings["beta"].takeover_file.exists()
    nodes.take_over("alpha")
    assert nodes.is_active("alpha")


@pytest.mark.parametrize("step", range(RELEASE_STEPS))
def test_a_killed_release_is_completed_by_the_next(nodes: Nodes, step: int, when: str) -> None:
    nodes.take_over("beta")
    killed(nodes, step, when, nodes.release)

    nodes.release("beta")

    assert nodes.is_passive("beta")
    assert not nodes.settings["beta"].takeover_file.exists()


@pytest.mark.parametrize("step", range(RELEASE_STEPS))
def test_a_killed_release_is_undone_by_a_take_over(nodes: Nodes, step: int, when: str) -> None:
    nodes.take_over("beta")
    killed(nodes, step, when, nodes.release)

    nodes.take_over("beta")

    assert nodes.is_active("beta")


@pytest.mark.parametrize("step", range(TAKE_OVER_STEPS))
def test_a_failing_call_undoes_what_a_killed_one_left(nodes: Nodes, step: int, when: str) -> None:
    killed(nodes, step, when, nodes.take_over)
    nodes.fsck_status["/dev/drbd1"] = 8

    if when == "after" and step == TAKE_OVER_STEPS - 1:
        assert nodes.take_over("beta") == []
        assert nodes.is_active("beta")
        return
    with pytest.raises(ConnectorError, match="fsck"):
        nodes.take_over("beta")
    assert nodes.is_passive("beta")


def gates(report: PassReport) -> dict[GateName, bool]:
    """The gates that were shut for `db`, and whether they need a person."""
    return {gate.name: gate.operator for gate in report.resources[0].decision.gates}


def apart(nodes: Nodes) -> None:
    """The link is gone: a Primary that nothing uses would be demoted."""
    nodes.pair.cut_link()
    nodes.pair.settle()


@pytest.mark.parametrize("minutes", [1, 9])
def test_no_pass_demotes_after_a_killed_take_over(
    tmp_path_factory: pytest.TempPathFactory, minutes: int
) -> None:
    nodes = Nodes(tmp_path_factory.mktemp("nodes"), demote_grace_s=0)
    apart(nodes)
    killed(nodes, 0, "after", nodes.take_over)
    nodes.minutes(minutes, ["beta"])

    report = nodes.run_pass("beta")

    assert gates(report) == {GateName.GRACE: False}
    assert nodes.pair.role("beta", "db") == "Primary"
    assert "drbdadm secondary db" not in nodes.lines["beta"]


def test_a_take_over_that_stays_unfinished_is_told_to_a_person(nodes: Nodes) -> None:
    apart(nodes)
    killed(nodes, 0, "after", nodes.take_over)
    nodes.pair.sleep(TAKEOVER_LASTS_S)

    report = nodes.run_pass("beta")

    assert gates(report) == {GateName.GRACE: True}
    assert "neither finished nor undone" in report.resources[0].decision.gates[0].reason
    assert report.exit_status == 3
    assert nodes.pair.role("beta", "db") == "Primary"


def test_a_finished_take_over_counts_the_grace_anew(nodes: Nodes) -> None:
    """The same picture was seen for an hour before it, which is no reason to demote after it."""
    apart(nodes)
    nodes.drbdadm("beta", "primary", "db")
    nodes.run_pass("beta")
    nodes.pair.sleep(80)
    nodes.run_pass("beta")
    assert nodes.roles() == ("Secondary", "Primary")

    nodes.take_over("beta")
    for where, volume in ((nodes.wheres[1], 1), (nodes.wheres[0], 0)):
        nodes.pair.umount("beta", "db", where, volume)
    nodes.pair.sleep(20)
    report = nodes.run_pass("beta")

    assert gates(report) == {GateName.GRACE: False}
    assert nodes.roles() == ("Secondary", "Primary")
    # It was finished, so that this is no more than a Primary that nothing uses.
    nodes.pair.sleep(91)
    nodes.run_pass("beta")
    assert nodes.is_passive("beta")


def test_a_killed_take_over_counts_the_grace_anew(nodes: Nodes) -> None:
    """Also where its note is lost: what passes saw before it is no reason to demote."""
    apart(nodes)
    nodes.drbdadm("beta", "primary", "db")
    nodes.run_pass("beta")
    nodes.pair.sleep(80)
    nodes.run_pass("beta")
    killed(nodes, 0, "before", nodes.take_over)
    nodes.settings["beta"].takeover_file.unlink()
    nodes.pair.sleep(20)

    report = nodes.run_pass("beta")

    assert gates(report) == {GateName.GRACE: False}
    assert nodes.roles() == ("Secondary", "Primary")


def test_a_release_that_undoes_a_killed_take_over_may_be_killed_too(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    nodes = Nodes(tmp_path_factory.mktemp("nodes"), demote_grace_s=0)
    apart(nodes)
    killed(nodes, 0, "after", nodes.take_over)
    killed(nodes, 0, "before", nodes.release)

    nodes.run_pass("beta")

    assert nodes.is_passive("beta")


def test_after_a_killed_release_a_pass_may_demote(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    nodes = Nodes(tmp_path_factory.mktemp("nodes"), demote_grace_s=0)
    apart(nodes)
    nodes.take_over("beta")
    killed(nodes, RELEASE_STEPS - 1, "before", nodes.release)
    assert nodes.roles() == ("Secondary", "Primary")

    nodes.run_pass("beta")

    assert nodes.is_passive("beta")


def test_notes_of_another_boot_mean_nothing(nodes: Nodes) -> None:
    apart(nodes)
    killed(nodes, 0, "after", nodes.take_over)
    nodes.pair.crash("beta")
    nodes.pair.boot("beta")
    nodes.drbdadm("beta", "primary", "db")
    nodes.run_pass("beta")
    nodes.pair.sleep(91)

    report = nodes.run_pass("beta")

    assert gates(report) == {}
    assert nodes.is_passive("beta")


def test_a_damaged_note_holds_demotions_for_that_pass(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    nodes = Nodes(tmp_path_factory.mktemp("nodes"), demote_grace_s=0)
    apart(nodes)
    nodes.drbdadm("beta", "primary", "db")
    file = nodes.settings["beta"].takeover_file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b'{"version": 1, "boot_')

    report = nodes.run_pass("beta")

    assert gates(report) == {GateName.GRACE: False}
    assert any("is damaged" in warning for warning in report.messages)
    assert file.with_name(file.name + ".damaged").exists()
    nodes.run_pass("beta")
    assert nodes.is_passive("beta")
