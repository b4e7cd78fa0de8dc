"""Many seeds: played by several processes, added up, and stopped at the first that goes wrong."""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from .draw import draw
from .facts import Violation
from .play import Played, play
from .schedule import Schedule

# In memory where that can be had: nothing of it is to be kept.
_MEMORY = Path("/dev/shm")
_SEEDS_AT_ONCE = 20
LIMIT_S = 60.0


@dataclass
class Sums:
    """What was tried, and what it came to."""

    seeds: int = 0
    passes: int = 0
    commands: int = 0
    handshakes: int = 0
    healed: int = 0
    lost: int = 0
    took_s: float = 0.0
    ends: Counter[str] = field(default_factory=Counter)
    failed: dict[int, str] = field(default_factory=dict)  # seed -> what was violated

    def add(self, seed: int, played: Played) -> None:
        """One more seed."""
        self.seeds += 1
        self.passes += played.passes
        self.commands += played.commands
        self.handshakes += played.handshakes
        self.healed += played.healed
        self.lost += played.lost
        self.ends[played.ended or "not reached"] += 1
        if played.violation is not None:
            self.failed[seed] = str(played.violation)

    def lines(self) -> list[str]:
        """For a person."""
        per_pass_ms = 1000 * self.took_s / self.passes if self.passes else 0.0
        ends = ", ".join(f"{end} {count}" for end, count in self.ends.most_common())
        return [
            f"seeds             {self.seeds:>9,}",
            f"passes            {self.passes:>9,}  {self.commands:,} commands",
            f"handshakes        {self.handshakes:>9,}  {self.healed:,} ended a split brain",
            f"records given up  {self.lost:>9,}  of victims, by mode, word or policy",
            f"ends              {ends}",
            f"violations        {len(self.failed):>9,}",
            f"took              {self.took_s:>9.1f} s, {per_pass_ms:.2f} ms a pass",
        ]


def play_alone(schedule: Schedule) -> Played:
    """Play one schedule in a folder that is gone afterwards."""
    parent = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="connector-schedule-", dir=parent))
    try:
        return play(schedule, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _play_some(job: tuple[int, int, str | None]) -> list[tuple[int, Played]]:
    first, last, mode = job
    played = []
    for seed in range(first, last):
        # A schedule takes a tenth of a second. One that never ends must not be waited for.
        # Not sys.stderr, which a test may have put something else in the place of.
        assert sys.__stderr__ is not None
        faulthandler.dump_traceback_later(LIMIT_S, exit=True, file=sys.__stderr__)
        played.append((seed, play_alone(draw(seed, mode))))
    faulthandler.cancel_dump_traceback_later()
    return played


def play_many(
    first: int, last: int, *, mode: str | None = None, jobs: int = 2, stop: bool = True
) -> Sums:
    """Play the seeds from `first` to before `last`; with `stop` not far beyond one that fails."""
    began_s = time.monotonic()
    sums = Sums()
    work = [
        (seed, min(seed + _SEEDS_AT_ONCE, last), mode)
        for seed in range(first, last, _SEEDS_AT_ONCE)
    ]
    for some in _in_processes(work, jobs):
        for seed, played in some:
            sums.add(seed, played)
        if stop and sums.failed:
            break
    sums.took_s = time.monotonic() - began_s
    return sums


def _in_processes(
    work: list[tuple[int, int, str | None]], jobs: int
) -> Iterator[Iterable[tuple[int, Played]]]:
    if jobs == 1:
        yield from map(_play_some, work)
        return
    # Not multiprocessing's Pool, which waits for ever for a process that was killed.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        playing = {pool.submit(_play_some, job) for job in work}
        try:
            for done in as_completed(playing):
                yield done.result()
        finally:
            for job in playing:
                job.cancel()


def shortest(
    schedule: Schedule,
    violation: Violation,
    *,
    played: Callable[[Schedule], Played] = play_alone,
    most_plays: int = 400,
) -> Schedule:
    """The shortest schedule found that breaks the same rule: what may be left out, is."""
    plays = 0
    size = max(1, len(schedule.happenings) // 2)
    while True:
        at, shorter = 0, False
        while at < len(schedule.happenings) and plays < most_plays:
            plays += 1
            left = schedule.happenings[:at] + schedule.happenings[at + size :]
            tried = schedule.with_happenings(left)
            found = played(tried).violation
            if found is not None and found.rule == violation.rule:
                schedule, shorter = tried, True
            else:
                at += size
        if (size == 1 and not shorter) or plays >= most_plays:
            return schedule
        size = max(1, size // 2)
