"""Every combination of what can be seen, remembered and configured, against the invariants."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest

from connector.decide.context import Context, Policy
from connector.decide.policy import TRANSIENT_LASTS_S, decide
from connector.model import (
    WAITING,
    ActionKind,
    AfterSplitBrain,
    Cause,
    ConnectionState,
    DecisionName,
    DiskState,
    Evidence,
    GateName,
    Handshake,
    Mode,
    Resource,
    Role,
    Use,
    UseKind,
)
from tests.builders import device, resource, volume

C = ConnectionState
A = ActionKind
MOUNTED = (Use(UseKind.MOUNT, "/mnt/mail"),)


def handshake(*, here: bool, peer: bool, peer_flags: int = 0) -> Handshake:
    """A handshake in which each side was Primary or not."""
    return Handshake(0, 0x4F98 | here, 0x4F96 | peer, 9, 5, 0, peer_flags)


def split(*, here: bool, peer: bool, peer_flags: int = 0) -> Evidence:
    """An unresolved split brain with its handshake."""
    return Evidence(
        cause=Cause.SPLIT_BRAIN,
        cause_at_s=100.0,
        handshakes=(handshake(here=here, peer=peer, peer_flags=peer_flags),),
    )


EVIDENCE = {
    "none": Evidence(),
    "unreadable": Evidence(readable=False),
    "operator": Evidence(cause=Cause.OPERATOR_DISCONNECT, cause_at_s=100.0),
    "authentication": Evidence(cause=Cause.AUTHENTICATION, cause_at_s=100.0),
    "split, peer active": split(here=False, peer=True),
    "split, here active": split(here=True, peer=False),
    "split, both active": split(here=True, peer=True),
    "split, neither active": split(here=False, peer=False),
    "split, no lines": Evidence(cause=Cause.SPLIT_BRAIN, cause_at_s=100.0),
}
POLICIES = [
    AfterSplitBrain(),
    AfterSplitBrain("discard-zero-changes", "discard-secondary", "disconnect"),
    AfterSplitBrain("discard-younger-primary", "disconnect", "violently-as0p"),
]


def everything() -> Iterator[tuple[Resource, Context]]:
    """Connection x role x use x disk x out of sync x evidence x policies x mode x memory."""
    seen = itertools.product(
        (None, *ConnectionState),
        (None, Role.PRIMARY, Role.SECONDARY),
        (None, True, False),
        (DiskState.UP_TO_DATE, DiskState.DISKLESS, DiskState.INCONSISTENT),
        (0, 36, None),
        EVIDENCE.values(),
        POLICIES,
    )
    contexts = [
        Context(
            policy=Policy(mode=mode),
            attempts=attempts,
            picture_age_s=age_s,
            log_now_s=200.0,
            paused=paused,
        )
        for mode in Mode
        for attempts, age_s, paused in (
            (0, 100.0, None),
            (3, 100.0, None),
            (0, 5.0, None),
            (0, 100.0, "maintenance"),
        )
    ]
    for connection, role, in_use, disk, oos, evidence, after_sb in seen:
        used_by = None if in_use is None else MOUNTED if in_use else ()
        shown = device(connection=connection, role=role, disk=disk, out_of_sync_kib=oos)
        found = resource(
            connection=connection,
            role=role,
            volumes=[volume(shown, used_by=used_by)],
            evidence=evidence,
            after_sb=after_sb,
        )
        for context in contexts:
            yield found, context


def test_the_invariants_hold_in_every_combination() -> None:
    count = 0
    for found, context in everything():
        decision = decide(found, context)
        kinds = [action.kind for action in decision.actions]
        mode = context.policy.mode
        count += 1
        assert decision.reason
        # 1: nothing is given up where it is Primary or in use.
        if A.CONNECT_DISCARD in kinds:
            assert found.role is Role.SECONDARY
            assert found.in_use is False
            assert found.connection is C.STANDALONE
            # 2: nor without the mode for it.
            assert mode is Mode.DISCARD
            # 8: nor unless the handshake showed the peer, and only the peer, as Primary.
            assert found.evidence is EVIDENCE["split, peer active"]
            assert kinds == [A.CONNECT_DISCARD]
            assert decision.may_discard
        # 3: in mode reconnect nothing that DRBD's policies could turn into a loss.
        if mode is Mode.RECONNECT and kinds and found.after_sb is POLICIES[2]:
            pytest.fail(f"acts although after-sb-0pri may pick a loser: {found}")
        if mode is Mode.RECONNECT and kinds and found.after_sb is POLICIES[1]:
            assert found.out_of_sync_kib == 0
            assert found.role is Role.SECONDARY or A.SECONDARY in kinds
        # 6: nothing in doubt.
        if None in (found.connection, found.role, found.in_use) or not found.evidence.readable:
            assert kinds == []
        if A.SECONDARY in kinds:
            assert found.role is Role.PRIMARY
            assert found.in_use is False
            assert (context.picture_age_s or 0) >= context.policy.demote_grace_s
        # Never against a person's word, never for ever, never in mode observe.
        if kinds:
            assert context.paused is None
            assert context.attempts < context.policy.max_attempts
            assert mode is not Mode.OBSERVE
            assert found.evidence.cause is not Cause.OPERATOR_DISCONNECT or (
                found.connection in WAITING
            )
        # Each action says what it needs, and the first what was seen.
        for action in decision.actions[:1]:
            assert action.requires == found.picture
        # 7: the same again gives the same.
        if count % 97 == 0:
            assert decide(found, context) == decision
    assert count > 300_000


def stand_alone(role: Role, *, in_use: bool, **more: object) -> Resource:
    """A StandAlone resource."""
    return replace(
        resource(connection=C.STANDALONE, role=role, in_use=in_use, out_of_sync_kib=36),
        **more,  # type: ignore[arg-type]
    )


def kinds(found: Resource, context: Context) -> list[ActionKind]:
    """The commands of the decision."""
    return [action.kind for action in decide(found, context).actions]


def gates(found: Resource, context: Context) -> list[GateName]:
    """The gates of the decision."""
    return [gate.name for gate in decide(found, context).gates]


LONG = Context(picture_age_s=1000.0, log_now_s=10_000.0)
DISCARD = replace(LONG, policy=Policy(mode=Mode.DISCARD))


def test_the_standby_of_a_split_brain_gives_up_in_mode_discard_only() -> None:
    standby = stand_alone(Role.SECONDARY, in_use=False, evidence=EVIDENCE["split, peer active"])
    assert kinds(standby, DISCARD) == [A.CONNECT_DISCARD]
    left = decide(standby, LONG)
    assert left.actions == ()
    assert left.needs_operator
    assert [gate.name for gate in left.gates] == [GateName.MODE]
    assert "connector recover mail" in left.reason


def test_the_survivor_connects_in_both_modes_and_says_what_ends_it() -> None:
    survivor = stand_alone(Role.PRIMARY, in_use=True, evidence=EVIDENCE["split, here active"])
    assert kinds(survivor, DISCARD) == [A.CONNECT]
    assert kinds(survivor, LONG) == [A.CONNECT]
    assert decide(survivor, LONG).needs_operator
    assert not decide(survivor, DISCARD).needs_operator
    assert "connector recover mail" in decide(survivor, LONG).reason


@pytest.mark.parametrize("name", ["split, both active", "split, here active", "split, no lines"])
def test_a_handshake_that_no_longer_says_who_is_active_is_made_anew(name: str) -> None:
    standby = stand_alone(Role.SECONDARY, in_use=False, evidence=EVIDENCE[name])
    assert kinds(standby, DISCARD) == [A.CONNECT]


def test_nobody_gives_up_where_nobody_can_say_which_copy_is_right() -> None:
    neither = EVIDENCE["split, neither active"]
    standby = stand_alone(Role.SECONDARY, in_use=False, evidence=neither)
    just_now = replace(DISCARD, log_now_s=100.0 + 59)
    assert gates(standby, just_now) == [GateName.EVIDENCE]
    assert decide(standby, just_now).needs_operator


def test_that_neither_was_primary_is_asked_again_after_a_while() -> None:
    """The peer may have become one since, and then its copy is the one to keep."""
    neither = EVIDENCE["split, neither active"]
    standby = stand_alone(Role.SECONDARY, in_use=False, evidence=neither)
    later = replace(DISCARD, log_now_s=100.0 + 60)
    assert kinds(standby, later) == [A.CONNECT]
    # Four times as long each time; the last one is for the discard.
    assert gates(standby, replace(later, attempts=1)) == [GateName.EVIDENCE]
    later = replace(DISCARD, log_now_s=100.0 + 240)
    assert kinds(standby, replace(later, attempts=1)) == [A.CONNECT]
    assert gates(standby, replace(later, attempts=2)) == [GateName.EVIDENCE]
    assert gates(standby, replace(later, attempts=3)) == [GateName.EVIDENCE, GateName.ATTEMPTS]
    assert gates(standby, replace(LONG, log_now_s=later.log_now_s)) == [GateName.MODE]
    assert gates(standby, replace(later, log_now_s=0.0)) == [GateName.EVIDENCE]


def test_volumes_that_disagree_about_the_roles_prove_nothing() -> None:
    both = (handshake(here=False, peer=True), handshake(here=False, peer=False))
    evidence = Evidence(cause=Cause.SPLIT_BRAIN, cause_at_s=1.0, handshakes=both)
    standby = stand_alone(Role.SECONDARY, in_use=False, evidence=evidence)
    assert gates(standby, replace(DISCARD, log_now_s=2.0)) == [GateName.EVIDENCE]
    assert kinds(standby, DISCARD) == [A.CONNECT]


@pytest.mark.parametrize("disk", [DiskState.DISKLESS, DiskState.FAILED, None])
def test_without_a_local_disk_nothing_is_given_up(disk: DiskState | None) -> None:
    shown = device(connection=C.STANDALONE, role=Role.SECONDARY, disk=disk)
    standby = resource(
        connection=C.STANDALONE,
        role=Role.SECONDARY,
        volumes=[volume(shown, used_by=())],
        evidence=EVIDENCE["split, peer active"],
    )
    assert gates(standby, DISCARD) == [GateName.DISK]


def test_a_demotion_waits_for_its_grace() -> None:
    left_over = stand_alone(Role.PRIMARY, in_use=False)
    assert gates(left_over, Context(picture_age_s=None)) == [GateName.GRACE]
    young = decide(left_over, Context(picture_age_s=89.0))
    assert [gate.name for gate in young.gates] == [GateName.GRACE]
    assert not young.needs_operator
    assert kinds(left_over, Context(picture_age_s=90.0)) == [A.SECONDARY, A.CONNECT]


def test_a_demotions_second_step_needs_a_secondary() -> None:
    first, second = decide(stand_alone(Role.PRIMARY, in_use=False), LONG).actions
    assert (first.requires.role, second.requires.role) == (Role.PRIMARY, Role.SECONDARY)


def test_an_operators_disconnect_is_left_alone_for_its_time() -> None:
    standby = stand_alone(Role.SECONDARY, in_use=False, evidence=EVIDENCE["operator"])
    early = decide(standby, replace(LONG, log_now_s=100.0 + 3599))
    assert [gate.name for gate in early.gates] == [GateName.OPERATOR_DISCONNECT]
    assert not early.needs_operator
    assert kinds(standby, replace(LONG, log_now_s=100.0 + 3600)) == [A.CONNECT]


def test_a_disconnect_yet_to_come_on_the_logs_clock_is_one_of_now() -> None:
    standby = stand_alone(Role.SECONDARY, in_use=False, evidence=EVIDENCE["operator"])
    [gate] = decide(standby, replace(LONG, log_now_s=40.0)).gates
    assert gate.reason == "an operator disconnected it; left alone for another 3600 s"
    at_once = replace(LONG, log_now_s=40.0, policy=Policy(respect_disconnect_s=0))
    assert kinds(standby, at_once) == [A.CONNECT]


def test_the_usual_policies_do_not_stop_a_standby_that_has_nothing_to_lose() -> None:
    usual = POLICIES[1]
    clean = replace(resource(connection=C.STANDALONE, role=Role.SECONDARY), after_sb=usual)
    assert clean.out_of_sync_kib == 0
    assert kinds(clean, LONG) == [A.CONNECT]
    changed = stand_alone(Role.SECONDARY, in_use=False, after_sb=usual)
    assert gates(changed, LONG) == [GateName.FORECAST]
    assert decide(changed, LONG).needs_operator
    assert kinds(changed, DISCARD) == [A.CONNECT]


def test_also_mode_discard_does_not_let_a_policy_pick_the_loser() -> None:
    anyone = stand_alone(Role.SECONDARY, in_use=False, after_sb=POLICIES[2])
    assert gates(anyone, DISCARD) == [GateName.FORECAST]
    active = stand_alone(Role.PRIMARY, in_use=True, after_sb=POLICIES[2])
    assert gates(active, DISCARD) == [GateName.FORECAST]


def test_after_max_attempts_a_person_is_needed() -> None:
    standby = stand_alone(Role.SECONDARY, in_use=False)
    assert kinds(standby, replace(LONG, attempts=2)) == [A.CONNECT]
    worn_out = decide(standby, replace(LONG, attempts=3))
    assert [gate.name for gate in worn_out.gates] == [GateName.ATTEMPTS]
    assert worn_out.needs_operator


def test_a_pause_silences_and_a_cluster_manager_is_left_to_it() -> None:
    standby = stand_alone(Role.SECONDARY, in_use=False)
    paused = decide(standby, replace(LONG, paused="maintenance"))
    assert [gate.name for gate in paused.gates] == [GateName.PAUSE]
    assert not paused.needs_operator
    assert "maintenance" in paused.reason
    managed = replace(standby, managed_by="Pacemaker")
    assert gates(managed, LONG) == [GateName.MANAGED]
    assert kinds(managed, replace(LONG, policy=Policy(act_if_managed=True))) == [A.CONNECT]


def test_mode_observe_says_what_it_would_do() -> None:
    standby = stand_alone(Role.SECONDARY, in_use=False)
    watched = decide(standby, replace(LONG, policy=Policy(mode=Mode.OBSERVE)))
    assert watched.actions == ()
    assert [action.kind for action in watched.would] == [A.CONNECT]
    assert [gate.name for gate in watched.gates] == [GateName.MODE]


def test_a_lost_memory_makes_the_pass_observe() -> None:
    standby = stand_alone(Role.SECONDARY, in_use=False)
    assert gates(standby, replace(LONG, memory_lost=True)) == [GateName.MODE]


def test_a_minor_that_nobody_claims_is_never_acted_upon() -> None:
    stray = replace(
        stand_alone(Role.SECONDARY, in_use=False), claimed=False, doubts=("nobody claims it",)
    )
    decision = decide(stray, LONG)
    assert decision.name is DecisionName.UNKNOWN
    assert decision.needs_operator
    assert decision.would == ()


def test_what_lasts_between_two_states_needs_a_person_in_the_end() -> None:
    moving = resource(connection=C.NETWORK_FAILURE, role=Role.SECONDARY)
    assert not decide(moving, Context(picture_age_s=TRANSIENT_LASTS_S - 1)).needs_operator
    assert decide(moving, Context(picture_age_s=TRANSIENT_LASTS_S)).needs_operator


@pytest.mark.parametrize("disk", [DiskState.DISKLESS, DiskState.INCONSISTENT, DiskState.OUTDATED])
def test_connected_over_a_bad_disk_is_not_all_well(disk: DiskState) -> None:
    decision = decide(resource(volumes=[volume(device(peer_disk=disk))]), LONG)
    assert decision.name is DecisionName.HEALTHY
    assert decision.needs_operator
    assert f"the peer's disk of volume 0 is {disk}" in decision.reason


def test_waiting_is_watched_when_it_begins_and_not_for_hours() -> None:
    waiting = resource(connection=C.WF_CONNECTION, role=Role.SECONDARY)
    assert decide(waiting, Context(picture_age_s=0.0)).watch
    assert not decide(waiting, Context(picture_age_s=60.0)).watch
