"""A split brain in each of its forms: who may lose, and who never does."""

from __future__ import annotations

import pytest

from tests.lab.pair import Pair

from .vocabulary import OPERATOR_NEEDED, StoryPair, in_sync, passes_until

DISCARD = {"mode": "discard"}


def test_both_standalone_and_one_in_use_is_ended_in_mode_discard(pair: StoryPair) -> None:
    pair.configure(DISCARD)
    pair.split_brain("mail", still_active=["alpha"])
    kept = pair.alpha.write(0)

    passes_until(pair, lambda: in_sync(pair))

    assert set(kept) <= pair.alpha.records(0)
    pair.alpha.let_go("mail")
    pair.beta.take_over("mail")
    assert set(kept) <= pair.beta.records(0)


def test_one_standalone_and_the_survivor_waiting(pair: StoryPair) -> None:
    pair.configure(DISCARD)
    pair.split_brain("mail", still_active=["alpha"])
    if pair.alpha.connection() == "StandAlone":
        pair.alpha.connect("mail")
        pair.alpha.wait_for_connection("WFConnection")

    ended = pair.beta.run_pass()

    assert ended.commands == ("connect --discard-my-data mail",)
    pair.wait_all("Connected")
    assert in_sync(pair)


@pytest.mark.soak_on_real_drbd
def test_one_standalone_and_the_standby_waiting_is_left_to_a_person(pair: StoryPair) -> None:
    pair.configure(DISCARD)
    pair.split_brain("mail", still_active=["alpha"])
    if pair.beta.connection() == "StandAlone":
        pair.beta.connect("mail")
        pair.beta.wait_for_connection("WFConnection")
    before = pair.alpha.identifiers()

    on_beta = pair.beta.run_pass()

    assert on_beta.decision() == "wait"
    assert on_beta.commands == ()
    # The survivor's connect makes them meet, and both StandAlone: then the standby can end it.
    pair.alpha.run_pass()
    pair.let_time_pass(3)
    if pair.beta.connection() == "WFConnection":
        pair.beta.disconnect("mail")
    assert pair.alpha.identifiers() == before
    passes_until(pair, lambda: in_sync(pair))


@pytest.mark.soak_on_real_drbd
def test_only_one_of_two_resources(pair: StoryPair) -> None:
    pair.configure(DISCARD)
    pair.split_brain("mail", still_active=["alpha"])
    pair.wait_all("Connected", minors=(1, 2))

    passes = passes_until(pair, lambda: in_sync(pair))

    assert all("db" not in command for one in passes for command in one.commands)


@pytest.mark.soak_on_real_drbd
def test_a_resource_of_which_only_one_volume_diverged(pair: StoryPair) -> None:
    pair.configure(DISCARD)
    pair.split_brain("db", still_active=["alpha"], written=[2])
    kept = pair.alpha.write(2)

    passes_until(pair, lambda: in_sync(pair))

    assert set(kept) <= pair.alpha.records(2)


@pytest.mark.soak_on_real_drbd  # the mail cluster has it, too
def test_both_nodes_in_use_nobody_may_lose(pair: StoryPair) -> None:
    pair.configure({**DISCARD, "max_attempts": 2})
    pair.split_brain("mail")
    before = [node.identifiers() for node in pair.nodes]

    commands = []
    for _ in range(4):
        for node in pair.nodes:
            done = node.run_pass()
            commands += list(done.commands)
        pair.let_time_pass(3)

    assert [node.identifiers() for node in pair.nodes] == before
    assert set(commands) <= {"connect mail"}
    # Bounded: each node's attempts, and no more.
    assert len(commands) <= 4
    assert done.exit_status == OPERATOR_NEEDED
    for node in pair.nodes:
        assert node.mounted(0)
        node.write(0, 1)


@pytest.mark.soak
def test_no_storm_of_handlers(real_pair: Pair) -> None:
    pair = real_pair
    pair.reset(handlers=['split-brain "/bin/sh -c \\"echo called >>/run/lab/handler\\""'])
    pair.configure({**DISCARD, "max_attempts": 2})
    pair.split_brain("mail")
    for _ in range(4):
        for node in pair.nodes:
            node.run_pass()
        pair.let_time_pass(2)
    for node in pair.nodes:
        called = node.run("cat /run/lab/handler; rm /run/lab/handler").stdout.split()
        # Once when it happened, and once for each time that both of them tried.
        assert 1 <= len(called) <= 3


def test_neither_in_use_nobody_can_say_which_copy_is_right(pair: StoryPair) -> None:
    pair.configure(DISCARD)
    pair.split_brain("mail", still_active=[])
    before = [node.identifiers() for node in pair.nodes]

    for _ in range(2):
        passes = [node.run_pass() for node in pair.nodes]

    assert [node.identifiers() for node in pair.nodes] == before
    for one in passes:
        assert one.exit_status == OPERATOR_NEEDED
        assert one.commands == ()


@pytest.mark.soak_on_real_drbd
def test_both_ask_for_the_discard_from_standalone_and_the_kernel_refuses(pair: StoryPair) -> None:
    """What two careless people do at once: DRBD refuses, and the agents leave it at that."""
    pair.configure(DISCARD)
    pair.cut_link()
    pair.restore_link()
    pair.wait_all("Connected")
    states = pair.split_brain("mail", still_active=[])
    if set(states.values()) != {"StandAlone"}:
        for node in pair.nodes:
            if node.connection() == "WFConnection":
                node.disconnect("mail")
    pair.cut_link()
    before = [node.identifiers() for node in pair.nodes]
    for node in pair.nodes:
        node.connect("mail", discard_my_data=True)
    pair.restore_link()
    pair.wait_for_refusal("mail")

    for node in pair.nodes:
        assert node.run_pass().commands in ((), ("connect mail",))

    assert [node.identifiers() for node in pair.nodes] == before


@pytest.mark.soak_on_real_drbd
def test_a_standby_that_is_still_primary_is_demoted_and_then_gives_up(pair: StoryPair) -> None:
    pair.configure(DISCARD)
    pair.split_brain("mail")
    pair.beta.umount(0)
    kept = pair.alpha.write(0)

    passes = passes_until(pair, lambda: in_sync(pair), rounds=5)

    ran = [command for one in passes for command in one.commands]
    assert "secondary mail" in ran
    assert "connect --discard-my-data mail" in ran
    assert set(kept) <= pair.alpha.records(0)


@pytest.mark.soak_on_real_drbd  # so have the gates
def test_a_standby_does_not_give_up_without_the_mode_or_a_persons_word(pair: StoryPair) -> None:
    pair.configure()
    pair.split_brain("mail", still_active=["alpha"])

    passes = [node.run_pass() for _ in range(2) for node in pair.nodes]

    assert {command for one in passes for command in one.commands} <= {"connect mail"}
    assert passes[-1].exit_status == OPERATOR_NEEDED
