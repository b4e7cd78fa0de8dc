"""What answers in the place of the other node's exporter, too late, or not at all."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler

import pytest

from connector.recover.peer import MAX_AGE_S, MAX_BYTES, TIMEOUT_S, PeerText, checked
from connector.recover.peer_http import Answer, fetch, get
from connector.recover.source import ExporterUrl
from connector.report.as_json import to_json
from connector.report.web.listening import DEFAULT_PORT
from tests.builders import report, resource, resource_report
from tests.recover.serving_answers import HOST, NOTHING, answering, ask, saying


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (saying(404, b"not found"), "there is no /status.json: the exporter there is of an older"),
        (saying(401), "it asks for a password: write NAME:PASSWORD into a file"),
        (saying(301, Location="http://127.0.0.1:1/"), "it points elsewhere (HTTP 301), which is"),
        (saying(200, b"<html>", Content_Type="text/html; charset=x"), "(text/html, no JSON)"),
        (saying(200, b"{}"), "no exporter of connector's (no type, no JSON)"),
        (saying(503, b" too\nbusy ", Content_Type="text/plain"), "HTTP 503, and it said: too busy"),
        (saying(503, b"<p>no", Content_Type="text/html"), "HTTP 503, and it said: nothing"),
        (saying(500, b"\xff" * 9999), "HTTP 500, and it said: \ufffd"),
        (saying(200, b"{", Content_Length="9"), "speaks no HTTP: IncompleteRead(1 bytes read, 8"),
        (lambda request: request.wfile.write(b"220 mail\r\n"), "speaks no HTTP: BadStatusLine"),
        (lambda request: None, "speaks no HTTP: RemoteDisconnected"),
        (saying(200, X="y" * 70_000), "speaks no HTTP: LineTooLong"),
    ],
)
def test_what_is_no_status_is_said(
    answer: Callable[[BaseHTTPRequestHandler], None], why: str
) -> None:
    with answering(answer) as (port, asked):
        got = ask(f"http://{HOST}:{port}")
    assert asked == ["GET /status.json"]  # once, and nowhere else
    assert got.data == b""
    assert got.why_not is not None
    assert why in got.why_not
    assert len(got.why_not) < 300


def test_what_is_too_long_is_not_read_to_its_end() -> None:
    def endless(request: BaseHTTPRequestHandler) -> None:
        saying(200, Content_Type="application/json")(request)
        while True:
            request.wfile.write(b" " * 65_536)

    with answering(endless) as (port, _):
        got = ask(f"http://{HOST}:{port}")
    assert len(got.data) == MAX_BYTES + 1
    assert checked(got, resource(), "beta").why_not == f"longer than {MAX_BYTES} bytes"


def test_what_somebody_on_the_way_has_kept_is_as_old_as_he_says() -> None:
    data = json.dumps(to_json(report(resource_report()))).encode()
    for age, expected_s in ((f"{MAX_AGE_S + 1:.0f}", MAX_AGE_S + 1), ("-5", 0.0), ("٣", 0.0)):
        header = age.encode().decode("latin-1")
        with answering(saying(200, data, Content_Type="application/json", Age=header)) as (port, _):
            got = ask(f"http://{HOST}:{port}")
        assert got.age_s == expected_s
        assert (checked(got, resource(), "beta").resource is None) is (expected_s > MAX_AGE_S)


def drip(request: BaseHTTPRequestHandler) -> None:
    """Never silent for long, and never at the end of its headers."""
    while True:
        request.wfile.write(b"H")
        time.sleep(0.02)


def drip_body(request: BaseHTTPRequestHandler) -> None:
    """The same within the body."""
    saying(200, Content_Type="application/json")(request)
    drip(request)


def silence(request: BaseHTTPRequestHandler) -> None:
    """Says nothing for as long as the client is there."""
    request.connection.settimeout(60)
    request.connection.recv(1)


@pytest.mark.parametrize("answer", [drip, drip_body, silence])
def test_a_slow_answer_is_waited_for_only_so_long(
    answer: Callable[[BaseHTTPRequestHandler], None],
) -> None:
    ended = threading.Event()

    def until_it_is_gone(request: BaseHTTPRequestHandler) -> None:
        try:
            answer(request)
        finally:
            ended.set()

    with answering(until_it_is_gone) as (port, _):
        began_s = time.monotonic()
        with pytest.raises(TimeoutError):
            get(ExporterUrl(False, HOST, port), None, {}, timeout_s=1.0)
        assert time.monotonic() - began_s < 30
        # The connection is not left behind.
        assert ended.wait(30)


def raising(error: Exception) -> PeerText:
    """What is said where the exchange ends so."""

    def failing(
        where: ExporterUrl,
        context: ssl.SSLContext | None,
        headers: Mapping[str, str],
        timeout_s: float,
    ) -> Answer:
        assert timeout_s == TIMEOUT_S <= 60
        raise error

    return fetch(ExporterUrl(False, "alpha"), "http://alpha", NOTHING, failing)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (TimeoutError(), "it did not answer in 20 s"),
        (TimeoutError(110, "Connection timed out"), "it did not answer in 20 s"),
        (socket.gaierror(-2, "Name or service not known"), "no address is known for that host: "),
        (UnicodeError("label empty or too long"), "no address is known for that host: label"),
        (ConnectionRefusedError(111, "refused"), f"nothing listens at port {DEFAULT_PORT}: "),
        (OSError(113, "No route to host"), "the connection failed: No route to host"),
        (ConnectionResetError(104, "reset by peer"), "the connection failed: reset by peer"),
        (http.client.HTTPException("x" * 9999), "what answers there speaks no HTTP: HTTPExc"),
        (ssl.SSLError(1, "[SSL] what"), "no TLS with it: unknown."),
    ],
)
def test_where_nothing_comes_it_is_said_why(error: Exception, why: str) -> None:
    got = raising(error)
    assert got.data == b""
    assert got.why_not is not None
    assert got.why_not.startswith(why)
    assert len(got.why_not) < 300


def test_nobody_listens_there() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
    assert f"nothing listens at port {port}: " in str(ask(f"http://{HOST}:{port}").why_not)
