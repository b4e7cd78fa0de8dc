"""A resync on a person's terminal as a bar; otherwise as a line now and then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from connector.clock import Clock
from connector.recover.progress import Phase, Progress, line
from connector.report.page.words import amount, lasting

LINE_EVERY_S = 10.0

Show = Callable[[Progress], None]
_MOVING = frozenset({Phase.RUNNING, Phase.PAUSED, Phase.NOT_EQUAL})


@contextmanager
def bar(*, color: bool) -> Iterator[Show]:
    """What draws each look; the bar stays where it is at the end."""
    # Slow to import, and only needed where somebody looks on.
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    from connector.report.tables import console

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>5.1f} %"),
        TextColumn("{task.fields[rest]}"),
    )
    with Bar(*columns, console=console(color=color), auto_refresh=False) as drawn:
        task = drawn.add_task("", total=100.0, rest="")

        def show(found: Progress) -> None:
            drawn.update(
                task,
                description=found.connection,
                completed=found.percent,
                rest=_rest(found),
                refresh=True,
            )

        yield show


def _rest(found: Progress) -> str:
    if found.phase is Phase.PAUSED:
        return "paused"
    parts = [f"{amount(found.left_kib)} left"] if found.phase in _MOVING else []
    if found.rate_kib_per_s is not None:
        parts.append(f"{amount(found.rate_kib_per_s)}/s")
    if found.left_s is not None:
        parts.append(f"{lasting(found.left_s)} to go")
    return ", ".join(parts)


def lines(clock: Clock, say: Callable[[str], None]) -> Show:
    """What says a line at once, then every ten seconds."""
    said_s: float | None = None

    def show(found: Progress) -> None:
        nonlocal said_s
        now_s = clock.boot_s()
        if found.phase not in _MOVING or (said_s is not None and now_s - said_s < LINE_EVERY_S):
            return
        said_s = now_s
        say(line(found))

    return show
