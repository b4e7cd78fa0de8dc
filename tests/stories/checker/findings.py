"""What the checker finds: the sentences of broken rules, and the records that are missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from .journal import Command, Journal

Rule = Callable[[Journal], Iterator[str]]


@dataclass(frozen=True)
class Lost:
    """An acknowledged record that is not where it should be; `allowed` where a victim's."""

    node: str
    minor: int
    resource: str
    record: str
    acknowledged_at_s: float
    missing_on: tuple[str, ...]
    allowed: bool


def say(journal: Journal, rule: str, node: str, at_s: float, what: str) -> str:
    """Put into a sentence what was wrong on a node, with the time since the beginning."""
    return f"{rule}: {node} at {at_s - journal.events[0].at_s:.2f} s: {what}"


def about(journal: Journal, rule: str, command: Command, what: str) -> str:
    """Put into a sentence what was wrong with a command."""
    run = f"`drbdadm {' '.join(command.arguments)}` {what}"
    return say(journal, rule, command.node, command.at_s, run)


def about_losses(journal: Journal, missing: Sequence[Lost]) -> Iterator[str]:
    """No acknowledged record is lost but by a victim that was allowed to give it up."""
    groups: dict[tuple[str, int, tuple[str, ...]], list[Lost]] = {}
    for one in missing:
        if not one.allowed:
            groups.setdefault((one.node, one.minor, one.missing_on), []).append(one)
    for (node, minor, missing_on), ones in groups.items():
        first = ones[0]
        many = f"records ({len(ones)}, the first is {first.record})"
        what = f"{many} acknowledged on minor {minor} ({first.resource}) are missing on "
        what += " and ".join(missing_on) + ", and nobody who may had given them up"
        yield say(journal, "data", node, first.acknowledged_at_s, what)
