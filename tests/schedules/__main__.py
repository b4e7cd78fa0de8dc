"""`python -m tests.schedules`: plays schedules, and shows the shortest one that goes wrong."""

from __future__ import annotations

import json
import os
import signal
from functools import partial
from pathlib import Path

import click

from connector.model import Mode

from .campaign import play_alone, play_many, shortest
from .draw import draw
from .facts import Violation
from .progress import Progress
from .schedule import Schedule
from .telling import told

FAILED = 1
INTERRUPTED = 130
BUILD = Path("build/schedules")


@click.command()
@click.option("--seeds", default=400, show_default=True, metavar="N", help="How many seeds.")
@click.option("--first", default=0, show_default=True, metavar="SEED", help="The first of them.")
@click.option("--seed", "one", type=int, metavar="SEED", help="Only this one, and tell of it.")
@click.option(
    "--file",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A schedule that was kept, and tell of it.",
)
@click.option("--mode", type=click.Choice([mode.value for mode in Mode]), help="In this mode only.")
@click.option("--jobs", default=os.cpu_count() or 1, show_default=True, help="How many at once.")
@click.option("--shortest/--no-shortest", "shorten", default=True, help="Look for the shortest.")
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    default=BUILD,
    show_default=True,
    help="Where schedules and pictures are kept.",
)
@click.option("--every", is_flag=True, help="Go on after a seed that goes wrong.")
def main(
    seeds: int,
    first: int,
    one: int | None,
    file: Path | None,
    mode: str | None,
    jobs: int,
    every: bool,
    shorten: bool,
    into: Path,
) -> None:
    """Play schedules drawn from seeds on the simulated pair; each pass is production's.

    Where one breaks a rule, the shortest schedule that still does so is shown and kept. Exit
    status: 0 where none does, 1 where one does, 130 after Ctrl-C, with what was found by then.
    """
    if file is not None:
        raise SystemExit(_tell(_read(file), into / f"{file.stem}.svg"))
    if one is not None:
        raise SystemExit(_tell(draw(one, mode), into / f"seed-{one}.svg"))
    progress = Progress(seeds, partial(click.echo, err=True))
    last = first + seeds
    sums = play_many(first, last, mode=mode, jobs=jobs, stop=not every, tell=progress.tell)
    for line in sums.lines():
        click.echo(line)
    for seed, what in sorted(sums.failed.items())[:10]:
        click.echo(f"\nseed {seed}: {what}")
    if sums.interrupted:
        click.echo(f"\nstopped by Ctrl-C after {sums.seeds:,} of {seeds:,} seeds", err=True)
        raise SystemExit(INTERRUPTED)
    if sums.failed:
        seed = min(sums.failed)
        found = play_alone(draw(seed, mode)).violation
        if found is not None and shorten:
            _keep_shortest(draw(seed, mode), found, into / f"seed-{seed}.json")
        raise SystemExit(FAILED)


def _keep_shortest(schedule: Schedule, violation: Violation, path: Path) -> None:
    short = shortest(schedule, violation)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(short.to_json(), indent=1), encoding="utf-8")
    click.echo(f"\nthe shortest schedule found that does so:\n{short}")
    click.echo(f"\nplay it again:  python -m tests.schedules --file {path}")


def _read(path: Path) -> Schedule:
    try:
        return Schedule.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError) as error:
        raise click.UsageError(f"{path}: no schedule that was kept here: {error!r}") from error


def _tell(schedule: Schedule, path: Path) -> int:
    """Play one with everything that happens, and draw it; the exit status."""
    lines, picture, played = told(schedule)
    for line in lines:
        click.echo(line)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(picture, encoding="utf-8")
    click.echo(f"\ndrawn in {path}")
    click.echo(f"{played.passes} passes, ended: {played.ended or 'not reached'}")
    if played.violation is not None:
        click.echo(f"violated: {played.violation}")
        return FAILED
    return 0


if __name__ == "__main__":
    # `timeout` and those who stop a job ask for the same; and in a script's `&`, Ctrl-C is ignored.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    main()
