"""`connector recover --rehearse`: DRBD is asked, answers in words, and all is as it was."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping

import pytest

from connector.model import ConnectionState
from connector.simulate import story
from tests.cli.stage import Stage, wait_for

pytestmark = pytest.mark.slow

StageOf = Callable[..., Stage]
REHEARSE = ("recover", "mail", "--victim", "here", "--rehearse")


@pytest.fixture
def split(stage_of: StageOf) -> Stage:
    """A split brain; beta is Secondary, and alpha, which keeps its data, waits already."""
    stage = stage_of("split-brain-with-idle-standby")
    stage.environment["CONNECTOR_RESCUE_KEEP"] = "never"  # that has tests of its own
    with stage.pair.changing() as pair:
        story.drbdadm(pair, "beta", "secondary", "mail")
        story.drbdadm(pair, "alpha", "connect", "mail")
    return stage


def looks(stage: Stage) -> Mapping[str, object]:
    """All that a rehearsal must leave alone."""
    pair = stage.pair.look()
    return {
        "state": pair.connection("beta", "mail"),
        "role": pair.role("beta", "mail"),
        "data": story.survivors(pair, "mail"),
        "identifiers": [
            str(pair.side(n, "mail").volumes[0].identifiers) for n in ("alpha", "beta")
        ],
        "changed": [pair.side(n, "mail").volumes[0].changed for n in ("alpha", "beta")],
    }


def test_the_plan_is_rehearsed_and_all_is_as_it_was(split: Stage) -> None:
    before = looks(split)
    done = split.run(*REHEARSE)
    assert (done.status, done.err) == (0, "")
    assert done.out.endswith(
        "rehearsal of mail: this node would become SyncTarget: the blocks that differ would be "
        "overwritten HERE with the other node's\n"
        "  mail is StandAlone here as before; nothing was changed on the disks\n"
    )
    assert split.calls() == ["connect --tentative --discard-my-data mail"]
    assert looks(split) == before
    assert not (split.state / "given-up").exists()
    # The other node waits: what was rehearsed can be done at once.
    assert split.run("recover", "mail", "--victim", "here", "--yes").status == 0
    assert split.pair.look().connection("beta", "mail") is ConnectionState.CONNECTED


def test_a_survivor_hears_that_drbd_would_refuse(split: Stage) -> None:
    before = looks(split)
    done = split.run("recover", "mail", "--victim", "peer", "--rehearse")
    assert (done.status, done.err) == (3, "")
    assert "DRBD would refuse (split brain) and the nodes would stay apart" in done.out
    assert split.calls() == ["connect --tentative mail"]
    assert looks(split) == before


def test_it_is_offered(split: Stage) -> None:
    offer = "to ask DRBD first what it would do: connector recover mail --victim here --rehearse\n"
    assert offer in split.run("recover", "mail", "--dry-run").out


def test_nobody_there_to_answer(stage_of: StageOf) -> None:
    """The wait is taken back: the node is StandAlone again."""
    stage = stage_of("split-brain-with-idle-standby")
    with stage.pair.changing() as pair:
        story.drbdadm(pair, "beta", "secondary", "mail")
    before = looks(stage)
    done = stage.run(*REHEARSE)
    assert (done.status, done.err) == (3, "")
    assert "no answer in 3 s. The other node must wait for this one: there `drbdadm" in done.out
    assert stage.calls() == ["connect --tentative --discard-my-data mail", "disconnect mail"]
    assert looks(stage) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_takes_the_wait_back(stage_of: StageOf, number: signal.Signals) -> None:
    stage = stage_of("split-brain-with-idle-standby")
    with stage.pair.changing() as pair:
        story.drbdadm(pair, "beta", "secondary", "mail")
    before = looks(stage)
    with stage.start(*REHEARSE, CONNECTOR_RUN_SETTLE="600") as running:
        waiting = ConnectionState.WF_CONNECTION
        wait_for(lambda: stage.pair.look().connection("beta", "mail") is waiting)
        running.send(number)
        assert running.end().status == 128 + number
    assert stage.calls()[-1] == "disconnect mail"
    assert looks(stage) == before


def test_a_node_that_is_not_as_it_was_is_told_loudly(stage_of: StageOf) -> None:
    stage = stage_of("split-brain-with-idle-standby")
    with stage.pair.changing() as pair:
        story.drbdadm(pair, "beta", "secondary", "mail")
    with stage.start(*REHEARSE) as running:
        wait_for(stage.calls)
        stage.pair.set_fault("beta", "refuse:disconnect")
        done = running.end()
    assert done.status == 3
    assert "ATTENTION: the rehearsal has left mail WFConnection, Secondary; before it was " in (
        done.err
    )
    assert "Type `drbdadm disconnect mail` before anything else" in done.err


def test_where_none_is_made(stage_of: StageOf) -> None:
    stage = stage_of("split-brain-with-idle-standby")
    done = stage.run(*REHEARSE)
    assert done.status == 3
    assert "no rehearsal: mail is Primary here, and a rehearsal demotes nothing" in done.err
    done = stage.run(*REHEARSE, "--dry-run")
    assert done.status == 2
    assert stage.calls() == []


def test_a_drbdadm_that_refuses(split: Stage) -> None:
    before = looks(split)
    split.pair.set_fault("beta", "refuse:connect")
    done = split.run(*REHEARSE)
    assert done.status == 1
    assert "drbdadm connect --tentative --discard-my-data mail` failed: Could not connect" in (
        done.err
    )
    assert looks(split) == before


def test_a_pass_at_work_is_not_disturbed(split: Stage) -> None:
    split.run("status")
    split.pair.set_fault("beta", "hang:connect")
    with split.start("reconcile", CONNECTOR_POLICY_MODE="discard") as running:
        wait_for(split.calls)
        assert split.run(*REHEARSE, CONNECTOR_RUN_WAIT_FOR_LOCK="0").status == 75
        running.send(signal.SIGKILL)
        running.end()
