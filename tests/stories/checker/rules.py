"""All the rules together, held against one story."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.lab.recording import Event

from . import commands, passes, sequences
from .findings import Lost, Rule, about_losses
from .journal import RESOURCE_OF_MINOR
from .losses import Disks, GivenUp, lost_records
from .reading import read

_RULES: tuple[Rule, ...] = (
    commands.discards_in_use,
    commands.discards_unasked,
    sequences.policy_losses,
    passes.at_once,
    commands.discards_unnamed,
    sequences.two_victims,
    commands.forbidden_words,
    commands.demotes_in_use,
)


def violations(
    events: Sequence[Event],
    disks: Disks,
    given_up: GivenUp,
    *,
    deadline_s: float = 50.0,
    resource_of_minor: Mapping[int, str] = RESOURCE_OF_MINOR,
    connected: frozenset[str] = frozenset(),
    allow_policy_losses: bool = False,
    rescued: Disks | None = None,
) -> list[str]:
    """Return a sentence for each thing that must never be; nothing where the story is sound.

    Args:
        events: the whole story.
        disks: the records found at the end, by node and minor; what was not read has no key.
        given_up: by node, the resources of which it keeps a record of what was given up; a node
            that could not be asked has no key.
        deadline_s: a pass's.
        resource_of_minor: the pair's.
        connected: the resources that are Connected and UpToDate on both nodes at the end.
        allow_policy_losses: the story has DRBD's own after-sb policies give records up.
        rescued: the records in rescues, by node and minor; what was not read has no key.
    """
    journal = read(events, resource_of_minor)
    found = [sentence for rule in _RULES for sentence in rule(journal)]
    found += passes.too_long(journal, deadline_s)
    missing = tuple(
        lost_records(journal, disks, given_up, connected, allow_policy_losses, rescued or {})
    )
    return [*found, *about_losses(journal, missing)]


def lost(
    events: Sequence[Event],
    disks: Disks,
    given_up: GivenUp,
    *,
    resource_of_minor: Mapping[int, str] = RESOURCE_OF_MINOR,
    connected: frozenset[str] = frozenset(),
    allow_policy_losses: bool = False,
    rescued: Disks | None = None,
) -> tuple[Lost, ...]:
    """Return the acknowledged records that are missing at the end; see `violations`."""
    journal = read(events, resource_of_minor)
    return tuple(
        lost_records(journal, disks, given_up, connected, allow_policy_losses, rescued or {})
    )
