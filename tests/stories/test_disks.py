"""Disks that are missing, old, half written, or that fail while a pass is at work."""

from __future__ import annotations

import pytest

from tests.lab.pair import Pair

from .vocabulary import NOTHING_LEFT, OPERATOR_NEEDED, StoryPair, in_sync, passes_until

DISCARD = {"mode": "discard"}


@pytest.mark.soak
def test_a_standby_without_a_disk_needs_a_person(real_pair: Pair) -> None:
    pair = real_pair
    pair.configure(DISCARD)
    pair.alpha.take_over("mail")
    pair.beta.drbdadm("detach mail")

    for node in pair.nodes:
        done = node.run_pass()
        assert done.commands == ()
        assert done.exit_status == OPERATOR_NEEDED
        assert "Diskless" in done.reason()
    pair.beta.drbdadm("attach mail")
    pair.wait_all("Connected")
    assert pair.beta.run_pass().exit_status == NOTHING_LEFT


@pytest.mark.soak
def test_a_split_standby_without_a_disk_gives_nothing_up(real_pair: Pair) -> None:
    pair = real_pair
    pair.configure(DISCARD)
    pair.split_brain("mail", still_active=["alpha"])
    if pair.beta.connection() == "WFConnection":
        pair.beta.disconnect("mail")
    # StandAlone and detached, /proc/drbd says no more than Unconfigured.
    pair.beta.drbdadm("detach mail")
    assert pair.beta.connection() == "Unconfigured"

    done = pair.beta.run_pass()

    assert (done.decision(), done.commands) == ("unknown", ())
    assert done.exit_status == OPERATOR_NEEDED
    pair.beta.drbdadm("attach mail")
    passes_until(pair, lambda: in_sync(pair))


@pytest.mark.soak
def test_one_volume_without_a_disk_keeps_the_whole_resource_from_giving_up(real_pair: Pair) -> None:
    pair = real_pair
    pair.configure(DISCARD)
    pair.split_brain("db", still_active=["alpha"])
    if pair.beta.connection(1) == "WFConnection":
        pair.beta.disconnect("db")
    pair.beta.drbdadm("detach db/0")

    done = pair.beta.run_pass()

    assert (done.commands, done.exit_status) == ((), OPERATOR_NEEDED)
    pair.beta.drbdadm("attach db/0")
    passes_until(pair, lambda: in_sync(pair))


def test_a_resync_is_left_to_run_and_a_half_written_disk_gives_nothing_up(real_pair: Pair) -> None:
    pair = real_pair
    pair.configure(DISCARD)
    pair.alpha.take_over("mail")
    pair.cut_link()
    pair.alpha.wait_for_connection("WFConnection")
    pair.alpha.write_file("/mnt/mail/much", size_kib=6 << 10)
    pair.on_both(lambda node: node.drbdadm("disk-options --c-plan-ahead=0 --resync-rate=200k mail"))
    pair.restore_link()
    pair.beta.wait_for_connection("SyncTarget")

    for node in pair.nodes:
        done = node.run_pass()
        assert (done.decision(), done.commands, done.exit_status) == ("syncing", (), NOTHING_LEFT)

    pair.cut_link()
    pair.beta.wait_for_connection("WFConnection")
    assert pair.beta.state().disk == "Inconsistent"
    assert pair.beta.run_pass().commands == ()
    pair.on_both(lambda node: node.drbdadm("disk-options --c-plan-ahead=0 --resync-rate=100M mail"))
    pair.restore_link()
    pair.wait_all("Connected")


@pytest.mark.soak
def test_an_outdated_standby_is_brought_up_to_date(real_pair: Pair) -> None:
    pair = real_pair
    pair.configure()
    pair.alpha.take_over("mail")
    pair.beta.disconnect("mail")
    pair.beta.drbdadm("outdate mail")
    assert pair.beta.state().disk == "Outdated"
    kept = pair.alpha.write(0)

    done = pair.beta.run_pass()

    assert done.commands == ("connect mail",)
    pair.wait_all("Connected")
    assert set(kept) <= pair.alpha.records(0)


def test_a_disk_that_fails_while_a_pass_runs(real_pair: Pair) -> None:
    """The victim's disk fails right before it would give up: the survivor loses nothing."""
    pair = real_pair
    pair.reset(mapped=True)
    pair.configure(DISCARD)
    pair.split_brain("mail", still_active=["alpha"])
    kept = pair.alpha.write(0)
    pair.beta.before(
        "connect",
        'size=$(blockdev --getsz /dev/vda); dmsetup suspend mail; dmsetup load mail --table "0'
        ' $size error"; dmsetup resume mail',
    )

    passes = [node.run_pass() for _ in range(3) for node in (pair.beta, pair.alpha)]

    assert any("discard-my-data" in command for one in passes for command in one.commands)
    assert pair.beta.state().disk != "UpToDate"
    assert passes[-2].exit_status != NOTHING_LEFT  # beta's last
    assert pair.alpha.state().disk == "UpToDate"
    assert set(kept) <= pair.alpha.records(0)


@pytest.mark.soak_on_real_drbd  # the mail cluster has it, too
def test_a_standby_that_reboots_comes_back_by_itself(pair: StoryPair) -> None:
    pair.configure()
    pair.alpha.take_over("mail")
    pair.beta.crash()
    pair.alpha.wait_for_connection("WFConnection")
    kept = pair.alpha.write(0)
    assert pair.alpha.run_pass().decision() == "hold"
    pair.beta.boot()
    pair.wait_all("Connected")
    assert pair.beta.run_pass().decision() == "healthy"
    assert set(kept) <= pair.alpha.records(0)


@pytest.mark.soak_on_real_drbd  # the mail cluster has it, too
def test_a_crashed_active_node_comes_back_as_the_standby(pair: StoryPair) -> None:
    pair.configure()
    pair.alpha.take_over("mail")
    kept = pair.alpha.write(0)
    pair.alpha.crash()
    pair.beta.wait_for_connection("WFConnection")
    pair.beta.take_over("mail")
    later = pair.beta.write(0)
    assert pair.beta.run_pass().decision() == "hold"
    pair.alpha.boot()
    pair.wait_all("Connected")
    assert {*kept, *later} <= pair.beta.records(0)
    assert pair.alpha.run_pass().commands == ()
