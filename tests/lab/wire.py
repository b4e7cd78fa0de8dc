"""A network between the machines, in the host's hands: it can lose frames, or fall into two parts.

Each network card is plugged into one end of a pair of datagram sockets; a thread carries what it
sends to whom it is for, as a switch does, or to all others. It needs no port, nobody else can
reach it, and because both ends stay open here it outlasts the crash of any machine.
"""

from __future__ import annotations

import contextlib
import random
import selectors
import socket
import threading
from collections.abc import Callable, Iterable, Sequence

_FRAME_BYTES = 1 << 16
_BUFFER_BYTES = 1 << 20
_KNOWN_ADDRESSES = 64


class Wire:
    """Carries frames between its named ends until it is closed."""

    def __init__(self, names: Sequence[str], *, seed: int = 0) -> None:
        """Plug nothing in yet; `seed` decides which frames a lossy cable loses."""
        self._ends: dict[str, socket.socket] = {}
        self._plugs: dict[str, socket.socket] = {}
        for name in names:
            self._ends[name], self._plugs[name] = _socket_pair()
        self._random = random.Random(seed)
        self._silent: frozenset[str] = frozenset()
        self._loss = 0.0
        self._lost: Callable[[bytes], bool] | None = None
        self._apart: frozenset[str] = frozenset()
        self._end_of: dict[bytes, str] = {}  # by Ethernet address, as they have been seen to send
        self._stop, self._stopped = socket.socketpair()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def plug(self, name: str) -> socket.socket:
        """Return the end that a machine's network card is plugged into."""
        return self._plugs[name]

    def mend(self) -> None:
        """Carry everything again."""
        self._silent, self._loss, self._lost, self._apart = frozenset(), 0.0, None, frozenset()

    def lose_from(self, sender: str) -> None:
        """Lose every frame that `sender` sends; what others send still arrives."""
        self._silent = frozenset([sender])

    def lose_those(self, lost: Callable[[bytes], bool]) -> None:
        """Lose the frames for which `lost` is true, whoever sends them."""
        self._lost = lost

    def part(self, names: Iterable[str]) -> None:
        """Let nothing through any more between these ends and the rest."""
        self._apart = frozenset(names)

    def lose(self, percent: float) -> None:
        """Lose that share of the frames, in every direction."""
        self._loss = percent / 100

    def close(self) -> None:
        """Carry nothing any more."""
        self._stop.close()
        self._thread.join()
        for end in (*self._ends.values(), *self._plugs.values(), self._stopped):
            end.close()

    def _carry(self) -> None:
        with selectors.DefaultSelector() as selector:
            for name, end in self._ends.items():
                end.setblocking(False)
                selector.register(end, selectors.EVENT_READ, name)
            selector.register(self._stopped, selectors.EVENT_READ, None)
            while True:
                for key, _ in selector.select():
                    if key.data is None:
                        return
                    self._pass_on(key.data)

    def _pass_on(self, sender: str) -> None:
        try:
            frame = self._ends[sender].recv(_FRAME_BYTES)
        except OSError:
            return  # nothing to read after all
        lost = self._lost
        if sender in self._silent or (lost is not None and lost(frame)):
            return
        for name in self._receivers(sender, frame):
            if (name in self._apart) == (sender in self._apart) and self._arrives():
                # A receiver that is down and whose buffer is full: an Ethernet loses it there, too.
                with contextlib.suppress(OSError):
                    self._ends[name].send(frame)

    def _receivers(self, sender: str, frame: bytes) -> list[str]:
        target, source = frame[:6], frame[6:12]
        if len(self._end_of) < _KNOWN_ADDRESSES:
            self._end_of[source] = sender
        if (known := self._end_of.get(target)) is not None:
            return [known] if known != sender else []
        return [name for name in self._ends if name != sender]

    def _arrives(self) -> bool:
        return self._random.random() >= self._loss


def _socket_pair() -> tuple[socket.socket, socket.socket]:
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    for end in ends:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
    return ends
