"""kill -9 of the real process while each command is at work, and when it has just worked."""

from __future__ import annotations

import pytest

from tests.takeover.stage import TakeoverStage

pytestmark = pytest.mark.slow

NO_GRACE = {"CONNECTOR_POLICY_DEMOTE_GRACE": "0"}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", range(5))
def test_a_killed_take_over(stage: TakeoverStage, step: int, when: str) -> None:
    with stage.pair.changing() as pair:
        pair.cut_link()
    done = stage.killed_at(stage.take_over_lines[step], when, "takeover", "db")
    assert done.status == -9

    # A pass beside it finds the lock free again, and leaves the half-made active node alone.
    assert stage.run("reconcile", **NO_GRACE).status in (0, 3)
    assert "secondary db" not in stage.calls()

    if (step % 2 == 0) == (when == "before"):
        done = stage.run("takeover", "db")
        assert done.status == 0, done.err
        assert stage.active()
    done = stage.run("release", "db")
    assert done.status == 0, done.err
    assert stage.passive()
    assert not (stage.state / "takeover.json").exists()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", range(3))
def test_a_killed_release(stage: TakeoverStage, step: int, when: str) -> None:
    assert stage.run("takeover", "db").status == 0
    stage.killed_at(stage.release_lines[step], when, "release", "db")

    if (step % 2 == 0) == (when == "before"):
        assert stage.run("takeover", "db").status == 0
        assert stage.active()
    done = stage.run("release", "db")

    assert done.status == 0, done.err
    assert stage.passive()
