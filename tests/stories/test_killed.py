"""kill -9 at random moments of recovering passes, and the split brains are healed all the same."""

from __future__ import annotations

import random

import pytest

from tests.lab.drbd_node import DrbdNode
from tests.lab.pair import Pair

from .vocabulary import in_sync, passes_until

KILLED = 137
# A pass that acts takes one to three seconds; later than that there is nothing to kill.
LATEST_S = 2.0
KILLS_A_NODE = 4
KILLS_A_ROUND = 2  # at the least, at the mean


@pytest.mark.story_timeout(3600)
@pytest.mark.parametrize("kills", [4, pytest.param(200, marks=pytest.mark.soak)])
def test_a_pass_may_be_killed_at_any_moment(real_pair: Pair, kills: int) -> None:
    """Two split brains a round; on both nodes passes are killed until DRBD is together again."""
    pair = real_pair
    chance = random.Random(20)
    killed = rounds = 0
    while killed < kills:
        rounds += 1
        assert rounds * KILLS_A_ROUND <= kills, (
            f"only {killed} passes were still at work when killed"
        )
        survivor, victim = pair.nodes if rounds % 2 else pair.nodes[::-1]
        split_both(pair, survivor)
        pair.configure({"mode": "discard", "max_attempts": 50}, run={"settle": 2})
        moments = [[chance.uniform(0, LATEST_S) for _ in range(KILLS_A_NODE)] for _ in range(2)]
        killed += sum(
            pair.at_once(
                *(
                    lambda node=node, moments_s=moments_s: kill_passes(node, moments_s)
                    for node, moments_s in zip((victim, survivor), moments, strict=True)
                )
            )
        )
        passes_until(pair, lambda: in_sync(pair), rounds=6, first=victim.name)
        # The next minute's, which see that all is well: only then the attempts count anew.
        assert {one.exit_status for one in pair.on_both(DrbdNode.run_pass)} == {0}
        for minor in (0, 1):
            survivor.write(minor, 1)
        for resource in ("mail", "db"):
            survivor.let_go(resource)
        for node in pair.nodes:
            # What the last one that was killed left there goes with the next record.
            left = node.run("find /var/lib/connector -name '*.tmp*'").stdout.split()
            assert len(left) <= 1, left


def kill_passes(node: DrbdNode, moments_s: list[float]) -> int:
    """Run a pass for each moment and kill it there; return how many were still at work.

    Ends where the node is together with its peer: no pass has anything to do then.
    """
    killed = 0
    for kill_after_s in moments_s:
        ended = node.connector_loaded("reconcile", kill_after_s=kill_after_s)
        killed += ended.exit_status == KILLED
        if {state.connection for state in node.states().values()} == {"Connected"}:
            break
    return killed


def split_both(pair: Pair, survivor: DrbdNode) -> None:
    """Both resources diverge; then only the survivor is active, and the link comes back."""
    pair.diverge("mail", still_active=[survivor.name])
    pair.diverge("db", still_active=[survivor.name], written=[1])
    pair.restore_link()
    for resource in ("mail", "db"):
        pair.wait_for_refusal(resource)
