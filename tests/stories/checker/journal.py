"""What a recording says, as values that the checker and the tally reckon with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from tests.lab.recording import Event

RESOURCE_OF_MINOR: Mapping[int, str] = {0: "mail", 1: "db", 2: "db"}
DISCARD = "--discard-my-data"
CONNECTED = frozenset({"Connected", "VerifyS", "VerifyT"})
DOWN = "Down"  # our word for the connection state on a node without power
# Kernel and programs write on two ports; their lines are in order only as well as this.
ORDER_S = 0.5


class Ending(StrEnum):
    """How a handshake with a split brain ended."""

    REFUSED = "refused"
    MANUALLY = "manually"
    AUTOMATICALLY = "automatically"
    NOTHING_DONE = "nothing done"  # a side was picked, but it is Primary, or it was a dry run


@dataclass(frozen=True)
class Pass:
    """One process of connector; what is not on record of its end is None."""

    node: str
    pid: int
    arguments: tuple[str, ...]
    began_at_s: float
    ended_at_s: float | None = None
    exit_status: int | None = None
    duration_s: float | None = None

    @property
    def command(self) -> str:
        """The first word that is neither an option nor the value of one: `reconcile`."""
        before = ("", *self.arguments)
        words = (
            word
            for word, last in zip(self.arguments, before, strict=False)
            if not word.startswith("-") and last not in ("--config", "--root")
        )
        return next(words, "")


@dataclass(frozen=True)
class Seen:
    """One minor's state in the moment before a command; without roles when Unconfigured."""

    connection: str
    role: str = ""
    peer_role: str = ""
    disk: str = ""


@dataclass(frozen=True)
class Command:
    """One drbdadm that connector ran; `run_by` is None where no pass of its pid is on record."""

    node: str
    at_s: float
    run_by: Pass | None
    arguments: tuple[str, ...]
    states: Mapping[int, Seen] = field(hash=False)
    used: frozenset[int]

    @property
    def resource(self) -> str:
        """Its last word, whatever that is."""
        return self.arguments[-1] if self.arguments else ""

    @property
    def discards(self) -> bool:
        """Whether it gives this node's changes up."""
        return DISCARD in self.arguments

    @property
    def recovers(self) -> bool:
        """Whether a person asked for it, by `connector recover`."""
        return self.run_by is not None and self.run_by.command == "recover"


@dataclass(frozen=True)
class Acknowledged:
    """A record that its writer was told is on the disk."""

    node: str
    minor: int
    record: str
    at_s: float


@dataclass(frozen=True)
class Handshake:
    """A split brain that one kernel met on one minor; None is what it did not tell.

    `at_s` is when its ending was told. `sync_from` is `peer` or `this` once a side was picked.
    """

    node: str
    minor: int
    at_s: float
    ending: Ending
    sync_from: str
    self_primary: bool | None
    peer_primary: bool | None
    self_bits: int | None

    @property
    def victim(self) -> bool:
        """Whether this node took the peer's data for its own."""
        return self.sync_from == "peer" and self.ending is not Ending.NOTHING_DONE


@dataclass(frozen=True)
class Change:
    """A minor's connection state or role became another one."""

    at_s: float
    node: str
    minor: int
    before: str
    after: str


@dataclass(frozen=True)
class Journal:
    """A whole recording, each kind of line in its order. `told` is what story and faults said."""

    events: Sequence[Event]
    resource_of_minor: Mapping[int, str]
    passes: tuple[Pass, ...]
    commands: tuple[Command, ...]
    acknowledged: tuple[Acknowledged, ...]
    handshakes: tuple[Handshake, ...]
    connections: tuple[Change, ...]
    roles: tuple[Change, ...]
    told: tuple[Event, ...]

    @property
    def nodes(self) -> tuple[str, ...]:
        """The names of the nodes that said something."""
        return tuple(sorted({event.node for event in self.events if event.node}))

    def minors_of(self, resource: str) -> tuple[int, ...]:
        """The minors of a resource; all minors for a name that is not known, such as `all`."""
        found = tuple(m for m, name in self.resource_of_minor.items() if name == resource)
        return found or tuple(self.resource_of_minor)

    def modes(self, node: str, resource: str, from_s: float, to_s: float) -> frozenset[str]:
        """Return every [policy] mode that was in force there at some time between the two.

        `mode WORD` is a new configuration: it ends what `mode RESOURCE WORD` said before it.
        """
        now, found = "reconnect", set[str]()
        for event in self.told:
            words = event.text.split()
            if words[0] != "mode" or event.node not in ("", node) or event.at_s > to_s:
                continue
            if len(words) == 2 or words[1] == resource:
                found |= {now} if event.at_s >= from_s else set()
                now = words[-1]
        return frozenset(found | {now})

    def connected(self, nodes: Iterable[str], minors: Iterable[int]) -> list[tuple[float, float]]:
        """Return from when to when all these minors were Connected on all these nodes.

        A minor begins as its first change says it was; one without any was Connected all the
        time, as each is when a story begins.
        """
        wanted = {(node, minor) for node in nodes for minor in minors}
        changes = [c for c in self.connections if (c.node, c.minor) in wanted]
        states = {(c.node, c.minor): c.before for c in reversed(changes)}
        together = set(states.values()) <= CONNECTED
        spans, since_s = list[tuple[float, float]](), float("-inf")
        for change in changes:
            states[change.node, change.minor] = change.after
            was, together = together, set(states.values()) <= CONNECTED
            if was and not together:
                spans.append((since_s, change.at_s))
            elif together and not was:
                since_s = change.at_s
        return [*spans, (since_s, float("inf"))] if together else spans

    def last_connected_s(self, nodes: Iterable[str], resource: str, before_s: float) -> float:
        """The last moment before that one at which the resource was Connected on all these."""
        spans = self.connected(nodes, self.minors_of(resource))
        moments = (min(to_s, before_s) for from_s, to_s in spans if from_s < before_s)
        return max(moments, default=float("-inf"))
