"""Amounts and times in a person's words."""

from __future__ import annotations

from connector.model import Use, UseKind, Volume
from connector.report.page.markup import name_of

MOST_USES = 6
_USE = {
    UseKind.MOUNT: "mounted",
    UseKind.SWAP: "swap",
    UseKind.HOLDER: "held by this device",
    UseKind.OPENER: "has it open",
}


def amount(kib: int | None) -> str:
    """`0`, `512 KiB`, `1.5 GiB`; None is `not known`."""
    if kib is None:
        return "not known"
    value, unit = float(kib), "KiB"
    for larger in ("MiB", "GiB", "TiB"):
        if abs(value) < 1024:
            break
        value, unit = value / 1024, larger
    if not kib:
        return "0"
    return f"{value:.0f} {unit}" if unit == "KiB" or value >= 100 else f"{value:.1f} {unit}"


def lasting(seconds: float) -> str:
    """`35 s`, `3 min`, `2 h 5 min`, `3 d 4 h`; a clock that was set back makes it `0 s`."""
    whole = int(max(0.0, seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if minutes < 60:
        return f"{minutes} min"
    if hours < 24:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{days} d {hours % 24} h" if hours % 24 and days < 10 else f"{days} d"


def how_many(number: int, one: str, more: str = "") -> str:
    """`1 resource`, `3 resources`."""
    return f"{number} {one if number == 1 else more or one + 's'}"


def used_by(volume: Volume) -> str:
    """What uses the volume here, so many at the most."""
    if volume.used_by is None:
        return "could not be found out"
    shown = [f"{name_of(use.where)} ({_kind(use)})" for use in volume.used_by[:MOST_USES]]
    more = len(volume.used_by) - len(shown)
    return ", ".join([*shown, f"and {more} more"] if more else shown) or "nothing"


def in_use(used: bool | None) -> str:
    """Whether it is in use here."""
    return {True: "in use", False: "not in use", None: "use not known"}[used]


def _kind(use: Use) -> str:
    return _USE.get(use.kind, str(use.kind))
