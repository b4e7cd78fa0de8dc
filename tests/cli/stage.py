"""A node in a folder, with a `drbdadm` that works, for tests that run connector as a process."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connector.simulate import story
from tests.cli import loaded
from tests.stand_in import StandIn

PROJECT = Path(__file__).resolve().parents[2]
# A plain `drbdadm disconnect` is otherwise left alone for an hour.
AT_ONCE = {"CONNECTOR_POLICY_RESPECT_DISCONNECT": "0"}
DISCARD = {"CONNECTOR_POLICY_MODE": "discard", "CONNECTOR_POLICY_DEMOTE_GRACE": "0"}
PATIENCE_S = 60.0  # far more than anything here takes, so that a loaded machine fails no test

# The stand-in, with the node's name in the configuration replaced by this machine's.
_DRBDADM = """\
#!{python} -IS
import contextlib, io, sys
sys.path.insert(0, {project!r})
from tests.stand_in.program import main
said = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
try:
    with contextlib.redirect_stdout(said):
        main({folder!r}, {node!r}, sys.argv)
finally:
    said.flush()
    text = said.buffer.getvalue()
    sys.stdout.buffer.write(text.replace(b'<host name="{node}">', b'<host name="{host}">'))
"""


@dataclass(frozen=True, slots=True)
class Done:
    """What a process left behind."""

    status: int
    out: str
    err: str
    seconds: float

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


class Stage:
    """Node `beta`, the standby of a simulated pair, unless another one is asked for.

    The state directory, the lock and a short `settle` are given by CONNECTOR_RUN_ variables.
    """

    def __init__(self, folder: Path, situation: str = "healthy", node: str = "beta") -> None:
        """`situation` is one of `connector.simulate.story`."""
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.node = node
        (folder / "pair").mkdir()
        self.pair = StandIn(folder / "pair", story.told(situation))
        self.root = self.pair.root(node)
        self.programs = folder / "bin"
        self.state = folder / "state"
        self.lock = folder / "run" / "lock"
        self.environment = {
            "PATH": f"{self.programs}:/usr/sbin:/usr/bin:/sbin:/bin",
            "PYTHONPATH": str(PROJECT),
            "CONNECTOR_RUN_STATE_DIR": str(self.state),
            "CONNECTOR_RUN_LOCK": str(self.lock),
            "CONNECTOR_RUN_SETTLE": "1",
        }
        script = _DRBDADM.format(
            python=sys.executable,
            project=str(PROJECT),
            folder=str(self.pair.folder),
            node=node,
            host=os.uname().nodename,
        )
        self.program("drbdadm", script)

    def program(self, name: str, script: str) -> Path:
        """Put an executable on PATH."""
        path = self.programs / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(script, encoding="utf-8")
        path.chmod(0o755)
        return path

    def show(self, text: bytes | None) -> None:
        """From now on /proc/drbd holds this text (None: is missing), whatever drbdadm does."""
        if self.root != self.folder / "root":
            self.root = Path(shutil.copytree(self.root, self.folder / "root"))
        path = self.root / "proc/drbd"
        path.unlink(missing_ok=True)
        if text is not None:
            path.write_bytes(text)

    def run(self, *words: str, **environment: str) -> Done:
        """Run `connector WORDS` to its end; it must never show a traceback."""
        return self.run_fed(b"", *words, **environment)

    def run_under(self, prefix: Sequence[str], *words: str, **environment: str) -> Done:
        """The same, started by another program."""
        return self._run([*prefix, *self.argv(words)], b"", environment)

    def run_fed(self, text: bytes, *words: str, **environment: str) -> Done:
        """The same with a text on standard input."""
        given = {**self.environment, **environment}
        if not loaded.can_run(given):
            return self._run(self.argv(words), text, environment)
        began_s = time.monotonic()
        words = ("--root", str(self.root), *words)
        return _done(began_s, *loaded.run(words, text, given, self.folder, PATIENCE_S))

    def _run(self, argv: list[str], text: bytes, environment: Mapping[str, str]) -> Done:
        began_s = time.monotonic()
        done = subprocess.run(
            argv,
            input=text,
            capture_output=True,
            env={**self.environment, **environment},
            cwd=self.folder,
            timeout=PATIENCE_S,
            check=False,
        )
        return _done(began_s, done.returncode, done.stdout, done.stderr)

    def run_on_terminal(self, *words: str, typed: bytes = b"", **environment: str) -> Done:
        """The same on a terminal, where somebody types; what it shows is in `out`."""
        began_s = time.monotonic()
        controller, terminal = pty.openpty()
        try:
            process = subprocess.Popen(
                self.argv(words),
                stdin=terminal,
                stdout=terminal,
                stderr=terminal,
                env={**self.environment, "TERM": "xterm", **environment},
                cwd=self.folder,
                start_new_session=True,
            )
            os.close(terminal)
            os.write(controller, typed)
            shown = b"".join(_chunks(controller))
            status = process.wait(PATIENCE_S)
        finally:
            os.close(controller)
        assert b"Traceback" not in shown, shown
        return Done(status, shown.decode(), "", time.monotonic() - began_s)

    def start(self, *words: str, **environment: str) -> Running:
        """Start `connector WORDS` and go on."""
        return Running(
            subprocess.Popen(
                self.argv(words),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**self.environment, **environment},
                cwd=self.folder,
            )
        )

    def argv(self, words: tuple[str, ...]) -> list[str]:
        """`connector WORDS` on this node."""
        return [sys.executable, "-m", "connector", "--root", str(self.root), *words]

    def calls(self) -> list[str]:
        """What drbdadm was asked for on this node, but for the resources' names."""
        return [call for call in self.pair.calls(self.node) if call != "dump-xml"]

    def config(self, text: str) -> Path:
        """A connector.toml."""
        path = self.folder / "connector.toml"
        path.write_text(text, encoding="utf-8")
        return path

    def kept(self, name: str) -> Any:
        """A file of the state directory, as JSON."""
        return json.loads((self.state / name).read_bytes())

    def processes(self) -> list[int]:
        """Every process that has this stage's folder in its command line."""
        mark = os.fsencode(self.folder)
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                # A zombie's is empty.
                if mark in path.read_bytes():
                    found.append(int(path.parent.name))
            except OSError:
                continue
        return found


class Running:
    """A process that was started and not waited for."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def __enter__(self) -> Running:
        """So that it ends with the test."""
        return self

    def __exit__(self, *_: object) -> None:
        """Ends it if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def first_error(self) -> str:
        """The first line on standard error, once it is there; `end` no longer has it."""
        assert self.process.stderr is not None
        return self.process.stderr.readline().decode()

    def end(self) -> Done:
        """Wait for its end."""
        began_s = time.monotonic()
        out, err = self.process.communicate(timeout=PATIENCE_S)
        assert b"Traceback" not in out + err, (out, err)
        seconds = time.monotonic() - began_s
        return Done(self.process.returncode, out.decode(), err.decode(), seconds)


def _done(began_s: float, status: int, stdout: bytes, stderr: bytes) -> Done:
    out, err = stdout.decode(), stderr.decode()
    assert "Traceback" not in out + err, out + err
    return Done(status, out, err, time.monotonic() - began_s)


def _chunks(controller: int) -> Iterator[bytes]:
    """What comes out of a terminal until its last user has closed it."""
    while select.select([controller], [], [], PATIENCE_S)[0]:
        try:
            yield os.read(controller, 65536)
        except OSError:  # EIO is its end
            return


def wait_for(true: Callable[[], object]) -> None:
    """Return once `true()` holds; fail where it never does."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline_s, "waited in vain"
        time.sleep(0.02)


def tree(folder: Path) -> Mapping[str, bytes]:
    """Every file below a folder with its content; folders end with a slash."""
    return dict(_tree(folder))


def _tree(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        yield (f"{name}/", b"") if path.is_dir() else (name, path.read_bytes())
