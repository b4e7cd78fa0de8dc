"""Markup that is safe by the way it is made: whatever is not markup already is escaped.

What comes out is HTML that is well-formed XML too, so that a test can parse it strictly.
"""

from __future__ import annotations

import html
from collections.abc import Iterable

from connector.report.past_incidents import plain, shortened

_WITHOUT_END = frozenset({"meta", "rect", "line", "path", "circle"})
LONGEST_NAME, LONGEST_SENTENCE = 80, 600


class Markup(str):
    """Text that may stand in the page as it is; made by `tag` and `joined` only."""

    __slots__ = ()


def tag(name: str, /, *children: str | Iterable[str], **attributes: str | float | None) -> Markup:
    """One element. Children that are no markup, and all attributes, are escaped.

    A trailing `_` of an attribute's name is dropped and the others become `-`: `class_`,
    `aria_label`. An attribute that is None is left out.
    """
    shown = "".join(
        f' {_attribute(key)}="{_safe(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _WITHOUT_END:
        return Markup(f"<{name}{shown}/>")
    return Markup(f"<{name}{shown}>{joined(*children)}</{name}>")


def joined(*children: str | Iterable[str]) -> Markup:
    """The pieces one after the other, with what is no markup escaped."""
    return Markup(
        "".join(
            _child(child) if isinstance(child, str) else "".join(map(_child, child))
            for child in children
        )
    )


def name_of(text: str) -> str:
    """A name of any length in the length that the page has room for."""
    return shortened(text, LONGEST_NAME)


def sentence(text: str) -> str:
    """A sentence of any length in the length that the page has room for."""
    return shortened(text, LONGEST_SENTENCE)


def _child(text: str) -> str:
    return text if isinstance(text, Markup) else _safe(text)


def _safe(text: str) -> str:
    """Escaped; control characters and the like, which XML does not know, are replaced."""
    return html.escape(text if text.isprintable() else plain(text))


def _attribute(key: str) -> str:
    return key.removesuffix("_").replace("_", "-")
