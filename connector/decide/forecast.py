"""Would DRBD's own after-sb policies throw data away at the next handshake?

DRBD picks its policy by the number of Primaries that it finds at the handshake (drbd_receiver.c
`drbd_asb_recover_0p`, `_1p`, `_2p`). The peer's role is not known beforehand, so each number that
may be met is looked at; a word that is not known counts as a loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from connector.model import AfterSplitBrain


class Loser(StrEnum):
    """Whose changes a policy would throw away."""

    HERE = "here"
    PEER = "peer"
    EITHER = "either side"


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss that DRBD would decide upon by itself, and the setting that makes it."""

    primaries: int
    policy: str
    loser: Loser

    @property
    def sentence(self) -> str:
        """What would happen, with the drbd.conf word that makes it happen."""
        sides = {0: "no Primary", 1: "one Primary", 2: "two Primaries"}[self.primaries]
        return (
            f"with {sides} at the handshake, after-sb-{self.primaries}pri {self.policy} "
            f"would give up the changes of {_WHOSE[self.loser]}"
        )


_WHOSE = {
    Loser.HERE: "this node",
    Loser.PEER: "the peer",
    Loser.EITHER: "one of the two sides",
}

# These ask after-sb-0pri first and give up whatever side it picks.
_AS_WITH_NONE = frozenset({"violently-as0p", "call-pri-lost-after-sb"})
# Policies that give nothing up: they disconnect, or take the side that has no changes.
_SAFE = frozenset({"disconnect", "discard-zero-changes"})


def forecast(
    policies: AfterSplitBrain, *, primary: bool, own_changes: bool = True
) -> tuple[Loss, ...]:
    """Every loss that may happen at the next handshake, none where the tuple is empty.

    Args:
        policies: the resource's effective after-sb settings.
        primary: whether this node will be Primary at that handshake.
        own_changes: whether this node may hold changes that the peer has not; without any, a
            policy that gives up this node's changes gives up nothing.
    """
    losses = (
        [_one_primary(policies, primary), _two_primaries(policies)]
        if primary
        else [_no_primary(policies, 0, policies.zero_primaries), _one_primary(policies, primary)]
    )
    return tuple(
        loss
        for loss in losses
        if loss is not None and not (loss.loser is Loser.HERE and not own_changes)
    )


def _no_primary(policies: AfterSplitBrain, primaries: int, word: str) -> Loss | None:
    """What `after-sb-0pri` picks; younger, older and least-changes may hit either side."""
    return None if policies.zero_primaries in _SAFE else Loss(primaries, word, Loser.EITHER)


def _one_primary(policies: AfterSplitBrain, primary: bool) -> Loss | None:
    word = policies.one_primary
    if word == "disconnect":
        return None
    if word == "consensus":
        # Gives up the Secondary, but only where after-sb-0pri picks the same side.
        if policies.zero_primaries in _SAFE:
            return None
        return Loss(1, word, Loser.PEER if primary else Loser.HERE)
    if word in _AS_WITH_NONE:
        return _no_primary(policies, 1, word)
    if word == "discard-secondary":
        return Loss(1, word, Loser.PEER if primary else Loser.HERE)
    return Loss(1, word, Loser.EITHER)


def _two_primaries(policies: AfterSplitBrain) -> Loss | None:
    word = policies.two_primaries
    if word == "disconnect":
        return None
    if word in _AS_WITH_NONE:
        return _no_primary(policies, 2, word)
    return Loss(2, word, Loser.EITHER)
