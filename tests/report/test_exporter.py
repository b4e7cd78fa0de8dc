"""The HTTP endpoint, asked over real sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from connector.errors import ConnectorError, NoDrbd
from connector.report import exporter as exporter_module
from connector.report.exporter import Exporter
from connector.report.page.past import Past
from tests.report.scraping import Counting, ask, look, serving

PLAIN = "text/plain; charset=utf-8"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(Exporter(look, port=0)) as number:
        yield number


def test_metrics_in_the_classic_format(port: int) -> None:
    status, headers, body = ask(port, "/metrics?a=b")
    assert status == 200
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert headers["Content-Length"] == str(len(body))
    families = text_string_to_metric_families(body.decode())
    names = {family.name for family in families}
    assert "connector_in_use" in names


def test_metrics_as_openmetrics(port: int) -> None:
    accept = {"Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"}
    status, headers, body = ask(port, "/metrics", headers=accept)
    assert status == 200
    assert headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert body.endswith(b"# EOF\n")
    families = openmetrics.text_string_to_metric_families(  # type: ignore[no-untyped-call]
        body.decode()
    )
    names = {family.name for family in families}
    assert "connector_actions" in names


@pytest.mark.parametrize(
    "accept", ["", "*/*", ";;;,=", "application/openmetrics-text;version=x", "text/plain;version=1"]
)
def test_any_accept_header_is_answered(port: int, accept: str) -> None:
    assert ask(port, "/metrics", headers={"Accept": accept})[0] == 200


@pytest.mark.parametrize(
    ("path", "status", "begins"),
    [
        ("/-/healthy", 200, b"connector exporter is healthy\n"),
        ("/metrics/", 404, b"not found"),
        ("/../etc/passwd", 404, b"not found"),
    ],
)
def test_the_other_pages(port: int, path: str, status: int, begins: bytes) -> None:
    got, headers, body = ask(port, path)
    assert (got, headers["Content-Type"]) == (status, PLAIN)
    assert body.startswith(begins)
    assert "Python" not in headers["Server"]


def test_the_page_comes_with_headers_that_allow_nothing_else(port: int) -> None:
    status, headers, body = ask(port, "/?a=b")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    policy = dict(
        part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";")
    )
    assert policy.pop("style-src").startswith("'sha256-")
    assert set(policy.values()) == {"'none'"}
    assert {"default-src", "base-uri", "form-action", "frame-ancestors"} == set(policy)
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    root = ElementTree.fromstring(body.decode().partition("\n")[2])
    assert root.findtext("body/header/h1") == "alpha"
    assert root.findtext(".//article/div/h3/span") == "mail"


def test_the_other_answers_have_no_headers_of_the_page(port: int) -> None:
    for path in ("/metrics", "/-/healthy", "/nothing"):
        assert "Content-Security-Policy" not in ask(port, path)[1]


def test_the_page_and_the_metrics_share_one_look_and_only_the_page_reads_the_past() -> None:
    counting = Counting()
    asked: list[str] = []

    def past() -> Past:
        asked.append("past")
        return Past(problem="the journal is torn")

    with serving(Exporter(counting, port=0, past=past, look_kept_s=60)) as port:
        assert ask(port, "/metrics")[0] == 200
        assert asked == []
        assert b"the journal is torn" in ask(port, "/")[2]
    assert (counting.looks, asked) == (1, ["past"])


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/healthy", "/nothing"])
def test_head_says_the_same_without_the_body(port: int, path: str) -> None:
    status, headers, body = ask(port, path)
    head_status, head_headers, head_body = ask(port, path, "HEAD")
    for answer in (headers, head_headers):
        answer.pop("Date")
    assert (head_status, head_headers, head_body) == (status, headers, b"")
    assert body


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_nothing_but_get_and_head(method: str) -> None:
    counting = Counting()
    with serving(Exporter(counting, port=0)) as port:
        status, headers, body = ask(port, "/metrics", method)
    assert (status, headers["Allow"], body) == (405, "GET, HEAD", b"only GET and HEAD\n")
    assert counting.looks == 0


def test_an_unknown_method_is_refused_in_plain_words(port: int) -> None:
    status, headers, body = ask(port, "/metrics", "BREW")
    assert (status, headers["Content-Type"]) == (501, PLAIN)
    assert b"<" not in body


def test_a_failed_look_is_told_in_its_own_words_and_a_bug_is_not() -> None:
    said: list[str] = []
    for error, told in (
        (NoDrbd("no DRBD here"), b"no DRBD here\n"),
        (ZeroDivisionError("a secret"), b"internal error; see the log\n"),
    ):
        with serving(Exporter(Counting(error=error), port=0, log=said.append)) as port:
            assert ask(port, "/metrics")[::2] == (500, told)
            assert ask(port, "/-/healthy")[0] == 200
    assert said[0] == "exporter: no DRBD here"
    assert "a secret" in said[1]


def test_the_page_says_so_with_the_status_of_the_metrics_where_a_look_fails() -> None:
    said: list[str] = []
    for error, told in (
        (NoDrbd("no <DRBD> here"), b"<p>no &lt;DRBD&gt; here</p>"),
        (ZeroDivisionError("a secret"), b"<p>internal error; see the log</p>"),
    ):
        exporter = Exporter(Counting(error=error), port=0, node="alpha", log=said.append)
        with serving(exporter) as port:
            status, headers, body = ask(port, "/")
        assert (status, headers["Content-Type"]) == (500, "text/html; charset=utf-8")
        assert "Content-Security-Policy" in headers
        assert told in body
        assert b"<h1>alpha</h1>" in body
        assert b"a secret" not in body
    assert said[0] == "exporter: no <DRBD> here"
    assert "a secret" in said[1]


def test_a_page_that_cannot_be_made_is_an_internal_error_and_the_metrics_go_on() -> None:
    said: list[str] = []

    def past() -> Past:
        raise ZeroDivisionError("a secret")

    with serving(Exporter(look, port=0, past=past, log=said.append)) as port:
        status, _, body = ask(port, "/")
        assert ask(port, "/metrics")[0] == 200
    assert status == 500
    assert b"internal error; see the log" in body
    assert "a secret" in said[0]


def test_an_address_in_use_is_said_in_one_sentence(port: int) -> None:
    with pytest.raises(ConnectorError, match=rf"127\.0\.0\.1:{port}: Address already in use"):
        Exporter(look, port=port)
    with pytest.raises(ConnectorError, match="cannot listen on no such host"):
        Exporter(look, host="no such host", port=0)


def test_only_this_machine_unless_told_otherwise() -> None:
    assert (exporter_module.DEFAULT_HOST, exporter_module.DEFAULT_PORT) == ("127.0.0.1", 19942)


def test_ipv6() -> None:
    try:
        exporter = Exporter(look, host="::1", port=0)
    except ConnectorError:
        pytest.skip("this machine has no IPv6")
    with serving(exporter) as port, socket.create_connection(("::1", port), timeout=5) as asked:
        asked.sendall(b"GET /-/healthy HTTP/1.0\r\n\r\n")
        assert asked.recv(100).startswith(b"HTTP/1.0 200 ")
