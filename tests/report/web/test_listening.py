"""Where it listens, and what is said of that."""

from __future__ import annotations

import socket

import bcrypt
import pytest

from connector.errors import ConnectorError
from connector.report.web.listening import announced, exposure, listen
from connector.report.web.passwords import Passwords
from connector.report.web.protection import Protection

OPEN = Protection()
WITH_PASSWORDS = Protection(
    passwords=Passwords({"alice": bcrypt.hashpw(b"x", bcrypt.gensalt(4)).decode()})
)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1"])
def test_on_this_machine_alone_nothing_is_said(address: str) -> None:
    assert exposure(address, OPEN) is None
    assert exposure(address, WITH_PASSWORDS) is None


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.1", "2001:db8::1", "fe80::1%eth0"])
def test_on_the_network_it_is(address: str) -> None:
    said = exposure(address, OPEN)
    assert said is not None
    assert "everybody on the network can read the metrics" in said
    said = exposure(address, WITH_PASSWORDS)
    assert said is not None
    assert "passwords come over the network as they are" in said


def test_with_tls_nothing_is_said() -> None:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    assert exposure("0.0.0.0", Protection(tls=context)) is None


def test_a_free_port_is_named() -> None:
    with listen("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        assert announced("127.0.0.1", listening) == f"listening on 127.0.0.1:{port}"
        assert announced("::1", listening) == f"listening on [::1]:{port}"
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            pass
        with pytest.raises(ConnectorError, match=rf"127\.0\.0\.1:{port}: Address already in use"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize("host", ["no such host", "a" * 70 + ".example", "..", "ü" * 99])
def test_an_address_that_is_none(host: str) -> None:
    with pytest.raises(ConnectorError, match="cannot listen on") as raised:
        listen(host, 0)
    assert raised.value.exit_status == 1
    assert "\n" not in str(raised.value)
