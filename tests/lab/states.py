"""What both nodes of the real pair showed at each step of a story, kept as a file to compare with.

A trace is a list of steps, and a step a list of lines: what was done, and what was seen then. Of
some steps real DRBD has more than one outcome; the file keeps each that was seen, with those of the
step before that it followed upon. A played story conforms where it goes from one to the next.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

Step = tuple[str, ...]
BEGINNING = -1  # what the first step follows upon


class Different(AssertionError):
    """A story went another way than it was seen to go on the real pair; the text shows where."""


@dataclass
class Outcome:
    """One outcome of a step: its lines, which outcomes of the step before it has followed upon.

    `last`: a story has ended with it. `seen` is how many recorded runs came by here.
    """

    lines: Step
    after: set[int]
    last: bool = False
    seen: int = 0


@dataclass
class Trace:
    """What was seen of a story on the real pair, in one run or in several."""

    steps: list[list[Outcome]] = field(default_factory=list)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file that `save` wrote. FileNotFoundError where there is none."""
        kept = json.loads(path.read_text(encoding="utf-8"))
        return cls([[_outcome(one) for one in step] for step in kept["steps"]])

    def save(self, path: Path) -> None:
        """Write it, for people to read, too."""
        steps = [
            [
                {
                    "seen": one.seen,
                    "after": sorted(one.after),
                    "last": one.last,
                    "lines": list(one.lines),
                }
                for one in step
            ]
            for step in self.steps
        ]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"steps": steps}, indent=1) + "\n", encoding="utf-8")

    def add(self, run: Sequence[Step]) -> None:
        """Add what was seen in one more run."""
        before = BEGINNING
        for number, lines in enumerate(run):
            if number == len(self.steps):
                self.steps.append([])
            outcomes = self.steps[number]
            known = next((one for one in outcomes if one.lines == lines), None)
            if known is None:
                known = Outcome(lines, set())
                outcomes.append(known)
            known.after.add(before)
            known.seen += 1
            known.last = known.last or number == len(run) - 1
            before = outcomes.index(known)

    def compare(self, run: Sequence[Step]) -> None:
        """Raise Different where the run goes a way that was not seen."""
        before, ends = BEGINNING, not self.steps
        for number, lines in enumerate(run):
            outcomes = self.steps[number] if number < len(self.steps) else []
            follows = {place: one for place, one in enumerate(outcomes) if before in one.after}
            found = next((place for place, one in follows.items() if one.lines == lines), None)
            if found is None:
                raise Different(_difference(number, lines, [one.lines for one in follows.values()]))
            before, ends = found, outcomes[found].last
        if not ends:
            raise Different(
                f"the story ends after step {len(run)}, and on the real pair it went on"
            )


def _outcome(kept: dict[str, Any]) -> Outcome:
    return Outcome(tuple(kept["lines"]), set(kept["after"]), kept["last"], kept["seen"])


def _difference(number: int, lines: Step, recorded: Sequence[Step]) -> str:
    """The step, and its lines beside those recorded of it that are nearest."""
    head = f"step {number + 1} ({lines[0]}) is another than on the real pair"
    if not recorded:
        return f"{head}, where the story had ended by then"
    nearest = max(recorded, key=lambda one: difflib.SequenceMatcher(None, one, lines).ratio())
    shown = difflib.unified_diff(
        nearest, lines, "recorded on the real pair", "seen now", "", "", 99
    )
    more = f" (the nearest of {len(recorded)} outcomes)" if len(recorded) > 1 else ""
    return "\n".join([f"{head}{more}:", *(line.rstrip("\n") for line in shown)])
