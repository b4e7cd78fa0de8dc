"""`make fuzz`: every target in turn, one process at a time, and a line for each.

New inputs are kept in build/fuzz/TARGET, what went wrong in build/fuzz/findings, and what libFuzzer
said in build/fuzz/TARGET.log. With --minimise nothing is fuzzed: tests/fuzz/corpus is made anew
from the seeds, what is there, and what was found, as few and as small as libFuzzer can make them.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.entry import MAX_BYTES, PROJECT, Entry
from tests.fuzz.targets import TARGETS

BUILD = PROJECT / "build" / "fuzz"
FINDINGS = BUILD / "findings"
# For one input, in seconds; code that is measured is several times slower than it is otherwise.
TIMEOUT_S = 5
SLOW_S = 2
_SPARE_S = 300  # to start, and to read the corpus
# All of a target's files in the project, and one of them.
_MOST_KEPT_BYTES = 20_000
_LARGEST_KEPT_BYTES = 12_288

_EXECUTIONS = re.compile(r"^stat::number_of_executed_units: +([0-9]+)", re.MULTILINE)
_PER_SECOND = re.compile(r"^stat::average_exec_per_sec: +([0-9]+)", re.MULTILINE)
_CORPUS = re.compile(r"^#[0-9]+\s.* corp: ([0-9]+)/", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one target's run came to."""

    name: str
    executions: int
    per_second: int
    corpus: int
    findings: tuple[str, ...]


def fuzz(entry: Entry, seconds: int) -> Figures:
    """Fuzz one target for so many seconds; it ends sooner where it finds something."""
    new = BUILD / entry.name
    for folder in (new, FINDINGS):
        folder.mkdir(parents=True, exist_ok=True)
    words = BUILD / f"{entry.name}.dict"
    words.write_text("".join(f"{_quoted(word)}\n" for word in entry.words), encoding="ascii")
    seeds = BUILD / f"{entry.name}-seeds"
    _write_seeds(entry, seeds)
    before = set(FINDINGS.iterdir())
    said = _libfuzzer(
        entry,
        [
            f"-max_total_time={seconds}",
            f"-dict={words}",
            f"-timeout={TIMEOUT_S}",
            f"-report_slow_units={SLOW_S}",
            f"-artifact_prefix={FINDINGS}/{entry.name}-",
            "-print_final_stats=1",
        ],
        [new, seeds, *_kept_folders(entry)],
        seconds + _SPARE_S,
    )
    (BUILD / f"{entry.name}.log").write_text(said, encoding="utf-8")
    findings = sorted(path.name for path in set(FINDINGS.iterdir()) - before)
    if not _EXECUTIONS.search(said) and not findings:
        raise SystemExit(f"{entry.name}: the fuzzer did not run; see {BUILD}/{entry.name}.log")
    return Figures(
        entry.name,
        executions=_last(_EXECUTIONS, said),
        per_second=_last(_PER_SECOND, said),
        corpus=_last(_CORPUS, said),
        findings=tuple(findings),
    )


def minimise(entry: Entry) -> None:
    """Make the target's corpus anew: small inputs, together reaching all that was ever reached."""
    with tempfile.TemporaryDirectory() as folder:
        seeds, small, merged = (Path(folder) / name for name in ("seeds", "small", "merged"))
        _write_seeds(entry, seeds)
        small.mkdir()
        merged.mkdir()
        sources = [seeds, *_kept_folders(entry), BUILD / entry.name]
        found = [path for source in sources if source.is_dir() for path in source.iterdir()]
        for path in found:
            if path.stat().st_size <= _LARGEST_KEPT_BYTES:
                (small / f"{path.parent.name}-{path.name}").write_bytes(path.read_bytes())
        _libfuzzer(entry, ["-merge=1"], [merged, small], _SPARE_S)
        kept = sorted(merged.iterdir(), key=lambda path: path.stat().st_size)
        if not kept:
            raise SystemExit(f"{entry.name}: nothing came of the merge")
        entry.corpus.mkdir(parents=True, exist_ok=True)
        for path in entry.corpus.iterdir():
            path.unlink()
        total = 0
        for path in kept:
            total += path.stat().st_size
            if total <= _MOST_KEPT_BYTES:
                (entry.corpus / path.name).write_bytes(path.read_bytes())
    held = [path.stat().st_size for path in entry.corpus.iterdir()]
    print(f"{entry.name:<16} {len(held):>5} of {len(kept)} inputs, {sum(held)} bytes", flush=True)


def _write_seeds(entry: Entry, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for number, data in enumerate(entry.seeds()):
        (folder / str(number)).write_bytes(data)


def _kept_folders(entry: Entry) -> list[Path]:
    return [folder for folder in (entry.corpus, entry.regressions) if folder.is_dir()]


def _libfuzzer(
    entry: Entry, options: Sequence[str], folders: Sequence[Path], timeout_s: float
) -> str:
    """What it said; the folder that the entry writes to is gone afterwards."""
    with tempfile.TemporaryDirectory() as scratch:
        program = [sys.executable, "-m", "tests.fuzz.fuzz_one", entry.name, scratch]
        try:
            done = subprocess.run(
                [*program, f"-max_len={MAX_BYTES}", *options, *map(str, folders)],
                cwd=PROJECT,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise SystemExit(f"{entry.name}: libFuzzer did not end by itself") from error
    return done.stdout


def _quoted(word: str) -> str:
    """A word as libFuzzer's dictionaries have it."""
    plain = (
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02X}"
        for byte in word.encode()
    )
    return f'"{"".join(plain)}"'


def _last(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.findall(text)
    return int(found[-1]) if found else 0


def main() -> int:
    """1 where anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=280, help="for all targets together")
    parser.add_argument("--target", action="append", choices=TARGETS, help="only this one")
    parser.add_argument("--minimise", action="store_true", help="make tests/fuzz/corpus anew")
    asked = parser.parse_args()
    entries = [TARGETS[name] for name in asked.target or TARGETS]
    if asked.minimise:
        for entry in entries:
            minimise(entry)
        return 0
    print(f"{'target':<16} {'executions':>11} {'exec/s':>8} {'corpus':>7} {'found':>6}", flush=True)
    found: list[str] = []
    for entry in entries:
        figures = fuzz(entry, max(1, asked.seconds // len(entries)))
        print(
            f"{figures.name:<16} {figures.executions:>11} {figures.per_second:>8} "
            f"{figures.corpus:>7} {len(figures.findings):>6}",
            flush=True,
        )
        found += figures.findings
    for name in found:
        print(f"{(FINDINGS / name).relative_to(PROJECT)}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
