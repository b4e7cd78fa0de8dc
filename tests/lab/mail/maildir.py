"""Which messages a node has kept: the command that lists their numbers, and what it printed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

from .service import Acknowledged

HEADER = "X-Number"
_LINE = re.compile(rf"{HEADER}: ([a-z][a-z0-9-]*-\d{{6,}})\r?")


def listing_command(maildir: str) -> str:
    """Return the shell command that prints the line with the number of each message in a Maildir.

    It ends with exit status 0 for an empty one too, and with another where one of its folders or
    files cannot be read: what was not looked at must pass neither for missing nor for found.
    """
    folders = " ".join(shlex.quote(f"{maildir}/{name}") for name in ("new", "cur"))
    # -r takes any number of files, where a glob would be too long; 1 is grep's for no line at all.
    return f"grep -a -r -h -m 1 '^{HEADER}: ' {folders} || [ $? -eq 1 ]"


def numbers(listing: str) -> list[str]:
    """Return the numbers that the command printed, sorted, with one that is there twice twice.

    Raises ValueError, which names the line, for one that no client of ours has written.
    """
    found = []
    for place, line in enumerate(listing.splitlines(), 1):
        if not (match := _LINE.fullmatch(line)):
            raise ValueError(f"line {place} of the listing has no number: {line[:80]!r}")
        found.append(match[1])
    return sorted(found)


def missing(acknowledged: Iterable[Acknowledged], found: Iterable[str]) -> list[Acknowledged]:
    """Return those whose number was not found, in the order of their answers."""
    kept = frozenset(found)
    return sorted(
        (each for each in acknowledged if each.number not in kept), key=lambda each: each.at_s
    )
