"""The rules about several commands: a recording that keeps each, and one that breaks it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.lab.recording import Event

from .recordings import (
    BY_0PRI,
    BY_1PRI,
    CONNECT,
    DISCARD,
    HEALING,
    SYNCED,
    by_time,
    conn,
    cut,
    found,
    heads,
    kernel,
    modes,
    one_pass,
    refused,
    solved,
    split,
    story,
)

# -- 8: never both ----------------------------------------------------------------------------


def test_two_victims_are_caught() -> None:
    """Both of them by `recover`, which picks the standby: rule 8 for one node does not see it."""
    word = "recover mail --yes"
    events = by_time(
        split(),
        one_pass(10, "beta", DISCARD, arguments=word),
        one_pass(15, "alpha", DISCARD, arguments=word),
    )
    (sentence,) = found(events)
    assert sentence.startswith("invariant 8: alpha at 16.00 s: ")
    assert sentence.endswith("although beta was giving its changes up already")


def test_two_victims_of_two_split_brains_are_sound() -> None:
    events = by_time(
        HEALING,
        cut(30),
        refused(33, alpha=0, beta=1),
        one_pass(40, "alpha", DISCARD),
        solved(50, victim="alpha"),
    )
    assert found(events) == []


def test_a_second_victim_after_a_new_refusal_is_sound() -> None:
    """The refusal has ended the first one's discard, and said that the roles are others now."""
    events = by_time(
        split(),
        one_pass(10, "beta", DISCARD),
        refused(13, alpha=0, beta=1),
        one_pass(15, "alpha", DISCARD),
    )
    assert found(events) == []


@pytest.mark.parametrize(
    ("word", "node"), [("recover mail --yes --discard-my-data", "alpha"), ("recover mail", "beta")]
)
def test_what_a_person_chose_or_one_node_tries_again_is_sound(word: str, node: str) -> None:
    events = by_time(
        split(),
        one_pass(10, "beta", DISCARD, arguments="recover mail --yes"),
        one_pass(15, node, DISCARD, arguments=word),
    )
    assert found(events) == []


def test_a_victim_of_before_the_last_connected_is_none_of_this_split_brain() -> None:
    later = one_pass(40, "alpha", DISCARD, arguments="recover mail --yes")
    assert found(by_time(HEALING, cut(30), later)) == []


# -- 3: no loss by a policy --------------------------------------------------------------------

LINK_BACK = [story(15, "", "link restored")]


def test_a_policy_loss_that_connect_led_to_is_caught() -> None:
    lost_by_policy = solved(SYNCED, how=BY_1PRI)
    events = by_time(split(mode="reconnect"), one_pass(10, "beta", CONNECT), lost_by_policy)
    (sentence,) = found(events)
    assert sentence.startswith("invariant 3: beta at 11.00 s: `drbdadm connect mail` had DRBD give")
    by_discard = by_time(split(mode="discard"), one_pass(10, "beta", CONNECT), lost_by_policy)
    assert found(by_discard) == []


def test_a_policy_loss_that_a_demotion_led_to_is_caught() -> None:
    demoted = [kernel(11.2, "beta", "role( Primary -> Secondary ) ")]
    events = by_time(
        modes("reconnect"),
        cut(1),
        one_pass(10, "beta", "secondary mail", connection="WFConnection", role="Primary"),
        demoted,
        LINK_BACK,
        solved(SYNCED, how=BY_1PRI),
    )
    assert heads(found(events)) == ["invariant 3: beta"]


@pytest.mark.parametrize(
    "before",
    [
        by_time(modes("reconnect"), cut(1), LINK_BACK),
        by_time(
            modes("reconnect"),
            cut(1),
            one_pass(10, "beta", CONNECT, connection="WFConnection"),
            LINK_BACK,
        ),
        by_time(
            split(mode="reconnect"),
            one_pass(10, "beta", CONNECT),
            [conn(12, "beta", "WFConnection", "StandAlone")],
        ),
    ],
    ids=["no command", "one without effect", "one that was over"],
)
def test_a_policy_loss_of_drbds_own_making_is_sound(before: Sequence[Event]) -> None:
    assert found(by_time(before, solved(SYNCED, how=BY_0PRI))) == []


def test_a_policy_that_gives_up_a_side_without_changes_is_sound() -> None:
    nothing = solved(SYNCED, how=BY_0PRI, bits=0)
    events = by_time(split(mode="reconnect"), one_pass(10, "beta", CONNECT), nothing)
    assert found(events) == []


def test_a_policy_loss_after_others_changed_a_role_is_not_held_against_connector() -> None:
    others = [kernel(15, "alpha", "role( Secondary -> Primary ) ")]
    lost_by_policy = solved(SYNCED, how=BY_1PRI)
    events = by_time(split(mode="reconnect"), one_pass(10, "beta", CONNECT), others, lost_by_policy)
    assert found(events) == []


def test_a_demotion_without_effect_leads_to_nothing() -> None:
    lost_by_policy = solved(SYNCED, how=BY_1PRI)
    no_effect = one_pass(10, "beta", "secondary mail", connection="WFConnection")
    assert found(by_time(modes("reconnect"), cut(1), no_effect, lost_by_policy)) == []


def test_a_command_leads_to_nothing_once_they_had_agreed() -> None:
    together = [
        change
        for node in ("alpha", "beta")
        for change in (
            kernel(13, node, "conn( WFReportParams -> Connected ) "),
            conn(15, node, "Connected", "NetworkFailure"),
        )
    ]
    lost_by_policy = solved(SYNCED, how=BY_1PRI)
    connects = one_pass(10, "beta", CONNECT)
    events = by_time(split(mode="reconnect"), connects, together, lost_by_policy)
    assert found(events) == []


def test_a_demotion_by_a_person_on_the_other_node_is_a_change_by_others() -> None:
    demoted = [kernel(11.2, "beta", "role( Primary -> Secondary ) ")]
    others = [kernel(13, "alpha", "role( Primary -> Secondary ) ")]
    ours = one_pass(10, "beta", "secondary mail", connection="WFConnection", role="Primary")
    lost_by_policy = solved(SYNCED, how=BY_0PRI)
    events = by_time(modes("reconnect"), cut(1), ours, demoted, others, lost_by_policy)
    assert found(events) == []


def test_what_a_person_has_recover_do_is_not_held_against_the_agent() -> None:
    person = one_pass(10, "beta", CONNECT, arguments="recover mail --keep-my-data --yes")
    lost_by_policy = solved(SYNCED, how=BY_1PRI)
    assert found(by_time(split(mode="reconnect"), person, lost_by_policy)) == []
