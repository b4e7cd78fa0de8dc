"""What systemd is told, over real sockets."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from connector.watch.notify import SEND_TIMEOUT_S, Systemd


@contextmanager
def listening(address: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.setblocking(False)
        yield manager


def heard(manager: socket.socket) -> list[str]:
    said = []
    while True:
        try:
            said.append(manager.recv(4096).decode())
        except BlockingIOError:
            return said


def crowd(address: str) -> None:
    """Say so much that nothing more can be said."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as many, suppress(BlockingIOError):
        many.setblocking(False)
        while True:
            many.sendto(b"x", address)


def say_everything(systemd: Systemd) -> None:
    systemd.ready("watching")
    systemd.alive()
    systemd.stopping()


EVERYTHING = ["READY=1\nSTATUS=watching", "WATCHDOG=1", "STOPPING=1"]


def test_a_socket_in_the_file_system(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with listening(address) as manager:
        say_everything(Systemd({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "30000000"}))
        assert heard(manager) == EVERYTHING


def test_an_abstract_socket() -> None:
    name = f"connector-test-{os.getpid()}"
    with listening(f"\0{name}") as manager:
        say_everything(Systemd({"NOTIFY_SOCKET": f"@{name}", "WATCHDOG_USEC": "30000000"}))
        assert heard(manager) == EVERYTHING


def test_a_reload_has_the_time_that_systemd_compares(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with listening(address) as manager:
        before_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        Systemd({"NOTIFY_SOCKET": address}).reloading()
        after_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        (said,) = heard(manager)
    assert said.startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert before_us <= int(said.rpartition("=")[2]) <= after_us


def test_without_a_socket_nothing_is_said_and_nothing_fails(tmp_path: Path) -> None:
    with listening(str(tmp_path / "notify")) as manager:
        say_everything(Systemd({"WATCHDOG_USEC": "30000000"}))
        say_everything(Systemd({"NOTIFY_SOCKET": ""}))
        assert heard(manager) == []


def test_no_watchdog_no_pings(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with listening(address) as manager:
        systemd = Systemd({"NOTIFY_SOCKET": address})
        systemd.alive()
        assert heard(manager) == []
    assert systemd.ping_every_s is None


@pytest.mark.parametrize(
    ("environment", "every_s"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "41"}, 0.5),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "42"}, None),
        ({"WATCHDOG_PID": "41"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-5"}, None),
        ({"WATCHDOG_USEC": ""}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "me"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_asked_for_this_process(
    environment: dict[str, str], every_s: float | None
) -> None:
    assert Systemd(environment, pid=41).ping_every_s == every_s


def test_this_process_is_the_one_meant() -> None:
    for pid, every_s in ((os.getpid(), 1.0), (os.getppid(), None)):
        environment = {"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": str(pid)}
        assert Systemd(environment).ping_every_s == every_s


@pytest.mark.parametrize("address", ["nobody", "x" * 500, "@", "vsock:2:1234"])
def test_a_manager_that_is_not_there_is_no_failure(tmp_path: Path, address: str) -> None:
    systemd = Systemd({"NOTIFY_SOCKET": address if address[0] == "@" else f"{tmp_path}/{address}"})
    say_everything(systemd)
    assert list(tmp_path.iterdir()) == []


def test_a_manager_that_does_not_listen_holds_nobody_up_for_long(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with listening(address) as manager:
        crowd(address)
        began_s = time.monotonic()
        Systemd({"NOTIFY_SOCKET": address}).ready("watching")
        assert SEND_TIMEOUT_S * 0.5 <= time.monotonic() - began_s < 20
        assert set(heard(manager)) == {"x"}


def test_one_message_stays_one(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with listening(address) as manager:
        Systemd({"NOTIFY_SOCKET": address}).ready("a\0b")
        assert heard(manager) == ["READY=1\nSTATUS=a b"]
