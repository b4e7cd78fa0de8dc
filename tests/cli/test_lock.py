"""A command that somebody types waits for a pass that is at work."""

from __future__ import annotations

import fcntl
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.cli.stage import AT_ONCE, Stage

StageOf = Callable[..., Stage]
TYPED = {
    "pause": ("pause", "mail"),
    "resume": ("resume", "mail"),
    "recover": ("recover", "mail", "--yes", "--no-follow"),
    "rehearse": ("recover", "mail", "--rehearse"),
    "keep": ("rescue", "keep", "mail"),
    "drop": ("rescue", "drop", "--expired"),
}


@pytest.fixture
def apart(stage_of: StageOf) -> Stage:
    return stage_of("standby-disconnected")


@contextmanager
def held(stage: Stage) -> Iterator[Callable[[], None]]:
    """The lock is held as by a pass, until the block ends or what it is given is called."""
    stage.lock.parent.mkdir(parents=True, exist_ok=True)
    with stage.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lambda: fcntl.flock(lock, fcntl.LOCK_UN)


@pytest.mark.parametrize("words", TYPED.values(), ids=TYPED)
def test_no_longer_than_it_is_told_to(apart: Stage, words: tuple[str, ...]) -> None:
    with held(apart):
        done = apart.run(*words, CONNECTOR_RUN_WAIT_FOR_LOCK="0.3")
    assert done.status == 75
    assert "connector: another pass is at work: waiting up to 0.3 s\n" in done.err
    assert f"another pass holds {apart.lock}: nothing was done" in done.err
    assert done.seconds > 0.3
    assert apart.calls() == []
    assert not (apart.state / "pauses.json").exists()


@pytest.mark.parametrize("words", [TYPED["pause"], TYPED["recover"]], ids=["pause", "recover"])
def test_it_goes_on_when_the_pass_is_over(apart: Stage, words: tuple[str, ...]) -> None:
    with held(apart) as give_back, apart.start(*words) as running:
        assert running.first_error() == "connector: another pass is at work: waiting up to 60 s\n"
        give_back()
        done = running.end()
    assert done.status == 0
    assert apart.calls() == (["connect mail"] if words[0] == "recover" else [])


def test_what_the_pass_has_changed_meanwhile_is_not_overrun(apart: Stage) -> None:
    with held(apart) as give_back, apart.start(*TYPED["recover"]) as running:
        assert "waiting" in running.first_error()
        with apart.pair.changing() as pair:
            pair.run_on("beta")(("drbdadm", "connect", "mail"), 10.0)
        give_back()
        done = running.end()
    assert done.status == 3
    assert "mail changed meanwhile" in done.err
    assert apart.calls() == []


def test_ctrl_c_ends_the_wait(apart: Stage) -> None:
    with held(apart), apart.start(*TYPED["recover"]) as running:
        assert "waiting" in running.first_error()
        running.send(signal.SIGINT)
        assert running.end().status == 130
    assert apart.calls() == []


def test_a_pass_does_not_wait(apart: Stage) -> None:
    with held(apart):
        done = apart.run("reconcile", **AT_ONCE)
    assert (done.status, done.out) == (75, "")
    assert "waiting" not in done.err
