"""The kept inputs of the fuzzer, and long ones made of them, without the fuzzer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz.entry import FUZZ, MAX_BYTES, Entry
from tests.fuzz.targets import TARGETS

MAX_KEPT_BYTES = 300 * 1024
# A loaded machine is no failure: the longest takes a tenth of that.
TOO_LONG_S = 5.0
_REPEATED = (b" ", b"\t", b"\n", b"\0", b"0", b"a", b"\\", b'"', b"[", b"{", b"<", b".", b"\xff")

by_name = pytest.mark.parametrize("entry", TARGETS.values(), ids=TARGETS)


def checked(entry: Entry, data: bytes, folder: Path) -> None:
    """Run it; it must not raise, nor take too long."""
    began_s = time.process_time()
    entry.run(data, folder)
    assert time.process_time() - began_s < TOO_LONG_S


@by_name
def test_every_kept_input_and_every_seed(entry: Entry, tmp_path: Path) -> None:
    kept = entry.kept_inputs()
    assert any(path.parent == entry.corpus for path in kept)
    for data in [*(path.read_bytes() for path in kept), *entry.seeds()]:
        checked(entry, data, tmp_path)


def long_inputs(entry: Entry) -> Iterator[bytes]:
    """A seed, a word or a byte over and over, alone and behind what a seed begins with."""
    seeds = sorted(entry.seeds(), key=len)
    beginning = seeds[-1][: len(seeds[-1]) // 2]
    for repeated in (*_REPEATED, *(word.encode() for word in entry.words), seeds[0], seeds[-1]):
        for start in (b"", beginning):
            yield (start + repeated * (MAX_BYTES // len(repeated) + 1))[:MAX_BYTES]


@by_name
def test_a_long_input_takes_no_longer_than_its_length(entry: Entry, tmp_path: Path) -> None:
    for data in long_inputs(entry):
        checked(entry, data, tmp_path)


def test_a_key_of_thousands_of_parts_takes_no_longer_than_another(tmp_path: Path) -> None:
    checked(TARGETS["connector_toml"], b"resource." + b"a." * 30_000 + b"a = 1\n", tmp_path)


def test_nothing_is_kept_for_a_target_that_is_none() -> None:
    for folder in ("corpus", "regressions"):
        assert {path.name for path in (FUZZ / folder).iterdir()} <= set(TARGETS)
    kept = [path for entry in TARGETS.values() for path in entry.kept_inputs()]
    assert sum(path.stat().st_size for path in kept) <= MAX_KEPT_BYTES
    assert all(path.stat().st_size <= MAX_BYTES for path in kept)
