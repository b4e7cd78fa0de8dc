"""What the exporter answers to each path: metrics, page and status, or why there is none."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus

from connector.errors import ConnectorError
from connector.report.page.page import CONTENT_TYPE, HEADERS, failure, page
from connector.report.page.past import Past
from connector.report.shared_look import LookStuck, Seen, SharedLook

PLAIN = "text/plain; charset=utf-8"
JSON = "application/json"
# A state that somebody kept on the way would pass for the one of this moment.
_NOT_KEPT = {"Cache-Control": "no-store"}
_NOT_FOUND = "not found; the metrics are at /metrics, the state is at /status.json, a page at /"
Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, whole; `headers` are those besides its type and its length."""

    status: HTTPStatus
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answers:
    """What an answer is made from. `past` is read only when somebody asks for the page."""

    look: SharedLook
    node: str
    past: Callable[[], Past]
    log: Log

    def to(self, path: str, accept: str) -> Answer:
        """The answer for a path without its query; `accept` is the header of that name.

        Raises nothing: what fails is in the answer, and where it is no news to the reader also
        in the log.
        """
        if path == "/metrics":
            return self._of_look(lambda seen: _metrics(seen, accept), plain)
        if path == "/":
            return self._of_look(self._page, self._failure)
        if path == "/status.json":
            return self._of_look(_status, plain)
        if path == "/-/healthy":
            return plain(HTTPStatus.OK, "connector exporter is healthy")
        return plain(HTTPStatus.NOT_FOUND, _NOT_FOUND)

    def _of_look(
        self, told: Callable[[Seen], Answer], refused: Callable[[HTTPStatus, str], Answer]
    ) -> Answer:
        """What `told` makes of a look, or `refused` of the reason why there is none."""
        try:
            return told(self.look.get())
        except LookStuck as error:
            return refused(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        except ConnectorError as error:
            self.log(f"exporter: {error}")
            return refused(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))
        except Exception:  # noqa: BLE001 - what failed is for the log, not for the client
            self.log(f"exporter: {traceback.format_exc()}")
            return refused(HTTPStatus.INTERNAL_SERVER_ERROR, "internal error; see the log")

    def _page(self, seen: Seen) -> Answer:
        return _html(HTTPStatus.OK, page(replace(seen.view, past=self.past())))

    def _failure(self, status: HTTPStatus, why: str) -> Answer:
        return _html(status, failure(why, self.node))


def plain(status: HTTPStatus, sentence: str, headers: Mapping[str, str] | None = None) -> Answer:
    """One line of text."""
    body = f"{sentence}\n".encode("utf-8", "backslashreplace")
    return Answer(status, PLAIN, body, headers or {})


def _html(status: HTTPStatus, text: str) -> Answer:
    return Answer(status, CONTENT_TYPE, text.encode(), HEADERS)


def _metrics(seen: Seen, accept: str) -> Answer:
    from connector.report.exposition import encoded

    content_type = _content_type(accept)
    return Answer(HTTPStatus.OK, content_type, encoded(seen.registry, content_type))


def _status(seen: Seen) -> Answer:
    """Byte for byte what `connector status --json` prints."""
    from connector.report.as_json import to_json

    body = f"{json.dumps(to_json(seen.report), indent=2)}\n".encode()
    return Answer(HTTPStatus.OK, JSON, body, _NOT_KEPT)


def _content_type(accept: str) -> str:
    """The format that the client asks for, the classic one where nobody can tell."""
    from prometheus_client.exposition import choose_encoder

    try:
        # The version that was asked for comes back in a header: no line breaks in it.
        return choose_encoder(" ".join(accept.split()))[1]
    except (TypeError, ValueError):  # a version that is no number
        return choose_encoder("")[1]
