"""What is configured to run passes: crontabs, the timer, the watch."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from connector.doctor.reading import Text, Unseen, read_text, reason

MAX_CRON_FILES = 500
_MAX_CRONTAB_BYTES = 256 * 1024

_PASS = re.compile(r"(?<![\w.-])connector(?:\s+--?[^\s;|&]+(?:[ =][^\s;|&-]\S*)?)*\s+reconcile\b")
_VARIABLE = re.compile(r"\s*[A-Za-z_]\w*\s*=")
# contrib/cron/connector does nothing where the timer is enabled.
_GUARD = re.compile(r"is-enabled\b[^;&|]*connector\.timer")
# cron(8) of Debian: names of LSB's run-parts, so none with a dot.
_TAKEN_NAME = re.compile(r"[A-Za-z0-9_-]+")
_UNIT_FOLDERS = ("etc/systemd/system", "run/systemd/system", "usr/lib/systemd/system")


@dataclass(frozen=True, slots=True)
class CronLine:
    """A line that runs a pass. `ignored` says why cron does not take its file; None: it does."""

    file: str
    line: int
    guarded: bool
    ignored: str | None = None

    @property
    def place(self) -> str:
        """FILE:LINE."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """What was found. `timer` and `watch` are links of enabled units; None where not enabled."""

    cron: tuple[CronLine, ...] = ()
    timer: str | None = None
    watch: str | None = None
    unseen: tuple[Unseen, ...] = ()


def read(root: Path) -> Schedule:
    """Look at the crontabs and at the links of enabled units below `root`. Raises nothing."""
    cron: list[CronLine] = []
    unseen: list[Unseen] = []
    trusted = _owner(root / "etc")
    for path in _crontabs(root, unseen):
        found = read_text(path, _MAX_CRONTAB_BYTES)
        if isinstance(found, Unseen):
            unseen.append(found)
        elif found is not None:
            shown = f"/{path.relative_to(root)}"
            in_cron_d = path.parent == root / "etc/cron.d"
            ignored = why_ignored(path.name, found, trusted) if in_cron_d else None
            cron += [CronLine(shown, line, guarded, ignored) for line, guarded in parse(found.text)]
    return Schedule(
        cron=tuple(cron),
        timer=_enabled(root, "connector.timer"),
        watch=_enabled(root, "connector-watch.service"),
        unseen=tuple(unseen),
    )


def parse(crontab: str) -> Iterator[tuple[int, bool]]:
    """Each line that runs a pass, counted from 1, and whether it asks for the timer first."""
    for number, line in enumerate(crontab.split("\n"), start=1):
        if line.lstrip().startswith("#") or _VARIABLE.match(line):
            continue
        if _PASS.search(line[:5000]):
            yield number, _GUARD.search(line) is not None


def _crontabs(root: Path, unseen: list[Unseen]) -> Iterator[Path]:
    yield root / "etc/crontab"
    folder = root / "etc/cron.d"
    try:
        names = sorted(path.name for path in islice(folder.iterdir(), MAX_CRON_FILES + 1))
    except FileNotFoundError:
        names = []
    except OSError as error:
        names = []
        unseen.append(Unseen(f"{folder}: {reason(error)}"))
    if len(names) > MAX_CRON_FILES:
        unseen.append(Unseen(f"{folder}: more than {MAX_CRON_FILES} files"))
    yield from (folder / name for name in names[:MAX_CRON_FILES])
    # Debian's place, and that of Red Hat.
    yield root / "var/spool/cron/crontabs/root"
    yield root / "var/spool/cron/root"


def why_ignored(name: str, found: Text, trusted: int | None) -> str | None:
    """Why cron(8) does not take a file of /etc/cron.d; None where it does."""
    if not _TAKEN_NAME.fullmatch(name):
        return "its name has other characters than letters, digits, - and _"
    if trusted is not None and found.uid != trusted:
        return f"it belongs to user {found.uid}, not to root"
    if found.mode & 0o022:
        return f"others may write to it (mode {found.mode:04o})"
    if not found.text.endswith("\n"):
        return "its last line has no end"
    return None


def _owner(folder: Path) -> int | None:
    """Whoever owns /etc is root, also in a copy of it."""
    try:
        return folder.stat().st_uid
    except OSError:
        return None


def _enabled(root: Path, unit: str) -> str | None:
    """The link that enables a unit; in a copy of a system it may lead nowhere."""
    for folder in _UNIT_FOLDERS:
        for wants in sorted((root / folder).glob("*.wants"))[:MAX_CRON_FILES]:
            if os.path.lexists(wants / unit):
                return f"/{wants.relative_to(root)}/{unit}"
    return None
