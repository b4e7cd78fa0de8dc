"""The page as a real browser shows it: Debian's Chromium, without a window and without scripts.

Where it is not installed these are skipped, and fail where CONNECTOR_LAB is `required`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from connector.report.exporter import Exporter
from connector.report.metrics import snapshot
from connector.report.page.page import HEADERS
from connector.report.page.style import DARK, LIGHT
from connector.report.series import MetricsMemory
from connector.report.shared_look import Seen
from tests import builders
from tests.report.page import example, png
from tests.report.page.chromium import Chromium, program
from tests.report.page.reading import HOSTILE
from tests.report.scraping import serving

pytestmark = pytest.mark.slow

ROWS = 220  # down to the first card


def looked() -> Seen:
    """The example, with one name more that would be a script if it were not escaped."""
    hostile = builders.resource_report(builders.resource(HOSTILE))
    view = replace(example.view(), resources=(*example.reports(), hostile))
    return Seen(
        registry=snapshot(view.resources, MetricsMemory()),
        view=view,
        report=builders.report(*view.resources),
    )


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """One browser for all; nothing of it is left afterwards."""
    path = program()
    if path is None:
        reason = (
            "CHROMIUM IS MISSING, the page was not tried in a browser: apt-get install chromium"
        )
        if os.environ.get("CONNECTOR_LAB") == "required":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    with Chromium(path, tmp_path_factory.mktemp("chromium")) as running:
        assert running.left_over()
        yield running
    assert running.wait_until_gone() == []


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The exporter that serves the example."""
    exporter = Exporter(looked, port=0, node=example.NODE, past=lambda: example.view().past)
    with serving(exporter) as port:
        yield f"http://127.0.0.1:{port}/"


@pytest.mark.parametrize(("scheme", "palette"), [("light", LIGHT), ("dark", DARK)])
@pytest.mark.parametrize("width", [1400, 400])
def test_a_screenshot_is_as_large_as_asked_for_and_not_blank(
    browser: Chromium, address: str, width: int, scheme: str, palette: Mapping[str, str]
) -> None:
    browser.look_as(width, 900, scheme)
    browser.open(address)
    picture = png.read(browser.picture())
    assert (picture.width, picture.height) == (width, 900)
    pixels = [pixel for row in picture.rows(ROWS) for pixel in picture.pixels(row)]
    assert pixels[0] == bytes.fromhex(palette["ground"][1:])
    shown = set(pixels)
    for name in ("card", "ink", "bad", "warn", "good"):
        assert bytes.fromhex(palette[name][1:]) in shown, name
    assert len(shown) > 50


@pytest.mark.parametrize("width", [1400, 800, 360, 320])
def test_nothing_sticks_out_at_the_side(browser: Chromium, address: str, width: int) -> None:
    browser.look_as(width, 900)
    browser.open(address)
    assert browser.content_size()[0] == width


def test_all_is_there_without_scripts_and_nothing_else_is_asked_for(
    browser: Chromium, address: str
) -> None:
    browser.scripts(allowed=False)
    browser.look_as(1400, 900)
    assert browser.open(address) == [address]
    dom = browser.html()
    for words in (
        "1 operator needed",
        "Operator needed: 1 resource",
        "split brain: each side has changes that the other one lacks",
        "<code>connector recover projects --discard-my-data</code>",
        "syncing: this node sends to the peer, 40% done",
        "waiting for the peer",
        "connect: done; dropped",
        "40.5 MiB now; 59 min ago 0; at most 40.5 MiB",
        "&lt;script&gt;alert(1)&lt;/script&gt;&amp;",
    ):
        assert words in dom, words
    assert "<script" not in dom


def test_where_the_look_fails_it_is_told(browser: Chromium) -> None:
    def fail() -> Seen:
        raise ValueError("a secret")

    with serving(Exporter(fail, port=0, node="alpha", log=lambda _: None)) as port:
        browser.open(f"http://127.0.0.1:{port}/")
        assert "internal error; see the log" in browser.html()


@contextmanager
def answering(body: str, headers: Mapping[str, str]) -> Iterator[tuple[str, list[str]]]:
    """A server with one page; its address, and the paths that were asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Nobody reads it."""

    # A browser opens more connections than it uses; in threads nobody waits for their end.
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", asked
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("guarded", [True, False])
def test_even_markup_that_came_through_would_run_and_fetch_nothing(
    browser: Chromium, guarded: bool
) -> None:
    """The headers of the page against what it never has; without them all of that happens."""
    body = (
        "<html><body><img src='/image'><link rel=stylesheet href='/style'>"
        "<script>document.body.append('it ran')</script><script src='/script'></script>"
    )
    browser.scripts(allowed=True)
    with answering(body, HEADERS if guarded else {}) as (address, asked):
        browser.open(address)
        dom = browser.html()
    browser.scripts(allowed=False)
    assert ("it ran" in dom.replace("'it ran'", "")) is not guarded
    fetched = set(asked) - {"/", "/favicon.ico"}
    assert fetched == (set() if guarded else {"/image", "/style", "/script"})
