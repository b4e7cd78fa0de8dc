"""What a target of the fuzzer is: a parser's entry, its seeds, and the words it knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

FUZZ = Path(__file__).parent
PROJECT = FUZZ.parents[1]
FIXTURES = PROJECT / "tests" / "fixtures"

# What the fuzzer makes is at most this long, and so is what `test_corpus.py` makes of a seed.
MAX_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """One parser. `words` are put into the fuzzer's dictionary.

    `run` takes any bytes, and a folder that is its own to write to. It raises where the parser
    raised what it does not document, or where a property does not hold.
    """

    name: str
    run: Callable[[bytes, Path], None]
    seeds: Callable[[], Iterable[bytes]]
    words: tuple[str, ...] = ()

    @property
    def corpus(self) -> Path:
        """The small inputs that reach as much of the parser as all those that were ever found."""
        return FUZZ / "corpus" / self.name

    @property
    def regressions(self) -> Path:
        """The inputs that once were too much for the parser, under names that say why."""
        return FUZZ / "regressions" / self.name

    def kept_inputs(self) -> list[Path]:
        """All inputs that are kept in the project."""
        folders = [folder for folder in (self.corpus, self.regressions) if folder.is_dir()]
        return sorted(path for folder in folders for path in folder.iterdir())


def fixtures(*patterns: str) -> Iterator[bytes]:
    """The contents of the fixtures that match, each once."""
    paths = {path for pattern in patterns for path in FIXTURES.glob(pattern) if path.is_file()}
    yield from dict.fromkeys(path.read_bytes() for path in sorted(paths))


def is_one_line(message: str) -> bool:
    """Whether a message can be shown to a person: some words, and nothing that moves a cursor."""
    return bool(message) and message.isprintable()
