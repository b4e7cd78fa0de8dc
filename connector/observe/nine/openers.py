"""Who holds a volume open, as DRBD 9 keeps it in debugfs.

The kernel's own list (drbd_main.c `add_opener`, drbd_debugfs.c `device_openers_show`): one line for
each open, with the name and the number of the process that did it and the age of the open in
milliseconds, which is negative where the clock was set back. The opener of a mount is `mount`, long
gone; an open that was handed to another process stays under the first one's name.

At most one line, the last, begins with `+`: the open that made the resource Primary by itself
(`auto_promoted_by`). It stays until no volume of the resource is open. Alone it thus tells that the
resource is held open, if perhaps by way of another volume.
"""

from __future__ import annotations

import errno
import os
import re
from dataclasses import dataclass
from pathlib import Path

from connector.model import Problem
from connector.observe.reading import read_at_most

_RESOURCES = "sys/kernel/debug/drbd/resources"
MAX_OPENERS_BYTES = 64 * 1024  # the kernel keeps about 100 openers, with 60 bytes each at the most

# mount	253	2108
# A process may give itself any name, with tabs too: the numbers are what stands last.
_OPENER = re.compile(
    r"(?P<name>.{0,15})\t(?P<pid>[0-9]{1,10})\t-?[0-9]{1,20}", flags=re.ASCII | re.DOTALL
)
_PROMOTER = "+"
_PROBLEMS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Opener:
    """A process that opened a volume, and may have ended since."""

    pid: int
    name: str


def read(root: Path, resource: str, volume: int) -> bytes:
    """The kernel's list of who holds the volume open, with a byte more than the bound where longer.

    Older modules, which print no `+`, let the reader wait as long as an open or a close under way
    waits (they take the mutex `open_release`).

    Args:
        root: the folder that holds sys/.
        resource: its name, which is a folder's: one that cannot be a folder's is not there.
        volume: its number within the resource.

    Raises:
        OSError: there is no such list (no debugfs, or the resource is down), or it may not be read.
    """
    if resource in ("", ".", "..") or "/" in resource:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), resource)
    path = f"{root}/{_RESOURCES}/{resource}/volumes/{volume}/openers"
    try:
        return read_at_most(path, MAX_OPENERS_BYTES + 1)
    except ValueError:  # a NUL, or a lone surrogate that stands for no byte
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), resource) from None


def parse(data: bytes) -> tuple[tuple[Opener, ...], tuple[Problem, ...]]:
    """The openers in the kernel's order (the newest first), each once.

    A line that cannot be read is left out and named in the problems. Names that are not UTF-8 keep
    the lone surrogates of `os.fsdecode`. Raises nothing.
    """
    found: dict[Opener, None] = {}
    damaged: list[int] = []
    lines = os.fsdecode(data[:MAX_OPENERS_BYTES]).rstrip("\n").split("\n")
    for number, line in enumerate(lines, start=1):
        last = number == len(lines)
        match = _OPENER.fullmatch(line.removeprefix(_PROMOTER) if last else line)
        if match:
            found[Opener(int(match["pid"]), match["name"])] = None
        elif line:
            damaged.append(number)
    return tuple(found), _problems(damaged, len(data))


def _problems(damaged: list[int], size_bytes: int) -> tuple[Problem, ...]:
    problems = [
        Problem(line, "a line of openers that cannot be read") for line in damaged[:_PROBLEMS_SHOWN]
    ]
    if len(damaged) > _PROBLEMS_SHOWN:
        more = len(damaged) - _PROBLEMS_SHOWN
        problems.append(Problem(None, f"{more} more lines of openers that cannot be read"))
    if size_bytes > MAX_OPENERS_BYTES:
        problems.append(Problem(None, f"openers is larger than {MAX_OPENERS_BYTES} bytes"))
    return tuple(problems)
