"""A machine on the service's network that runs no system: the host's programs speak through it.

It is a QEMU without a processor at work: a small switch with one cable into the network and a
TCP/IP of its own. Whoever connects to its port on the host's loopback comes out of it as a client
in that network, asks by ARP for the service's address, and reaches whichever node answers.
"""

from __future__ import annotations

import socket
import subprocess
from types import TracebackType
from typing import Self

from .errors import LabError
from .packages import program
from .wire import Wire

NETWORK = "10.9.1.0/24"
END_TIMEOUT_S = 30.0


class LanClient:
    """One client at an end of the network; a context manager, which is a road to one address."""

    def __init__(self, lan: Wire, end: str, own_address: str, to: tuple[str, int]) -> None:
        """Plug it in at `end` with `own_address`; `to` is whom the host's programs reach."""
        self._lan = lan
        self._end = end
        self._own_address = own_address
        self._to = to
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def road(self) -> tuple[str, int]:
        """Where to connect on the host."""
        return "127.0.0.1", self.port

    def __enter__(self) -> Self:
        """Start it. Raises LabError where it does not answer on its port."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        plug = self._lan.plug(self._end)
        last = int(self._own_address.rpartition(".")[2])
        host, port = self._to
        self._process = subprocess.Popen(
            [
                *[program("setpriv"), "--pdeathsig", "KILL", program("qemu-system-x86_64")],
                *["-machine", "none", "-nodefaults", "-display", "none", "-serial", "none"],
                "-netdev",
                f"user,id=host,net={NETWORK},host={self._own_address},dns=10.9.1.{last - 10},"
                f"dhcpstart=10.9.1.{last - 20},restrict=on,ipv6=off,"
                f"hostfwd=tcp:127.0.0.1:{self.port}-{host}:{port}",
                *["-netdev", "hubport,id=here,hubid=0,netdev=host"],
                *["-netdev", f"dgram,id=cable,local.type=fd,local.str={plug.fileno()}"],
                *["-netdev", "hubport,id=there,hubid=0,netdev=cable"],
            ],
            pass_fds=(plug.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End it. Raises LabError where it had ended by itself."""
        assert self._process is not None
        ended = self._process.poll()
        self._process.kill()
        said = self._process.communicate(timeout=END_TIMEOUT_S)[1].decode("utf-8", "replace")
        if ended is not None and error is None:
            raise LabError(f"the client at {self._end} ended with {ended}: {said}")
