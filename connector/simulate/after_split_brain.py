"""DRBD's own policies after a split brain: which side gives its changes up.

Kernel source: drbd_receiver.c (`drbd_asb_recover_0p`, `_1p`, `_2p`). A verdict of 1 makes this
side the sync source, -1 the target, UNDECIDED leaves the split brain unresolved.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from connector.model import AfterSplitBrain

UNDECIDED = -100


@dataclass(frozen=True, slots=True)
class Split:
    """One side's view of a split brain; `was_primary` is the lowest bit of the bitmap identifier.

    `give_up_role` demotes this side and says whether that succeeded.
    """

    policies: AfterSplitBrain
    primary: bool
    was_primary: bool
    peer_was_primary: bool
    changes: int
    peer_changes: int
    resolves_conflicts: bool
    give_up_role: Callable[[], bool]


def recover(split: Split, primaries: int) -> int:
    """The verdict of the policy for that number of Primaries."""
    if primaries == 0:
        return _none(split)
    return _one(split) if primaries == 1 else _two(split)


def _none(split: Split) -> int:
    policy = split.policies.zero_primaries
    by_age = 0 if split.was_primary == split.peer_was_primary else 1 if split.was_primary else -1
    if policy == "discard-younger-primary" and by_age:
        return by_age
    if policy == "discard-older-primary" and by_age:
        return -by_age
    if policy in ("discard-younger-primary", "discard-older-primary", "discard-least-changes"):
        return _without_changes(split) or _fewer_changes(split)
    if policy == "discard-zero-changes":
        return _without_changes(split) or UNDECIDED
    return {"discard-local": -1, "discard-remote": 1}.get(policy, UNDECIDED)


def _one(split: Split) -> int:
    policy = split.policies.one_primary
    if policy == "discard-secondary":
        return 1 if split.primary else -1
    if policy == "violently-as0p":
        return _none(split)
    if policy == "consensus":
        verdict = _none(split)
        agrees = verdict == (1 if split.primary else -1)
        return verdict if agrees else UNDECIDED
    if policy == "call-pri-lost-after-sb":
        return _call(split)
    return UNDECIDED


def _two(split: Split) -> int:
    policy = split.policies.two_primaries
    if policy == "violently-as0p":
        return _none(split)
    return _call(split) if policy == "call-pri-lost-after-sb" else UNDECIDED


def _call(split: Split) -> int:
    """The loser is demoted first; where it cannot be, its handler is called and nothing solved."""
    verdict = _none(split)
    if verdict == -1 and split.primary and not split.give_up_role():
        return UNDECIDED
    return verdict


def _without_changes(split: Split) -> int:
    if split.changes and split.peer_changes:
        return 0
    if not split.changes and not split.peer_changes:
        return _coin(split)
    return 1 if split.changes else -1


def _fewer_changes(split: Split) -> int:
    if split.changes == split.peer_changes:
        return _coin(split)
    return -1 if split.changes < split.peer_changes else 1


def _coin(split: Split) -> int:
    """RESOLVE_CONFLICTS is set on exactly one side."""
    return -1 if split.resolves_conflicts else 1
