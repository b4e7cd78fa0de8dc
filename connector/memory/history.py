"""What the journal holds of earlier passes: read up to a limit, then parsed without trust.

A line may come from another version of connector: what it does not have is None here, and keys that
are not known are passed over. A line that cannot be read for certain becomes a problem.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connector.memory.journal import MAX_BYTES

# The journal is turned over after the line that makes it too large, so one line comes on top.
LONGEST_LINE_BYTES = 256 * 1024
MAX_PROBLEMS = 100  # in one file
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)

_Seconds = Annotated[float, Field(ge=0, le=366 * 86400, allow_inf_nan=False)]
_ExitStatus = Annotated[int, Field(ge=-(2**31), lt=2**31)]


@dataclass(frozen=True, slots=True)
class JournalText:
    """The end of one journal file. `cut`: its beginning, which had no room, was not read."""

    name: str
    data: bytes
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """One command that was run, and what came of it; None: the line does not say."""

    argv: tuple[str, ...]
    outcome: str | None = None
    exit_status: _ExitStatus | None = None
    stderr: str | None = None
    duration_s: _Seconds | None = None


@dataclass(frozen=True, slots=True)
class ToldOutcome:
    """What came of it: the kind, the same in words, and the last look at connection and role."""

    kind: str | None = None
    detail: str | None = None
    connection: str | None = None
    role: str | None = None
    commands: tuple[Command, ...] | None = None


@dataclass(frozen=True, slots=True)
class EvidenceKind:
    """One thing that the kernel log said; the journal has more of it."""

    kind: str


@dataclass(frozen=True, slots=True)
class Told:
    """What one line tells of one resource; None: it does not say.

    `connection` and `role` are from before the commands, those of `outcome` from after them.
    `would` are the commands if no gate stood before them.
    """

    name: str
    connection: str | None = None
    role: str | None = None
    decision: str | None = None
    gates: tuple[str, ...] | None = None
    reason: str | None = None
    would: tuple[str, ...] | None = None
    needs_operator: bool | None = None
    evidence: tuple[EvidenceKind, ...] | None = None
    outcome: ToldOutcome = ToldOutcome()


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: a pass, or with `by_person` a `connector recover`, which tells less.

    `at_wall_s` is when a pass began, or when `connector recover` ended: seconds since 1970 (UTC).
    """

    at_wall_s: float
    duration_s: float | None = None
    exit_status: int | None = None
    by_person: bool = False
    resources: tuple[Told, ...] = ()


@dataclass(frozen=True, slots=True)
class JournalProblem:
    """What could not be read: the file's name, and the line from 1, or None for the whole file."""

    file: str
    line: int | None
    message: str


@dataclass(frozen=True, slots=True)
class History:
    """All entries in the order they were written, and what could not be read."""

    entries: tuple[Entry, ...] = ()
    problems: tuple[JournalProblem, ...] = ()


def read(path: Path) -> tuple[JournalText, ...]:
    """The journal's files, the older one first; empty where there is no journal.

    Raises:
        OSError: one is there but cannot be read.
    """
    current, turned_over = _end_of(path), _end_of(path.with_name(path.name + ".1"))
    if current and turned_over and current[0] == turned_over[0]:
        # A pass turned it over between the two looks: that is one file, and there may be a new one.
        current = _end_of(path)
    return tuple(dict(found for found in (turned_over, current) if found).values())


def _end_of(path: Path) -> tuple[tuple[int, int], JournalText] | None:
    """The file's identity and its end; None where there is no such file."""
    limit = MAX_BYTES + LONGEST_LINE_BYTES
    try:
        with path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            beyond = max(0, status.st_size - limit)
            stream.seek(beyond)
            text = JournalText(path.name, stream.read(limit), cut=beyond > 0)
    except FileNotFoundError:
        return None
    return (status.st_dev, status.st_ino), text


def parse(texts: Iterable[JournalText]) -> History:
    """What the texts hold; whatever bytes they are, nothing is raised."""
    entries: list[Entry] = []
    problems: list[JournalProblem] = []
    for text in texts:
        damaged: list[JournalProblem] = []
        for item in _items(text):
            if isinstance(item, Entry):
                entries.append(item)
            else:
                damaged.append(item)
        problems += damaged[:MAX_PROBLEMS]
        if len(damaged) > MAX_PROBLEMS:
            more = f"{len(damaged) - MAX_PROBLEMS} more lines cannot be read"
            problems.append(JournalProblem(text.name, None, more))
    return History(tuple(entries), tuple(problems))


def _items(text: JournalText) -> Iterator[Entry | JournalProblem]:
    lines = text.data.split(b"\n")
    if text.cut:
        message = (
            f"larger than connector lets it become: only its last {len(text.data)} bytes were "
            "read, and its lines are counted from there"
        )
        yield JournalProblem(text.name, None, message)
        lines[0] = b""  # the end of a line whose beginning was not read
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield _entry(_on_disk(line))
        except ValidationError as error:
            yield JournalProblem(text.name, number, _why(error))
        except ValueError as error:
            yield JournalProblem(text.name, number, str(error))


def _on_disk(line: bytes) -> _LineOnDisk:
    """The line, checked; ValidationError where that cannot be done."""
    try:
        return _LineOnDisk.model_validate_json(line)
    except ValidationError as error:
        if b"\\ud" not in line:
            raise
        # A mount point that is not UTF-8 text was written with escapes that only Python reads.
        try:
            text = json.dumps(json.loads(line), ensure_ascii=False)
        except (ValueError, RecursionError):
            raise error from None
        return _LineOnDisk.model_validate_json(text.encode("utf-8", "replace"))


def _why(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        where = str(first["ctx"]["error"]).replace(" at line 1 column ", " at column ")
        return f"no whole JSON object: {where}"
    return f"{'.'.join(map(str, first['loc'])) or 'the line'}: {first['msg']}"


class _LineOnDisk(BaseModel):
    """One line as it is written; its resources are those of `Told`, key by key."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    at: str
    duration_s: _Seconds | None = None
    exit_status: _ExitStatus | None = None
    resources: tuple[Told, ...] | None = None
    # The keys of `connector recover`, which writes lines of its own.
    recover: str | None = None
    commands: tuple[str, ...] | None = None
    outcome: str | None = None
    detail: str | None = None


def _entry(line: _LineOnDisk) -> Entry:
    """The line as an entry; ValueError where its time is none."""
    at_wall_s = _wall_s(line.at)
    if line.recover is not None:
        return Entry(at_wall_s, by_person=True, resources=(_by_person(line, line.recover),))
    return Entry(at_wall_s, line.duration_s, line.exit_status, resources=line.resources or ())


def _by_person(line: _LineOnDisk, resource: str) -> Told:
    """What `connector recover` tells: the commands without what came of each."""
    commands = None
    if line.commands is not None:
        commands = tuple(Command(tuple(text.split())) for text in line.commands)
    return Told(resource, outcome=ToldOutcome(line.outcome, line.detail, commands=commands))


def _wall_s(at: str) -> float:
    if _TIME.fullmatch(at):
        try:
            wall_s = datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp()
        except ValueError:
            wall_s = -1.0
        if wall_s >= 0:
            return wall_s
    raise ValueError(f"at: {at[:40]!r} is no time such as 2026-11-25T08:00:00Z")
