"""What `lvs` says, and the commands that make and remove a snapshot; pure (lvs(8), lvcreate(8))."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from connector.errors import NotKept
from connector.rescue.device import LogicalVolume

_COLUMNS = "vg_name,lv_name,lv_size,vg_free,vg_extent_size,segtype"
_THIN = frozenset({"thin", "thin-pool", "vdo", "vdo-pool"})
# lvs(8): the fifth letter of lv_attr is I or S for a snapshot that has become invalid.
_INVALID = frozenset("IS")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot as it is now; `used_percent` of its own room."""

    valid: bool
    used_percent: float | None


def ask(path: str) -> tuple[str, ...]:
    """The command that tells of the logical volume at `path`."""
    return ("lvs", "--reportformat", "json", "--units", "b", "--nosuffix", "-o", _COLUMNS, path)


def ask_snapshot(volume_group: str, name: str) -> tuple[str, ...]:
    """The command that tells how full a snapshot is."""
    columns = "lv_name,lv_attr,data_percent"
    return ("lvs", "--reportformat", "json", "-o", columns, f"{volume_group}/{name}")


def create(lv: LogicalVolume, name: str, size_bytes: int) -> tuple[str, ...]:
    """The command that makes a snapshot of `lv`."""
    origin = f"{lv.volume_group}/{lv.name}"
    # No -p r: an unclean ext4 may want its journal replayed in it.
    return ("lvcreate", "-y", "-s", "-n", name, "-L", f"{size_bytes}b", origin)


def remove(volume_group: str, name: str) -> tuple[str, ...]:
    """The command that removes a snapshot."""
    return ("lvremove", "-y", f"{volume_group}/{name}")


def parse(text: str, path: str) -> LogicalVolume:
    """The logical volume in what `ask` printed.

    Raises:
        NotKept: it is not there, or not as lvs(8) prints it.
    """
    rows = _rows(text, path)
    row = rows[0]
    try:
        if len({(str(each["vg_name"]), str(each["lv_name"])) for each in rows}) > 1:
            raise ValueError("more than one logical volume")
        return LogicalVolume(
            volume_group=str(row["vg_name"]),
            name=str(row["lv_name"]),
            size_bytes=int(row["lv_size"]),
            free_bytes=int(row["vg_free"]),
            extent_bytes=max(1, int(row["vg_extent_size"])),
            thin=any(each["segtype"] in _THIN for each in rows),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise NotKept(f"lvs printed something else than expected for {path}: {error!r}") from error


def parse_snapshot(text: str, name: str) -> Snapshot:
    """How the snapshot is, from what `ask_snapshot` printed.

    Raises:
        NotKept: it is not there, or not as lvs(8) prints it.
    """
    row = _rows(text, name)[0]
    try:
        attributes = str(row["lv_attr"])
        used = str(row["data_percent"])
        return Snapshot(
            valid=len(attributes) > 4 and attributes[4] not in _INVALID,
            used_percent=float(used) if used else None,
        )
    except (KeyError, ValueError) as error:
        raise NotKept(f"lvs printed something else than expected for {name}: {error!r}") from error


def _rows(text: str, path: str) -> list[dict[str, Any]]:
    """What was printed of one volume: one at least, and one a segment where segtype was asked for.

    A volume that was enlarged may have several.
    """
    try:
        rows = json.loads(text)["report"][0]["lv"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        raise NotKept(f"lvs printed something else than expected for {path}") from error
    if rows == []:
        raise NotKept(f"lvs does not know {path}")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise NotKept(f"lvs printed something else than expected for {path}")
    return rows
