"""All eight rows of {StandAlone, WFConnection} x {Primary, Secondary} x {in use, not in use}."""

from __future__ import annotations

import pytest

from tests.lab.pair import Pair

from .vocabulary import NOTHING_LEFT, StoryPair, in_sync


def test_standalone_primary_in_use_reconnects_as_the_survivor(pair: StoryPair) -> None:
    pair.configure()
    pair.alpha.take_over("mail")
    pair.alpha.disconnect("mail")
    pair.alpha.write(0)

    done = pair.alpha.run_pass()

    assert done.decision() == "reconnect-survivor"
    assert done.commands == ("connect mail",)
    assert done.exit_status == NOTHING_LEFT
    pair.wait_all("Connected")


def test_standalone_primary_not_in_use_is_demoted_and_reconnected(pair: StoryPair) -> None:
    pair.configure()
    pair.alpha.take_over("mail")
    pair.alpha.disconnect("mail")
    pair.alpha.write(0)
    pair.alpha.umount(0)

    done = pair.alpha.run_pass()

    assert done.decision() == "demote-and-reconnect"
    assert done.commands == ("secondary mail", "connect mail")
    assert done.exit_status == NOTHING_LEFT
    pair.wait_all("Connected")
    assert pair.alpha.state().role == "Secondary"


def test_standalone_secondary_reconnects_as_the_standby(pair: StoryPair) -> None:
    pair.configure()
    pair.alpha.take_over("mail")
    pair.beta.disconnect("mail")
    pair.beta.wait_for_connection("StandAlone")
    pair.alpha.write(0)

    done = pair.beta.run_pass()

    assert done.decision() == "reconnect-standby"
    assert done.commands == ("connect mail",)
    pair.wait_all("Connected")
    assert pair.alpha.run_pass().commands == ()


def test_wfconnection_primary_in_use_holds(pair: StoryPair) -> None:
    pair.configure()
    pair.alpha.take_over("mail")
    pair.cut_link()
    pair.alpha.wait_for_connection("WFConnection")
    pair.alpha.write(0)

    done = pair.alpha.run_pass()

    assert done.decision() == "hold"
    assert done.commands == ()
    assert (pair.alpha.state().connection, pair.alpha.state().role) == ("WFConnection", "Primary")
    pair.restore_link()
    pair.wait_all("Connected")


def test_wfconnection_primary_not_in_use_is_demoted_and_waits(pair: StoryPair) -> None:
    pair.configure()
    pair.alpha.primary("mail")
    pair.cut_link()
    pair.alpha.wait_for_connection("WFConnection")

    done = pair.alpha.run_pass()

    assert done.decision() == "demote-and-wait"
    assert done.commands == ("secondary mail",)
    assert pair.alpha.state().role == "Secondary"
    assert pair.alpha.connection() == "WFConnection"
    pair.restore_link()
    pair.wait_all("Connected")


def test_wfconnection_secondary_waits(pair: StoryPair) -> None:
    pair.configure()
    pair.cut_link()
    pair.beta.wait_for_connection("WFConnection")

    done = pair.beta.run_pass()

    assert done.decision() == "wait"
    assert done.commands == ()
    pair.restore_link()
    pair.wait_all("Connected")
    assert pair.beta.run_pass().decision() == "healthy"


@pytest.mark.soak
@pytest.mark.parametrize("connection", ["StandAlone", "WFConnection"])
def test_a_secondary_cannot_be_in_use_whatever_is_tried(real_pair: Pair, connection: str) -> None:
    """The two contradictions: the kernel allows neither way into them."""
    alpha = real_pair.alpha
    if connection == "StandAlone":
        alpha.disconnect("mail")
    else:
        real_pair.cut_link()
    alpha.wait_for_connection(connection)
    refused = {
        "mount": "mount -t ext4 /dev/drbd0 /mnt",
        "mount read-only": "mount -t ext4 -o ro,noload /dev/drbd0 /mnt",
        "swapon": "swapon /dev/drbd0",
        "read": "dd if=/dev/drbd0 of=/dev/null bs=4096 count=1",
        "device-mapper": "dmsetup create held --table '0 2048 linear /dev/drbd0 0'",
    }
    for what, command in refused.items():
        assert alpha.run(command, check=False).exit_status != 0, what
    # And from the other side: what is in use is not demoted.
    alpha.take_over("mail")
    assert alpha.drbdadm("secondary mail", check=False).exit_status == 11
    alpha.umount(0)
    alpha.run("dmsetup create held --table '0 2048 linear /dev/drbd0 0'")
    assert alpha.drbdadm("secondary mail", check=False).exit_status == 11
    alpha.run("dmsetup remove held && mkswap /dev/drbd0 >/dev/null && swapon /dev/drbd0")
    assert alpha.drbdadm("secondary mail", check=False).exit_status == 11
    alpha.run("swapoff /dev/drbd0")
    assert alpha.state().role == "Primary"


def test_a_healthy_pair_is_left_alone(pair: StoryPair) -> None:
    pair.configure()
    pair.alpha.take_over("mail")
    pair.alpha.write(0)
    for node in pair.nodes:
        done = node.run_pass()
        assert (done.exit_status, done.commands) == (NOTHING_LEFT, ())
        assert {done.decision("mail"), done.decision("db")} == {"healthy"}
    assert in_sync(pair)
