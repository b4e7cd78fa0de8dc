"""A schedule: the pair, its agents, and what happens to them when. Plain values, kept as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from connector.decide.context import Policy
from connector.model import AfterSplitBrain, Mode
from connector.simulate import SimulatedResource


@dataclass(frozen=True, slots=True)
class Setup:
    """The pair and its agents' configuration, the same on both nodes.

    `cron_s` says how far into the minute cron starts on each node, and `skew_s` by how much each
    node's wall clock is wrong. `quiet_from_s`: from then on nothing new happens to the pair.
    """

    seed: int
    mode: str
    volumes: tuple[int, ...] = (1,)
    after_sb: tuple[str, str, str] = ("disconnect", "disconnect", "disconnect")
    demote_grace_s: float = 90
    max_attempts: int = 3
    respect_disconnect_s: float = 3600
    cron_s: tuple[float, float] = (0.0, 0.0)
    skew_s: tuple[float, float] = (0.0, 0.0)
    eager: bool = False  # with the habits of `connector watch` instead of cron's
    gives_up: str = "beta"  # who lets go where both are active and see each other again
    quiet_from_s: float = 1200.0

    @property
    def resources(self) -> tuple[SimulatedResource, ...]:
        """What drbd.conf has."""
        minors = iter(range(sum(self.volumes)))
        return tuple(
            SimulatedResource(
                name, tuple(next(minors) for _ in range(count)), AfterSplitBrain(*self.after_sb)
            )
            for name, count in zip(("mail", "db"), self.volumes, strict=False)
        )

    @property
    def policy(self) -> Policy:
        """What connector.toml has."""
        return Policy(
            Mode(self.mode), self.demote_grace_s, self.max_attempts, self.respect_disconnect_s
        )


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happens: when, in seconds from the beginning, what, where, and with what."""

    at_s: float
    what: str
    node: str = ""
    resource: str = ""
    number: float = 0.0

    def __str__(self) -> str:
        words = [f"{self.at_s:8.2f}", self.what, self.node, self.resource]
        number = f"{self.number:g}" if self.number else ""
        return " ".join(word for word in (*words, number) if word)


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is played."""

    setup: Setup
    happenings: tuple[Happening, ...] = field(default=())

    def with_happenings(self, happenings: tuple[Happening, ...]) -> Schedule:
        """The same with others."""
        return replace(self, happenings=happenings)

    def to_json(self) -> dict[str, Any]:
        """Plain values that `from_json` reads."""
        return {
            "setup": asdict(self.setup),
            "happenings": [asdict(item) for item in self.happenings],
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Schedule:
        """What `to_json` gave. KeyError or TypeError where it is something else."""
        setup: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in kept["setup"].items()
        }
        return cls(Setup(**setup), tuple(Happening(**item) for item in kept["happenings"]))

    def __str__(self) -> str:
        setup = ", ".join(f"{key}={value}" for key, value in asdict(self.setup).items())
        return "\n".join([setup, *(str(item) for item in self.happenings)])
