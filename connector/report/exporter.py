"""Metrics and a page over HTTP: each answer looks afresh, and nothing is ever changed.

A client that is slow, or never says a word, holds one of a few threads, and only for a bounded
time.
"""

from __future__ import annotations

import signal
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType
from typing import Any

from connector import __version__
from connector.errors import ConnectorError, NotPermitted
from connector.report.answers import PLAIN, Answer, Answers, Log, plain
from connector.report.page.past import Past
from connector.report.shared_look import KEPT_S, WAIT_S, Collect, SharedLook

DEFAULT_HOST = "127.0.0.1"
# Outside of 9100-9999, which is given away; 9942 in there is drbd-reactor's.
DEFAULT_PORT = 19942
MAX_CONNECTIONS = 8
CONNECTION_S = 15.0  # a whole request and its answer; Prometheus gives up after 10 by default
_POLL_S = 0.25


def log_to_stderr(message: str) -> None:
    """Where messages go unless told otherwise."""
    print(message, file=sys.stderr, flush=True)


class Exporter(ThreadingHTTPServer):
    """The server: bound and listening once made; `serve_until` answers.

    The page says `node` for this node, and what `past` gives when somebody asks for it.

    Raises:
        NotPermitted, ConnectorError: the address cannot be listened on.
    """

    daemon_threads = True  # a thread that is stuck must not keep the process
    request_queue_size = 16

    def __init__(
        self,
        collect: Collect,
        host: str = DEFAULT_HOST,
        port: int = DEFAULT_PORT,
        *,
        node: str = "this node",
        past: Callable[[], Past] = Past,
        log: Log = log_to_stderr,
        connection_s: float = CONNECTION_S,
        max_connections: int = MAX_CONNECTIONS,
        look_kept_s: float = KEPT_S,
        look_wait_s: float = WAIT_S,
    ) -> None:
        look = SharedLook(collect, kept_s=look_kept_s, wait_s=look_wait_s)
        self.answers = Answers(look, node, past, log)
        self.log = log
        self.connection_s = connection_s
        self.timeout = _POLL_S
        self._slots = threading.BoundedSemaphore(max_connections)
        self._open: dict[socket.socket, float] = {}
        self._open_lock = threading.Lock()
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            self.address_family, _, _, _, address = found[0]
            super().__init__(address[:2], _Handler)  # type: ignore[arg-type]
        except OSError as error:
            kind = NotPermitted if isinstance(error, PermissionError) else ConnectorError
            reason = error.strerror or error
            raise kind(f"cannot listen on {host}:{port}: {reason}; choose another") from error

    def server_bind(self) -> None:
        """As http.server does it, without asking DNS for this machine's name: that may hang."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def serve_until(self, stop: threading.Event) -> None:
        """Answer until `stop` is set, then close the socket."""
        try:
            while not stop.is_set():
                self.handle_request()
                self._end_overdue()
        finally:
            self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """One thread for each connection, up to a limit."""
        if not self._slots.acquire(blocking=False):
            self._turn_away(request)
            return
        with self._open_lock:
            self._open[request] = time.monotonic() + self.connection_s
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._ended(request)
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """The thread's part; gives the place free however it ends."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._ended(request)

    def _turn_away(self, request: socket.socket) -> None:
        with suppress(OSError):
            request.setblocking(False)
            request.send(b"HTTP/1.0 503 Service Unavailable\r\nRetry-After: 5\r\n\r\ntoo busy\n")
        self.shutdown_request(request)

    def _ended(self, request: socket.socket) -> None:
        with self._open_lock:
            self._open.pop(request, None)
        self._slots.release()

    def _end_overdue(self) -> None:
        """A time-out for each read would let one byte at a time go on for ever."""
        now_s = time.monotonic()
        with self._open_lock:
            overdue = [request for request, end_s in self._open.items() if now_s >= end_s]
            for request in overdue:
                with suppress(OSError):
                    request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            self.log(f"exporter: {type(error).__name__}: {error}")


class _Handler(BaseHTTPRequestHandler):
    server: Exporter
    server_version = f"connector/{__version__}"
    sys_version = ""
    error_content_type = PLAIN
    error_message_format = "%(code)d %(message)s\n"

    def setup(self) -> None:
        self.request.settimeout(self.server.connection_s)
        super().setup()

    def do_GET(self) -> None:
        accept = self.headers.get("Accept", "")
        self._send(self.server.answers.to(self.path.split("?", 1)[0], accept))

    do_HEAD = do_GET

    def _not_allowed(self) -> None:
        self._send(plain(HTTPStatus.METHOD_NOT_ALLOWED, "only GET and HEAD"))

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _not_allowed

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:
        """A scrape is no news."""


def run(exporter: Exporter) -> None:
    """Answer until SIGTERM or SIGINT."""
    stop = threading.Event()
    with _stopped_by_signals(stop):
        exporter.serve_until(stop)


@contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    def handler(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, handler) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
