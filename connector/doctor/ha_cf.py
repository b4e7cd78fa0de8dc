"""Heartbeat's ha.cf: its time-outs, and its text without secrets."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TIME = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)([a-z]*)")
# Units of Heartbeat's times; a number alone is seconds (ha.cf(5)).
_UNITS_S = {
    "": 1.0,
    "s": 1.0,
    "sec": 1.0,
    "ms": 0.001,
    "msec": 0.001,
    "us": 0.000_001,
    "usec": 0.000_001,
    "m": 60.0,
    "min": 60.0,
    "h": 3600.0,
    "hr": 3600.0,
}
_TIMES = ("keepalive", "warntime", "deadtime", "initdead")


@dataclass(frozen=True, slots=True)
class Told:
    """A time-out in seconds, and the line that it stands on."""

    seconds: float
    line: int


@dataclass(frozen=True, slots=True)
class HaCf:
    """Heartbeat's time-outs that are set; None where one is not, or cannot be read."""

    path: str
    keepalive: Told | None = None
    warntime: Told | None = None
    deadtime: Told | None = None
    initdead: Told | None = None
    damaged: tuple[int, ...] = ()  # lines with a time that is none


def parse(text: str, path: str) -> HaCf:
    """The time-outs; of two lines with the same word the last one counts. Raises nothing."""
    found: dict[str, Told] = {}
    damaged: list[int] = []
    for number, line in enumerate(text.split("\n"), start=1):
        words = line.partition("#")[0].split()
        if len(words) < 2 or words[0] not in _TIMES:
            continue
        seconds = seconds_of(words[1])
        if seconds is None:
            damaged.append(number)
            found.pop(words[0], None)
        else:
            found[words[0]] = Told(seconds, number)
    return HaCf(
        path=path,
        keepalive=found.get("keepalive"),
        warntime=found.get("warntime"),
        deadtime=found.get("deadtime"),
        initdead=found.get("initdead"),
        damaged=tuple(damaged),
    )


def seconds_of(word: str) -> float | None:
    """A time of Heartbeat's in seconds; None where it is none."""
    match = _TIME.fullmatch(word.lower())
    unit = _UNITS_S.get(match[2]) if match else None
    return None if match is None or unit is None else float(match[1]) * unit
