"""Faults of what connector itself stands on: drbdadm, its own files, the clock, other passes."""

from __future__ import annotations

import random
import time

import pytest

from tests.lab.errors import LabError
from tests.lab.pair import Pair

from .vocabulary import FAILED, LOCK_HELD, NOTHING_LEFT, StoryPair, in_sync, passes_until

DISCARD = {"mode": "discard"}
FLAPS_S = 600
BAD = "/usr/local/sbin/bad-drbdadm"
# The configuration is still read; what changes something is not what it was.
FAULTS = {
    "hangs": "exec sleep 1000",
    "dies": "kill -9 $$",
    "prints garbage": "head -c 300000 /dev/urandom; head -c 300000 /dev/urandom >&2; exit 77",
    "fails": 'echo "no such thing" >&2; exit 10',
    "says it did it": "exit 0",
}


@pytest.mark.soak  # little of it is DRBD
@pytest.mark.story_timeout(300)
def test_a_drbdadm_that_cannot_be_relied_on(real_pair: Pair) -> None:
    pair = real_pair
    pair.alpha.take_over("mail")
    pair.beta.disconnect("mail")
    pair.beta.wait_for_connection("StandAlone")
    for fault, script in FAULTS.items():
        pair.fault(pair.beta, f"drbdadm {fault}")
        pair.beta.install(
            BAD, f'#!/bin/sh\ncase $1 in dump-xml) exec drbdadm "$@";; esac\n{script}\n'
        )
        pair.beta.run(f"chmod 755 {BAD}")
        pair.configure(
            {"max_attempts": 20}, run={"drbdadm": BAD, "command_timeout": 2, "settle": 1}
        )

        done = pair.beta.run_pass()

        # One that only says that it did it is found out by looking again.
        assert done.exit_status == FAILED, fault
        assert pair.beta.connection() == "StandAlone"
        assert pair.beta.run("pgrep -f 'sleep 1000'", check=False).exit_status == 1
    pair.fault(pair.beta, "drbdadm missing")
    pair.configure(run={"drbdadm": "/nowhere/drbdadm"})
    assert pair.beta.run_pass().exit_status not in (NOTHING_LEFT,)
    pair.fault(pair.beta, "drbdadm prints no configuration")
    pair.beta.install(BAD, "#!/bin/sh\nhead -c 100000 /dev/urandom\n")
    pair.beta.run("rm -rf /var/lib/connector/*")  # what was kept of the configuration
    pair.configure(run={"drbdadm": BAD})
    assert pair.beta.run_pass().commands == ()
    assert pair.beta.connection() == "StandAlone"

    pair.configure({"max_attempts": 20})
    assert pair.beta.run_pass().commands == ("connect mail",)
    pair.wait_all("Connected")


# All but the last of it at once, since an emulated disk is slow to write.
FILL = """
free_kib=$(df --output=avail -k /var/lib/connector | tail -1)
fallocate -l $((free_kib - 2048))K /var/lib/connector/fill
dd if=/dev/zero of=/var/lib/connector/fill-up bs=4k 2>/dev/null; true
"""


@pytest.mark.soak
@pytest.mark.parametrize("fault", ["full", "read-only"])
def test_nothing_is_given_up_where_it_cannot_be_written_down(real_pair: Pair, fault: str) -> None:
    pair = real_pair
    pair.configure(DISCARD)
    pair.split_brain("mail", still_active=["alpha"])
    if pair.beta.connection() == "WFConnection":
        pair.beta.disconnect("mail")
    pair.fault(pair.beta, f"state_dir {fault}")
    if fault == "full":
        pair.beta.run(FILL)
    else:
        pair.beta.run("mount -o remount,ro /var/lib/connector")

    done = pair.beta.run_pass()

    assert "connect --discard-my-data mail" not in done.commands
    assert done.exit_status != NOTHING_LEFT
    pair.beta.run("mount -o remount,rw /var/lib/connector; rm -f /var/lib/connector/fill*")
    passes_until(pair, lambda: in_sync(pair))


@pytest.mark.soak  # little of it is DRBD
def test_a_textfile_that_cannot_be_written_stops_no_recovery(real_pair: Pair) -> None:
    pair = real_pair
    pair.beta.run("mkdir -p /run/lab/metrics && mount -t tmpfs -o ro lab /run/lab/metrics")
    pair.fault(pair.beta, "textfile read-only")
    pair.configure(more='[metrics]\ntextfile = "/run/lab/metrics/connector.prom"\n')
    pair.alpha.take_over("mail")
    pair.beta.disconnect("mail")

    done = pair.beta.run_pass()

    assert done.commands == ("connect mail",)
    pair.wait_all("Connected")
    pair.fault(pair.beta, "textfile full")
    pair.beta.run("mount -o remount,rw,size=4k /run/lab/metrics")
    pair.beta.run("dd if=/dev/zero of=/run/lab/metrics/fill bs=4k 2>/dev/null; true")
    assert pair.beta.run_pass().decision() == "healthy"
    assert pair.beta.run("ls /run/lab/metrics").stdout.split() == ["fill"]
    pair.beta.run("umount /run/lab/metrics")


@pytest.mark.soak  # it waits a lot
def test_a_clock_that_jumps_shortens_no_grace(real_pair: Pair) -> None:
    pair = real_pair
    pair.configure({"demote_grace": 25})
    pair.alpha.primary("mail")
    pair.cut_link()
    pair.alpha.wait_for_connection("WFConnection")
    assert pair.alpha.run_pass().gates() == ["grace"]
    try:
        for jump in ("+1 day", "-2 days"):
            pair.fault(pair.alpha, f"clock jumps {jump}")
            pair.alpha.run(f'date -s "{jump}" >/dev/null')
            done = pair.alpha.run_pass()
            assert (done.commands, done.gates()) == ((), ["grace"]), jump
        pair.let_time_pass(25)
        assert pair.alpha.run_pass().commands == ("secondary mail",)
    finally:
        pair.alpha.run(f"date -s @{time.time():.0f} >/dev/null")


def test_two_passes_at_once(real_pair: Pair) -> None:
    pair = real_pair
    pair.configure(DISCARD)
    pair.split_brain("mail", still_active=["alpha"])
    if pair.beta.connection() == "WFConnection":
        pair.beta.disconnect("mail")
    pair.fault(pair.beta, "passes at once")

    ended = pair.at_once(
        *(lambda: pair.beta.connector_loaded("reconcile").exit_status for _ in range(3))
    )

    assert LOCK_HELD in ended
    assert [status for status in ended if status != LOCK_HELD] != []
    passes_until(pair, lambda: in_sync(pair))


@pytest.mark.soak
@pytest.mark.story_timeout(300)
def test_a_node_that_reboots_in_the_middle_of_its_recovery(real_pair: Pair) -> None:
    pair = real_pair
    pair.configure(DISCARD)
    pair.split_brain("mail", still_active=["alpha"])
    kept = pair.alpha.write(0)
    pair.fault(pair.beta, "node reboots in a pass")
    pair.beta.before("connect", "echo b >/proc/sysrq-trigger; sleep 20")
    with pytest.raises(LabError):
        pair.beta.run_pass()
    pair.beta.crash()
    pair.beta.boot()

    passes_until(pair, lambda: in_sync(pair))

    assert set(kept) <= pair.alpha.records(0)


@pytest.mark.story_timeout(900)
@pytest.mark.soak
def test_a_link_that_flaps(real_pair: Pair) -> None:
    pair = real_pair
    chance = random.Random(3)
    pair.configure({**DISCARD, "max_attempts": 3})
    pair.alpha.take_over("mail")
    pair.alpha.start_writer(0)
    ends_at_s = time.monotonic() + FLAPS_S
    while time.monotonic() < ends_at_s:
        pair.cut_link()
        time.sleep(chance.uniform(1, 4))
        pair.restore_link()
        time.sleep(chance.uniform(1, 4))
        pair.at_once(*(lambda node=node: node.run_pass() for node in pair.nodes))
    pair.restore_link()
    pair.wait_all("Connected")
    pair.alpha.stop_writer(0)
    assert pair.alpha.run_pass().exit_status == NOTHING_LEFT


@pytest.mark.soak_on_real_drbd
@pytest.mark.story_timeout(300)
@pytest.mark.parametrize("silent", ["active", "standby"])
def test_a_link_that_works_one_way_only(pair: StoryPair, silent: str) -> None:
    pair.configure(DISCARD)
    pair.alpha.take_over("mail")
    pair.cut_link_from(pair.alpha if silent == "active" else pair.beta)
    for node in pair.nodes:
        node.wait_for_connection("WFConnection")
        assert node.run_pass().commands == ()
    pair.alpha.write(0)

    # For DRBD it is a cut: the standby takes over, and both sides go on.
    pair.beta.take_over("mail")
    pair.beta.write(0)
    for node in pair.nodes:
        assert node.run_pass().decision() == "hold"
    pair.beta.let_go("mail")
    pair.restore_link()
    pair.wait_for_refusal("mail")

    passes_until(pair, lambda: in_sync(pair))


@pytest.mark.soak
@pytest.mark.story_timeout(300)
def test_a_link_that_loses_frames(real_pair: Pair) -> None:
    pair = real_pair
    pair.configure(DISCARD)
    pair.alpha.take_over("mail")
    pair.alpha.start_writer(0)
    pair.make_link_lossy(30)
    time.sleep(8)
    for node in pair.nodes:
        assert node.run_pass().commands == ()
    pair.restore_link()
    pair.wait_all("Connected")
    pair.alpha.stop_writer(0)
