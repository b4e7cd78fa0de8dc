"""Pages that are played: what they say to type and to write, and whether that is what happens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

LEFT_OUT = "…"
FAILED = "(exit status "
HERE = "$"  # the reader's own machine
PROMPTED = re.compile(r"(?:(alpha|beta|both)#|\$) (.+)")
_BLOCK = re.compile(
    r"(?:^`(?P<path>/[^`\n]+)`, on (?P<node>alpha|beta|both):\n\n)?"
    r"^```(?P<language>\w*)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Step:
    """One line that a person types, and what the page shows below it."""

    node: str
    line: str
    shown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """A file that a person writes; the line above its block says where."""

    node: str
    path: str
    text: str


def parts(page: str) -> list[Step | Written]:
    """What a page has in its blocks, in their order.

    Raises ValueError for a block that is neither lines with a prompt nor a file with its place.
    """
    found: list[Step | Written] = []
    for block in _BLOCK.finditer(page):
        if block["path"]:
            found.append(Written(block["node"], block["path"], block["body"]))
        elif block["language"] == "console":
            found += _typed(block["body"])
        else:
            raise ValueError(f"neither typed nor written: {block['body']}")
    return found


def steps(page: str) -> list[Step]:
    """The lines with a node's prompt, in their order."""
    return [part for part in parts(page) if isinstance(part, Step) and part.node != HERE]


def _typed(block: str) -> Iterator[Step]:
    node, line, shown = "", "", list[str]()
    for text in [*block.splitlines(), "both# end"]:
        prompted = PROMPTED.fullmatch(text)
        if prompted is None:
            shown.append(text)
            continue
        if node:
            yield Step(node, line, tuple(shown))
        elif shown:
            raise ValueError(f"nothing is typed before: {shown[0]}")
        node, line, shown = prompted[1] or HERE, prompted[2], []


def first_not_shown(shown: tuple[str, ...], printed: str) -> str | None:
    """The first line that was not printed there; None where all were.

    A line of … stands for any lines, … within a line for any words.
    """
    patterns = [r"(?:.*\n)*" if line == LEFT_OUT else rf"{_pattern(line)} *\n" for line in shown]
    for number in range(1, len(patterns) + 1):
        rest = "" if number == len(patterns) else r"(?:.*\n)*"
        if not re.fullmatch("".join(patterns[:number]) + rest, printed):
            return shown[number - 1]
    return None if shown or not printed.strip() else printed


def _pattern(line: str) -> str:
    return ".*".join(re.escape(part) for part in line.split(LEFT_OUT))
