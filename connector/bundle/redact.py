"""Takes secrets out of texts: pure functions, one for each form that a text may have.

Where a text is not in the form that it should have, more is removed rather than less, or it is
refused.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

REMOVED = "(removed)"
MAX_DEPTH = 50

# What a name must have in it for its value to be taken out.
_WORDS = r"(?:passw|passphrase|pwd|secret|token|key|credential|authorization)"
_OPTION = rf"(?:{_WORDS}|pass\b)"  # alone it is a word of connector's own sentences
SECRET_NAME = re.compile(_WORDS, re.IGNORECASE)
# As a shell takes it: "…", '…' and bare parts in a row; a quote that is not closed goes on to the
# end.
_VALUE = r"""(?:"(?:[^"\\]|\\.)*(?:"|\\?\Z)|'[^']*(?:'|\Z)|\\.|[^\s"'\\])+"""

_REST = r"[\w.-]{0,100}"  # of a name: bounded, so that no text takes the square of its length
_BLANK = r"\s{0,20}"

_NAMED = "named value"
_QUOTE = "unexpected word"
_URL = "login in a URL"
_RULES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (what, re.compile(pattern, re.IGNORECASE | re.DOTALL))
    for what, pattern in (
        (
            "private key",
            r"(?P<before>-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----)(?P<secret>.*?)"
            r"(?:-----END [A-Z0-9 ]{0,60}-----|\Z)",
        ),
        ("password hash", r"(?P<before>)(?P<secret>\$[0-9a-z]{1,10}\$[./0-9a-z$=,+-]{8,})"),
        # Up to the last @, see `_put`: a password may have an @ or a / in it.
        (_URL, r"(?P<before>\b[a-z][a-z0-9+.-]{0,20}://)(?P<secret>\S+)"),
        (
            "authorization",
            rf"(?P<before>\bauthorization[\"']?{_BLANK}[:=]{_BLANK}[\"']?"
            r"|\b(?:bearer|basic)\s{1,20})(?P<secret>[^\r\n\"']{4,})",
        ),
        ("login", rf"(?P<before>(?<![^\s\"'])(?:-u|--(?:proxy-)?user)[ =]?)(?P<secret>{_VALUE})"),
        (
            "option",
            rf"(?P<before>(?<![^\s\"'])--?{_REST}{_OPTION}{_REST}(?:\s{{1,20}}|=))"
            rf"(?P<secret>{_VALUE})",
        ),
        # drbdadm's parser quotes the word that it did not expect.
        (_QUOTE, r"(?P<before>\bbut got ')(?P<secret>[^\n]+)"),
        ("shared-secret", rf"(?P<before>\bshared-secret\s{{1,20}})(?P<secret>{_VALUE})"),
        ("assignment", rf"(?P<before>{_OPTION}{_REST}[\"']?{_BLANK}={_BLANK})(?P<secret>{_VALUE})"),
        (_NAMED, rf"(?P<before>{_WORDS}{_REST}[\"']?:{_BLANK})(?P<secret>{_VALUE})"),
    )
)


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text without its secrets, what was removed and how often, and the secrets themselves.

    The secrets are for `sweep` only: they stand in no message and are not shown.
    """

    text: str
    removed: Counter[str] = field(default_factory=Counter)
    secrets: frozenset[str] = field(default=frozenset(), repr=False)


class Taking:
    """Collects what is taken out of one text."""

    def __init__(self) -> None:
        self.removed: Counter[str] = Counter()
        self.secrets: set[str] = set()

    def take(self, what: str, *values: str) -> str:
        """Note a secret, to be looked for elsewhere too; what stands in its place from now on."""
        self.removed[what] += 1
        self.secrets.update(value for value in values if value)
        return REMOVED

    def free(self, text: str, *, named: bool = True) -> str:
        """A text of no known form, such as a sentence or a command, without what looks secret.

        Without `named` a word after `key:` stays.
        """
        for what, pattern in _RULES:
            if named or what != _NAMED:
                text = pattern.sub(partial(self._put, what), text)
        return text

    def _put(self, what: str, match: re.Match[str]) -> str:
        value, rest = match["secret"], ""
        if what == _URL:
            value, at, rest = value.rpartition("@")
            if not at:
                return match[0]
            rest = at + rest
        if REMOVED not in value:
            self.take(what, *_worth_looking_for(what, value))
        return match["before"] + REMOVED + rest

    def done(self, text: str) -> Redacted:
        """The result."""
        return Redacted(text, self.removed, frozenset(self.secrets))


def _worth_looking_for(what: str, value: str) -> tuple[str, ...]:
    """The value without its quotes; of a login the password; nothing of what may be a sentence."""
    bare = value[1:].removesuffix(value[0]) if value[:1] in ('"', "'") else value
    if what in ("login", _URL):
        return (bare.partition(":")[2],)
    return () if what in (_NAMED, _QUOTE) else (bare,)


def free_text(text: str) -> Redacted:
    """Sentences, and anything that has no form of its own."""
    taking = Taking()
    return taking.done(taking.free(text))


def log_lines(text: str) -> Redacted:
    """The kernel's lines, in which a name before a colon is that of a resource."""
    taking = Taking()
    return taking.done("\n".join(taking.free(line, named=False) for line in text.split("\n")))


def json_text(text: str) -> Redacted:
    """A JSON document, printed anew; what is none is taken as text."""
    return _json(text, lambda value: json.dumps(value, indent=1) + "\n")


def json_lines(text: str) -> Redacted:
    """One JSON document in each line; a line that is none is taken as text."""
    found = [_json(line, json.dumps) for line in text.split("\n")]
    removed: Counter[str] = Counter()
    for line in found:
        removed.update(line.removed)
    secrets = frozenset[str]().union(*(line.secrets for line in found))
    return Redacted("\n".join(line.text for line in found), removed, secrets)


def _json(text: str, dump: Callable[[Any], str]) -> Redacted:
    taking = Taking()
    try:
        return taking.done(dump(_walked(json.loads(text), taking)))
    except (ValueError, RecursionError):
        return free_text(text)


def _walked(value: Any, taking: Taking, depth: int = 0) -> Any:
    """The same value with redacted texts; a table stays, since its name may be a resource's.

    Raises:
        ValueError: it is nested deeper than MAX_DEPTH.
    """
    if depth > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH}")
    if isinstance(value, dict):
        return {
            taking.free(str(key)): taking.take(str(key)[:40], *_leaves(item))
            if SECRET_NAME.search(str(key)) and not isinstance(item, dict)
            else _walked(item, taking, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_walked(item, taking, depth + 1) for item in value]
    return taking.free(value) if isinstance(value, str) else value


def _leaves(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
        elif item is not None and not isinstance(item, bool):
            yield str(item)


def toml_text(text: str) -> Redacted:
    """A TOML file as lines `table.key = value`: comments go, and what has a secret's name.

    Raises:
        ValueError: it is not TOML, or is nested deeper than MAX_DEPTH.
    """
    try:
        data = tomllib.loads(text)
    except RecursionError as error:
        raise ValueError(f"nested deeper than {MAX_DEPTH}") from error
    taking = Taking()
    comments = sum(line.lstrip().startswith("#") for line in text.split("\n"))
    if comments:
        taking.removed["comment"] = comments
    lines = _toml_lines((), _walked(data, taking), taking)
    return taking.done("".join(f"{line}\n" for line in lines))


def _toml_lines(path: tuple[str, ...], value: Any, taking: Taking) -> Iterator[str]:
    # Below [resource] the first name is a resource's, which may well be called `keys`.
    named = path[2:] if path[:1] == ("resource",) else path
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _toml_lines((*path, key), item, taking)
        return
    if value != REMOVED and any(SECRET_NAME.search(part) for part in named):
        value = taking.take(path[-1][:40], *_leaves(value))
    name = ".".join(
        part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else json.dumps(part) for part in path
    )
    yield f"{name} = {json.dumps(value, default=str)}"
