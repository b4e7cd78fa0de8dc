"""Several connections of one resource: one role, and at most one victim."""

from __future__ import annotations

import itertools

import pytest

from connector.act.commands import printable
from connector.decide.context import Context, Policy
from connector.decide.policy import decide
from connector.model import (
    AfterSplitBrain,
    Cause,
    ConnectionState,
    DecisionName,
    DiskState,
    Evidence,
    GateName,
    Mode,
    Resource,
    Role,
)
from tests.builders_9 import connection, resource, split

C = ConnectionState
D = DecisionName
LONG = Context(picture_age_s=1000.0, log_now_s=10_000.0)
DISCARD = Context(Policy(mode=Mode.DISCARD), picture_age_s=1000.0, log_now_s=10_000.0)
OPERATOR = Evidence(cause=Cause.OPERATOR_DISCONNECT, cause_at_s=9_000.0)


def commands(found: Resource, context: Context = LONG) -> list[str]:
    return [printable(action) for action in decide(found, context).actions]


def test_every_connection_has_its_decision_and_the_worst_speaks_for_all() -> None:
    found = resource(connection("beta"), connection("gamma", C.STANDALONE))
    decision = decide(found, LONG)
    assert [(item.peer, item.name) for item in decision.connections] == [
        ("beta", D.HEALTHY),
        ("gamma", D.RECONNECT_STANDBY),
    ]
    assert decision.name is D.RECONNECT_STANDBY
    assert decision.reason.startswith("gamma: StandAlone")
    assert commands(found) == ["drbdadm connect mail:gamma"]


def test_what_is_the_same_of_all_is_said_once() -> None:
    assert decide(resource(connection("beta"), connection("gamma")), LONG).reason == "connected"


def test_each_peer_that_is_apart_is_connected_by_its_own_command() -> None:
    found = resource(connection("beta", C.STANDALONE), connection("gamma", C.STANDALONE))
    assert commands(found) == ["drbdadm connect mail:beta", "drbdadm connect mail:gamma"]


def test_a_left_over_primary_is_demoted_once_for_all() -> None:
    found = resource(
        connection("beta", C.STANDALONE), connection("gamma", C.CONNECTING), role=Role.PRIMARY
    )
    assert commands(found) == ["drbdadm secondary mail", "drbdadm connect mail:beta"]


def test_a_primary_that_nothing_uses_was_made_one_by_hand() -> None:
    found = resource(connection("beta", C.CONNECTING), role=Role.PRIMARY)
    assert "made Primary by `drbdadm primary`, and nothing holds" in decide(found, LONG).reason


def test_a_primary_with_a_peer_keeps_its_role() -> None:
    found = resource(connection("beta", C.STANDALONE), connection("gamma"), role=Role.PRIMARY)
    assert commands(found) == ["drbdadm connect mail:beta"]
    waiting = resource(connection("beta", C.CONNECTING), connection("gamma"), role=Role.PRIMARY)
    assert decide(waiting, LONG).name is D.HOLD
    assert commands(waiting) == []


def test_nobody_is_demoted_where_a_gate_stands_before_one_of_the_links() -> None:
    """A policy that may give beta's changes up must not be met on the way to gamma."""
    policies = AfterSplitBrain("discard-younger-primary")
    links = (
        connection("beta", C.CONNECTING, out_of_sync_kib=8),
        connection("gamma", C.STANDALONE, evidence=OPERATOR),
    )
    found = resource(*links, role=Role.PRIMARY, after_sb=policies)
    assert commands(found) == []
    left = resource(*links, role=Role.PRIMARY)
    assert commands(left) == []
    assert GateName.OPERATOR_DISCONNECT in {gate.name for gate in decide(left, LONG).gates}


def test_a_disconnect_by_hand_towards_one_peer_leaves_the_other_alone() -> None:
    found = resource(
        connection("beta", C.STANDALONE, evidence=OPERATOR), connection("gamma", C.STANDALONE)
    )
    assert commands(found) == ["drbdadm connect mail:gamma"]


VICTIM = connection("alpha", C.STANDALONE, evidence=split())


def test_the_victim_gives_its_changes_up_to_the_node_in_use_only() -> None:
    """Connected to gamma, whose copy is alpha's: the link does not end the split brain."""
    outdated = DiskState.OUTDATED
    gamma = connection("gamma", disk=outdated, out_of_sync_kib=36)
    found = resource(VICTIM, gamma)
    assert commands(found, DISCARD) == ["drbdadm connect --discard-my-data mail:alpha"]
    assert commands(found) == []
    assert commands(resource(VICTIM), DISCARD) == ["drbdadm connect --discard-my-data mail:alpha"]


def test_a_person_is_told_which_connection_to_recover() -> None:
    several = decide(resource(VICTIM, connection("gamma", C.CONNECTING)), LONG)
    assert "`connector recover mail:alpha --discard-my-data` here" in several.reason
    assert "`connector recover mail --discard" in decide(resource(VICTIM), LONG).reason


def test_while_something_is_given_up_nothing_else_is_done() -> None:
    neither = split(peer=False)
    for gamma in (
        connection("gamma", C.STANDALONE),
        connection("gamma", C.STANDALONE, evidence=neither),
    ):
        found = resource(VICTIM, gamma)
        assert commands(found, DISCARD) == ["drbdadm connect --discard-my-data mail:alpha"]


@pytest.mark.parametrize(
    ("other", "why", "operator"),
    [
        (connection("gamma", C.STANDALONE, evidence=split()), "were both Primary", True),
        (connection("gamma", peer_role=Role.PRIMARY), "connected and Primary", True),
        (connection("gamma"), "its data are also those of gamma", True),
        (
            connection("gamma", C.SYNC_TARGET, disk=DiskState.INCONSISTENT),
            "a resync with gamma is under way",
            False,
        ),
    ],
)
def test_a_node_that_is_not_alone_with_its_data_is_no_victim(
    other: object, why: str, operator: bool
) -> None:
    found = resource(VICTIM, other)  # type: ignore[arg-type]
    decision = decide(found, DISCARD)
    assert decision.actions == ()
    (gate,) = [gate for gate in decision.gates if gate.name is GateName.VICTIM]
    assert why in gate.reason
    assert (gate.operator, decision.needs_operator) == (operator, operator)


def test_the_third_node_that_has_the_survivors_data_never_gives_anything_up() -> None:
    """gamma in a split brain of beta against both, also where beta was Primary at its handshake."""
    found = resource(
        connection("alpha", peer_role=Role.PRIMARY),
        connection("beta", C.STANDALONE, evidence=split()),
    )
    assert not any("discard" in line for line in commands(found, DISCARD))


def test_each_connection_has_its_own_attempts_and_its_own_time() -> None:
    found = resource(connection("beta", C.STANDALONE), connection("gamma", C.STANDALONE))
    worn = Context(attempts=3, picture_age_s=1000.0, log_now_s=10_000.0)
    context = Context(by_peer={"beta": worn, "gamma": LONG})
    decision = decide(found, context)
    assert [printable(action) for action in decision.actions] == ["drbdadm connect mail:gamma"]
    assert decision.needs_operator


def test_a_discard_without_evidence_is_taken_back() -> None:
    pending = Context(picture_age_s=1000.0, log_now_s=10_000.0, discard_pending=True)
    waiting = resource(connection("alpha", C.CONNECTING))
    assert commands(waiting, pending) == [
        "drbdadm disconnect mail:alpha",
        "drbdadm connect mail:alpha",
    ]
    assert "taken back" in decide(waiting, pending).reason
    still = resource(connection("alpha", C.CONNECTING, evidence=split()))
    assert commands(still, pending) == []
    assert commands(waiting) == []
    # Primary since: the kernel has forgotten it (measured), and it may be in use.
    for in_use in (True, False):
        active = resource(connection("alpha", C.CONNECTING), role=Role.PRIMARY, in_use=in_use)
        assert not any("disconnect" in line for line in commands(active, pending))


def test_read_only_use_is_let_be_and_its_holder_named() -> None:
    waiting = resource(connection("beta", C.CONNECTING), in_use=True)
    decision = decide(waiting, LONG)
    assert (decision.name, decision.actions, decision.needs_operator) == (D.HOLD, (), False)
    assert "held by /mnt/mail" in decision.reason
    apart = resource(connection("beta", C.STANDALONE, evidence=split()), in_use=True)
    for context in (LONG, DISCARD):
        assert commands(apart, context) == []
        assert decide(apart, context).needs_operator


def test_suspended_io_is_told_and_nobody_is_demoted_under_it() -> None:
    found = resource(connection("beta", C.CONNECTING), role=Role.PRIMARY, suspended=("quorum",))
    assert commands(found) == []
    assert "suspended (quorum)" in decide(found, LONG).reason
    connected = resource(connection("beta"), suspended=("user",))
    decision = decide(connected, LONG)
    assert (decision.name, decision.needs_operator) == (D.HEALTHY, False)
    assert decision.reason == "connected; I/O is suspended: user"


def test_the_invariants_hold_in_every_combination_of_two_links() -> None:
    evidences = [
        Evidence(),
        Evidence(readable=False),
        OPERATOR,
        split(),
        split(here=True, peer=False),
        split(here=False, peer=False),
    ]
    links = list(
        itertools.product(
            (None, C.STANDALONE, C.CONNECTING, C.CONNECTED, C.SYNC_TARGET),
            evidences,
            (Role.PRIMARY, Role.SECONDARY),
            (DiskState.UP_TO_DATE, DiskState.OUTDATED),
        )
    )
    seen = set()
    for (one, other), role, in_use in itertools.product(
        itertools.product(links, links), (Role.PRIMARY, Role.SECONDARY), (True, False)
    ):
        if one[3] is not other[3]:
            continue  # the local disk is one and the same
        found = resource(
            *(
                connection(
                    peer, state, evidence=evidence, peer_role=peer_role, disk=disk, role=role
                )
                for peer, (state, evidence, peer_role, disk) in (("beta", one), ("gamma", other))
            ),
            role=role,
            in_use=in_use,
        )
        for context in (LONG, DISCARD):
            lines = commands(found, context)
            seen.update(lines)
            discards = [line for line in lines if "discard" in line]
            if discards:
                assert context is DISCARD
                assert (role, in_use, lines) == (Role.SECONDARY, False, discards)
                assert len(discards) == 1
                (towards,) = [item for item in found.each if discards[0].endswith(f":{item.peer}")]
                assert towards.evidence == split()
                assert towards.connection is C.STANDALONE
            if "drbdadm secondary mail" in lines:
                assert lines[0] == "drbdadm secondary mail"
                assert (role, in_use) == (Role.PRIMARY, False)
                assert not {C.CONNECTED, C.SYNC_TARGET} & {one[0], other[0]}
    assert seen == {
        "drbdadm secondary mail",
        "drbdadm connect mail:beta",
        "drbdadm connect mail:gamma",
        "drbdadm connect --discard-my-data mail:beta",
        "drbdadm connect --discard-my-data mail:gamma",
    }
