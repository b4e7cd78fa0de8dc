"""The network between the machines: who gets a frame, and what is lost on purpose."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from .wire import Wire

TO_ALL = b"\xff" * 6
ALPHA, BETA, CLIENT = (b"\x52\x54\x00\x00\x00" + bytes([number]) for number in (1, 2, 3))
SOON_S, NEVER_S = 5.0, 0.2


@pytest.fixture
def wire() -> Iterator[Wire]:
    """Two nodes, and a client at alpha's end."""
    carrying = Wire(["alpha", "beta", "client"])
    yield carrying
    carrying.close()


def send(wire: Wire, name: str, source: bytes, target: bytes, text: bytes = b"") -> None:
    """Have a machine send a frame."""
    wire.plug(name).send(target + source + b"\x08\x00" + text)


def received(wire: Wire, name: str, timeout_s: float = SOON_S) -> bytes | None:
    """The next frame that a machine gets, without its addresses; None where there is none."""
    plug = wire.plug(name)
    plug.settimeout(timeout_s)
    try:
        return plug.recv(1 << 16)[14:]
    except TimeoutError:
        return None
    finally:
        plug.settimeout(None)


def test_what_is_for_all_goes_to_all_others(wire: Wire) -> None:
    send(wire, "alpha", ALPHA, TO_ALL, b"who?")

    assert (received(wire, "beta"), received(wire, "client")) == (b"who?", b"who?")
    assert received(wire, "alpha", NEVER_S) is None


def test_what_is_for_one_goes_to_where_it_was_heard_from(wire: Wire) -> None:
    send(wire, "client", CLIENT, TO_ALL)
    received(wire, "alpha")
    received(wire, "beta")

    send(wire, "alpha", ALPHA, CLIENT, b"yes")

    assert received(wire, "client") == b"yes"
    assert received(wire, "beta", NEVER_S) is None


def test_two_parts_do_not_hear_of_each_other(wire: Wire) -> None:
    wire.part(["alpha", "client"])
    send(wire, "alpha", ALPHA, TO_ALL, b"apart")
    assert received(wire, "client") == b"apart"
    assert received(wire, "beta", NEVER_S) is None

    wire.mend()
    send(wire, "alpha", ALPHA, TO_ALL, b"together")
    assert received(wire, "beta") == b"together"


def test_some_frames_are_lost_whoever_sends_them(wire: Wire) -> None:
    wire.lose_those(lambda frame: frame.endswith(b"beat"))
    for name, source in (("alpha", ALPHA), ("beta", BETA)):
        send(wire, name, source, TO_ALL, b"a beat")
        send(wire, name, source, TO_ALL, b"another")

    assert [received(wire, "client"), received(wire, "client")] == [b"another"] * 2
    assert received(wire, "client", NEVER_S) is None


def test_one_that_is_silent_still_hears(wire: Wire) -> None:
    wire.lose_from("alpha")
    send(wire, "alpha", ALPHA, TO_ALL, b"lost")
    send(wire, "beta", BETA, TO_ALL, b"heard")

    assert received(wire, "alpha") == b"heard"
    assert received(wire, "client") == b"heard"
    assert received(wire, "client", NEVER_S) is None


def test_a_machine_that_is_down_keeps_nobody_from_speaking(wire: Wire) -> None:
    frame = b"x" * 60_000
    for _ in range(200):  # more than the buffer of the one that does not read
        send(wire, "alpha", ALPHA, TO_ALL, frame)
        assert received(wire, "beta") == frame


def test_a_frame_that_is_too_short_to_be_one_breaks_nothing(wire: Wire) -> None:
    assert isinstance(wire.plug("alpha"), socket.socket)
    wire.plug("alpha").send(b"")
    wire.plug("alpha").send(b"x")
    send(wire, "alpha", ALPHA, TO_ALL, b"after it")

    assert b"after it" in (received(wire, "beta"), received(wire, "beta"), received(wire, "beta"))
