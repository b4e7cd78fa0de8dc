"""How far a long campaign is, for whoever waits for it: a line now and then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .campaign import Sums

EVERY_S = 30.0


@dataclass
class Progress:
    """Says so when the first half minute is over, and each half minute after it.

    `seeds` is how many are to be played.
    """

    seeds: int
    say: Callable[[str], None]
    next_s: float = EVERY_S

    def tell(self, sums: Sums) -> None:
        """To be told of the sums again and again."""
        if sums.took_s >= self.next_s:
            self.next_s = sums.took_s + EVERY_S
            self.say(line(sums, self.seeds))


def line(sums: Sums, seeds: int) -> str:
    """How far it is, and for how long it will go on if nothing changes."""
    left_s = sums.took_s / sums.seeds * (seeds - sums.seeds)
    minutes, rest_s = divmod(round(left_s), 60)
    return (
        f"{sums.seeds:,} of {seeds:,} seeds, {sums.passes:,} passes, "
        f"{len(sums.failed)} violations, {sums.pass_ms:.2f} ms a pass, "
        f"{minutes} min {rest_s} s left"
    )
