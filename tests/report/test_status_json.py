"""`/status.json`: what `connector status --json` prints, for the other node."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from connector.errors import NoDrbd
from connector.model import ConnectionState, Problem
from connector.report.as_json import print_json
from connector.report.exporter import Exporter
from connector.report.metrics import snapshot
from connector.report.page.view import view_of
from connector.report.series import MetricsMemory
from connector.report.shared_look import Collect, Seen
from connector.report.web.protection import InForce
from tests import builders
from tests.report.scraping import Counting, ask, look, serving
from tests.report.web.papers import TLS, Papers, ask_tls, basic, users

PATH = "/status.json"
PLAIN = "text/plain; charset=utf-8"


def looked() -> Seen:
    """Trouble, with a name that is neither ASCII nor, as bytes, UTF-8."""
    strange = builders.resource("m\udce4il \u00e4", connection=ConnectionState.STANDALONE)
    report = builders.report(
        builders.resource_report(strange, needs_operator=True),
        builders.resource_report(builders.resource("db")),
        problems=[Problem(7, "a minor line that cannot be read")],
        warnings=["the configuration has [resource.x]"],
    )
    return Seen(
        registry=snapshot(report.resources, MetricsMemory()),
        view=view_of(report, node="alpha", now_boot_s=1.0, last_pass=None, samples=()),
        report=report,
    )


@pytest.mark.parametrize("collect", [look, looked])
def test_it_is_what_the_command_prints(
    collect: Collect, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(Exporter(collect, port=0)) as port:
        status, headers, body = ask(port, f"{PATH}?a=b")
        head_status, head_headers, nothing = ask(port, PATH, "HEAD")
    print_json(collect().report)
    assert (status, body.decode()) == (200, capsys.readouterr().out)
    assert headers["Content-Type"] == "application/json"
    assert headers["Content-Length"] == str(len(body))
    assert headers["Cache-Control"] == "no-store"
    for answer in (headers, head_headers):
        answer.pop("Date")
    assert (head_status, head_headers, nothing) == (status, headers, b"")


def test_it_shares_the_look_of_the_metrics() -> None:
    counting = Counting()
    with serving(Exporter(counting, port=0, look_kept_s=60)) as port:
        assert [ask(port, path)[0] for path in (PATH, "/metrics", PATH)] == [200] * 3
    assert counting.looks == 1


def test_nothing_but_get_and_head() -> None:
    counting = Counting()
    with serving(Exporter(counting, port=0)) as port:
        assert ask(port, PATH, "POST")[0] == 405
        assert ask(port, f"{PATH}/")[0] == 404
        assert PATH.encode() in ask(port, "/status")[2]
    assert counting.looks == 0


def test_a_failed_look_is_told_in_its_own_words_and_a_bug_is_not() -> None:
    said: list[str] = []
    for error, told in (
        (NoDrbd("no DRBD here"), b"no DRBD here\n"),
        (ZeroDivisionError("a secret"), b"internal error; see the log\n"),
    ):
        with serving(Exporter(Counting(error=error), port=0, log=said.append)) as port:
            status, headers, body = ask(port, PATH)
        assert (status, headers["Content-Type"], body) == (500, PLAIN, told)
    assert said[0] == "exporter: no DRBD here"
    assert "a secret" in said[1]


def test_a_look_that_does_not_end_is_said_and_not_waited_for() -> None:
    began, release = threading.Event(), threading.Event()

    def stuck() -> Seen:
        began.set()
        release.wait(60)
        return look()

    with serving(Exporter(stuck, port=0, look_wait_s=0.1)) as port:
        first = threading.Thread(target=ask, args=(port, "/metrics"))
        first.start()
        assert began.wait(60)
        try:
            status, headers, body = ask(port, PATH)
        finally:
            release.set()
            first.join()
    assert (status, headers["Content-Type"]) == (503, PLAIN)
    assert body.startswith(b"an earlier look at DRBD has not come to its end")


def test_a_password_goes_before_it_and_tls_before_that(tmp_path: Path) -> None:
    papers = Papers(tmp_path)
    protect = InForce(papers.web_config(TLS + users(beta="wonder")), print)
    counting = Counting()
    with serving(Exporter(counting, port=0, protect=protect, log=lambda _: None)) as port:
        assert ask(port, PATH)[0] == 400
        for headers in ({}, basic("beta", "wrong")):
            status, _, body = ask_tls(port, papers.client(), PATH, headers)
            assert (status, b"resources" in body) == (401, False)
        assert counting.looks == 0
        status, headers, body = ask_tls(port, papers.client(), PATH, basic("beta", "wonder"))
        assert (status, headers["Content-Type"]) == (200, "application/json")
        assert b'"schema_version": 1' in body
