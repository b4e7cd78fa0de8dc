"""The line between the host and the agent in a node: scripts one way, answers the other."""

from __future__ import annotations

import base64
import contextlib
import itertools
import queue
import socket
import threading
from dataclasses import dataclass

READY = b"ready"


@dataclass(frozen=True)
class Answer:
    """What the agent says about one script."""

    exit_status: int | None  # None: the script was stopped because its time was up
    stdout: str
    stderr: str


class ChannelClosed(Exception):
    """The machine at the other end is gone."""


class Channel:
    """Sends scripts to the agent and sorts its answers; several threads may use it at once."""

    def __init__(self, connection: socket.socket) -> None:
        """Take over the host's end of the port and begin to read from it."""
        self._socket = connection
        self._ids = itertools.count(1)
        self._sending = threading.Lock()
        # None stands for the end of the machine, for everybody who still waits.
        self._waiting: dict[str, queue.SimpleQueue[Answer | None]] = {}
        self._closed = False
        self.ready = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def ask(self, script: str, *, limit_s: float, patience_s: float) -> Answer | None:
        """Run a shell script in the node, where it is killed after `limit_s`.

        Returns the answer, or None when there was none within `patience_s` (the script is stuck
        in the kernel, or the node is). Raises ChannelClosed.
        """
        name = str(next(self._ids))
        answers: queue.SimpleQueue[Answer | None] = queue.SimpleQueue()
        self._waiting[name] = answers
        try:
            self._send(f"{name} {limit_s:.1f} {base64.b64encode(script.encode()).decode()}\n")
            answer = answers.get(timeout=patience_s)
        except queue.Empty:
            return None
        finally:
            del self._waiting[name]
        if answer is None:
            raise ChannelClosed
        return answer

    @property
    def closed(self) -> bool:
        """Whether the machine at the other end has gone."""
        return self._closed

    def close(self) -> None:
        """Close the socket; whoever waits for an answer gets ChannelClosed."""
        with contextlib.suppress(OSError):  # the other end went first
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _send(self, line: str) -> None:
        with self._sending:
            if self._closed:
                raise ChannelClosed
            try:
                self._socket.sendall(line.encode())
            except OSError as error:
                raise ChannelClosed from error

    def _read(self) -> None:
        unread = bytearray()
        while data := self._receive():
            unread += data
            *lines, rest = bytes(unread).split(b"\n") if b"\n" in data else [bytes(unread)]
            unread = bytearray(rest)
            for line in lines:
                self._take(line)
        self._closed = True
        self.ready.set()  # so that whoever waits for the boot sees the end at once
        for answers in list(self._waiting.values()):
            answers.put(None)

    def _receive(self) -> bytes:
        try:
            return self._socket.recv(1 << 16)
        except OSError:
            return b""

    def _take(self, line: bytes) -> None:
        if line == READY:
            self.ready.set()
            return
        name, status, stdout, stderr = line.decode("ascii").split(" ")
        if (answers := self._waiting.get(name)) is not None:  # else nobody waits any more
            ended = None if status == "timeout" else int(status)
            answers.put(Answer(ended, _decoded(stdout), _decoded(stderr)))


def _decoded(field: str) -> str:
    # The colon in front keeps an empty output a field of its own.
    return base64.b64decode(field.removeprefix(":")).decode("utf-8", "replace")
