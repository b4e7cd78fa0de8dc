"""Heartbeat's files, and its beats among other frames."""

from __future__ import annotations

import struct

import pytest

from tests.lab.drbd_node import CHECKOUT

from .heartbeat import BEAT_PORT, ha_cf, haresources, is_beat

UDP, TCP = 17, 6


def frame(
    protocol: int = UDP, port: int = BEAT_PORT, *, kind: int = 0x0800, options: bytes = b""
) -> bytes:
    """An Ethernet frame with an IPv4 packet to that port."""
    header = bytes([0x45 + len(options) // 4]) + bytes(8) + bytes([protocol]) + bytes(10) + options
    return bytes(12) + struct.pack("!H", kind) + header + struct.pack("!HH", 40000, port) + bytes(8)


@pytest.mark.parametrize("given", [frame(), frame(options=bytes(8))])
def test_a_beat(given: bytes) -> None:
    assert is_beat(given)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(frame(TCP), id="TCP"),
        pytest.param(frame(port=BEAT_PORT + 1), id="another port"),
        pytest.param(frame(kind=0x86DD), id="IPv6"),
        pytest.param(frame()[:37], id="cut short"),
        pytest.param(b"", id="empty"),
    ],
)
def test_no_beat(given: bytes) -> None:
    assert not is_beat(given)


def directives(text: str) -> set[str]:
    """The first words of the lines that say something."""
    lines = (line.partition("#")[0].split() for line in text.splitlines())
    return {words[0] for words in lines if words}


def test_it_is_what_the_example_has() -> None:
    example = CHECKOUT / "contrib/heartbeat"
    assert directives((example / "ha.cf").read_text()) == directives(ha_cf()) - {"logfile"}

    shown = haresources("connector-resource::mail", "connector-services::/srv/mail/etc").split()
    real = next(
        line.split()
        for line in (example / "haresources").read_text().splitlines()
        if not line.startswith("#")
    )
    assert [shown[0], shown[1], shown[3]] == [real[0], real[1], real[3]]
    assert shown[2].startswith("IPaddr2::10.9.1.50")
