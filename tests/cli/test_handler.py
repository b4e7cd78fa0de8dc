"""connector handler: what drbd.conf's handlers call."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Callable

import pytest

from tests.cli.stage import Stage

pytestmark = pytest.mark.slow

StageOf = Callable[..., Stage]
DRBD_SAYS = {"DRBD_RESOURCE": "mail", "DRBD_MINOR": "0", "DRBD_PEER_ADDRESS": "10.9.0.2"}


def recorded(stage: Stage) -> list[dict[str, object]]:
    """What is on record."""
    return [json.loads(line) for line in (stage.state / "handlers.jsonl").read_text().splitlines()]


def test_what_drbd_says_is_on_record(stage: Stage) -> None:
    done = stage.run("handler", "split-brain", **DRBD_SAYS)
    assert (done.status, done.out, done.err) == (0, "", "")
    (entry,) = recorded(stage)
    assert (entry["handler"], entry["drbd"]) == ("split-brain", DRBD_SAYS)
    assert stage.calls() == []


def test_hostile_words_are_made_printable_and_bounded(stage: Stage) -> None:
    many = {f"DRBD_{number:03}": "x" * 5000 for number in range(60)}
    stage.run(
        "handler", "split-brain", DRBD_000="a\nb\x1b[31m\u00fc", **dict(list(many.items())[1:])
    )
    (entry,) = recorded(stage)
    told = entry["drbd"]
    assert isinstance(told, dict)
    assert len(told) == 40
    assert told["DRBD_000"].startswith("a?b?[31m?")
    assert max(map(len, told.values())) == 200


def test_an_event_that_is_none_is_refused(stage: Stage) -> None:
    for event in ("Split Brain", "../etc", "x" * 60, ""):
        done = stage.run("handler", event)
        assert done.status == 2, event
        assert "no name of a handler" in done.err
    assert not (stage.state / "handlers.jsonl").exists()


def test_a_watch_is_woken(stage: Stage) -> None:
    stage.lock.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bell:
        bell.bind(str(stage.lock.parent / "watch"))
        bell.settimeout(10)
        assert stage.run("handler", "split-brain", **DRBD_SAYS).status == 0
        assert bell.recv(256) == b"handler split-brain mail"


def test_where_the_record_cannot_be_written_it_says_so(stage: Stage) -> None:
    stage.state.write_text("a file, not a folder")
    done = stage.run("handler", "split-brain")
    assert done.status == 1
    assert "handlers.jsonl: cannot be written" in done.err


def test_drbd_does_not_wait_for_a_disk_that_hangs(stage: Stage) -> None:
    stage.state.mkdir()
    held = os.open(stage.state / "handlers.jsonl", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        began_s = time.monotonic()
        done = stage.run("handler", "split-brain")
        assert time.monotonic() - began_s < 20  # its limit, and the start of the program
        assert done.status == -14  # SIGALRM's own action: nothing that hangs can keep it
    finally:
        os.close(held)
