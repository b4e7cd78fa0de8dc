"""A person's plan: what is done here, what there, what is lost, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.act.commands import printable
from connector.errors import OperatorNeeded
from connector.model import (
    AfterSplitBrain,
    Cause,
    ConnectionState,
    DiskState,
    Evidence,
    Handshake,
    Resource,
    Role,
)
from connector.recover.plan import Plan, lines, plan
from connector.recover.view import view_lines
from tests.builders import device, resource, volume

C = ConnectionState
SPLIT = Evidence(
    cause=Cause.SPLIT_BRAIN, cause_at_s=1.0, handshakes=(Handshake(0, 0x10, 0x21, 9, 5, 0, 0),)
)


def apart(role: Role, *, in_use: bool, evidence: Evidence = SPLIT) -> Resource:
    """A StandAlone resource after a split brain."""
    return resource(
        connection=C.STANDALONE, role=role, in_use=in_use, evidence=evidence, out_of_sync_kib=36
    )


def commands(found: Plan) -> list[str]:
    """The commands of this node."""
    return [printable(action) for action in found.actions]


def test_the_standby_gives_its_changes_up() -> None:
    found = plan(apart(Role.SECONDARY, in_use=False), discard=None)
    assert commands(found) == ["drbdadm connect --discard-my-data mail"]
    assert "36 KiB" in found.loses
    assert any("WOULD BE LOST" in line for line in lines(found))
    assert "connector recover mail" in found.peer_commands[0]


def test_a_left_over_primary_is_demoted_first() -> None:
    found = plan(apart(Role.PRIMARY, in_use=False), discard=True)
    assert commands(found) == ["drbdadm secondary mail", "drbdadm connect --discard-my-data mail"]
    assert found.actions[1].requires.role is Role.SECONDARY


def test_the_active_node_keeps_its_data() -> None:
    found = plan(apart(Role.PRIMARY, in_use=True), discard=None)
    assert commands(found) == ["drbdadm connect mail"]
    assert found.loses == ""
    assert found.peer_commands == (
        "connector recover mail --victim here   (it gives its changes up)",
    )


def test_the_commands_stand_in_the_order_in_which_they_are_typed() -> None:
    text = lines(plan(apart(Role.PRIMARY, in_use=False), discard=True))
    assert text[1:6] == [
        "in this order:",
        "  1. on this node:      drbdadm secondary mail",
        "  2. on this node:      drbdadm connect --discard-my-data mail",
        "  3. on the other node: connector recover mail --victim peer   (or: drbdadm connect mail; "
        "only if StandAlone there)",
        "steps 1 and 2 are done here by this command; the rest is for you to type there",
    ]
    alone = lines(plan(apart(Role.SECONDARY, in_use=False, evidence=Evidence()), discard=None))
    assert alone[-1] == "step 1 is done here by this command"


def test_a_survivor_that_waits_already_has_nothing_to_type() -> None:
    victim = apart(Role.SECONDARY, in_use=False)
    waiting = resource(connection=C.WF_CONNECTION, role=Role.PRIMARY)
    assert plan(victim, discard=True, peer=waiting).peer_commands == ()
    alone = resource(connection=C.STANDALONE, role=Role.PRIMARY)
    assert plan(victim, discard=True, peer=alone).peer_commands == (
        "connector recover mail --victim peer",
    )


def test_a_victim_elsewhere_is_told_what_to_stop_first() -> None:
    active = apart(Role.PRIMARY, in_use=True)
    there = resource(connection=C.WF_CONNECTION, role=Role.PRIMARY, in_use=True)
    assert plan(active, discard=False, peer=there).peer_commands == (
        "stop what uses /mnt/mail, and unmount it",
        "drbdadm disconnect mail",
        "connector recover mail --victim here   (it gives its changes up)",
    )


@pytest.mark.parametrize("discard", [True, False, None])
@pytest.mark.parametrize("in_use", [True, False])
def test_the_peers_view_never_changes_what_this_node_does(discard: bool, in_use: bool) -> None:
    here = apart(Role.SECONDARY, in_use=False)
    there = resource(connection=C.STANDALONE, role=Role.PRIMARY, in_use=in_use)
    with_it, without = plan(here, discard=discard, peer=there), plan(here, discard=discard)
    assert (with_it.actions, with_it.loses) == (without.actions, without.loses)


def test_what_is_in_use_is_never_given_up() -> None:
    for role in (Role.PRIMARY, Role.SECONDARY):
        with pytest.raises(OperatorNeeded, match="in use here"):
            plan(apart(role, in_use=True), discard=True)
    unknown = replace(
        apart(Role.SECONDARY, in_use=False),
        volumes=(volume(device(connection=C.STANDALONE), used_by=None),),
    )
    with pytest.raises(OperatorNeeded):
        plan(unknown, discard=True)


def test_a_persons_word_beats_the_evidence() -> None:
    keeps = plan(apart(Role.SECONDARY, in_use=False), discard=False)
    assert commands(keeps) == ["drbdadm connect mail"]
    mine = replace(SPLIT, handshakes=(Handshake(0, 0x11, 0x20, 9, 5, 0, 0),))
    was_active = apart(Role.SECONDARY, in_use=False, evidence=mine)
    assert commands(plan(was_active, discard=None)) == ["drbdadm connect mail"]
    assert commands(plan(was_active, discard=True)) == ["drbdadm connect --discard-my-data mail"]


def test_a_plain_disconnect_is_only_connected() -> None:
    standby = apart(Role.SECONDARY, in_use=False, evidence=Evidence())
    found = plan(standby, discard=None)
    assert commands(found) == ["drbdadm connect mail"]
    assert found.loses == ""


def test_waiting_already() -> None:
    waiting = resource(connection=C.WF_CONNECTION, role=Role.SECONDARY, evidence=SPLIT)
    with pytest.raises(OperatorNeeded, match="drbdadm disconnect mail"):
        plan(waiting, discard=None)
    active = resource(connection=C.WF_CONNECTION, role=Role.PRIMARY)
    assert plan(active, discard=None).actions == ()


def test_policies_that_would_pick_the_loser_themselves_need_a_word() -> None:
    lossy = AfterSplitBrain("discard-younger-primary")
    standby = replace(apart(Role.SECONDARY, in_use=False), after_sb=lossy)
    with pytest.raises(OperatorNeeded, match="after-sb-0pri discard-younger-primary"):
        plan(standby, discard=False)
    assert commands(plan(standby, discard=True)) == ["drbdadm connect --discard-my-data mail"]


@pytest.mark.parametrize("disk", [DiskState.DISKLESS, DiskState.FAILED, None])
def test_without_a_disk_there_is_nothing_to_resync_to(disk: DiskState | None) -> None:
    shown = device(connection=C.STANDALONE, role=Role.SECONDARY, disk=disk)
    broken = replace(apart(Role.SECONDARY, in_use=False), volumes=(volume(shown, used_by=()),))
    with pytest.raises(OperatorNeeded, match="no local disk"):
        plan(broken, discard=True)


def test_nothing_to_recover_and_nothing_in_doubt() -> None:
    assert plan(resource(), discard=None).actions == ()
    with pytest.raises(OperatorNeeded, match="nothing to give up"):
        plan(resource(), discard=True)
    with pytest.raises(OperatorNeeded, match="nothing is done in doubt"):
        plan(resource(doubts=["minor 0 cannot be read"]), discard=None)


def test_what_is_seen_is_told_with_both_sides_amounts() -> None:
    text = "\n".join(view_lines(apart(Role.SECONDARY, in_use=False)))
    assert "StandAlone, Secondary, not in use" in text
    assert "36 KiB unsynchronised here" in text
    assert "this node Secondary, the peer Primary" in text
    assert "36 KiB here, 20 KiB on the peer" in text


def test_what_is_together_is_not_told_to_be_apart() -> None:
    assert not any("apart" in line for line in view_lines(resource()))
