"""Many seeds: played by several processes, added up, and stopped at the first that goes wrong."""

from __future__ import annotations

import faulthandler
import gc
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

from .draw import draw
from .facts import Violation
from .play import Played, play
from .schedule import Schedule

# In memory where that can be had: nothing of it is to be kept.
_MEMORY = Path("/dev/shm")
# A quarter of a second of work: nobody is idle for longer at the end, or waited for after Ctrl-C.
_SEEDS_AT_ONCE = 5
LIMIT_S = 60.0

_Piece = list[tuple[int, Played]]


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
    interrupted: bool = False  # by a person, before the end
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

    @property
    def pass_ms(self) -> float:
        """How long a pass takes, all processes together."""
        return 1000 * self.took_s / self.passes if self.passes else 0.0

    def lines(self) -> list[str]:
        """For a person."""
        ends = ", ".join(f"{end} {count}" for end, count in self.ends.most_common())
        return [
            f"seeds             {self.seeds:>9,}",
            f"passes            {self.passes:>9,}  {self.commands:,} commands",
            f"handshakes        {self.handshakes:>9,}  {self.healed:,} ended a split brain",
            f"records given up  {self.lost:>9,}  of victims, by mode, word or policy",
            f"ends              {ends}",
            f"violations        {len(self.failed):>9,}",
            f"took              {self.took_s:>9.1f} s, {self.pass_ms:.2f} ms a pass",
        ]


def play_alone(schedule: Schedule) -> Played:
    """Play one schedule in a folder that is gone afterwards."""
    with _folder() as folder:
        return play(schedule, folder)


@contextmanager
def _folder(parent: Path | None = None) -> Iterator[Path]:
    """A folder that is gone afterwards, whatever is in it; below `parent` or in memory."""
    if parent is None and os.access(_MEMORY, os.W_OK):
        parent = _MEMORY
    folder = Path(tempfile.mkdtemp(prefix=f"connector-schedules-{os.getpid()}-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _play_some(parent: Path, mode: str | None, seeds: range) -> _Piece:
    played = []
    for seed in seeds:
        # A schedule takes a tenth of a second. One that never ends must not be waited for.
        # Not sys.stderr, which a test may have put something else in the place of.
        assert sys.__stderr__ is not None
        faulthandler.dump_traceback_later(LIMIT_S, exit=True, file=sys.__stderr__)
        with _folder(parent) as folder:
            played.append((seed, play(draw(seed, mode), folder)))
    faulthandler.cancel_dump_traceback_later()
    return played


def play_many(
    first: int,
    last: int,
    *,
    mode: str | None = None,
    jobs: int = 2,
    stop: bool = True,
    tell: Callable[[Sums], None] = lambda _: None,
) -> Sums:
    """Play the seeds from `first` to before `last`; with `stop` not far beyond one that fails.

    `tell` is told of the sums again and again. After a KeyboardInterrupt they are what they are by
    then. No process and no folder is left behind.
    """
    began_s = time.monotonic()
    sums = Sums()
    work = [
        range(seed, min(seed + _SEEDS_AT_ONCE, last)) for seed in range(first, last, _SEEDS_AT_ONCE)
    ]
    try:
        # One folder for all: what a process that is killed leaves behind goes with it.
        with (
            _folder() as parent,
            closing(_played(partial(_play_some, parent, mode), work, jobs)) as pieces,
        ):
            for piece in pieces:
                for seed, played in piece:
                    sums.add(seed, played)
                sums.took_s = time.monotonic() - began_s
                tell(sums)
                if stop and sums.failed:
                    break
    except KeyboardInterrupt:
        sums.interrupted = True
    sums.took_s = time.monotonic() - began_s
    return sums


def _played(
    play_some: Callable[[range], _Piece], work: Sequence[range], jobs: int
) -> Generator[_Piece, None, None]:
    """What came of each piece of work, as it comes; in the end, what is not begun is left."""
    if jobs == 1:
        yield from map(play_some, work)
        return
    # Not multiprocessing's Pool, which waits for ever for a process that was killed.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin_process)
    try:
        waiting = iter(work)
        # One more than are played, for whoever is ready first: the end must not wait for many.
        playing = {pool.submit(play_some, seeds) for seeds in islice(waiting, jobs + 1)}
        while playing:
            done, playing = wait(playing, return_when=FIRST_COMPLETED)
            playing |= {pool.submit(play_some, seeds) for seeds in islice(waiting, len(done))}
            for piece in done:
                yield piece.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _begin_process() -> None:
    """Ctrl-C is for the process that adds up, whose end is this one's; what is loaded stays."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _end_with_parent() -> None:
    """One that was killed has told nobody to end."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)


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
