"""A server that answers whatever a test wants, and a client that asks as recover does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from connector.recover.peer import PeerText
from connector.recover.peer_http import fetch
from connector.recover.source import ExporterUrl, place
from connector.settings import RecoverSettings

NOTHING = RecoverSettings()
# Of 127.0.0.1, which a certificate of `Papers` is for.
HOST = "127.0.0.1"


def ask(url: str, wanted: RecoverSettings = NOTHING) -> PeerText:
    """As `connector recover --peer URL` does."""
    where = place(url)
    assert isinstance(where, ExporterUrl)
    return fetch(where, url, wanted)


@contextmanager
def answering(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[tuple[int, list[str]]]:
    """A server that answers so to everything, and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.command} {self.path}")
            with suppress(OSError):
                answer(self)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_port, asked
        finally:
            server.shutdown()
            thread.join()


def saying(
    status: int, body: bytes = b"", **headers: str
) -> Callable[[BaseHTTPRequestHandler], None]:
    """An answer, whole; underscores in the names of headers stand for hyphens."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    return answer
