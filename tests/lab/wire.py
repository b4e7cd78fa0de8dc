"""The cable between the nodes, in the host's hands: it can lose frames, in one direction only too.

Each node's network card is plugged into one end of a pair of datagram sockets; a thread carries
frames across. It needs no port, nobody else can reach it, and because both ends stay open here it
outlasts the crash of either node.
"""

from __future__ import annotations

import random
import selectors
import socket
import threading
from collections.abc import Sequence

_FRAME_BYTES = 1 << 16
_BUFFER_BYTES = 1 << 20


class Wire:
    """Carries frames between two named ends until it is closed."""

    def __init__(self, names: Sequence[str], *, seed: int = 0) -> None:
        """Plug nothing in yet; `seed` decides which frames a lossy cable loses."""
        self._ends: dict[str, socket.socket] = {}
        self._plugs: dict[str, socket.socket] = {}
        for name in names:
            self._ends[name], self._plugs[name] = _socket_pair()
        self._random = random.Random(seed)
        self._silent: frozenset[str] = frozenset()
        self._loss = 0.0
        self._stop, self._stopped = socket.socketpair()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def plug(self, name: str) -> socket.socket:
        """Return the end that a node's network card is plugged into."""
        return self._plugs[name]

    def mend(self) -> None:
        """Carry everything again."""
        self._silent, self._loss = frozenset(), 0.0

    def lose_from(self, sender: str) -> None:
        """Lose every frame that `sender` sends; what the other one sends still arrives."""
        self._silent = frozenset([sender])

    def lose(self, percent: float) -> None:
        """Lose that share of the frames, both ways."""
        self._loss = percent / 100

    def close(self) -> None:
        """Carry nothing any more."""
        self._stop.close()
        self._thread.join()
        for end in (*self._ends.values(), *self._plugs.values(), self._stopped):
            end.close()

    def _carry(self) -> None:
        first, second = self._ends
        with selectors.DefaultSelector() as selector:
            for name, other in ((first, second), (second, first)):
                self._ends[name].setblocking(False)
                selector.register(self._ends[name], selectors.EVENT_READ, (name, other))
            selector.register(self._stopped, selectors.EVENT_READ, None)
            while True:
                for key, _ in selector.select():
                    if key.data is None:
                        return
                    self._pass_on(*key.data)

    def _pass_on(self, sender: str, receiver: str) -> None:
        try:
            frame = self._ends[sender].recv(_FRAME_BYTES)
            if sender not in self._silent and self._random.random() >= self._loss:
                self._ends[receiver].send(frame)
        except OSError:
            # Nothing to read after all, or a receiver that is down and whose buffer is full: an
            # Ethernet loses the frame there, too.
            return


def _socket_pair() -> tuple[socket.socket, socket.socket]:
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    for end in ends:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
    return ends
