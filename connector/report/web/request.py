"""One request over HTTP: who asks, and the answer as bytes."""

from __future__ import annotations

import socketserver
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from connector import __version__
from connector.report.answers import PLAIN, Answer, Answers, plain

if TYPE_CHECKING:
    from connector.report.web.passwords import Passwords

_CHALLENGE = 'Basic realm="connector exporter", charset="UTF-8"'


class Request(BaseHTTPRequestHandler):
    """Handles one connection: HTTP/1.0, so one request."""

    server_version = f"connector/{__version__}"
    sys_version = ""
    error_content_type = PLAIN
    error_message_format = "%(code)d %(message)s\n"

    def __init__(
        self,
        request: Any,
        client_address: Any,
        server: socketserver.BaseServer,
        *,
        answers: Answers,
        passwords: Passwords | None,
        read_timeout_s: float,
    ) -> None:
        """Answer at once, as is the way of these classes. Without `passwords` to anybody."""
        self._answers = answers
        self._passwords = passwords
        self._read_timeout_s = read_timeout_s
        super().__init__(request, client_address, server)

    def setup(self) -> None:
        self.request.settimeout(self._read_timeout_s)
        super().setup()

    def parse_request(self) -> bool:
        """As http.server does it, before it looks for what to do: a password goes before all."""
        if not super().parse_request():
            return False
        refusal = self._refusal()
        if refusal is None:
            return True
        self._send(refusal)
        return False

    def _refusal(self) -> Answer | None:
        if self._passwords is None:
            return None
        from connector.report.web.passwords import Verdict

        verdict = self._passwords.look_at(self.headers.get("Authorization"))
        if verdict is Verdict.RIGHT:
            return None
        if verdict is Verdict.BUSY:
            why = "too many passwords to look at; come again"
            return plain(HTTPStatus.SERVICE_UNAVAILABLE, why, {"Retry-After": "5"})
        why = "a name and its password are needed"
        return plain(HTTPStatus.UNAUTHORIZED, why, {"WWW-Authenticate": _CHALLENGE})

    def do_GET(self) -> None:
        accept = self.headers.get("Accept", "")
        self._send(self._answers.to(self.path.split("?", 1)[0], accept))

    do_HEAD = do_GET

    def _not_allowed(self) -> None:
        why = "only GET and HEAD"
        self._send(plain(HTTPStatus.METHOD_NOT_ALLOWED, why, {"Allow": "GET, HEAD"}))

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _not_allowed

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:
        """A scrape is no news."""
