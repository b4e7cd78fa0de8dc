"""Where the metrics are written, and where node_exporter may look for them."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from connector.doctor.reading import Text, Unseen, read_text

DEBIANS_DEFAULTS = "etc/default/prometheus-node-exporter"
# Debian's package is built with this default; node_exporter of its authors has none.
DEBIANS_FOLDER = "/var/lib/prometheus/node-exporter"
DEBIANS_NAME = "prometheus-node-exporter"
_FLAG = "--collector.textfile.directory"


@dataclass(frozen=True, slots=True)
class Textfile:
    """[metrics] textfile. `real_folder` is its folder without symbolic links.

    `configured` are the folders that Debian's defaults file names for node_exporter.
    """

    path: Path
    folder_exists: bool
    real_folder: str
    configured: tuple[str, ...] | Unseen = ()


def read(root: Path, path: Path | None) -> Textfile | None:
    """Look at the folder of the metrics file; None where none is written. Raises nothing."""
    if path is None:
        return None
    found = read_text(root / DEBIANS_DEFAULTS)
    configured: tuple[str, ...] | Unseen = ()
    if isinstance(found, Text):
        configured = folders(words_of_defaults(found.text))
    elif found is not None:
        configured = found
    return Textfile(path, path.parent.is_dir(), os.path.realpath(path.parent), configured)


def folders(argv: Sequence[str]) -> tuple[str, ...]:
    """The folders that a command line of node_exporter names; they may be patterns."""
    return tuple(_folders(argv))


def _folders(argv: Sequence[str]) -> Iterator[str]:
    for place, word in enumerate(argv):
        name, is_set, value = word.partition("=")
        if name != _FLAG:
            continue
        if is_set:
            yield value
        elif place + 1 < len(argv):
            yield argv[place + 1]


def words_of_defaults(text: str) -> list[str]:
    """The words of all ARGS= lines of a defaults file; a damaged line has none."""
    words: list[str] = []
    for line in text.split("\n"):
        name, _, value = line.strip().partition("=")
        if name != "ARGS":
            continue
        try:
            words += " ".join(shlex.split(value)).split()
        except ValueError:
            continue
    return words
