"""What a decision says, and whether it calls a person, beside what it does."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from connector.decide.context import Context, Policy
from connector.decide.forecast import Loser, Loss, forecast
from connector.decide.policy import decide
from connector.decide.table import TABLE
from connector.model import (
    AfterSplitBrain,
    Cause,
    ConnectionState,
    DecisionName,
    DiskState,
    Evidence,
    Mode,
    Role,
)
from tests.builders import device, resource, volume

C = ConnectionState
D = DecisionName
LONG = Context(picture_age_s=1000.0, log_now_s=10_000.0)
DISCARD = replace(LONG, policy=Policy(mode=Mode.DISCARD))
STANDBY = resource(connection=C.STANDALONE, role=Role.SECONDARY)
WHY = "the kernel log says why"


def test_a_standby_without_any_evidence_has_nothing_to_explain() -> None:
    assert decide(STANDBY, LONG).reason == (
        "StandAlone, Secondary and not in use: the standby, cut off from its peer"
    )


@pytest.mark.parametrize("cause", list(Cause))
def test_a_cause_is_told_where_a_person_mends_it(cause: Cause) -> None:
    found = replace(STANDBY, evidence=Evidence(cause=cause, cause_at_s=1.0))
    reason = decide(found, LONG).reason
    if cause in (Cause.SPLIT_BRAIN, Cause.OPERATOR_DISCONNECT):
        assert WHY not in reason
    else:
        assert reason.endswith(f"{WHY}: {cause}")
    # Where nothing is to be done nothing is to be explained.
    waiting = resource(connection=C.WF_CONNECTION, role=Role.SECONDARY, evidence=found.evidence)
    assert WHY not in decide(waiting, LONG).reason


def test_a_split_brain_is_named_once_and_where_it_is_not_ended_here() -> None:
    evidence = Evidence(cause=Cause.SPLIT_BRAIN, cause_at_s=1.0)
    survivor = resource(connection=C.STANDALONE, role=Role.PRIMARY, evidence=evidence)
    assert decide(survivor, LONG).reason.endswith(
        "split brain: it ends when the other node gives its changes up "
        "(`connector recover mail --discard-my-data` there)"
    )
    assert decide(replace(STANDBY, evidence=evidence), DISCARD).reason.endswith("; split brain")
    # The gate says it already.
    assert decide(replace(STANDBY, evidence=evidence), LONG).reason.count("split brain") == 1


def test_what_cannot_be_told_is_named() -> None:
    nobody_looked = replace(STANDBY, volumes=(volume(used_by=None),))
    doubtful = replace(nobody_looked, doubts=("minor 0 is doubtful", "nobody claims it"))
    assert decide(doubtful, LONG).reason == "minor 0 is doubtful"
    assert decide(nobody_looked, LONG).reason == "whether it is in use here cannot be told"
    unconfigured = resource(connection=C.UNCONFIGURED, role=None)
    assert decide(unconfigured, LONG).reason == TABLE[-1].sentence


@pytest.mark.parametrize("connection", [C.STANDALONE, C.WF_CONNECTION])
def test_a_contradiction_calls_a_person(connection: ConnectionState) -> None:
    found = resource(connection=connection, role=Role.SECONDARY, in_use=True)
    decision = decide(found, LONG)
    assert decision.name is D.CONTRADICTION
    assert decision.needs_operator
    assert not decide(found, replace(LONG, paused="maintenance")).needs_operator


def test_a_resource_that_nobody_claims_calls_a_person_whatever_it_looks_like() -> None:
    assert not decide(resource(), LONG).needs_operator
    assert decide(replace(resource(), claimed=False), LONG).needs_operator


@pytest.mark.parametrize(("age_s", "needed"), [(None, False), (119.0, False), (120.0, True)])
def test_two_minutes_between_two_states_are_too_long(age_s: float | None, needed: bool) -> None:
    moving = resource(connection=C.BROKEN_PIPE, role=Role.SECONDARY)
    assert decide(moving, Context(picture_age_s=age_s)).needs_operator is needed
    assert decide(moving, Context(picture_age_s=86_400.0)).needs_operator


def test_the_rows_that_watch_wait_or_call() -> None:
    """Written out again from the design: what is in use has better things to do than to watch."""
    watched = {D.DEMOTE_AND_RECONNECT, D.RECONNECT_STANDBY, D.DEMOTE_AND_WAIT, D.WAIT}
    both = [row for row in TABLE if row.generation is None and row.alone is not False]
    assert {row.name for row in both if row.watch} == watched
    assert {row.name for row in both if not row.watch}.isdisjoint(watched)
    escalating = [row.name for row in TABLE if row.escalate]
    assert escalating == [D.CONTRADICTION, D.HOLD, D.CONTRADICTION, D.DIVERGED, D.UNKNOWN]
    assert [row.name for row in TABLE if row.lasting] == [D.TRANSIENT]


def test_two_primaries_are_counted_as_two() -> None:
    (loss,) = forecast(AfterSplitBrain(two_primaries="discard-both"), primary=True)
    assert loss == Loss(2, "discard-both", Loser.EITHER)
    assert loss.sentence == (
        "with two Primaries at the handshake, after-sb-2pri discard-both would give up the "
        "changes of one of the two sides"
    )


@pytest.mark.parametrize("word", ["discard-primary", "discard-sconedary", "violently"])
def test_whom_a_misspelt_word_hits_is_not_guessed(word: str) -> None:
    for primary in (False, True):
        found = forecast(AfterSplitBrain(one_primary=word), primary=primary)
        assert found == (Loss(1, word, Loser.EITHER),)


def test_waiting_is_new_until_it_has_settled() -> None:
    waiting = resource(connection=C.WF_CONNECTION, role=Role.SECONDARY)
    for age_s, watched in ((None, True), (9.9, True), (10.0, False)):
        assert decide(waiting, Context(picture_age_s=age_s, settle_s=10)).watch is watched


def test_a_volume_that_is_not_there_does_not_hide_a_bad_one_behind_it() -> None:
    outdated = device(minor=1, disk=DiskState.OUTDATED)
    found = resource(volumes=[volume(minor=0), volume(outdated, number=1)])
    decision = decide(found, LONG)
    assert decision.needs_operator
    assert decision.reason == "connected; the local disk of volume 1 is Outdated"


@pytest.mark.parametrize("value", [LONG, LONG.policy, TABLE[0], Loss(1, "x", Loser.HERE)])
def test_what_is_decided_upon_cannot_be_changed_meanwhile(value: object) -> None:
    name = next(iter(value.__dataclass_fields__))  # type: ignore[attr-defined]
    with pytest.raises(FrozenInstanceError):
        setattr(value, name, None)
