"""Where no events can be read: has /proc/drbd changed in anything that a row depends on?"""

from __future__ import annotations

import re
from pathlib import Path

from connector.memory.files import read_bounded

POLL_S = 1.0
MAX_BYTES = 4 * 1024 * 1024
# ` 0: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----`: no counters, no progress.
_STATES = re.compile(rb"^ *\d+: cs:\S*(?: (?:ro|st|ds|ld):\S*)*", re.MULTILINE)


def essence(proc_drbd: bytes) -> bytes:
    """The states in a text of /proc/drbd, without what changes all the time."""
    return b"\n".join(_STATES.findall(proc_drbd))


def states_now(root: Path) -> bytes:
    """The essence of /proc/drbd now; empty where it cannot be read, which is a change, too."""
    try:
        return essence(read_bounded(root / "proc" / "drbd", MAX_BYTES) or b"")
    except OSError:
        return b""
