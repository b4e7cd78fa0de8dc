"""The forecast against the kernel's own rules, written down here a second time.

`drbd_asb_recover_0p`, `_1p` and `_2p` of drbd_receiver.c: -1 gives this node's changes up, 1 the
peer's, -100 disconnects. What they ask of the nodes' state (who was Primary last, how many blocks
each has changed) is tried in every combination.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pytest

from connector.decide.forecast import Loser, forecast
from connector.model import AfterSplitBrain

ZERO = [
    "disconnect",
    "discard-younger-primary",
    "discard-older-primary",
    "discard-zero-changes",
    "discard-least-changes",
]
ONE = ["disconnect", "consensus", "discard-secondary", "violently-as0p", "call-pri-lost-after-sb"]
TWO = ["disconnect", "violently-as0p", "call-pri-lost-after-sb"]


@dataclass(frozen=True)
class Met:
    """What a handshake may find."""

    here_primary: bool
    peer_primary: bool
    here_younger: bool
    here_changes: int
    peer_changes: int


EVERY_MEETING = [
    Met(*values)
    for values in itertools.product(
        (False, True), (False, True), (False, True), (0, 1, 2), (0, 1, 2)
    )
]


def zero_primaries(word: str, met: Met) -> int:
    if word == "discard-younger-primary":
        return -1 if met.here_younger else 1
    if word == "discard-older-primary":
        return 1 if met.here_younger else -1
    if word == "discard-zero-changes":
        if met.peer_changes == 0:
            return 1
        return -1 if met.here_changes == 0 else -100
    if word == "discard-least-changes":
        return -1 if met.here_changes < met.peer_changes else 1
    return -100


def one_primary(policies: AfterSplitBrain, met: Met) -> int:
    word = policies.one_primary
    if word == "discard-secondary":
        return 1 if met.here_primary else -1
    as_zero = zero_primaries(policies.zero_primaries, met)
    if word == "violently-as0p":
        return as_zero
    if word in ("consensus", "call-pri-lost-after-sb"):
        if word == "call-pri-lost-after-sb":
            return as_zero
        if (as_zero == -1 and not met.here_primary) or (as_zero == 1 and met.here_primary):
            return as_zero
    return -100


def kernel(policies: AfterSplitBrain, met: Met) -> int:
    primaries = met.here_primary + met.peer_primary
    if primaries == 0:
        return zero_primaries(policies.zero_primaries, met)
    if primaries == 1:
        return one_primary(policies, met)
    if policies.two_primaries == "disconnect":
        return -100
    return zero_primaries(policies.zero_primaries, met)


def loses_data(verdict: int, met: Met) -> bool:
    changes = {-1: met.here_changes, 1: met.peer_changes, -100: 0}
    return changes[verdict] > 0


@pytest.mark.parametrize(
    "policies", [AfterSplitBrain(*words) for words in itertools.product(ZERO, ONE, TWO)], ids=str
)
@pytest.mark.parametrize("primary", [False, True])
@pytest.mark.parametrize("own_changes", [False, True])
def test_no_loss_that_the_kernel_may_decide_upon_is_missed(
    policies: AfterSplitBrain, primary: bool, own_changes: bool
) -> None:
    possible = {
        met.here_primary + met.peer_primary: kernel(policies, met)
        for met in EVERY_MEETING
        if met.here_primary == primary
        and (own_changes or met.here_changes == 0)
        and loses_data(kernel(policies, met), met)
    }
    foreseen = {
        loss.primaries for loss in forecast(policies, primary=primary, own_changes=own_changes)
    }
    assert set(possible) <= foreseen


def test_the_defaults_and_the_usual_safe_choice_lose_nothing() -> None:
    for primary in (False, True):
        assert forecast(AfterSplitBrain(), primary=primary) == ()
        assert forecast(AfterSplitBrain("discard-zero-changes"), primary=primary) == ()


def test_discard_secondary_hits_the_side_that_is_secondary() -> None:
    usual = AfterSplitBrain("discard-zero-changes", "discard-secondary", "disconnect")
    (here,) = forecast(usual, primary=False)
    (peer,) = forecast(usual, primary=True)
    assert (here.primaries, here.loser) == (1, Loser.HERE)
    assert (peer.primaries, peer.loser) == (1, Loser.PEER)
    assert "after-sb-1pri discard-secondary would give up the changes of this node" in here.sentence


def test_a_node_without_changes_has_none_to_lose() -> None:
    usual = AfterSplitBrain("discard-zero-changes", "discard-secondary", "disconnect")
    assert forecast(usual, primary=False, own_changes=False) == ()
    assert forecast(usual, primary=True, own_changes=False) != ()


@pytest.mark.parametrize("word", ["discard-sconedary", ""])
def test_a_word_that_is_not_known_counts_as_a_loss(word: str) -> None:
    assert forecast(AfterSplitBrain(zero_primaries=word), primary=False)
    assert forecast(AfterSplitBrain(one_primary=word), primary=False)
    assert forecast(AfterSplitBrain(two_primaries=word), primary=True)
