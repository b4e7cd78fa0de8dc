"""Users, groups, and who owns the top of what is mounted from DRBD.

After a take-over the files are the same and the numbers of their owners too; whether these are
the same users there is up to /etc/passwd and /etc/group of the other node.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from connector.doctor.reading import Text, Unseen, read_text
from connector.program import Run

MAX_NAMES = 2_000
MAX_MOUNTS = 16
MAX_OWNERS = 500
FIND_TIMEOUT_S = 5.0
_DEPTH = 2
_RECORD = re.compile(r"([0-9]{1,10}) ([0-9]{1,10}) (.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Owner:
    """A user or group that owns something; `name` is None where this node does not know it."""

    kind: str  # user, group
    id: int
    name: str | None
    where: str


@dataclass(frozen=True, slots=True)
class Owners:
    """What was found; `unseen` is what could not be looked at."""

    users: Mapping[str, int]
    groups: Mapping[str, int]
    found: tuple[Owner, ...] = ()
    unseen: tuple[Unseen, ...] = ()


def read(root: Path, run: Run, mount_points: Sequence[str]) -> Owners:
    """The names of this node, and the owners below each mount point, two levels deep.

    `find` is a program of its own: a file system that hangs takes its time, and not ours.
    Raises nothing.
    """
    unseen: list[Unseen] = []
    users = _names(root / "etc/passwd", unseen)
    groups = _names(root / "etc/group", unseen)
    ids: dict[tuple[str, int], str] = {}
    for mount_point in mount_points[:MAX_MOUNTS]:
        path = mount_point if str(root) == "/" else f"{root}{mount_point}"
        ids |= {key: where for key, where in _below(path, run, unseen).items() if key not in ids}
    if len(mount_points) > MAX_MOUNTS or len(ids) > MAX_OWNERS:
        unseen.append(Unseen(f"more than {MAX_MOUNTS} mounts or {MAX_OWNERS} owners"))
    by_id = {
        "user": {number: name for name, number in users.items()},
        "group": {number: name for name, number in groups.items()},
    }
    found = [
        Owner(kind, number, by_id[kind].get(number), where)
        for (kind, number), where in list(ids.items())[:MAX_OWNERS]
    ]
    return Owners(users, groups, tuple(found), tuple(unseen))


def _below(path: str, run: Run, unseen: list[Unseen]) -> dict[tuple[str, int], str]:
    """Each user and group that owns something there, with the first path that is theirs."""
    argv = ("find", path, "-xdev", "-maxdepth", str(_DEPTH), "-printf", r"%U %G %p\0")
    done = run(argv, FIND_TIMEOUT_S)
    if done.exit_status != 0:
        said = done.stderr.strip().split("\n")[-1]
        why = done.error or ("it did not end in time" if done.timed_out else said)
        unseen.append(Unseen(f"owners below {path}: {why[:400]}"))
    found: dict[tuple[str, int], str] = {}
    *records, cut_off = done.stdout.split("\0")
    if done.exit_status == 0 and cut_off:
        unseen.append(Unseen(f"owners below {path}: only of the first {len(records)} files"))
    for record in records:
        match = _RECORD.fullmatch(record)
        if match:
            found.setdefault(("user", int(match[1])), match[3])
            found.setdefault(("group", int(match[2])), match[3])
    return found


def _names(path: Path, unseen: list[Unseen]) -> dict[str, int]:
    """The names and numbers of passwd(5) or group(5)."""
    text = read_text(path)
    if not isinstance(text, Text):
        unseen.append(text or Unseen(f"{path}: there is none"))
        return {}
    names = parse_names(text.text)
    if len(names) > MAX_NAMES:
        unseen.append(Unseen(f"{path}: only the first {MAX_NAMES} names are compared"))
    return dict(list(names.items())[:MAX_NAMES])


def parse_names(text: str) -> dict[str, int]:
    """Name to number, of lines `NAME:…:NUMBER:…`; the first line of a name counts."""
    names: dict[str, int] = {}
    for line in text.split("\n"):
        fields = line.split(":")
        if len(fields) < 4 or line.startswith(("#", "+", "-")):
            continue
        if fields[0] and fields[2].isascii() and fields[2].isdigit() and len(fields[2]) <= 10:
            names.setdefault(fields[0], int(fields[2]))
    return names
