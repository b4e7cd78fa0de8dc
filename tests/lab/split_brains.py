"""How a pair is split, on whatever pair: cut, diverge, restore, and wait until DRBD refuses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

from .administration import MINORS

STEP_S = 0.3
# How long one side may still be on its way to StandAlone after the other has got there.
RACE_STEPS = 10
# For its peer: DRBD 8.4's word and 9's.
WAITING = ("WFConnection", "Connecting")

Seen = TypeVar("Seen")


class _Node(Protocol):
    @property
    def name(self) -> str: ...

    def connection(self, minor: int = 0) -> str: ...


class Splittable(ABC):
    """A pair with the two words that are made of the others."""

    @property
    @abstractmethod
    def nodes(self) -> Sequence[_Node]:
        """Both nodes, alpha first."""

    @abstractmethod
    def restore_link(self) -> None:
        """Everything gets through again."""

    @abstractmethod
    def let_time_pass(self, seconds: float) -> None:
        """Wait."""

    @abstractmethod
    def wait_until(self, seen: Callable[[], Seen | None], what: str) -> Seen:
        """Return what `seen` returns once that is true; raise with both nodes' states if never."""

    @abstractmethod
    def diverge(
        self,
        resource: str = "mail",
        *,
        still_active: Iterable[str] = ("alpha", "beta"),
        written: Iterable[int] | None = None,
    ) -> None:
        """Cut the link and have both nodes take the resource over, or go on, and write."""

    def split_brain(
        self,
        resource: str = "mail",
        *,
        still_active: Iterable[str] = ("alpha", "beta"),
        written: Iterable[int] | None = None,
    ) -> dict[str, str]:
        """Make a split brain and return each node's connection state by its name.

        `diverge`, and the link comes back. This returns when DRBD has refused to connect: both
        StandAlone, or one StandAlone and one WFConnection, which is a race. The other resource is
        left to reconnect by itself.
        """
        self.diverge(resource, still_active=still_active, written=written)
        self.restore_link()
        return self.wait_for_refusal(resource)

    def wait_for_refusal(self, resource: str = "mail") -> dict[str, str]:
        """Return both connection states, by node, when a handshake has ended in StandAlone."""
        minor = MINORS[resource][0]

        def seen() -> dict[str, str]:
            return {node.name: node.connection(minor) for node in self.nodes}

        def refused() -> dict[str, str] | None:
            states = seen()
            known = set(states.values()) <= {"StandAlone", *WAITING}
            return states if known and "StandAlone" in states.values() else None

        states = self.wait_until(refused, f"a refused handshake of {resource}")
        for _ in range(RACE_STEPS):
            # One that waits in WFConnection for good is how this race may end, too.
            if set(states.values()) == {"StandAlone"}:
                break
            self.let_time_pass(STEP_S)
            states = seen()
        return states
