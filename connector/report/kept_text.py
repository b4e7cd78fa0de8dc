"""Rescues in words and in JSON."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from connector.rescue.compare import Difference
from connector.rescue.kept import KeptVolume, Rescue
from connector.rescue.mounting import source_of

VERSION = 1
_MIB = 1024 * 1024
_HOUR_S, _DAY_S = 3600, 86_400


def table(rescues: Sequence[Rescue], now_wall_s: float) -> Iterator[str]:
    """A line for each, with a heading."""
    rows = [("NAME", "AGE", "VOLUMES", "STATE")]
    rows += [(item.name, _age(item, now_wall_s), _volumes(item), _state(item)) for item in rescues]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        yield _printable("  ".join([*cells, row[-1]]))


def lines(rescue: Rescue, folder: Path, now_wall_s: float) -> Iterator[str]:
    """Everything about one rescue, and what to type."""
    return map(_printable, _lines(rescue, folder, now_wall_s))


def _lines(rescue: Rescue, folder: Path, now_wall_s: float) -> Iterator[str]:
    at = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(rescue.kept_at_s))
    yield f"{rescue.name}: {_state(rescue)}"
    age = _age(rescue, now_wall_s)
    yield f"  resource {rescue.resource} on {rescue.host}, kept {at}, {age} ago"
    yield f"  because: {rescue.why}"
    for item in rescue.volumes:
        changed = "?" if item.out_of_sync_kib is None else item.out_of_sync_kib
        kind = item.filesystem or "no known file system"
        yield (
            f"  volume {item.volume} (minor {item.minor}): {kind}, {_mib(item.size_bytes)} MiB, "
            f"{item.method}, {source_of(folder, rescue, item)}; "
            f"{changed} KiB were written here that the peer had not"
        )
    if rescue.lost:
        return
    several = " --volume N" if len(rescue.volumes) > 1 else ""
    if any(item.filesystem for item in rescue.volumes):
        yield "to look at it:"
        yield f"    connector rescue mount {rescue.name} /mnt/rescue{several}"
    yield "to take it to the node where the healed file system is mounted:"
    yield f"    connector rescue export {rescue.name} {rescue.name}.tar.gz"


def to_json(rescues: Iterable[Rescue], now_wall_s: float) -> dict[str, Any]:
    """The same as plain values."""
    return {
        "version": VERSION,
        "rescues": [
            {**item.model_dump(mode="json"), "age_s": round(item.age_s(now_wall_s))}
            for item in rescues
        ],
    }


def difference(item: Difference) -> dict[str, Any]:
    """One difference as plain values; one such object a line."""
    return {
        "kind": item.kind.value,
        "path": item.path,
        "size_bytes": item.size_bytes,
        "why": item.why,
    }


def difference_line(item: Difference) -> str:
    """One difference as a line."""
    size = "" if item.size_bytes is None else f"  ({item.size_bytes} bytes)"
    why = f": {item.why}" if item.why else ""
    return f"{item.kind:<18} {_printable(item.path)}{size}{why}"


def _printable(text: str) -> str:
    """A line that can do nothing to a terminal: what cannot be printed is escaped."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    )


def _state(rescue: Rescue) -> str:
    if rescue.lost:
        return f"LOST: {rescue.lost}"
    if rescue.looked_at_s is None:
        return "kept; not yet looked at after a resync"
    return "whole after the resync"


def _volumes(rescue: Rescue) -> str:
    return ", ".join(_volume(item) for item in rescue.volumes)


def _volume(item: KeptVolume) -> str:
    return f"{item.volume}: {item.filesystem or 'raw'} {_mib(item.size_bytes)} MiB {item.method}"


def _age(rescue: Rescue, now_wall_s: float) -> str:
    age_s = rescue.age_s(now_wall_s)
    if age_s < _HOUR_S:
        return f"{age_s / 60:.0f} min"
    if age_s < _DAY_S:
        return f"{age_s / _HOUR_S:.0f} h"
    return f"{age_s / _DAY_S:.0f} d"


def _mib(size_bytes: int) -> int:
    return -(-size_bytes // _MIB)
