"""Counters that survive between runs, kept by the passes that act."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

from connector.memory.files import read_bounded, set_aside, write_changed

ACTIONS = "actions_total"
RECOVERIES = "recoveries_total"
PARSE_PROBLEMS = "parse_problems_total"
_NAMES = frozenset({ACTIONS, RECOVERIES, PARSE_PROBLEMS})
_MOST = 2**53  # Prometheus' numbers count no further, and far larger ones could not be printed

Key = tuple[str, ...]


def load(path: Path, *, touch: bool = True) -> tuple[Counter[Key], str | None]:
    """Counters by (name, label values…), and a warning where the file was damaged.

    With `touch` false a damaged file is left where it is.

    Raises:
        OSError: it is there but cannot be read, or cannot be set aside.
    """
    data = read_bounded(path)
    if data is None:
        return Counter(), None
    try:
        return Counter({_key(row[:-1]): _count(row[-1]) for row in json.loads(data)}), None
    except (ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
        kept_as = f"; kept as {set_aside(path).name}" if touch else ""
        return Counter(), f"{path} is damaged ({error}){kept_as}; counted anew"


def _key(words: list[object]) -> Key:
    key = tuple(word for word in words if isinstance(word, str))
    if len(key) != len(words) or key[0] not in _NAMES:
        raise ValueError(f"not a counter: {words!r:.80}")
    return key


def _count(value: object) -> int:
    if type(value) is not int or not 0 <= value <= _MOST:
        raise ValueError(f"not a count: {value!r:.40}")
    return value


def save(path: Path, counters: Counter[Key]) -> None:
    """Write them where they are not what is there: one counter on a line.

    Raises:
        OSError: the state directory cannot be written.
    """
    rows = sorted([*key, count] for key, count in counters.items())
    lines = ",\n".join(map(json.dumps, rows))
    write_changed(path, f"[\n{lines}\n]".encode())


def count_contention(path: Path) -> None:
    """One more pass that found the lock held: a byte at the end of a file, needing no lock.

    Raises:
        OSError: the state directory cannot be written.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    descriptor = os.open(path, flags, 0o600)
    try:
        os.write(descriptor, b".")
    finally:
        os.close(descriptor)


def contentions(path: Path) -> int:
    """How often a pass found the lock held; 0 where nothing was counted."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
