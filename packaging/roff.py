"""Text as the project's pages have it (backticks, links, lists, examples) to roff's man(7)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_CODE = re.compile(r"`([^`]+)`")
_STRONG = re.compile(r"\*\*([^*]+)\*\*")
_FENCED = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")


def escaped(text: str) -> str:
    """Text that roff prints as it is; lines that would begin a request do not."""
    text = text.replace("\\", "\\e").replace("…", "...").replace("→", "->")
    text = text.replace("'", "\\(aq").replace("`", "\\(ga").replace("^", "\\(ha")
    text = text.replace("~", "\\(ti").replace('"', "\\(dq")
    return re.sub(r"^(?=[.'])", r"\\&", text, flags=re.MULTILINE)


def literal(text: str) -> str:
    """Something to be typed: a hyphen is a minus, so that it can be copied."""
    return escaped(text).replace("-", "\\-")


def bold(text: str) -> str:
    """The same in bold."""
    return f"\\fB{literal(text)}\\fR"


def inline(text: str) -> str:
    """A paragraph's text with its marks turned into fonts; links become their words."""
    text = _LINK.sub(_link, " ".join(text.split()))
    pieces = _CODE.split(text)
    # Code stands at the odd places.
    done = [
        bold(piece) if number % 2 else _STRONG.sub(r"\\fB\1\\fR", escaped(piece))
        for number, piece in enumerate(pieces)
    ]
    return re.sub(r"^(?=[.'])", r"\\&", "".join(done))


def _link(match: re.Match[str]) -> str:
    words, target = match.groups()
    return f"{words} <{target}>" if target.startswith("http") else str(words)


def option(record: str) -> str:
    """`-v, --verbose` or `--since TIME`: what is typed in bold, what it stands for in italics."""
    words = re.split(r"([ ,/]+)", record)
    return "".join(
        bold(word) if word.startswith("-") else _separator_or_value(word) for word in words if word
    )


def _separator_or_value(word: str) -> str:
    return escaped(word) if re.fullmatch(r"[ ,/]+", word) else f"\\fI{escaped(word)}\\fR"


def entries(items: Iterable[tuple[str, str]]) -> Iterator[str]:
    """A list of terms, each of them roff already, with what they mean."""
    for term, meaning in items:
        yield from (".TP", term, meaning or "\\&")


def example(text: str) -> Iterator[str]:
    """Lines that stay as they are."""
    yield from (".PP", ".RS 4", ".nf")
    for line in text.rstrip("\n").split("\n"):
        yield literal(line) or "\\&"
    yield from (".fi", ".RE")


def blocks(markdown: str) -> Iterator[str]:
    """Headings of the second and third rank, paragraphs, lists and fenced examples."""
    for number, piece in enumerate(_FENCED.split(markdown)):
        # Examples stand at the odd places.
        if number % 2:
            yield from example(piece)
        else:
            for block in re.split(r"\n{2,}", piece.strip()):
                yield from _block(block)


def _block(block: str) -> Iterator[str]:
    if block.startswith("## "):
        yield f'.SH "{escaped(block[3:].strip()).upper()}"'
    elif block.startswith("### "):
        yield f'.SS "{inline(block[4:].strip())}"'
    elif block.startswith("- "):
        yield from _items(block)
    elif block:
        yield from (".PP", inline(block))


def _items(block: str) -> Iterator[str]:
    """`- term: meaning`, or a plain list."""
    for item in re.split(r"^- ", block, flags=re.MULTILINE)[1:]:
        term = re.match(r"(`[^`]+`(?:, `[^`]+`)*): ", item)
        if term:
            yield from entries([(inline(term[1]), inline(item[term.end() :]))])
        else:
            yield from (".IP \\(bu 2", inline(item))
