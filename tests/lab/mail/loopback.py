"""The nodes' SMTP server as a process of this host, for as long as a `with` block lasts."""

from __future__ import annotations

import re
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from ..drbd_node import CHECKOUT

SERVER = CHECKOUT / "tests" / "lab" / "guest" / "smtp_server.py"
# Far more than it takes, so that a loaded machine fails no test.
_PATIENCE_S = 60.0
_LISTENING = re.compile(rb"listening on [\d.]+:(\d+)\n")


class SmtpServer:
    """One such process, with its Maildir and its pid file in `folder`.

    `port` is a free one unless it is given. `program` stands for the server's own script and its
    options in a test that needs a slower disk.
    """

    def __init__(
        self,
        folder: Path,
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        more: Sequence[str] = (),
        program: Sequence[str] = ("-I", str(SERVER)),
    ) -> None:
        """Prepare one that does not run."""
        self.maildir = folder / "Maildir"
        self.pid_file = folder / "smtp_server.pid"
        self.address = address
        self.port = port
        self._more = more
        self._program = program

    def __enter__(self) -> Self:
        """Start it, and return when it listens. Raises AssertionError where it does not."""
        self.process = subprocess.Popen(
            # Where these tests are killed, so is it.
            [
                "setpriv",
                "--pdeathsig",
                "KILL",
                "--",
                sys.executable,
                *self._program,
                *self._typed(),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], _PATIENCE_S)
        line = self.process.stdout.readline() if ready else b""
        if (match := _LISTENING.fullmatch(line)) is None:
            self.kill()
            raise AssertionError(f"the SMTP server does not listen: {line!r}")
        self.port = int(match[1])
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End it, however it is."""
        self.kill()

    @property
    def road(self) -> tuple[str, int]:
        """Where it listens."""
        return (self.address, self.port)

    def kill(self) -> None:
        """End it with SIGKILL."""
        self.process.kill()
        self.process.wait(_PATIENCE_S)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def terminate(self) -> int:
        """Ask it to end with SIGTERM, and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(_PATIENCE_S)

    def _typed(self) -> list[str]:
        where = ["--address", self.address, "--port", str(self.port)]
        files = ["--maildir", str(self.maildir), "--pid-file", str(self.pid_file)]
        return [*where, *files, *self._more]
