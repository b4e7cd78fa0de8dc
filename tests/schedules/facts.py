"""What the witness knows of the pair besides the simulated kernel's own state."""

from __future__ import annotations

from dataclasses import dataclass, field

NODES = ("alpha", "beta")
REFUSED = "Split-Brain detected but unresolved, dropping connection!"
BY_WORD = "manually solved"
BY_POLICY = "automatically solved"


class Violation(AssertionError):
    """Something that must never happen. `rule` is the name of what it breaks."""

    def __init__(self, rule: str, what: str) -> None:
        super().__init__(rule, what)  # both, so that it comes through from another process
        self.rule = rule
        self.what = what

    def __str__(self) -> str:
        return f"{self.rule}: {self.what}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A handshake that was refused as a split brain: its number, and who was Primary in it."""

    number: int
    primaries: frozenset[str]


@dataclass(slots=True)
class Link:
    """One resource as the kernels have it: what the last handshake came to, and who has typed."""

    refusal: Refusal | None = None
    solved: str = ""  # by what the split of the present connection was ended
    discarded_by: dict[str, str] = field(default_factory=dict)  # node -> "agent" or "person"
    # Whose next handshake is its doing, and whether it was Primary then.
    connected_by_agent: dict[str, bool] = field(default_factory=dict)
    unfinished: bool = False  # an earlier resync, when they shook hands
    changed: dict[tuple[str, int], int] = field(default_factory=dict)  # blocks, at the handshake
    acted: dict[str, set[int]] = field(default_factory=dict)  # passes since they last agreed
    victims: dict[int, set[str]] = field(default_factory=dict)  # agents', by the refusal's number
