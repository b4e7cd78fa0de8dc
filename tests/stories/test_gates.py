"""Each gate stands where it should, and opens where it should."""

from __future__ import annotations

import pytest

from tests.lab.pair import Pair

from .vocabulary import NOTHING_LEFT, OPERATOR_NEEDED, StoryPair


def leave_beta_standalone(pair: StoryPair) -> None:
    """alpha is active, beta was disconnected by hand."""
    pair.alpha.take_over("mail")
    pair.beta.disconnect("mail")
    pair.beta.wait_for_connection("StandAlone")


@pytest.mark.soak_on_real_drbd
def test_mode_observe_never_acts(pair: StoryPair) -> None:
    pair.configure({"mode": "observe"})
    leave_beta_standalone(pair)

    done = pair.beta.run_pass()

    assert (done.commands, done.gates()) == ((), ["mode"])
    assert done.of()["would"] == ["drbdadm connect mail"]
    assert pair.beta.connection() == "StandAlone"


def test_mode_reconnect_leaves_a_split_brain_to_a_person(pair: StoryPair) -> None:
    pair.configure({"mode": "reconnect"})
    pair.split_brain("mail", still_active=["alpha"])
    before = pair.beta.identifiers()

    done = pair.beta.run_pass()

    if pair.beta.connection() == "StandAlone":
        assert (done.commands, done.gates()) == ((), ["mode"])
    assert done.exit_status == OPERATOR_NEEDED
    assert pair.beta.identifiers() == before


@pytest.mark.soak_on_real_drbd  # it waits
def test_grace_keeps_a_primary_that_was_just_unmounted(pair: StoryPair) -> None:
    pair.configure({"demote_grace": 5})
    pair.alpha.take_over("mail")
    pair.cut_link()
    pair.alpha.wait_for_connection("WFConnection")
    pair.alpha.umount(0)

    early = pair.alpha.run_pass()
    pair.let_time_pass(6)
    late = pair.alpha.run_pass()

    assert (early.commands, early.gates()) == ((), ["grace"])
    assert late.commands == ("secondary mail",)


@pytest.mark.soak_on_real_drbd  # it waits a lot
def test_attempts_are_bounded_and_a_healthy_pass_gives_them_back(pair: StoryPair) -> None:
    pair.configure({"max_attempts": 2})
    pair.split_brain("mail")
    pair.alpha.wait_for_connection("StandAlone", "WFConnection")

    commands = []
    for _ in range(4):
        done = pair.alpha.run_pass()
        commands += list(done.commands)
        if pair.beta.connection() == "StandAlone":
            pair.beta.connect("mail")
        pair.wait_for_refusal("mail")

    assert len(commands) <= 2
    if pair.alpha.connection() == "StandAlone":
        assert pair.alpha.run_pass().gates() == ["attempts"]
    assert done.exit_status == OPERATOR_NEEDED
    # A person heals it; the next trouble is a new incident.
    pair.beta.umount(0)
    pair.beta.secondary("mail")
    for node in pair.nodes:
        if node.connection() == "WFConnection":
            node.disconnect("mail")
    pair.beta.connect("mail", discard_my_data=True)
    pair.alpha.connect("mail")
    pair.wait_all("Connected")
    assert pair.alpha.run_pass().decision() == "healthy"
    pair.alpha.disconnect("mail")
    assert pair.alpha.run_pass().commands == ("connect mail",)
    pair.wait_all("Connected")


@pytest.mark.soak_on_real_drbd  # it waits a lot
def test_an_operators_disconnect_is_left_alone_for_its_time(pair: StoryPair) -> None:
    pair.configure({"respect_disconnect": 20})
    leave_beta_standalone(pair)

    early = pair.beta.run_pass()
    pair.let_time_pass(20)
    late = pair.beta.run_pass()

    assert (early.commands, early.gates()) == ((), ["operator-disconnect"])
    assert early.exit_status == NOTHING_LEFT
    assert late.commands == ("connect mail",)
    pair.wait_all("Connected")


def test_a_policy_that_would_discard_stands_before_a_demotion(pair: StoryPair) -> None:
    pair.begin({"after-sb-1pri": "discard-secondary"})
    pair.configure()
    pair.split_brain("mail")
    pair.beta.umount(0)

    done = pair.beta.run_pass()

    assert done.commands == ()
    assert "forecast" in done.gates() or done.decision() == "demote-and-wait"
    assert done.exit_status == OPERATOR_NEEDED
    assert pair.beta.state().role == "Primary"


@pytest.mark.soak  # little of it is DRBD
def test_a_pause_stands_until_it_expires(real_pair: Pair) -> None:
    pair = real_pair
    pair.configure()
    leave_beta_standalone(pair)
    paused = pair.beta.connector_loaded(
        "pause", "mail", "--for", "12s", "--reason", "moving cables"
    )
    assert paused.exit_status == NOTHING_LEFT, paused.stderr

    early = pair.beta.run_pass()
    pair.let_time_pass(12)
    late = pair.beta.run_pass()

    assert (early.commands, early.gates()) == ((), ["pause"])
    assert "moving cables" in early.reason()
    assert late.commands == ("connect mail",)
    pair.wait_all("Connected")


@pytest.mark.soak  # little of it is DRBD
@pytest.mark.parametrize("owner", ["pacemakerd", "drbd-reactor"])
def test_a_cluster_manager_that_owns_the_resource_is_not_crossed(
    real_pair: Pair, owner: str
) -> None:
    pair = real_pair
    pair.configure()
    leave_beta_standalone(pair)
    # A process of that name, as the real one's is; nothing else of it is looked at.
    pair.beta.run(f"cp /bin/sleep /run/{owner}; /run/{owner} 1000 & sleep 0.5")

    owned = pair.beta.run_pass()
    pair.beta.run(f"pkill -x {owner}; sleep 0.5")
    free = pair.beta.run_pass()

    assert (owned.commands, owned.gates()) == ((), ["managed"])
    assert free.commands == ("connect mail",)
    pair.wait_all("Connected")


@pytest.mark.soak
def test_where_the_kernel_log_cannot_be_read_nothing_is_done(real_pair: Pair) -> None:
    """Nobody can tell a split brain from a disconnect by hand then."""
    pair = real_pair
    pair.configure({"mode": "discard"})
    leave_beta_standalone(pair)
    pair.fault(pair.beta, "kernel log unreadable")
    pair.beta.run("mv /dev/kmsg /dev/kmsg.away && mkdir /dev/kmsg")
    try:
        blind = pair.beta.run_pass()
    finally:
        pair.beta.run("rmdir /dev/kmsg && mv /dev/kmsg.away /dev/kmsg")

    assert (blind.commands, blind.gates()) == ((), ["evidence"])
    assert blind.exit_status == OPERATOR_NEEDED
    assert pair.beta.run_pass().commands == ("connect mail",)
    pair.wait_all("Connected")


@pytest.mark.soak  # little of it is DRBD
def test_a_damaged_memory_of_attempts_is_no_reason_to_begin_anew(real_pair: Pair) -> None:
    pair = real_pair
    pair.configure({"mode": "discard"})
    leave_beta_standalone(pair)
    pair.fault(pair.beta, "state damaged")
    pair.beta.run("echo '{' >/var/lib/connector/incidents.json")

    damaged = pair.beta.run_pass()

    assert (damaged.commands, damaged.gates()) == ((), ["mode"])
    assert "damaged" in damaged.reason()
    # It was put aside, and the next pass has a memory again.
    assert pair.beta.run_pass().commands == ("connect mail",)
    pair.wait_all("Connected")
