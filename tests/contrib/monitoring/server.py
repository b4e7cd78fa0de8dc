"""A program that serves HTTP on a free port of 127.0.0.1 for as long as a `with` block lasts.

It ends with the block, and the kernel kills it where this process is killed. The kernel goes by the
thread that started it: begin the block in one that stays.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from .asking import Http, NotAnswered

START_S = 60.0  # far more than it takes, so that a loaded machine fails no test
END_S = 10.0
_LOG_TAIL_BYTES = 3000
_ONE_CORE = {"GOMAXPROCS": "1"}
_LISTENING = re.compile(rb"(?i)\blistening on\b.*?\b127\.0\.0\.1:([1-9]\d*)")


class NotUp(Exception):
    """A program did not come up; the text has the end of its log."""


class Server:
    """One such program, told to listen on port 0 by its `argv`; its log goes to a file.

    The port is 0 while it does not serve.
    """

    def __init__(
        self,
        argv: Sequence[str],
        log: Path,
        ready: str,
        environment: Mapping[str, str] | None = None,
        *,
        end_s: float = END_S,
    ) -> None:
        """`ready` is the path that answers once it serves; it has `end_s` to end by itself."""
        self._argv = ["setpriv", "--pdeathsig", "KILL", "--", *argv]
        self._ready = ready
        self._end_s = end_s
        # The two of Go: one core is enough for what a test asks.
        self._environment = {**(os.environ if environment is None else environment), **_ONE_CORE}
        self._process: subprocess.Popen[bytes] | None = None
        self.log = log
        self.port = 0

    @property
    def address(self) -> str:
        """HOST:PORT, as a target of Prometheus has it."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Where its paths begin."""
        return f"http://{self.address}"

    def __enter__(self) -> Self:
        """Wait until it serves. NotUp where it does not."""
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self._argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.log.parent,
                env=self._environment,
                start_new_session=True,
            )
        try:
            self._wait(self._process, time.monotonic() + START_S)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """No process of it is left."""
        self.close()

    def close(self) -> None:
        """End it: by SIGTERM, and what does not hear that by SIGKILL."""
        process, self._process = self._process, None
        self.port = 0
        if process is None:
            return
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(self._end_s)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(END_S)

    @property
    def pid(self) -> int:
        """The number of its process; 0 where it does not run."""
        return self._process.pid if self._process is not None else 0

    def said(self) -> str:
        """The end of its log."""
        return self.log.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace")

    def _wait(self, process: subprocess.Popen[bytes], deadline_s: float) -> None:
        while not self._serves():
            name = self._argv[4]
            if process.poll() is not None:
                raise NotUp(f"{name} ended with status {process.returncode}:\n{self.said()}")
            if time.monotonic() > deadline_s:
                raise NotUp(f"{name} did not come up within {START_S:.0f} s:\n{self.said()}")
            time.sleep(0.05)

    def _serves(self) -> bool:
        if not self.port:
            found = _LISTENING.search(self.log.read_bytes())
            if found is None:
                return False
            self.port = int(found[1])
        try:
            Http(self.url).get(self._ready)
        except NotAnswered:
            return False
        return True
