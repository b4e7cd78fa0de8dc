"""An exporter on a free port, and a client that asks it."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from connector.report.exporter import Exporter
from connector.report.metrics import snapshot
from connector.report.page.view import view_of
from connector.report.series import MetricsMemory
from connector.report.shared_look import Seen
from tests import builders


def look() -> Seen:
    report = builders.report()
    return Seen(
        registry=snapshot(report.resources, MetricsMemory(config_hash="cafe")),
        view=view_of(report, node="alpha", now_boot_s=100.0, last_pass=None, samples=()),
        report=report,
    )


@contextmanager
def serving(exporter: Exporter) -> Iterator[int]:
    stop = threading.Event()
    thread = threading.Thread(target=exporter.serve_until, args=(stop,))
    thread.start()
    try:
        yield exporter.server_port
    finally:
        stop.set()
        thread.join(timeout=10)
        assert not thread.is_alive()


def ask(
    port: int, path: str, method: str = "GET", headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request(method, path, headers=headers or {})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()


class Counting:
    """Counts the looks; each takes a while, or fails."""

    def __init__(self, lasts_s: float = 0.0, error: Exception | None = None) -> None:
        self.looks = 0
        self._lasts_s = lasts_s
        self._error = error

    def __call__(self) -> Seen:
        self.looks += 1
        time.sleep(self._lasts_s)
        if self._error is not None:
            raise self._error
        return look()
