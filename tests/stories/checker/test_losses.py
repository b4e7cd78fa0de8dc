"""The rule about data: who may have lost an acknowledged record, and who may not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.lab.recording import Event

from .findings import Lost
from .recordings import (
    BOTH_WROTE,
    BY_1PRI,
    DISCARD,
    HEALING,
    SYNCED,
    by_time,
    cut,
    heads,
    kernel,
    modes,
    one_pass,
    refused,
    solved,
    split,
    story,
    wrote,
)
from .rules import lost, violations

HEALED_PAIR = by_time(HEALING, BOTH_WROTE)
MAIL = frozenset({"mail"})


def on_disks(*, alpha: str = "", beta: str = "") -> dict[tuple[str, int], frozenset[str]]:
    """Minor 0's records on both disks."""
    return {("alpha", 0): frozenset(alpha.split()), ("beta", 0): frozenset(beta.split())}


KEPT = on_disks(alpha="alpha-1", beta="alpha-1")
RECORDED = {"beta": ["mail"], "alpha": []}


def test_what_a_victim_gave_up_is_sound_and_counted() -> None:
    assert violations(HEALED_PAIR, KEPT, RECORDED, connected=MAIL) == []
    assert lost(HEALED_PAIR, KEPT, RECORDED, connected=MAIL) == (
        Lost("beta", 0, "mail", "beta-1", 2.2, ("alpha", "beta"), True),
    )


def test_what_was_given_up_without_a_record_of_it_is_caught() -> None:
    (sentence,) = violations(HEALED_PAIR, KEPT, {"beta": ["db"], "alpha": []}, connected=MAIL)
    assert sentence.startswith("data: beta at 2.20 s: records (1, the first is beta-1) ")
    assert "are missing on alpha and beta" in sentence


def test_a_node_that_could_not_be_asked_for_its_records_is_not_judged_by_them() -> None:
    assert violations(HEALED_PAIR, KEPT, {}, connected=MAIL) == []


def test_a_survivors_loss_is_caught() -> None:
    wrong = on_disks(alpha="beta-1", beta="beta-1")
    assert heads(violations(HEALED_PAIR, wrong, RECORDED, connected=MAIL)) == ["data: alpha at"]
    (one,) = lost(HEALED_PAIR, wrong, RECORDED, connected=MAIL)
    assert (one.record, one.allowed) == ("alpha-1", False)


def test_disks_that_differ_though_connected_are_caught() -> None:
    differ = on_disks(alpha="alpha-1")
    assert violations(HEALED_PAIR, differ, RECORDED) == []
    assert heads(violations(HEALED_PAIR, differ, RECORDED, connected=MAIL)) == ["data: alpha at"]


def test_a_record_written_while_connected_is_never_a_victims_to_give_up() -> None:
    early = [wrote(0.2, "beta", "beta-0")]
    events = by_time(HEALED_PAIR, early)
    assert heads(violations(events, KEPT, RECORDED)) == ["data: beta at"]
    both = on_disks(alpha="alpha-1 beta-0", beta="alpha-1 beta-0")
    assert violations(events, both, RECORDED, connected=MAIL) == []


def test_a_record_that_was_synced_is_never_a_later_victims_to_give_up() -> None:
    """alpha's was taken over by beta; then alpha is the victim of another split brain."""
    events = by_time(
        HEALING,
        BOTH_WROTE,
        cut(30),
        [wrote(31.5, "alpha", "alpha-2")],
        refused(33, alpha=0, beta=1),
        one_pass(40, "alpha", DISCARD),
        solved(50, victim="alpha"),
    )
    given_up = {"alpha": ["mail"], "beta": ["mail"]}
    assert violations(events, KEPT, given_up, connected=MAIL) == []
    assert heads(violations(events, on_disks(), given_up, connected=MAIL)) == ["data: alpha at"]


def test_a_record_that_only_the_peer_lacks_was_not_given_up() -> None:
    odd = on_disks(alpha="alpha-1", beta="alpha-1 beta-1")
    assert heads(violations(HEALED_PAIR, odd, RECORDED, connected=MAIL)) == ["data: beta at"]


def test_a_record_written_after_its_node_was_a_victim_is_not_given_up_by_that() -> None:
    events = by_time(HEALED_PAIR, cut(30), [wrote(32, "beta", "beta-2")])
    assert heads(violations(events, KEPT, RECORDED)) == ["data: beta at"]


def test_a_record_written_as_the_connection_was_lost_may_be_a_victims() -> None:
    events = by_time(HEALED_PAIR, [wrote(1.4, "beta", "beta-0")])
    assert violations(events, KEPT, RECORDED, connected=MAIL) == []


def test_an_unallowed_discard_excuses_no_loss() -> None:
    events = by_time(
        split(mode="reconnect"), BOTH_WROTE, one_pass(10, "beta", DISCARD), solved(SYNCED)
    )
    assert heads(violations(events, KEPT, RECORDED)) == ["invariant 2: beta", "data: beta at"]


@pytest.mark.parametrize(
    "first",
    [
        one_pass(10, "beta", DISCARD),
        [story(10, "beta", "drbdadm connect --discard-my-data mail")],
    ],
)
def test_the_discard_of_an_earlier_split_brain_excuses_no_later_loss(
    first: Sequence[Event],
) -> None:
    again = [*cut(30), wrote(32, "beta", "beta-2"), *solved(50, how=BY_1PRI)]
    events = by_time(split(), BOTH_WROTE, first, solved(SYNCED), again)
    (sentence,) = violations(events, KEPT, RECORDED)
    assert "the first is beta-2" in sentence


@pytest.mark.parametrize(("node", "broken"), [("beta", []), ("alpha", ["data: beta at"])])
def test_what_a_person_gave_up_is_sound(node: str, broken: list[str]) -> None:
    word = [story(10, node, "drbdadm connect --discard-my-data mail")]
    events = by_time(split(mode="reconnect"), BOTH_WROTE, word, solved(SYNCED))
    assert heads(violations(events, KEPT, {"beta": []}, connected=MAIL)) == broken


@pytest.mark.parametrize(("allowed", "broken"), [(True, []), (False, ["data: beta at"])])
def test_a_policys_loss_is_sound_only_where_the_story_allows_it(
    allowed: bool, broken: list[str]
) -> None:
    events = by_time(modes("reconnect"), cut(1), BOTH_WROTE, solved(SYNCED, how=BY_1PRI))
    sentences = violations(events, KEPT, RECORDED, connected=MAIL, allow_policy_losses=allowed)
    assert heads(sentences) == broken


def test_allowing_policies_allows_no_other_loss() -> None:
    events = by_time(modes("reconnect"), cut(1), BOTH_WROTE, solved(SYNCED))
    assert heads(violations(events, KEPT, RECORDED, allow_policy_losses=True)) == ["data: beta at"]


def test_a_loss_without_any_split_brain_is_caught() -> None:
    events = by_time(modes("discard"), cut(1), BOTH_WROTE)
    assert violations(events, on_disks(alpha="alpha-1", beta="beta-1"), {}) == []
    assert heads(violations(events, KEPT, RECORDED)) == ["data: beta at"]


def test_a_side_that_was_picked_in_vain_explains_no_loss() -> None:
    primary = kernel(SYNCED + 0.1, "beta", "I shall become SyncTarget, but I am primary!")
    events = by_time(HEALED_PAIR, [primary])
    assert heads(violations(events, KEPT, RECORDED)) == ["data: beta at"]


def test_a_disk_that_was_not_read_is_not_judged() -> None:
    events = by_time(modes("discard"), cut(1), BOTH_WROTE)
    assert violations(events, {("alpha", 0): frozenset({"alpha-1"})}, {}) == []
