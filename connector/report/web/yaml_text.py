"""YAML text to plain values, with the line of each key. Every scalar is text, as it was written.

PyYAML is imported here, and this only where there is a web configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from connector.errors import ConfigurationError

Location = tuple[str, ...]
_MAX_SHOWN = 60
_NULL = "tag:yaml.org,2002:null"


@dataclass(frozen=True, slots=True)
class Document:
    """What the file says. `lines` are counted from 1."""

    path: Path
    data: Any
    lines: Mapping[Location, int]

    def where(self, location: Location) -> str:
        """Where a key stands, or would stand: file, line and dotted key."""
        known = [location[:depth] for depth in range(len(location), 0, -1)]
        line = next((self.lines[start] for start in known if start in self.lines), None)
        place = f"{self.path}:{line}" if line else str(self.path)
        return f"{place}: {_dotted(location)}" if location else place


def _dotted(location: Location) -> str:
    """A key as it is written in a message: on one line, and not too long for it."""
    words = [key if key.isprintable() else ascii(key)[1:-1] for key in location]
    return ".".join(word if len(word) <= _MAX_SHOWN else f"{word[:_MAX_SHOWN]}…" for word in words)


class _Loader(yaml.SafeLoader):
    """PyYAML's own safe loader, without aliases: a few of them can stand for a very long text."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases are not known here", mark)
        return super().compose_node(parent, index)


def parse(raw: bytes, path: Path) -> Document:
    """One YAML document.

    Raises:
        ConfigurationError: it is none, or a key stands there twice. What it says is not quoted: it
            may be a secret.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ConfigurationError(f"{path}:{line}: not UTF-8 text") from error
    lines: dict[Location, int] = {}
    try:
        node = yaml.compose(text, Loader=_Loader)
        data = {} if node is None else _plain(node, (), lines, path)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(f"{path}:{line}: not valid YAML: {error.problem}") from error
    except yaml.reader.ReaderError as error:
        raise ConfigurationError(f"{path}: not valid YAML: {error.reason}") from error
    except RecursionError as error:
        raise ConfigurationError(f"{path}: not valid YAML: nested far too deep") from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # an escape, or a huge number
        raise ConfigurationError(f"{path}: not valid YAML") from error
    return Document(path, data, lines)


def _plain(node: yaml.Node, location: Location, lines: dict[Location, int], path: Path) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, location, lines, path) for item in node.value]
    if not isinstance(node, yaml.MappingNode):
        return "" if node.tag == _NULL else node.value
    found = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise ConfigurationError(f"{path}:{line}: a key must be a word")
        key = key_node.value
        here = (*location, key)
        if key in found:
            raise ConfigurationError(f"{path}:{line}: {_dotted(here)}: stands there twice")
        lines[here] = line
        found[key] = _plain(value_node, here, lines, path)
    return found
