"""A port of the host behind which a node's own port answers: nodes have no network to the host."""

from __future__ import annotations

import base64
import shlex
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from .errors import LabError
from .node import Node

_ASK_S = 20.0


class Relay:
    """Passes each GET on to http://127.0.0.1:PORT in the node, through the agent there."""

    def __init__(self, node: Node, port: int) -> None:
        """Listen on a free port of 127.0.0.1; `address` is HOST:PORT."""

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                accept = self.headers.get("Accept", "*/*")
                try:
                    answer = ask(node, port, self.path, accept)
                except LabError as error:
                    self.send_error(502, str(error).splitlines()[0][:100])
                    return
                # The node's own status line, headers and body, as they came.
                self.wfile.write(answer)
                self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                """A scrape is no news."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        """Begin to answer."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()


def ask(node: Node, port: int, path: str, accept: str) -> bytes:
    """Return a node's whole answer, headers and all. Raises LabError."""
    # HTTP/1.0 ends with the connection, so that nothing has to be understood here.
    request = f"GET {path} HTTP/1.0\r\nHost: localhost\r\nAccept: {accept}\r\n\r\n"
    script = (
        f"exec 3<>/dev/tcp/127.0.0.1/{port} && printf %s {shlex.quote(request)} >&3"
        " && base64 -w0 <&3"
    )
    # dash knows no /dev/tcp.
    done = node.run(f"bash -c {shlex.quote(script)}", _ASK_S)
    return base64.b64decode(done.stdout)
