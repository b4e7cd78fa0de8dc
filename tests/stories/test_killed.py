"""kill -9 at random moments of recovering passes, and the split brains are healed all the same."""

from __future__ import annotations

import random

import pytest

from tests.lab.drbd_node import DrbdNode
from tests.lab.pair import Pair

from .vocabulary import in_sync, passes_until

KILLED = 137
LONGEST_PASS_S = 5.0


@pytest.mark.story_timeout(1800)
@pytest.mark.soak
@pytest.mark.parametrize("rounds", [20])
def test_a_pass_may_be_killed_at_any_moment(real_pair: Pair, rounds: int) -> None:
    """Eight passes of each round are killed, if they are not over by then, and two split brains."""
    pair = real_pair
    chance = random.Random(20)
    killed = 0
    for number in range(rounds):
        survivor, victim = pair.nodes if number % 2 else pair.nodes[::-1]
        split_both(pair, survivor)
        pair.configure({"mode": "discard", "max_attempts": 50}, run={"settle": 2})

        def interrupted(node: DrbdNode, moments_s: list[float]) -> int:
            ended = [node.connector_loaded("reconcile", kill_after_s=s) for s in moments_s]
            return sum(one.exit_status == KILLED for one in ended)

        moments = [[chance.uniform(0, LONGEST_PASS_S) for _ in range(4)] for _ in range(2)]
        killed += sum(
            pair.at_once(
                *(
                    lambda node=node, moments_s=moments_s: interrupted(node, moments_s)
                    for node, moments_s in zip((victim, survivor), moments, strict=True)
                )
            )
        )
        passes_until(pair, lambda: in_sync(pair), rounds=6, first=victim.name)
        for minor in (0, 1):
            survivor.write(minor, 1)
        for resource in ("mail", "db"):
            survivor.let_go(resource)
        for node in pair.nodes:
            assert node.run("find /var/lib/connector -name '*.tmp*'").stdout == ""
    assert killed >= 5 * rounds


def split_both(pair: Pair, survivor: DrbdNode) -> None:
    """Both resources diverge; then only the survivor is active, and the link comes back."""
    pair.diverge("mail", still_active=[survivor.name])
    pair.diverge("db", still_active=[survivor.name], written=[1])
    pair.restore_link()
    for resource in ("mail", "db"):
        pair.wait_for_refusal(resource)
