"""The client: its numbers, its pace, and what it takes for an acknowledgement."""

from __future__ import annotations

import email
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from ..wait import wait_until
from .client import NumberedClient, numbered_message, send_by_smtp

PATIENCE_S = 60.0


class Clock:
    """A clock that stands still unless somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.slept_s: list[float] = []

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, time_s: float) -> None:
        self.slept_s.append(time_s)
        self.now_s += time_s


def ends(client: NumberedClient, messages: int) -> None:
    """Have a client send as many messages as it may on its one road, and the note that says so."""
    with client:
        wait_until(
            lambda: len(client.acknowledged()) + client.failures == messages + 1,
            timeout_s=PATIENCE_S,
            what="the road has ended",
        )


def test_a_message_has_its_number_in_three_headers() -> None:
    message = email.message_from_bytes(numbered_message("alpha-side-000123"))
    assert message["X-Number"] == message["Subject"] == "alpha-side-000123"
    assert message["Message-ID"] == "<alpha-side-000123@lab.example>"
    # The smallest block of an ext4.
    assert len(numbered_message("alpha-side-000123")) < 1024


def test_numbers_are_not_used_again_and_times_are_the_clocks() -> None:
    clock = Clock()
    answers: Iterator[str | OSError] = iter(
        ["2.0.0 kept by alpha", ConnectionRefusedError(111, "refused"), "2.0.0 kept by beta", "OK"]
    )

    def send(_host: str, _port: int, _message: bytes, _timeout_s: float) -> str:
        clock.now_s += 0.125
        if isinstance(answer := next(answers), OSError):
            raise answer
        return answer

    client = NumberedClient(
        {"alpha-side": ("127.0.0.1", 1)},
        most_messages=4,
        clock=clock,
        sleep=clock.sleep,
        send=send,
    )
    ends(client, 4)
    assert [
        (each.number, each.road, each.kept_by, each.sent_s, each.at_s)
        for each in client.acknowledged()
    ] == [
        ("alpha-side-000001", "alpha-side", "alpha", 100.0, 100.125),
        ("alpha-side-000003", "alpha-side", "beta", 101.0, 101.125),
        ("alpha-side-000004", "alpha-side", "", 101.5, 101.625),
    ]
    refused, ended = client.failed
    assert (refused.number, refused.sent_s, refused.at_s) == ("alpha-side-000002", 100.5, 100.625)
    assert refused.why == "ConnectionRefusedError: [Errno 111] refused"
    assert ended.why == "not sent: the road ends after 4 messages"
    assert client.first_after(100.25) == 0.875
    assert [(each.began_s, each.ended_s) for each in client.outages(100.125, 101.625, 0.5)] == [
        (100.125, 101.125)
    ]


def test_an_attempt_that_took_long_is_not_made_up_for() -> None:
    clock = Clock()
    took_s = iter([0.125, 2.0, 0.25, 0.0])

    def send(_host: str, _port: int, _message: bytes, _timeout_s: float) -> str:
        clock.now_s += next(took_s)
        return "kept by alpha"

    client = NumberedClient(
        {"alpha-side": ("127.0.0.1", 1)},
        interval_s=0.5,
        most_messages=4,
        clock=clock,
        sleep=clock.sleep,
        send=send,
    )
    ends(client, 4)
    assert clock.slept_s == [0.375, 0.0, 0.25, 0.5]


def test_the_last_failures_are_remembered_and_all_are_counted() -> None:
    def send(_host: str, _port: int, _message: bytes, _timeout_s: float) -> str:
        raise TimeoutError("x" * 5000)

    client = NumberedClient(
        {"alpha-side": ("127.0.0.1", 1)},
        most_messages=50,
        kept_failures=3,
        sleep=lambda _time_s: None,
        send=send,
    )
    ends(client, 50)
    assert client.failures == 51
    assert [each.number[-6:] for each in client.failed] == ["000049", "000050", "000051"]
    assert len(client.failed[0].why) == 200


def test_each_road_has_its_own_numbers_and_goes_on_while_another_is_stuck() -> None:
    go_on = threading.Event()

    def send(_host: str, port: int, _message: bytes, _timeout_s: float) -> str:
        if port == 2:
            go_on.wait(PATIENCE_S)
        return f"kept by port-{port}"

    roads = {"alpha-side": ("127.0.0.1", 1), "beta-side": ("127.0.0.1", 2)}
    with NumberedClient(roads, interval_s=0.001, send=send) as client:
        wait_until(
            lambda: len(client.acknowledged("alpha-side")) >= 5,
            timeout_s=PATIENCE_S,
            what="the other road goes on",
        )
        assert client.acknowledged("beta-side") == []
        go_on.set()
        wait_until(
            lambda: client.acknowledged("beta-side"), timeout_s=PATIENCE_S, what="the stuck one"
        )
    assert client.acknowledged("beta-side")[0].number == "beta-side-000001"
    assert {each.kept_by for each in client.acknowledged("alpha-side")} == {"port-1"}
    numbers = [each.number for each in client.acknowledged()]
    assert len(set(numbers)) == len(numbers)
    with pytest.raises(KeyError):
        client.acknowledged("gamma-side")


@pytest.mark.parametrize("name", ["", "Alpha", "alpha side", "alpha\nX-Number: 1", "-a", "a" * 40])
def test_a_road_has_a_name_that_can_stand_in_a_number(name: str) -> None:
    with pytest.raises(ValueError, match="no name of a road"):
        NumberedClient({name: ("127.0.0.1", 1)})


@contextmanager
def scripted(answers: Sequence[bytes | None]) -> Iterator[int]:
    """A server for one connection, with those answers and then silence; None is to hang up."""
    listening = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def answer() -> None:
        connection, _ = listening.accept()
        with connection, connection.makefile("rb") as asked:
            for count, line in enumerate(answers):
                if count == 5:  # after DATA
                    while asked.readline() not in (b".\r\n", b""):
                        pass
                elif count:
                    asked.readline()
                if line is None:
                    return
                connection.sendall(line)
            over.wait(PATIENCE_S)

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        over.set()
        thread.join(PATIENCE_S)
        listening.close()


HELLO, OK, GO = b"220 lab\r\n", b"250 ok\r\n", b"354 go\r\n"
TO_DATA = (HELLO, OK, OK, OK, GO)


def test_an_acknowledgement_counts_whatever_becomes_of_the_connection() -> None:
    with scripted([*TO_DATA, b"250 2.0.0 kept by beta\r\n", None]) as port:
        message = numbered_message("a-000001")
        assert send_by_smtp("127.0.0.1", port, message, PATIENCE_S) == "2.0.0 kept by beta"


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        pytest.param([*TO_DATA, None], "Connection unexpectedly closed", id="cut before the 250"),
        pytest.param([*TO_DATA, b"25"], "timed out", id="half of an answer"),
        pytest.param([*TO_DATA], "timed out", id="no answer"),
        pytest.param([*TO_DATA, b"451 4.3.0 no\r\n"], "451", id="refused"),
        pytest.param([*TO_DATA, b"251 hm\r\n"], "251", id="another kind of yes"),
        pytest.param([HELLO, OK, b"452 full\r\n"], "452", id="refused at MAIL"),
        pytest.param([HELLO, OK, OK, OK, b"421 bye\r\n"], "421", id="refused at DATA"),
        pytest.param([b"421 4.3.2 too many\r\n"], "421", id="refused at once"),
        pytest.param([], "timed out", id="nobody behind an open port"),
    ],
)
def test_nothing_else_is_an_acknowledgement(answers: Sequence[bytes | None], why: str) -> None:
    timeout_s = 0.2 if why == "timed out" else PATIENCE_S
    with scripted(answers) as port, pytest.raises(OSError, match=why):
        send_by_smtp("127.0.0.1", port, numbered_message("a-000001"), timeout_s)
