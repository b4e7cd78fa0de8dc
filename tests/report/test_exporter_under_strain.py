"""Slow, silent and vanishing clients, looks that come together or never end, and signals."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest

from connector.errors import NoDrbd
from connector.report.exporter import Exporter
from connector.report.shared_look import Seen, SharedLook
from tests.docs.pages import PROJECT
from tests.report.scraping import Counting, ask, look, serving

pytestmark = pytest.mark.slow


def test_scrapes_that_come_together_share_one_look_and_later_ones_look_afresh() -> None:
    counting = Counting(lasts_s=0.2)
    statuses: list[int] = []
    with serving(Exporter(counting, port=0, look_kept_s=0.3)) as port:
        threads = [
            threading.Thread(target=lambda: statuses.append(ask(port, "/metrics")[0]))
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (counting.looks, statuses) == (1, [200] * 6)
        time.sleep(0.4)
        ask(port, "/metrics")
        assert counting.looks == 2


def test_a_failure_is_shared_too() -> None:
    counting = Counting(error=NoDrbd("none"))
    shared = SharedLook(counting)
    for _ in range(3):
        with pytest.raises(NoDrbd):
            shared.get()
    assert counting.looks == 1


def test_a_look_that_never_ends_does_not_take_the_exporter_with_it() -> None:
    release = threading.Event()

    def stuck() -> Seen:
        release.wait(20)
        return look()

    exporter = Exporter(stuck, port=0, look_wait_s=0.2)
    with serving(exporter) as port:
        first = threading.Thread(target=ask, args=(port, "/metrics"))
        first.start()
        time.sleep(0.2)
        assert ask(port, "/metrics")[::2] == (
            503,
            b"an earlier look at DRBD has not come to its end: ask again in a minute\n",
        )
        status, headers, body = ask(port, "/")
        assert (status, headers["Content-Type"]) == (503, "text/html; charset=utf-8")
        assert (
            b"<p>an earlier look at DRBD has not come to its end: ask again in a minute</p>" in body
        )
        assert ask(port, "/-/healthy")[0] == 200
        release.set()
        first.join()


def silent(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def dripping(port: int) -> socket.socket:
    """Says something all the time and never comes to the end."""
    connection = silent(port)

    def drip() -> None:
        try:
            for byte in b"GET /metrics HTTP/1.0\r\n" + b"X: y\r\n" * 10_000:
                connection.sendall(bytes([byte]))
                time.sleep(0.02)
        except OSError:
            pass

    threading.Thread(target=drip, daemon=True).start()
    return connection


def answered(port: int) -> bool:
    """One that is turned away may find the connection reset before it reads why."""
    try:
        return ask(port, "/metrics")[0] == 200
    except (OSError, http.client.HTTPException):
        return False


@pytest.mark.parametrize("client", [silent, dripping])
def test_slow_clients_hold_their_places_only_for_a_time(
    client: Callable[[int], socket.socket],
) -> None:
    with serving(Exporter(look, port=0, max_connections=2, connection_s=1.5)) as port:
        slow = [client(port) for _ in range(2)]
        try:
            # Connections are taken in their order, so both places are held by now.
            with silent(port) as turned_away:
                assert turned_away.recv(100).startswith(b"HTTP/1.0 503 ")
            patience_s = time.monotonic() + 10
            while not answered(port):
                assert time.monotonic() < patience_s
                time.sleep(0.1)
        finally:
            for connection in slow:
                connection.close()


def test_a_client_that_goes_away_is_no_news() -> None:
    said: list[str] = []
    with serving(Exporter(Counting(lasts_s=0.3), port=0, log=said.append)) as port:
        with silent(port) as connection:
            connection.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        time.sleep(0.5)
        assert ask(port, "/metrics")[0] == 200
    assert said == []


SLOW = """\
import time
from connector.report.exporter import Exporter, run
from tests.report.scraping import look
def slow():
    print("looking", flush=True)
    time.sleep(0.6)
    return look()
server = Exporter(slow, port=0)
print(server.server_port, flush=True)
run(server)
"""


def test_an_answer_that_was_begun_is_given_before_it_ends() -> None:
    statuses: list[int] = []
    with subprocess.Popen(
        [sys.executable, "-c", SLOW], stdout=subprocess.PIPE, text=True, cwd=PROJECT
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        asks = threading.Thread(target=lambda: statuses.append(ask(port, "/metrics")[0]))
        asks.start()
        assert process.stdout.readline() == "looking\n"
        process.send_signal(signal.SIGTERM)
        asks.join(20)
        assert process.wait(20) == 0
    assert statuses == [200]


def test_but_whoever_says_nothing_does_not_keep_it() -> None:
    with serving(Exporter(look, port=0)) as port:
        held = silent(port)
        assert ask(port, "/-/healthy")[0] == 200
        began_s = time.monotonic()
    held.close()
    assert 0.9 < time.monotonic() - began_s < 9


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(number: signal.Signals) -> None:
    code = (
        "from connector.report.exporter import Exporter, run\n"
        "server = Exporter(lambda: None, port=0)\n"
        "print(server.server_port, flush=True)\n"
        "run(server)\n"
        "print('ended')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with silent(port):  # even while somebody holds a connection
            assert ask(port, "/-/healthy")[0] == 200
            process.send_signal(number)
            out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "ended\n", "")
