"""Stand-ins for programs, written as real executables, and what tests ask about processes."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import connector

CHECKOUT = Path(connector.__file__).resolve().parents[1]

# Far more than anything here takes, so that a loaded machine does not fail a test.
PATIENCE_S = 20.0


def write_program(folder: Path, name: str, script: str) -> Path:
    """An executable sh script `name` in `folder`; its path."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def python(*lines: str) -> list[str]:
    """A command line that runs `lines` in a new Python which can import this checkout."""
    return [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(CHECKOUT)!r})\n"
            + "\n".join(lines)]  # fmt: skip


def alive(pid: int) -> bool:
    """Whether a process still runs; a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def wait_for(true: Callable[[], object]) -> None:
    """Return once `true()` holds; fail where it never does."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline_s, "waited in vain"
        time.sleep(0.01)


def pid_in(path: Path) -> int:
    """The process number that a stand-in writes to `path`, once it is there."""
    wait_for(lambda: path.exists() and path.read_text(encoding="ascii").endswith("\n"))
    return int(path.read_text(encoding="ascii"))


def mask() -> set[int]:
    """The signals that this process holds back."""
    status = Path(f"/proc/{os.getpid()}/status").read_text(encoding="ascii")
    bits = int(status.partition("SigBlk:")[2].split()[0], 16)
    return {number + 1 for number in range(64) if bits >> number & 1}
