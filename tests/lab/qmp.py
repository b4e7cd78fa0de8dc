"""QEMU's monitor: what is done to a machine from outside."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

from .errors import LabError

ANSWER_TIMEOUT_S = 20.0


class Monitor:
    """One machine's monitor, on a connected socket."""

    def __init__(self, connection: socket.socket, name: str) -> None:
        """Take over the socket; `name` is the node's, for error texts."""
        self._socket = connection
        self._name = name
        self._unread = b""
        self._greeted = False

    def execute(self, command: str, **arguments: object) -> Any:
        """Run one monitor command and return its `return` value. Raises LabError."""
        if not self._greeted:
            # QEMU greets first, and refuses everything until its capabilities are negotiated.
            self._receive("QMP")
            self._greeted = True
            self.execute("qmp_capabilities")
        message = json.dumps({"execute": command, "arguments": arguments})
        try:
            self._socket.sendall(message.encode() + b"\n")
        except OSError as error:
            raise LabError(f"{self._name}: the monitor is gone ({error})") from error
        answer = self._receive("return", "error")
        if "error" in answer:
            raise LabError(f"{self._name}: monitor: {command}: {answer['error']['desc']}")
        return answer["return"]

    def close(self) -> None:
        """Close the socket; the machine goes on."""
        self._socket.close()

    def _receive(self, *wanted: str) -> dict[str, Any]:
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        while True:
            while b"\n" in self._unread:
                line, _, self._unread = self._unread.partition(b"\n")
                message: dict[str, Any] = json.loads(line)
                if any(key in message for key in wanted):  # anything else is an event
                    return message
            self._socket.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                data = self._socket.recv(65536)
            except TimeoutError:
                data = b""
            if not data:
                raise LabError(f"{self._name}: the monitor does not answer")
            self._unread += data
