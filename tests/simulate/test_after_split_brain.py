"""DRBD's after-sb policies, as drbd_receiver.c has them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.model import AfterSplitBrain
from connector.simulate.after_split_brain import UNDECIDED, Split, recover

OWN = Split(
    policies=AfterSplitBrain(),
    primary=False,
    was_primary=False,
    peer_was_primary=True,
    changes=3,
    peer_changes=5,
    resolves_conflicts=True,
    give_up_role=lambda: True,
)
PEER = replace(
    OWN,
    was_primary=True,
    peer_was_primary=False,
    changes=5,
    peer_changes=3,
    resolves_conflicts=False,
)


def policies(primaries: int, word: str, without: str = "disconnect") -> AfterSplitBrain:
    return (
        AfterSplitBrain(zero_primaries=word),
        AfterSplitBrain(zero_primaries=without, one_primary=word),
        AfterSplitBrain(zero_primaries=without, two_primaries=word),
    )[primaries]


def both(primaries: int, chosen: AfterSplitBrain, **of_own: bool) -> tuple[int, int]:
    own = replace(OWN, policies=chosen, **of_own)  # type: ignore[arg-type]
    peer = replace(PEER, policies=chosen, primary=primaries > 0)
    return recover(own, primaries), recover(peer, primaries)


@pytest.mark.parametrize(
    ("word", "verdicts"),
    [
        ("disconnect", (UNDECIDED, UNDECIDED)),
        ("discard-younger-primary", (-1, 1)),
        ("discard-older-primary", (1, -1)),
        ("discard-least-changes", (-1, 1)),
        ("discard-zero-changes", (UNDECIDED, UNDECIDED)),
        ("discard-local", (-1, -1)),
        ("discard-remote", (1, 1)),
        ("discard-secondary", (UNDECIDED, UNDECIDED)),
    ],
)
def test_no_primary(word: str, verdicts: tuple[int, int]) -> None:
    assert both(0, policies(0, word)) == verdicts


@pytest.mark.parametrize(
    ("changes", "expected"), [((0, 4), -1), ((4, 0), 1), ((0, 0), -1), ((4, 4), UNDECIDED)]
)
def test_zero_changes(changes: tuple[int, int], expected: int) -> None:
    own = replace(
        OWN,
        policies=policies(0, "discard-zero-changes"),
        changes=changes[0],
        peer_changes=changes[1],
    )
    assert recover(own, 0) == expected


@pytest.mark.parametrize("word", ["discard-younger-primary", "discard-older-primary"])
def test_the_same_age_falls_back_to_the_changes(word: str) -> None:
    own = replace(OWN, policies=policies(0, word), was_primary=True)
    assert recover(own, 0) == -1


@pytest.mark.parametrize(
    ("word", "without", "verdicts"),
    [
        ("disconnect", "discard-least-changes", (UNDECIDED, UNDECIDED)),
        ("discard-secondary", "disconnect", (-1, 1)),
        ("consensus", "discard-least-changes", (-1, 1)),
        ("consensus", "discard-older-primary", (UNDECIDED, UNDECIDED)),
        ("violently-as0p", "discard-older-primary", (1, -1)),
        ("call-pri-lost-after-sb", "discard-least-changes", (-1, 1)),
        ("call-pri-lost-after-sb", "discard-older-primary", (1, -1)),
        ("discard-least-changes", "discard-least-changes", (UNDECIDED, UNDECIDED)),
    ],
)
def test_one_primary(word: str, without: str, verdicts: tuple[int, int]) -> None:
    assert both(1, policies(1, word, without)) == verdicts


@pytest.mark.parametrize(
    ("word", "verdicts"),
    [
        ("disconnect", (UNDECIDED, UNDECIDED)),
        ("violently-as0p", (-1, 1)),
        ("call-pri-lost-after-sb", (-1, 1)),
        ("consensus", (UNDECIDED, UNDECIDED)),
    ],
)
def test_two_primaries(word: str, verdicts: tuple[int, int]) -> None:
    chosen = policies(2, word, "discard-least-changes")
    assert both(2, chosen, primary=True) == verdicts


def test_a_primary_that_cannot_be_demoted_solves_nothing() -> None:
    own = replace(
        OWN,
        policies=policies(1, "call-pri-lost-after-sb", "discard-least-changes"),
        primary=True,
        give_up_role=lambda: False,
    )
    assert recover(own, 1) == UNDECIDED
