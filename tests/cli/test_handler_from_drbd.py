"""connector handler as DRBD calls it: in its environment, many at once, and on bad disks."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from connector.cli.handler import LIMIT_S, MAX_BYTES, variables, woken_by
from connector.watch.doorbell import place
from tests.cli.stage import PROJECT, Stage
from tests.cli.test_exit_status import PREFIX

pytestmark = pytest.mark.slow

# What the kernel gives to its helpers, and drbdadm adds.
KERNELS = {"HOME": "/", "TERM": "linux", "PATH": "/sbin:/usr/sbin:/bin:/usr/bin"}
SAID = {
    "DRBD_CONF": "/etc/drbd.conf",
    "DRBD_LL_DISK": "/dev/vda",
    "DRBD_MINOR": "0",
    "DRBD_PEER": "alpha",
    "DRBD_PEERS": "alpha",
    "DRBD_PEER_ADDRESS": "10.9.0.1",
    "DRBD_PEER_AF": "ipv4",
    "DRBD_RESOURCE": "mail",
    "DRBD_VOLUME": "0",
}
START = f"import sys; sys.path.insert(0, {str(PROJECT)!r}); from connector.cli import main; main()"
# SIGALRM's default action, as subprocess shows it.
ENDED_BY_ALARM = -14


def recorded(stage: Stage, name: str = "handlers.jsonl") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (stage.state / name).read_bytes().splitlines()]


@contextmanager
def bell(stage: Stage) -> Iterator[socket.socket]:
    """Somebody who listens as a watch does."""
    stage.lock.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listens:
        listens.bind(str(place(stage.lock)))
        listens.settimeout(30)
        yield listens


@contextmanager
def hanging_disk(stage: Stage) -> Iterator[None]:
    """Whoever writes the record waits for ever."""
    stage.state.mkdir()
    held = os.open(stage.state / "handlers.jsonl", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def test_in_the_environment_of_a_kernel_helper(stage: Stage) -> None:
    config = stage.config(f'[run]\nstate_dir = "{stage.state}"\nlock = "{stage.lock}"\n')
    before = time.time()
    done = subprocess.run(
        [sys.executable, "-c", START, "--config", str(config), "handler", "split-brain"],
        env={**KERNELS, **SAID},
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    (entry,) = recorded(stage)
    at = entry.pop("at")
    assert entry == {"handler": "split-brain", "drbd": SAID}
    assert next(iter(entry["drbd"])) == "DRBD_RESOURCE"
    stamps = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(s)) for s in (before, time.time())]
    assert stamps[0] <= at <= stamps[1]


def test_nobody_but_its_owner_reads_the_record(stage: Stage) -> None:
    stage.run("handler", "split-brain")
    assert (stage.state / "handlers.jsonl").stat().st_mode & 0o777 == 0o600


def test_bytes_that_are_no_text(stage: Stage) -> None:
    done = stage.run("handler", "split-brain", DRBD_RESOURCE="ma\udcffil", OTHER="secret")
    assert (done.status, done.err) == (0, "")
    assert recorded(stage)[0]["drbd"] == {"DRBD_RESOURCE": "ma?il"}
    assert b"secret" not in (stage.state / "handlers.jsonl").read_bytes()


def test_the_resource_is_told_however_many_volumes_it_has() -> None:
    """DRBD 9 has two variables more for each of them, and theirs come first in the alphabet."""
    volumes = {f"DRBD_BACKING_DEV_{number}": "/dev/vda" for number in range(64)}
    told = variables({**volumes, **SAID, "PATH": "/bin", "XDRBD_": "no"})
    assert len(told) == 40
    assert told["DRBD_RESOURCE"] == "mail"
    assert woken_by("split-brain", told) == "handler split-brain mail"


def test_a_handler_of_no_resource_wakes_too() -> None:
    assert woken_by("out-of-sync", {}) == "handler out-of-sync"


@pytest.mark.parametrize(
    "value", ["x" * 10_000, "\n\r\t\x00\x1b", "é", "\N{SNOWMAN}" * 300, "\udcff", '"\\', ""]
)
def test_whatever_a_variable_holds_the_record_is_short_and_printable(value: str) -> None:
    told = variables({"DRBD_" + value: value})
    ((name, kept),) = told.items()
    for text in (name, kept):
        assert len(text) <= 200
        assert text.isascii()
        assert text.isprintable()
    assert kept == "".join(char if " " <= char <= "~" else "?" for char in value[:200])


def test_the_record_turns_over_and_two_are_kept(stage: Stage) -> None:
    stage.state.mkdir()
    old = b'{"handler":"old"}\n' * (MAX_BYTES // 18)
    (stage.state / "handlers.jsonl").write_bytes(old)
    for event in ("first", "second", "third"):
        assert stage.run("handler", event, DRBD_RESOURCE="m" * 150).status == 0
    assert [entry["handler"] for entry in recorded(stage)] == ["second", "third"]
    older = recorded(stage, "handlers.jsonl.1")
    assert (older[0]["handler"], older[-1]["handler"]) == ("old", "first")
    assert len(list(stage.state.iterdir())) == 2


def test_half_a_line_spoils_only_itself(stage: Stage) -> None:
    stage.state.mkdir()
    (stage.state / "handlers.jsonl").write_bytes(b'{"handler":"cut o')
    assert stage.run("handler", "split-brain").status == 0
    half, whole = (stage.state / "handlers.jsonl").read_bytes().splitlines()
    assert half == b'{"handler":"cut o'
    assert json.loads(whole)["handler"] == "split-brain"


def test_many_at_once_are_all_on_record(stage: Stage) -> None:
    """Each volume of each resource has its own call."""
    started = [
        stage.start("handler", "split-brain", DRBD_RESOURCE=f"r{number}", DRBD_MINOR="x" * 200)
        for number in range(4)
    ]
    assert [running.end().status for running in started] == [0] * 4
    found = {entry["drbd"]["DRBD_RESOURCE"] for entry in recorded(stage)}
    assert found == {f"r{number}" for number in range(4)}


def test_the_watch_is_woken_though_the_disk_hangs(stage: Stage) -> None:
    with bell(stage) as listens, hanging_disk(stage):
        done = stage.run("handler", "split-brain", **SAID)
        assert listens.recv(256) == b"handler split-brain mail"
    assert done.status == ENDED_BY_ALARM
    assert LIMIT_S <= done.seconds < 30  # its start, and its limit


def test_the_bound_holds_though_whoever_calls_ignores_the_alarm(stage: Stage) -> None:
    ignoring = ("sh", "-c", "trap '' ALRM; exec \"$@\"", "sh")
    with hanging_disk(stage):
        done = stage.run_under(ignoring, "handler", "split-brain")
    assert done.status == ENDED_BY_ALARM
    assert done.seconds < 20


def test_a_watch_that_is_behind_holds_nobody_up(stage: Stage) -> None:
    with bell(stage), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as crowd:
        crowd.setblocking(False)
        for _ in range(5000):
            try:
                crowd.sendto(b"x", str(place(stage.lock)))
            except BlockingIOError:
                break
        done = stage.run("handler", "split-brain")
    assert (done.status, done.err) == (0, "")
    assert len(recorded(stage)) == 1


def test_where_it_may_not_write_it_says_whom_to_be(stage: Stage) -> None:
    stage.state.mkdir()
    stage.state.chmod(0)
    done = stage.run_under(PREFIX, "handler", "split-brain")
    assert (done.status, done.out) == (77, "")
    assert "handlers.jsonl: cannot be written: Permission denied" in done.err


def test_what_is_no_socket_is_said_and_the_record_is_written_all_the_same(stage: Stage) -> None:
    stage.lock.parent.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.bind(str(place(stage.lock)))
        other.listen()
        done = stage.run("handler", "split-brain")
    assert done.status == 0
    assert done.err == "connector: the watch cannot be woken: Protocol wrong type for socket\n"
    assert len(recorded(stage)) == 1


def test_a_bad_configuration_is_said(stage: Stage) -> None:
    config: Path = stage.config("[run]\nstate = 1\n")
    done = stage.run("handler", "split-brain", "--config", str(config))
    assert (done.status, done.out) == (78, "")
    assert f"{config}:2: run.state" in done.err


@pytest.mark.parametrize("words", [(), ("split-brain", "mail"), ("--resource", "mail")])
def test_typing_mistakes(stage: Stage, words: tuple[str, ...]) -> None:
    done = stage.run("handler", *words)
    assert (done.status, done.out) == (2, "")
    assert not stage.state.exists()
