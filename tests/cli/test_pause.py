"""`connector pause` and `connector resume`."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.cli.stage import AT_ONCE, Stage

StageOf = Callable[..., Stage]


@pytest.fixture
def apart(stage_of: StageOf) -> Stage:
    return stage_of("standby-disconnected")


def test_a_paused_resource_is_looked_at_and_left_alone(apart: Stage) -> None:
    done = apart.run("pause", "mail", "--for", "2h", "--reason", "the disk\nis swapped")
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("paused mail for 7200 s: the disk")
    assert list(apart.kept("pauses.json")["pauses"]) == ["mail"]
    for _ in range(2):
        done = apart.run("reconcile", **AT_ONCE)
        assert (done.status, done.err) == (0, "")
        assert "mail: reconnect-standby: " in done.out
        assert "paused by the operator: the disk is swapped" in done.out
    # A pause silences the agent, not the monitoring.
    checked = apart.run("check", **AT_ONCE)
    assert checked.status == 2
    assert apart.calls() == []
    done = apart.run("resume", "mail")
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("resumed mail\n")
    assert not (apart.state / "pauses.json").exists()
    assert apart.run("reconcile", **AT_ONCE).status == 0
    assert apart.calls() == ["connect mail"]


def test_a_pause_ends_by_itself(apart: Stage) -> None:
    apart.run("pause", "--for", "1s")
    pause = apart.kept("pauses.json")["pauses"]["*"]
    assert pause["until_wall_s"] - pause["since_wall_s"] == pytest.approx(1)
    time.sleep(1.1)
    assert apart.run("reconcile", **AT_ONCE).status == 0
    assert apart.calls() == ["connect mail"]


def test_every_resource_may_be_paused_and_ends_as_a_whole(apart: Stage) -> None:
    assert apart.run("pause").out == (
        "paused every resource until `connector resume`: no reason given\n"
    )
    done = apart.run("resume", "mail")
    assert done.status == 2
    assert "mail is paused together with every resource: `connector resume` ends that" in done.err
    assert apart.run("status", "--json", **AT_ONCE).json["resources"][0]["gates"] == ["pause"]
    assert apart.run("resume").out.startswith("resumed every resource\n")
    assert apart.run("resume").out.startswith("nothing was paused\n")


def test_a_typing_error_pauses_nothing(apart: Stage) -> None:
    done = apart.run("pause", "mial")
    assert (done.status, done.out) == (2, "")
    assert not (apart.state / "pauses.json").exists()
