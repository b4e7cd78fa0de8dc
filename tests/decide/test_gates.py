"""Each gate by itself: what closes it, what opens it, whether a person is needed, what is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.decide.context import Context, Policy
from connector.decide.policy import decide
from connector.model import (
    ActionKind,
    AfterSplitBrain,
    Cause,
    ConnectionState,
    DiskState,
    Evidence,
    Gate,
    GateName,
    Handshake,
    Mode,
    Resource,
    Role,
)
from connector.settings import RunSettings
from tests.builders import device, resource, volume

C = ConnectionState
G = GateName
OPERATOR = Evidence(cause=Cause.OPERATOR_DISCONNECT, cause_at_s=100.0)
LONG = Context(picture_age_s=1000.0, log_now_s=10_000.0)
DISCARD = replace(LONG, policy=Policy(mode=Mode.DISCARD))
OBSERVE = replace(LONG, policy=Policy(mode=Mode.OBSERVE))


def split(*, here: int = 0, peer: int = 1) -> Evidence:
    """An unresolved split brain, whose handshake showed each side as Primary (1) or not (0)."""
    shown = Handshake(0, 0x4F98 | here, 0x4F96 | peer, 9, 5, 0, 0)
    return Evidence(cause=Cause.SPLIT_BRAIN, cause_at_s=100.0, handshakes=(shown,))


def apart(
    role: Role = Role.SECONDARY,
    *,
    in_use: bool = False,
    connection: ConnectionState = C.STANDALONE,
    evidence: Evidence | None = None,
    after_sb: AfterSplitBrain | None = None,
    out_of_sync_kib: int | None = 36,
) -> Resource:
    """A resource without its peer; the standby unless another role is said."""
    return resource(
        connection=connection,
        role=role,
        in_use=in_use,
        evidence=evidence or Evidence(),
        after_sb=after_sb or AfterSplitBrain(),
        out_of_sync_kib=out_of_sync_kib,
    )


def gates(found: Resource, context: Context) -> tuple[Gate, ...]:
    """The gates of the decision."""
    return decide(found, context).gates


def names(found: Resource, context: Context) -> list[GateName]:
    """Their names."""
    return [gate.name for gate in gates(found, context)]


DISKLESS = resource(
    connection=C.STANDALONE,
    role=Role.SECONDARY,
    volumes=[
        volume(
            device(connection=C.STANDALONE, role=Role.SECONDARY, disk=DiskState.DISKLESS),
            used_by=(),
        )
    ],
    evidence=split(),
)
# The split brain of `split` was found a second ago.
JUST_SPLIT = replace(DISCARD, log_now_s=101.0)
ANYONE = AfterSplitBrain("discard-younger-primary")
# What closes each gate, alone; and whether only a person can open it again.
CLOSED = [
    (G.PAUSE, False, apart(), replace(LONG, paused="maintenance")),
    (G.MANAGED, False, replace(apart(), managed_by="Pacemaker"), LONG),
    (G.MODE, True, apart(), OBSERVE),
    (G.MODE, True, apart(), replace(LONG, memory_lost=True)),
    (G.MODE, True, apart(evidence=split()), LONG),
    (G.OPERATOR_DISCONNECT, False, apart(evidence=OPERATOR), replace(LONG, log_now_s=200.0)),
    (G.EVIDENCE, True, apart(evidence=Evidence(readable=False)), LONG),
    (G.EVIDENCE, True, apart(evidence=split(here=0, peer=0)), JUST_SPLIT),
    (
        G.EVIDENCE,
        True,
        apart(
            evidence=replace(split(), handshakes=(*split().handshakes, *split(peer=0).handshakes))
        ),
        JUST_SPLIT,
    ),
    (G.DISK, True, DISKLESS, DISCARD),
    (G.FORECAST, True, apart(after_sb=ANYONE), LONG),
    (G.ATTEMPTS, True, apart(), replace(LONG, attempts=3)),
    (G.GRACE, False, apart(Role.PRIMARY), replace(LONG, picture_age_s=5.0)),
    (G.SUSPENDED, False, replace(apart(Role.PRIMARY), suspended=("quorum",)), LONG),
    (G.SUSPENDED, True, replace(apart(), force_io_failures=True), LONG),
]


def test_who_only_looks_is_told_of_a_split_brain_and_where_to_begin() -> None:
    (gate,) = gates(apart(evidence=split()), OBSERVE)
    assert gate.reason == (
        "split brain, and mode is observe: this agent never acts here; "
        "`connector recover mail` shows what to do"
    )


@pytest.mark.parametrize(("name", "operator", "found", "context"), CLOSED)
def test_a_gate_that_opens_by_itself_needs_nobody(
    name: GateName, operator: bool, found: Resource, context: Context
) -> None:
    (gate,) = gates(found, context)
    assert (gate.name, gate.operator) == (name, operator)
    assert gate.reason
    decision = decide(found, context)
    assert decision.actions == ()
    assert decision.would != ()
    assert gate.reason in decision.reason
    assert decision.needs_operator is operator


def test_every_gate_is_closed_by_something_above() -> None:
    # Who the victim is, only several connections tell: test_combine.py.
    assert {name for name, *_ in CLOSED} == set(GateName) - {G.VICTIM}


def test_a_person_is_not_called_while_a_gate_opens_by_itself() -> None:
    """One that only a person opens, beside one that waits for its time."""
    worn_out = replace(LONG, attempts=3, picture_age_s=5.0)
    decision = decide(apart(Role.PRIMARY), worn_out)
    assert [gate.name for gate in decision.gates] == [G.ATTEMPTS, G.GRACE]
    assert not decision.needs_operator


def test_only_a_persons_disconnect_is_respected() -> None:
    """An authentication that failed a moment ago is no word of a person's."""
    failed = Evidence(cause=Cause.AUTHENTICATION, cause_at_s=100.0)
    assert names(apart(evidence=failed), replace(LONG, log_now_s=101.0)) == []


def test_a_persons_disconnect_without_its_time_cannot_be_respected() -> None:
    assert names(apart(evidence=replace(OPERATOR, cause_at_s=None)), LONG) == []


def test_a_persons_disconnect_is_left_alone_for_its_time_and_no_longer() -> None:
    (gate,) = gates(apart(evidence=OPERATOR), replace(LONG, log_now_s=200.0))
    assert gate.reason == "an operator disconnected it; left alone for another 3500 s"
    for later_s in (3700.0, 3701.0, 90_000.0):
        assert names(apart(evidence=OPERATOR), replace(LONG, log_now_s=later_s)) == []


def test_a_demotion_that_waits_for_its_peer_has_not_been_disconnected() -> None:
    """The operator connected it again since: what is left to do is no connect."""
    waiting = apart(Role.PRIMARY, connection=C.WF_CONNECTION, evidence=OPERATOR)
    decision = decide(waiting, replace(LONG, log_now_s=200.0))
    assert [action.kind for action in decision.actions] == [ActionKind.SECONDARY]


def test_grace_is_counted_from_the_first_look() -> None:
    for age_s, left in ((None, "90 s"), (0.0, "90 s"), (30.0, "60 s")):
        (gate,) = gates(apart(Role.PRIMARY), replace(LONG, picture_age_s=age_s))
        assert gate.reason.endswith(f"demoted if it lasts another {left}")


def test_the_forecast_is_for_the_role_at_the_next_handshake() -> None:
    """A survivor stays Primary, and after-sb-0pri is not asked; a left-over is demoted before."""
    survivor = apart(Role.PRIMARY, in_use=True, after_sb=ANYONE)
    assert names(survivor, LONG) == []
    assert names(apart(Role.PRIMARY, after_sb=ANYONE), LONG) == [G.FORECAST]


def test_an_amount_that_is_not_known_may_be_lost() -> None:
    usual = AfterSplitBrain("discard-zero-changes", "discard-secondary")
    assert names(apart(after_sb=usual, out_of_sync_kib=0), LONG) == []
    assert names(apart(after_sb=usual, out_of_sync_kib=None), LONG) == [G.FORECAST]


def test_of_several_losses_the_one_with_the_fewest_primaries_is_told() -> None:
    both = AfterSplitBrain("discard-younger-primary", "discard-secondary")
    (gate,) = gates(apart(after_sb=both), LONG)
    assert gate.reason == (
        "with no Primary at the handshake, after-sb-0pri discard-younger-primary would give up "
        "the changes of one of the two sides, so this node does not connect"
    )


def test_what_may_be_given_up_is_known_beforehand() -> None:
    usual = AfterSplitBrain("discard-zero-changes", "discard-secondary")
    by_our_word = decide(apart(evidence=split()), DISCARD)
    assert [action.kind for action in by_our_word.actions] == [ActionKind.CONNECT_DISCARD]
    assert by_our_word.may_discard
    by_drbds_policy = decide(apart(after_sb=usual), DISCARD)
    assert [action.kind for action in by_drbds_policy.actions] == [ActionKind.CONNECT]
    assert by_drbds_policy.may_discard
    assert not decide(apart(), DISCARD).may_discard
    # Nothing is given up where nothing is done.
    waiting = apart(connection=C.WF_CONNECTION, after_sb=usual)
    assert not decide(waiting, DISCARD).may_discard


def test_mode_discard_accepts_no_policy_that_picks_the_loser_against_one_primary() -> None:
    """It is the one loss that the mode is for only where it is certain whose it is."""
    guessing = AfterSplitBrain(one_primary="discard-sconedary")
    assert names(apart(Role.PRIMARY, in_use=True, after_sb=guessing), DISCARD) == [G.FORECAST]
    certain = AfterSplitBrain(one_primary="discard-secondary")
    assert names(apart(Role.PRIMARY, in_use=True, after_sb=certain), DISCARD) == []


def test_a_survivor_needs_no_handshake_that_says_which_copy_is_right() -> None:
    """Its connect gives nothing up, and makes the kernel compare again."""
    survivor = apart(Role.PRIMARY, in_use=True, evidence=split(here=0, peer=0))
    assert names(survivor, DISCARD) == []


def test_more_attempts_than_are_allowed_by_now_are_too_many() -> None:
    fewer = replace(LONG, attempts=4, policy=Policy(max_attempts=2))
    (gate,) = gates(apart(), fewer)
    assert gate.name is G.ATTEMPTS
    assert gate.reason == (
        "4 attempts did not bring the pair together; no more are made until `connector resume mail`"
    )


@pytest.mark.parametrize(("disk", "word"), [(DiskState.FAILED, "Failed"), (None, "unknown")])
def test_what_the_disk_is_instead_is_told(disk: DiskState | None, word: str) -> None:
    shown = device(connection=C.STANDALONE, role=Role.SECONDARY, disk=disk)
    (gate,) = gates(replace(DISKLESS, volumes=(volume(shown, used_by=()),)), DISCARD)
    assert gate.reason == f"volume 0 has no local disk ({word})"


def test_a_context_that_says_nothing_is_a_first_look() -> None:
    first = Context()
    assert (first.attempts, first.log_now_s, first.picture_age_s) == (0, 0.0, None)
    assert (first.paused, first.memory_lost) == (None, False)
    assert first.settle_s == RunSettings().settle_s
