"""What the stories of the mail cluster came to, one line of JSON for each, and the tables of them.

`python -m tests.stories.mail_outcomes FILE` prints the tables.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

CONNECTOR, OLD = "connector", "old scripts"


@dataclass(frozen=True)
class Outcome:
    """One story. `outage_s` is the longest time without an acknowledgement on any road."""

    failure: str
    scripts: str
    mode: str
    outage_s: float
    acknowledged: int
    given_up: int
    lost: int
    together: bool
    person: bool
    stale_lock: bool
    crontab_lost: bool


def note(outcome: Outcome, file: Path) -> None:
    """Add one line to a file that several processes may write."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as open_file:
        open_file.write(json.dumps(asdict(outcome)) + "\n")


def read(file: Path) -> list[Outcome]:
    """Return the outcomes in a file; none where there is no file. Raises ValueError."""
    lines = file.read_text().splitlines() if file.exists() else []
    return [Outcome(**json.loads(line)) for line in lines]


def by_failure(outcomes: Sequence[Outcome]) -> list[str]:
    """Return the table of connector's stories: what each failure came to in each mode."""
    lines = [
        "| failure | mode | runs | longest outage | acknowledged | in a rescue | lost | ends |",
        "|---|---|---|---|---|---|---|---|",
    ]
    own = [one for one in outcomes if one.scripts == CONNECTOR]
    for failure, mode in sorted({(one.failure, one.mode) for one in own}):
        some = [one for one in own if (one.failure, one.mode) == (failure, mode)]
        lines.append(
            f"| {failure} | {mode} | {len(some)} | {max(one.outage_s for one in some):.0f} s"
            f" | {sum(one.acknowledged for one in some)} | {sum(one.given_up for one in some)}"
            f" | {sum(one.lost for one in some)} | {_ends(some)} |"
        )
    return lines


def compared(outcomes: Sequence[Outcome]) -> list[str]:
    """Return the table that sets connector beside the scripts of the old kind."""
    sides = {
        name: [one for one in outcomes if one.scripts == name and one.mode in ("", "discard")]
        for name in (CONNECTOR, OLD)
    }
    rows: dict[str, Callable[[list[Outcome]], str]] = {
        "runs": lambda some: str(len(some)),
        "messages acknowledged": lambda some: str(sum(one.acknowledged for one in some)),
        "lost": lambda some: str(sum(one.lost for one in some)),
        "given up, in a rescue": lambda some: str(sum(one.given_up for one in some)),
        "runs that lost a message": lambda some: str(sum(one.lost > 0 for one in some)),
        "runs that ended with the pair apart": lambda some: str(
            sum(not one.together for one in some)
        ),
        "runs that left a stale lock": lambda some: str(sum(one.stale_lock for one in some)),
        "runs after which root's own crontab was gone": lambda some: str(
            sum(one.crontab_lost for one in some)
        ),
    }
    return [
        f"| | {CONNECTOR}, mode `discard` | {OLD} |",
        "|---|---|---|",
        *(
            f"| {name} | {row(sides[CONNECTOR])} | {row(sides[OLD])} |"
            for name, row in rows.items()
        ),
    ]


def _ends(some: Iterable[Outcome]) -> str:
    ends = {
        "apart" if not one.together else "together, by a person" if one.person else "together"
        for one in some
    }
    return ", ".join(sorted(ends))


def main(arguments: Sequence[str]) -> int:
    """Print both tables of the file named; return 0, or 1 where it has no outcome."""
    outcomes = read(Path(arguments[0]))
    if not outcomes:
        print(f"{arguments[0]}: no outcome of a story is in it", file=sys.stderr)
        return 1
    print("\n".join([*by_failure(outcomes), "", *compared(outcomes)]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
