"""Stand-ins for DRBD's programs: real executables that work on a simulated pair.

For tests that run real processes: the pair lives in a file, every command and every change loads
it under a lock, lets all that follows happen at once, saves it, and renders both nodes' roots.
"""

from __future__ import annotations

import fcntl
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connector.simulate import SimulatedPair
from connector.simulate.configuration import NODES

_PROJECT = Path(__file__).resolve().parents[2]

# -I and -S: nothing of the caller's environment, and no time lost on installed packages.
_SCRIPT = """\
#!{python} -IS
import sys
sys.path.insert(0, {project!r})
from tests.stand_in.program import main
main({folder!r}, {node!r}, sys.argv)
"""


class StandIn:
    """A simulated pair in a folder, with a `drbdadm` for each node.

    The kernel log follows this machine's CLOCK_MONOTONIC, so that `SystemClock` fits it.
    """

    def __init__(self, folder: Path, pair: SimulatedPair | None = None) -> None:
        """Take over `pair`, or without one open the folder that an earlier StandIn has filled."""
        self.folder = folder
        if pair is not None:
            pair.settle()
            pair.state.instant = True
            for node in pair.state.nodes.values():
                node.booted_s = pair.state.now_s - time.monotonic()
            self._keep(pair)

    def root(self, node: str) -> Path:
        """What to give to `--root` on that node."""
        return self.folder / node

    def drbdadm(self, node: str) -> Path:
        """The node's executable; its folder holds nothing else, and may stand on PATH."""
        path = self.folder / f"bin-{node}" / "drbdadm"
        if not path.exists():  # a program that runs cannot be written
            path.parent.mkdir(parents=True, exist_ok=True)
            project, folder = str(_PROJECT), str(self.folder)
            script = _SCRIPT.format(
                python=sys.executable, project=project, folder=folder, node=node
            )
            path.write_text(script, encoding="utf-8")
            path.chmod(0o755)
        return path

    @contextmanager
    def changing(self) -> Iterator[SimulatedPair]:
        """The pair as it is now, alone; what is done to it is kept and rendered."""
        with self._locked():
            pair = SimulatedPair.load(self._file)
            node = next(iter(pair.state.nodes.values()))
            behind_s = time.monotonic() - (pair.state.now_s - node.booted_s)
            pair.sleep(max(0.0, behind_s))
            yield pair
            pair.settle()
            self._keep(pair)

    def look(self) -> SimulatedPair:
        """A copy of the pair as it is now."""
        with self._locked():
            return SimulatedPair.load(self._file)

    def set_fault(self, node: str, fault: str | None) -> None:
        """Let the node's `drbdadm` fail, as `program.main` tells; None mends it.

        A file, because a program that connector starts does not get its whole environment.
        """
        path = self.folder / f"fault-{node}"
        if fault is None:
            path.unlink(missing_ok=True)
        else:
            path.write_text(fault, encoding="utf-8")

    def calls(self, node: str) -> list[str]:
        """Every command line that the node's `drbdadm` was given, faulty ones included."""
        path = self.folder / f"calls-{node}"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    @property
    def _file(self) -> Path:
        return self.folder / "pair.json"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.folder / "pair.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _keep(self, pair: SimulatedPair) -> None:
        pair.save(self._file)
        for node in NODES:
            if pair.state.nodes[node].up:
                pair.render(node, self.root(node))
