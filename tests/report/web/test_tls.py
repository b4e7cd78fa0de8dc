"""Real handshakes with the exporter: who comes in, who does not, and who is in nobody's way."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from connector.report.exporter import Exporter
from connector.report.web import tls
from connector.report.web.protection import InForce
from tests.report.scraping import ask, look, serving
from tests.report.web.papers import CLIENTS_TOO, HOST, TLS, Papers, ask_tls, basic, users

pytestmark = pytest.mark.slow

PATIENCE_S = 20.0


@pytest.fixture
def papers(tmp_path: Path) -> Papers:
    return Papers(tmp_path)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def port(papers: Papers, said: list[str]) -> Iterator[int]:
    """An exporter with TLS."""
    protect = InForce(papers.web_config(TLS), said.append)
    with serving(Exporter(look, port=0, protect=protect, log=said.append)) as number:
        yield number


def raw(port: int) -> socket.socket:
    return socket.create_connection((HOST, port), timeout=PATIENCE_S)


def test_whoever_trusts_the_authority_reads_the_metrics(papers: Papers, port: int) -> None:
    status, headers, body = ask_tls(port, papers.client())
    assert status == 200
    assert headers["Content-Length"] == str(len(body))
    assert b"connector_in_use" in body


def test_whoever_trusts_another_authority_does_not(papers: Papers, port: int) -> None:
    stranger = ssl.create_default_context()
    trustme.CA().configure_trust(stranger)
    with pytest.raises(ssl.SSLCertVerificationError):
        ask_tls(port, stranger)
    assert ask_tls(port, papers.client())[0] == 200


@pytest.mark.parametrize("old", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_spoken(papers: Papers, port: int, old: ssl.TLSVersion) -> None:
    client = papers.client()
    client.minimum_version = client.maximum_version = old
    assert ask_tls(port, client)[0] == 200


def test_a_minimum_of_tls_1_3_is_kept(papers: Papers) -> None:
    protect = InForce(papers.web_config(f"{TLS}  min_version: TLS13\n"), print)
    client = papers.client()
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    with serving(Exporter(look, port=0, protect=protect, log=lambda _: None)) as port:
        with pytest.raises(ssl.SSLError):
            ask_tls(port, client)
        assert ask_tls(port, papers.client())[0] == 200


def test_nothing_older_than_tls_1_2_is_spoken(papers: Papers) -> None:
    context = InForce(papers.web_config(TLS), print)().tls
    assert context is not None
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION


@pytest.fixture
def strict_port(papers: Papers, said: list[str]) -> Iterator[int]:
    """An exporter that asks for a client's certificate."""
    protect = InForce(papers.web_config(CLIENTS_TOO), said.append)
    with serving(Exporter(look, port=0, protect=protect, log=said.append)) as number:
        yield number


def test_a_client_with_a_certificate_comes_in(papers: Papers, strict_port: int) -> None:
    own = papers.authority.issue_cert("prometheus.example.net")
    assert ask_tls(strict_port, papers.client(own))[0] == 200


def test_a_client_without_one_or_with_a_strangers_does_not(
    papers: Papers, strict_port: int, said: list[str]
) -> None:
    strangers = trustme.CA().issue_cert("prometheus.example.net")
    for client in (papers.client(), papers.client(strangers)):
        # With TLS 1.3 the client has done its part before the server looks at its certificate.
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ask_tls(strict_port, client)
    # The second one came within the same minute.
    assert said == [
        f"exporter: a TLS handshake with {HOST} failed: peer did not return a certificate"
    ]
    own = papers.authority.issue_cert("prometheus.example.net")
    assert ask_tls(strict_port, papers.client(own))[0] == 200


def test_a_certificate_may_be_left_out_where_only_a_given_one_is_looked_at(papers: Papers) -> None:
    text = CLIENTS_TOO.replace("RequireAndVerifyClientCert", "VerifyClientCertIfGiven")
    strangers = papers.client(trustme.CA().issue_cert("prometheus.example.net"))
    protect = InForce(papers.web_config(text), print)
    with serving(Exporter(look, port=0, protect=protect, log=lambda _: None)) as port:
        assert ask_tls(port, papers.client())[0] == 200
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ask_tls(port, strangers)


def test_an_authority_below_another_one_is_trusted_as_it_stands(papers: Papers) -> None:
    """As with Prometheus' exporters: the file is the whole of what is trusted."""
    below = trustme.CA(parent_cert=papers.authority)
    below.cert_pem.write_to_path(str(papers.folder / "ca.pem"))
    protect = InForce(papers.web_config(CLIENTS_TOO), print)
    with serving(Exporter(look, port=0, protect=protect, log=lambda _: None)) as port:
        own = below.issue_cert("prometheus.example.net")
        assert ask_tls(port, papers.client(own))[0] == 200
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ask_tls(port, papers.client(papers.authority.issue_cert("other.example.net")))


def test_http_is_told_that_this_is_https(papers: Papers, port: int, said: list[str]) -> None:
    assert ask(port, "/metrics")[::2] == (
        400,
        b"this port speaks HTTPS: ask https:// instead of http://\n",
    )
    assert ask_tls(port, papers.client())[0] == 200
    assert said == []


@pytest.mark.parametrize("first", [b"", b"\x16", b"\x16\x03\x01\x00", b"\x00" * 100, b"\x16" * 500])
def test_what_is_no_handshake_ends_soon_and_the_server_goes_on(
    papers: Papers, port: int, first: bytes
) -> None:
    with raw(port) as connection:
        try:
            connection.sendall(first)
            connection.shutdown(socket.SHUT_WR)
            heard = connection.recv(4096)
        except OSError:  # the server has hung up already, even before the shutdown (ENOTCONN)
            heard = b""
    assert b"connector_" not in heard
    assert ask_tls(port, papers.client())[0] == 200


def ends(connection: socket.socket) -> bool:
    """Whether the other side closes it, without a word of HTTP."""
    try:
        return b"HTTP" not in connection.recv(4096) and connection.recv(4096) == b""
    except ConnectionError:
        return True


def taken(connection: socket.socket, data: bytes) -> bool:
    """Whether the other side still takes something."""
    try:
        connection.sendall(data)
    except (ConnectionError, ssl.SSLError):
        return False
    return True


def quiet(port: int) -> socket.socket:
    """Connects, and never says a word."""
    return raw(port)


def begun(port: int) -> socket.socket:
    """Begins a handshake, and never ends it."""
    connection = raw(port)
    connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
    return connection


@pytest.mark.parametrize("slow", [quiet, begun])
def test_a_slow_handshake_is_in_nobodys_way_and_ends(
    papers: Papers, slow: Callable[[int], socket.socket]
) -> None:
    protect = InForce(papers.web_config(TLS), print)
    exporter = Exporter(look, port=0, protect=protect, connection_s=2.0, max_connections=3)
    with serving(exporter) as port:
        held = [slow(port) for _ in range(2)]
        # Two of three places are held; whoever comes is answered all the same.
        assert ask_tls(port, papers.client())[0] == 200
        for connection in held:
            with connection:
                assert ends(connection)
        assert ask_tls(port, papers.client())[0] == 200


def test_one_byte_at_a_time_does_not_hold_a_handshake_for_ever(papers: Papers) -> None:
    protect = InForce(papers.web_config(TLS), print)
    exporter = Exporter(look, port=0, protect=protect, connection_s=1.0, max_connections=1)
    with serving(exporter) as port, raw(port) as connection:
        # A record that says it has 16384 bytes, so that what follows is waited for.
        connection.sendall(b"\x16\x03\x01\x40\x00")
        end_s = time.monotonic() + PATIENCE_S
        while taken(connection, b"\x01"):
            assert time.monotonic() < end_s
            time.sleep(0.05)
        assert ask_tls(port, papers.client())[0] == 200


def test_nor_does_a_request_after_it(papers: Papers) -> None:
    protect = InForce(papers.web_config(TLS), print)
    exporter = Exporter(look, port=0, protect=protect, connection_s=1.5, max_connections=1)
    with serving(exporter) as port:
        client = papers.client()
        with client.wrap_socket(raw(port), server_hostname=HOST) as connection:
            connection.sendall(b"GET /metrics HTTP/1.0\r\n")
            end_s = time.monotonic() + PATIENCE_S
            while taken(connection, b"X: y\r\n"):
                assert time.monotonic() < end_s
                time.sleep(0.2)
        assert ask_tls(port, papers.client())[0] == 200


def test_one_too_many_is_not_answered_in_plain_text(papers: Papers) -> None:
    protect = InForce(papers.web_config(TLS), print)
    exporter = Exporter(look, port=0, protect=protect, max_connections=1)
    with serving(exporter) as port, raw(port), raw(port) as turned_away:
        assert turned_away.recv(100) == b""


def test_a_password_is_asked_for_after_the_handshake(papers: Papers) -> None:
    protect = InForce(papers.web_config(CLIENTS_TOO + users(alice="wonder")), print)
    client = papers.client(papers.authority.issue_cert("prometheus.example.net"))
    with serving(Exporter(look, port=0, protect=protect, log=lambda _: None)) as port:
        assert ask_tls(port, client)[0] == 401
        assert ask_tls(port, client, headers=basic("alice", "wonder"))[0] == 200
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ask_tls(port, papers.client(), headers=basic("alice", "wonder"))


def test_many_at_once_are_all_answered(papers: Papers, port: int) -> None:
    statuses: list[int] = []
    client = papers.client()
    threads = [
        threading.Thread(target=lambda: statuses.append(ask_tls(port, client)[0])) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 6


def test_failed_handshakes_do_not_fill_the_log() -> None:
    now_s = 0.0
    said: list[str] = []
    failures = tls.Failures(said.append, clock=lambda: now_s)
    error = ssl.SSLError(1, "[SSL: HTTP_REQUEST] http request")
    for _ in range(100):
        failures.note(error, "192.0.2.1")
    failures.note(ssl.SSLEOFError(8, "EOF occurred in violation of protocol"), "192.0.2.1")
    assert len(said) == 1
    now_s = 61.0
    failures.note(ssl.SSLEOFError(8, "EOF occurred in violation of protocol"), "192.0.2.1")
    failures.note(error, "192.0.2.2")
    assert len(said) == 2
    assert said[1].startswith("exporter: a TLS handshake with 192.0.2.2 failed: ")
    assert said[1].endswith("; 99 more since the last one that was said")
