"""`connector` in a process that has it loaded already: to load it takes longer than to run it.

`python -m tests.cli.loaded SOCKET` loads it once, and becomes a new process for each command: one
of a session of its own, with the environment, the folder and the files that were asked for. What a
process is when it begins (its locale, what its interpreter is told) it cannot be asked for.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

PROJECT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 60.0
ASKED_BYTES = 1 << 14  # what a Unix socket hands over in one piece
# Read when an interpreter starts.
AT_START = ("PYTHON", "LC_", "LANG")


def can_run(environment: Mapping[str, str]) -> bool:
    """True where nothing in the environment has to be there when the process begins.

    Nor may it be longer than what is asked for at once.
    """
    own = {name for name in environment if name != "PYTHONPATH"}
    short = len(json.dumps(dict(environment))) < ASKED_BYTES // 2
    return short and not any(name.startswith(AT_START) for name in own)


def run(
    words: Sequence[str], text: bytes, environment: Mapping[str, str], folder: Path, limit_s: float
) -> tuple[int, bytes, bytes]:
    """Run `connector WORDS`, given a text, to its end: its exit status and what it wrote.

    The exit status is that of subprocess: of a signal, its number below zero. Raises TimeoutError.
    """
    asked = {"words": list(words), "environment": dict(environment), "folder": str(folder)}
    with (
        tempfile.TemporaryFile() as stdin,
        tempfile.TemporaryFile() as stdout,
        tempfile.TemporaryFile() as stderr,
        socket.socket(socket.AF_UNIX) as connection,
    ):
        stdin.write(text)
        stdin.seek(0)
        connection.settimeout(limit_s)
        connection.connect(str(_server()))
        message = json.dumps(asked).encode()
        assert len(message) < ASKED_BYTES
        files = [stdin.fileno(), stdout.fileno(), stderr.fileno()]
        socket.send_fds(connection, [message], files)
        status = connection.recv(16)
        assert status, "tests.cli.loaded ended without an answer"
        stdout.seek(0)
        stderr.seek(0)
        return int(status), stdout.read(), stderr.read()


@cache
def _server() -> Path:
    """The socket of this process's server, which ends with it."""
    folder = Path(tempfile.mkdtemp(prefix="connector-loaded-"))
    address = folder / "socket"
    server = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", sys.executable, "-m", __name__, str(address)],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )

    def end() -> None:
        server.kill()
        server.wait()
        address.unlink(missing_ok=True)
        folder.rmdir()

    atexit.register(end)
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while not address.exists():
        assert server.poll() is None, "tests.cli.loaded has ended"
        assert time.monotonic() < deadline_s, "tests.cli.loaded does not answer"
        time.sleep(0.02)
    return address


def serve(address: str) -> NoReturn:
    """Load all of connector, and answer for ever."""
    import connector

    for module in pkgutil.walk_packages(connector.__path__, "connector."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{address}.new")
        listening.listen()
        os.rename(f"{address}.new", address)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who answer
        while True:
            connection, _ = listening.accept()
            with connection:
                if os.fork() == 0:
                    _answer(connection)
                    os._exit(0)


def _answer(connection: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message, files, _, _ = socket.recv_fds(connection, ASKED_BYTES, 3)
    pid = os.fork()
    if pid == 0:
        _become(json.loads(message), files)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    connection.sendall(str(status).encode())


def _become(asked: dict[str, Any], files: Sequence[int]) -> NoReturn:
    status = 1
    try:
        os.setsid()
        for descriptor, file in enumerate(files):
            os.dup2(file, descriptor)
        os.closerange(3, 256)
        os.chdir(asked["folder"])
        os.environ.clear()
        os.environ.update(asked["environment"])
        time.tzset()
        sys.argv = ["connector", *asked["words"]]
        from connector.cli import main

        main()
        status = 0
    except SystemExit as ending:
        status = ending.code if isinstance(ending.code, int) else 1
    finally:
        if sys.exc_info()[1] is not None:
            traceback.print_exc()  # as an interpreter does; no command may come to this
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    serve(sys.argv[1])
