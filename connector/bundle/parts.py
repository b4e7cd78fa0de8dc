"""What goes into a bundle, and what does not, as values."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

MAX_PART_BYTES = 4 * 1024 * 1024
MAX_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the archive, with what was removed from it and how often."""

    name: str
    data: bytes
    removed: Counter[str] = field(default_factory=Counter)
    note: str = ""

    @property
    def removed_in_words(self) -> str:
        """`2 x shared-secret, 1 x comment`; empty where nothing was."""
        return ", ".join(f"{number} x {what}" for what, number in sorted(self.removed.items()))


@dataclass(frozen=True, slots=True)
class Missing:
    """What should be in the archive and is not, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Collected:
    """All that was found, in the order of the names, without secrets."""

    host: str
    at_wall_s: float
    parts: tuple[Part, ...]
    missing: tuple[Missing, ...]

    @property
    def size_bytes(self) -> int:
        """Of all parts, before they are packed."""
        return sum(len(part.data) for part in self.parts)
