"""Metrics and a page over HTTP: each answer looks afresh, and nothing is ever changed.

A client that is slow, or never says a word, holds one of a few threads, and only for a bounded
time. That includes its TLS handshake and the look at its password.
"""

from __future__ import annotations

import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType
from typing import Any

from connector.report.answers import Answers, Log
from connector.report.page.past import Past
from connector.report.shared_look import KEPT_S, WAIT_S, Collect, SharedLook
from connector.report.web import tls
from connector.report.web.listening import DEFAULT_HOST as DEFAULT_HOST
from connector.report.web.listening import DEFAULT_PORT as DEFAULT_PORT
from connector.report.web.listening import listen
from connector.report.web.protection import Protect, Protection
from connector.report.web.request import Request

MAX_CONNECTIONS = 8
CONNECTION_S = 15.0  # a whole request and its answer; Prometheus gives up after 10 by default
_POLL_S = 0.25
_FINISH_S = 1.0
_FINISH_POLL_S = 0.01
_TOO_BUSY = b"HTTP/1.0 503 Service Unavailable\r\nRetry-After: 5\r\n\r\ntoo busy\n"


def log_to_stderr(message: str) -> None:
    """Where messages go unless told otherwise."""
    print(message, file=sys.stderr, flush=True)


class Exporter(ThreadingHTTPServer):
    """The server: bound and listening once made; `serve_until` answers.

    It listens at `host` and `port`, or on a socket that does so already. Each connection goes
    through what `protect` gives at its beginning. The page says `node` for this node, and what
    `past` gives when somebody asks for it.

    Raises:
        NotPermitted, ConnectorError: the address cannot be listened on.
    """

    daemon_threads = True  # a thread that is stuck must not keep the process

    def __init__(
        self,
        collect: Collect,
        host: str = DEFAULT_HOST,
        port: int = DEFAULT_PORT,
        *,
        listening: socket.socket | None = None,
        protect: Protect = Protection,
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
        self._protect = protect
        self._speaks_tls = protect().tls is not None
        self._slots = threading.BoundedSemaphore(max_connections)
        self._open: dict[socket.socket, float] = {}
        self._open_lock = threading.Lock()
        self._failures = tls.Failures(log)
        bound = listen(host, port) if listening is None else listening
        address = bound.getsockname()[:2]
        # A Request needs more than that class does: finish_request makes it.
        super().__init__(address, BaseHTTPRequestHandler, bind_and_activate=False)
        self.socket.close()
        self.socket = bound
        self.server_port = address[1]

    def serve_until(self, stop: threading.Event) -> None:
        """Answer until `stop` is set, then close the socket; what was begun has a second to end."""
        try:
            while not stop.is_set():
                self.handle_request()
                self._end_overdue()
        finally:
            self.server_close()
        until_s = time.monotonic() + _FINISH_S
        while self._open and time.monotonic() < until_s:
            time.sleep(_FINISH_POLL_S)

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

    def finish_request(self, request: Any, client_address: Any) -> None:
        """What is said on a connection, after its handshake where there is TLS."""
        protection = self._protect()
        self._speaks_tls = protection.tls is not None
        if protection.tls is None:
            self._answer(request, client_address, protection)
            return
        request.settimeout(self.connection_s)
        if tls.refuse_plain(request):
            return
        with self._encrypted(request, protection.tls) as secure:
            try:
                secure.do_handshake()
            except ssl.SSLError as error:
                self._failures.note(error, client_address[0])
                return
            self._answer(secure, client_address, protection)

    def _answer(self, request: Any, client_address: Any, protection: Protection) -> None:
        Request(
            request,
            client_address,
            self,
            answers=self.answers,
            passwords=protection.passwords,
            read_timeout_s=self.connection_s,
        )

    @contextmanager
    def _encrypted(
        self, request: socket.socket, context: ssl.SSLContext
    ) -> Iterator[ssl.SSLSocket]:
        """The same connection with TLS, which is what is ended when its time is over."""
        secure = context.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
        with self._open_lock:
            self._open[secure] = self._open.pop(request)
        try:
            yield secure
        finally:
            tls.say_goodbye(secure)
            with self._open_lock:
                del self._open[secure]

    def _turn_away(self, request: socket.socket) -> None:
        with suppress(OSError):
            request.setblocking(False)
            if not self._speaks_tls:
                request.send(_TOO_BUSY)
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
                    # Not its own: with TLS that would let the rest go out unencrypted.
                    socket.socket.shutdown(request, socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            self.log(f"exporter: {type(error).__name__}: {error}")


def run(exporter: Exporter, announce: Callable[[], None] = lambda: None) -> None:
    """Answer until SIGTERM or SIGINT. Whoever hears what `announce` says may send one."""
    stop = threading.Event()
    with _stopped_by_signals(stop):
        announce()
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
