"""The other node's view from its exporter: one GET of /status.json, bounded in time and size.

No proxy is asked: the environment names those that a browser needs. No redirect is followed: the
password is for the host that was named.
"""

from __future__ import annotations

import http.client
import queue
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Protocol

from connector import __version__
from connector.recover import peer_access
from connector.recover.peer import MAX_BYTES, TIMEOUT_S, PeerText
from connector.recover.source import ExporterUrl
from connector.report.past_incidents import shortened
from connector.report.web.listening import DEFAULT_PORT
from connector.settings import RecoverSettings

PATH = "/status.json"
_SAID_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, cut off one byte after MAX_BYTES. `content_type` is without its parameters.

    `age_s` is what somebody on the way says who had kept it; 0 where nobody says so.
    """

    status: int
    content_type: str
    body: bytes
    age_s: float = 0.0


class Get(Protocol):
    """One GET of PATH."""

    def __call__(
        self,
        where: ExporterUrl,
        context: ssl.SSLContext | None,
        headers: Mapping[str, str],
        timeout_s: float,
    ) -> Answer:
        """The answer, with `context` over TLS.

        Raises:
            OSError, http.client.HTTPException, UnicodeError: there is none; a TimeoutError where
                it had not come whole within `timeout_s`.
        """
        ...


def get(
    where: ExporterUrl,
    context: ssl.SSLContext | None,
    headers: Mapping[str, str],
    timeout_s: float,
) -> Answer:
    """See `Get`. Looking up the host's address counts, too."""
    host, port = where.name.strip("[]"), _port(where)
    connection = (
        http.client.HTTPConnection(host, port, timeout=timeout_s)
        if context is None
        else http.client.HTTPSConnection(host, port, timeout=timeout_s, context=context)
    )
    came: queue.SimpleQueue[Answer | Exception] = queue.SimpleQueue()
    opened: list[socket.socket] = []
    too_late = threading.Event()

    def ask() -> None:
        try:
            connection.connect()
            opened.append(connection.sock)  # which the connection itself forgets
            if too_late.is_set():
                return
            connection.request("GET", PATH, headers=dict(headers))
            with connection.getresponse() as response:
                came.put(_whole(response))
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            came.put(error)
        finally:
            connection.close()

    # A time-out for each read would let one byte at a time go on for ever, and there is none for
    # the look at the host's address. What is left of it does not keep the process.
    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = came.get(timeout=timeout_s)
    except queue.Empty:
        too_late.set()
        for one in opened:
            with suppress(OSError):
                # Not its own: with TLS that would wait for the other side.
                socket.socket.shutdown(one, socket.SHUT_RDWR)
        raise TimeoutError from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _port(where: ExporterUrl) -> int:
    return where.port or DEFAULT_PORT


def _whole(response: http.client.HTTPResponse) -> Answer:
    body = response.read(MAX_BYTES + 1)
    if response.length and len(body) <= MAX_BYTES:
        raise http.client.IncompleteRead(body, response.length)
    age = response.getheader("Age", "")
    return Answer(
        response.status,
        response.headers.get_content_type() if response.getheader("Content-Type") else "",
        body,
        float(age) if age.isascii() and age.isdecimal() else 0.0,
    )


def fetch(where: ExporterUrl, source: str, wanted: RecoverSettings, get: Get = get) -> PeerText:
    """What the exporter at `where` shows, or why it does not. Raises nothing."""
    headers = {"Accept": "application/json", "User-Agent": f"connector/{__version__}"}
    try:
        context = peer_access.context(wanted.peer_ca) if where.secure else None
        if where.private and wanted.peer_password_file is not None:
            headers["Authorization"] = peer_access.authorization(wanted.peer_password_file)
    except peer_access.Unusable as error:
        return PeerText(source, why_not=str(error))
    try:
        answer = get(where, context, headers, TIMEOUT_S)
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        return PeerText(source, why_not=_failure(error, where))
    why = why_not(answer, where, wanted.peer_password_file)
    if why is not None:
        return PeerText(source, why_not=why)
    return PeerText(source, answer.body, age_s=answer.age_s)


def why_not(answer: Answer, where: ExporterUrl, password_file: Path | None) -> str | None:
    """Why an answer is no status, and what to do; None where it may be one. Pure."""
    if answer.status == HTTPStatus.OK:
        if answer.content_type == "application/json":
            return None
        kind = shortened(answer.content_type, 60) or "no type"
        return f"what answers there is no exporter of connector's ({kind}, no JSON)"
    if answer.status == HTTPStatus.NOT_FOUND:
        return (
            "there is no /status.json: the exporter there is of an older connector, or of "
            "something else; install the same version on both nodes, or use ssh:HOST"
        )
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return _not_let_in(where, password_file)
    if 300 <= answer.status < 400:
        return f"it points elsewhere (HTTP {answer.status}), which is not followed: name the host"
    told = answer.body[:4096] if answer.content_type in ("", "text/plain") else b""
    said = " ".join(told.decode("utf-8", "replace").split())
    words = shortened(said, _SAID_CHARACTERS) or "nothing"
    return f"HTTP {answer.status}, and it said: {words}"


def _not_let_in(where: ExporterUrl, password_file: Path | None) -> str:
    if password_file is None:
        message = (
            "it asks for a password: write NAME:PASSWORD into a file that only root can read, "
            "and name that in [recover] peer_password_file"
        )
    elif not where.private:
        message = "it asks for a password, which is sent with https:// only"
    else:
        message = f"it does not take the name and the password in {password_file}"
    return message


def _failure(error: Exception, where: ExporterUrl) -> str:
    """Why no answer came, and what to do. Pure."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not trusted: {error.verify_message}. The file with who signed it "
            "belongs into [recover] peer_ca, and the host is to be named as the certificate does"
        )
    if isinstance(error, ssl.SSLError):
        reason = (getattr(error, "reason", None) or "unknown").replace("_", " ").lower()
        return f"no TLS with it: {reason}. Without TLS there it is http://, else try ssh:HOST"
    if isinstance(error, socket.gaierror | UnicodeError):
        return f"no address is known for that host: {error}"
    if isinstance(error, TimeoutError):
        return f"it did not answer in {TIMEOUT_S:.0f} s"
    if isinstance(error, ConnectionRefusedError):
        return (
            f"nothing listens at port {_port(where)}: `connector exporter` must run there, with "
            "--listen and an address that this node reaches"
        )
    if isinstance(error, OSError) and error.strerror:
        return f"the connection failed: {error.strerror}"
    return f"what answers there speaks no HTTP: {shortened(repr(error), _SAID_CHARACTERS)}"
