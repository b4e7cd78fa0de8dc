"""When the last pass ended, how long it took, and when one last succeeded.

Every pass writes this, a healthy one too, so nothing heavy is imported here.
"""

from __future__ import annotations

import errno
import json
import math
from dataclasses import dataclass
from pathlib import Path

from connector.memory.files import read_bounded, write_atomic

_MAX_BYTES = 4096


@dataclass(frozen=True, slots=True)
class LastPass:
    """The last pass. Times in seconds; `*_wall_s` since 1970.

    A pass succeeded where its exit status was 0: nothing failed and no operator is needed.
    `success_wall_s` is None where none ever did.
    """

    at_wall_s: float
    success_wall_s: float | None
    duration_s: float


def after(
    previous: LastPass | None, *, at_wall_s: float, duration_s: float, exit_status: int
) -> LastPass:
    """What to keep of a pass that ended now; a failed one keeps the time of the last success."""
    success_wall_s = previous.success_wall_s if previous else None
    if exit_status == 0:
        success_wall_s = at_wall_s
    return LastPass(at_wall_s, success_wall_s, duration_s)


def load(path: Path) -> LastPass | None:
    """The last pass; None where there was none, or where the file is damaged.

    A damaged file is not worth a warning: the next pass writes a new one.

    Raises:
        OSError: it is there but cannot be read.
    """
    try:
        data = read_bounded(path, _MAX_BYTES)
    except OSError as error:
        if error.errno == errno.EFBIG:
            return None
        raise
    if data is None:
        return None
    try:
        kept = json.loads(data)
        success = kept["success_wall_s"]
        return LastPass(
            at_wall_s=_seconds(kept["at_wall_s"]),
            success_wall_s=None if success is None else _seconds(success),
            duration_s=_seconds(kept["duration_s"]),
        )
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None


def _seconds(value: object) -> float:
    """A number that is one: JSON has room for NaN, and Python counts `true` as 1."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"not a number: {value!r:.40}")
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"not a time: {value!r:.40}")
    return float(value)


def note(path: Path, *, at_wall_s: float, duration_s: float, exit_status: int) -> LastPass:
    """Keep that a pass ended now, and return what is kept.

    Raises:
        OSError: the state directory cannot be read or written.
    """
    kept = after(load(path), at_wall_s=at_wall_s, duration_s=duration_s, exit_status=exit_status)
    save(path, kept)
    return kept


def save(path: Path, last: LastPass) -> None:
    """Write it.

    Raises:
        OSError: the state directory cannot be written.
    """
    kept = {
        "at_wall_s": last.at_wall_s,
        "success_wall_s": last.success_wall_s,
        "duration_s": last.duration_s,
    }
    write_atomic(path, json.dumps(kept).encode())
