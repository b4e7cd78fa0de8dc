"""The project's pages as text, and what can be picked out of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
TOP_PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
PAGES = (
    *(PROJECT / name for name in TOP_PAGES),
    *sorted((PROJECT / "docs").rglob("*.md")),
)
PAGE_NAMES = tuple(str(page.relative_to(PROJECT)) for page in PAGES)

_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_SAYS = re.compile(r"^\| it says \|.*\n(?:\|.*\n)+", re.MULTILINE)
_FIRST_CELL = re.compile(r"^\|[^|\n]*\|", re.MULTILINE)
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)


def text(name: str) -> str:
    """A page, or any other file of the checkout."""
    return (PROJECT / name).read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a language, without their indentation."""
    found = []
    for indent, word, body in _BLOCK.findall(page):
        if word == language:
            found.append("".join(line.removeprefix(indent) for line in body.splitlines(True)))
    return found


def prose(page: str) -> str:
    """The page without its fenced blocks."""
    return _BLOCK.sub("", page)


def spans(page: str) -> list[str]:
    """What stands between backticks outside of blocks, line breaks within it joined.

    Without what the program says: that is quoted in the first column of a table.
    """
    own_words = _SAYS.sub(lambda table: _FIRST_CELL.sub("|", table[0]), prose(page))
    return _SPAN.findall(re.sub(r"(?<=\S)\n *(?=\S)", " ", own_words))


def headings(page: str) -> list[str]:
    """The headings without their hash signs."""
    return [title for _, title in _HEADING.findall(prose(page))]


def section(page: str, title: str) -> str:
    """What stands below the heading that begins with `title`, down to the next of its rank."""
    found = re.search(rf"^(#+) {re.escape(title)}[^\n]*\n", page, re.MULTILINE)
    assert found, f"there is no heading {title!r}"
    rest = page[found.end() :]
    end = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def rows(part: str) -> list[list[str]]:
    """The cells of the first table, without its heading."""
    lines = [line for line in _table_lines(part) if not set(line) <= set("|-: ")]
    return [[cell.strip() for cell in line.strip("| ").split("|")] for line in lines[1:]]


def _table_lines(part: str) -> Iterator[str]:
    begun = False
    for line in part.splitlines():
        if line.startswith("|"):
            begun = True
            # A trailing empty cell would be lost by strip().
            yield re.sub(r"\| *\|$", "| - |", line)
        elif begun:
            return


def plain(cell: str) -> str:
    """A cell without backticks."""
    return cell.replace("`", "")
