"""The nodes of a fleet in one process: each has an address of its own in 127.0.0.0/8.

`python -m benchmarks.fleet_nodes FILE` serves what benchmarks.fleet_pages wrote, on one port, until
it is ended. To Prometheus each node is a host: a connection of its own, and /metrics behind it.
"""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

MAX_REQUEST_BYTES = 16 * 1024
FILES = 16_384  # a connection for each node, on both sides
_BACKLOG = 1024
_END = b"\r\n\r\n"
_READY = "up"


def address(number: int) -> str:
    """The address of the node with this number, from 0 on."""
    return f"127.{1 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"


def number_at(text: str) -> int:
    """The number of the node with this address; below 0 for 127.0.0.1, which is none."""
    _, high, middle, low = map(int, text.split("."))
    return (high - 1 << 16) + (middle << 8) + low


class Nodes:
    """What each of them answers, as bytes with their headers."""

    def __init__(self, written: dict[str, Any]) -> None:
        self._began_s = time.time()
        self._content_type: str = written["content_type"]
        self._pages: dict[str, list[tuple[str, str]]] = written["pages"]
        self._nodes: list[str | None] = written["nodes"]

    def answer(self, number: int) -> bytes | None:
        """The answer of a node now; None where it is gone."""
        if number < 0:
            return self._whole(_READY)
        name = self._nodes[number]
        if name is None:
            return None
        return self._whole(
            "".join(f"{text}{self._moved(like)}" for text, like in self._pages[name])
        )

    def _moved(self, like: str) -> str:
        now_s = time.time()
        lasted_s = now_s - self._began_s
        if like == "now":
            return f"{now_s:.3f}"
        if like == "jitter":
            return f"{0.05 + now_s % 1 / 50:.6f}"
        if like == "ratio":
            return f"{lasted_s / (lasted_s + 3600):.9f}"
        return f"{1_000_000 + int(lasted_s * 123_456)}" if like == "rising" else ""

    def _whole(self, text: str) -> bytes:
        body = text.encode()
        head = (
            f"HTTP/1.1 200 OK\r\nContent-Type: {self._content_type}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


class _Connection(asyncio.Protocol):
    """Answers whatever is asked, one after the other, until the client hangs up."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._asked = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._number = number_at(transport.get_extra_info("sockname")[0])

    def data_received(self, data: bytes) -> None:
        self._asked += data
        if len(self._asked) > MAX_REQUEST_BYTES:
            self._transport.abort()
            return
        while _END in self._asked:
            _, _, self._asked = self._asked.partition(_END)
            answer = self._nodes.answer(self._number)
            if answer is None:
                self._transport.abort()
                return
            self._transport.write(answer)


async def serve(nodes: Nodes) -> None:
    """Listen on every address of this machine's loopback, and on no other, until cancelled."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
    listening.bind(("0.0.0.0", 0))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(nodes), sock=listening, backlog=_BACKLOG)
    print(f"listening on 127.0.0.1:{listening.getsockname()[1]}", flush=True)
    await server.serve_forever()


def main(words: Sequence[str]) -> None:
    """Serve the nodes of a file."""
    if len(words) != 1:
        sys.exit(__doc__)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
    asyncio.run(serve(Nodes(json.loads(Path(words[0]).read_bytes()))))


if __name__ == "__main__":
    main(sys.argv[1:])
