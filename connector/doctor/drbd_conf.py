"""The text of drbd.conf as statements with their places: what `dump-xml` does not tell.

drbdadm does not print `usage-count`, and of an option it does not say on which line it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from connector.doctor.reading import Text, Unseen, read_text
from connector.observe.configuration_files import MAX_FILE_BYTES, fingerprint

MAX_FILES = 1_000
_MAX_STATEMENTS = 200_000
# As drbdadm_scanner.fl: a comment, a quoted string, a bracket or semicolon, a bare word.
_TOKEN = re.compile(
    r'#[^\n]*|"(?P<quoted>(?:[^"\\\n]|\\[^\n])*)"|(?P<mark>[{};])|(?P<bare>[^\s"#;{}]+)|\n'
)
SECRET = "<secret>"  # noqa: S105 what stands in its place
_SECRETS = frozenset({"shared-secret"})


@dataclass(frozen=True, slots=True)
class Statement:
    """`words` up to a semicolon, below the headings `path` (`resource mail`, `net`)."""

    file: str
    line: int
    path: tuple[str, ...]
    words: tuple[str, ...]

    @property
    def place(self) -> str:
        """FILE:LINE."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class ConfFile:
    """A file that drbdadm reads. `plain` is its text without comments, spaces and secrets."""

    path: str
    statements: tuple[Statement, ...]
    plain: str


@dataclass(frozen=True, slots=True)
class DrbdConf:
    """All files that drbdadm may read. `unseen` are those that could not be read."""

    files: tuple[ConfFile, ...]
    unseen: tuple[Unseen, ...] = ()

    @property
    def statements(self) -> Iterator[Statement]:
        """Those of all files."""
        for file in self.files:
            yield from file.statements

    def place_of(self, option: str, resource: str) -> str | None:
        """Where the option in force for a resource stands: in the resource, else in common."""
        for heading in (f"resource {resource}", "common"):
            found = [
                item.place
                for item in self.statements
                if item.words[:1] == (option,) and item.path[:1] == (heading,)
            ]
            if found:
                return found[-1]
        return None

    def usage_count(self) -> Statement | None:
        """The `usage-count` statement; None where there is none."""
        return next((one for one in self.statements if one.words[:1] == ("usage-count",)), None)


def read(folder: Path, shown: str) -> DrbdConf | Unseen:
    """The files from drbd.conf in `folder` on; `shown` is that folder's name in the answer.

    Raises nothing: Unseen where it cannot be said which files there are.
    """
    states = fingerprint(folder)
    if states is None:
        return Unseen(
            f"{shown}/drbd.conf, or a file that it includes, may not be read or is too large"
        )
    # A path alone is a file that is not there.
    paths = [str(state[0]) for state in states if len(state) > 1]
    files: list[ConfFile] = []
    unseen: list[Unseen] = []
    for path in paths[:MAX_FILES]:
        text = read_text(Path(path), MAX_FILE_BYTES)
        if isinstance(text, Text):
            files.append(parse(text.text, _shown(path, folder, shown)))
        elif text is not None:
            unseen.append(text)
    if len(paths) > MAX_FILES:
        unseen.append(Unseen(f"there are more than {MAX_FILES} files; the rest was left out"))
    return DrbdConf(tuple(files), tuple(unseen))


def _shown(path: str, folder: Path, shown: str) -> str:
    """The same file's name on this node, where it was read below another root."""
    inside = path.startswith(f"{folder}/")
    return shown + path.removeprefix(str(folder)) if inside else path


def parse(text: str, path: str) -> ConfFile:
    """A file's statements and its plain text. Takes any text; raises nothing."""
    statements: list[Statement] = []
    words: list[str] = []
    headings: list[str] = []
    plain: list[str] = []
    line = began = 1
    for match in _TOKEN.finditer(text):
        piece = match[0]
        if piece == "\n":
            line += 1
            continue
        if piece.startswith("#") or len(statements) >= _MAX_STATEMENTS:
            continue
        if match["mark"] is None:
            began = line if not words else began
            words.append(piece if match["quoted"] is None else match["quoted"])
            continue
        if words:
            plain.append(" ".join(_without_secrets(words)))
        plain.append(piece)
        if piece == ";" and words:
            statements.append(Statement(path, began, tuple(headings), tuple(words)))
        elif piece == "{":
            headings.append(" ".join(words))
        elif piece == "}" and headings:
            headings.pop()
        words = []
    plain += [" ".join(_without_secrets(words))] if words else []
    return ConfFile(path, tuple(statements), "\n".join(plain))


def _without_secrets(words: Sequence[str]) -> list[str]:
    """The words with what follows a secret's name replaced, wherever it stands."""
    kept: list[str] = []
    hidden = False
    for word in words:
        kept.append(SECRET if hidden else word)
        hidden = hidden or word in _SECRETS
    return kept
