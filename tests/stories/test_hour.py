"""An hour of both nodes' cron while links are cut, nodes crash and services move, and all write.

The hour is in fast-forward: a minute lasts five seconds, and so do connector's own times.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from .cluster import Cluster
from .vocabulary import StoryPair, in_sync

MINUTE_S = 5.0
MINUTES = 60
# More than the three attempts of the default: some incidents leave both nodes active for minutes.
POLICY = {
    "mode": "discard",
    "demote_grace": 2 * MINUTE_S,
    "respect_disconnect": 2 * MINUTE_S,
    "max_attempts": 12,
}
# Passes that come to an end; 75 is one that began while another was at work.
ORDINARY = {0, 1, 3, 75}
# From the end of an incident until both nodes are Connected and UpToDate.
LONGEST_RECOVERY_MIN = 12

Incident = Callable[[StoryPair, Cluster, random.Random], None]


def some_minutes(pair: StoryPair, chance: random.Random, most: float = 3) -> None:
    """Let between half a minute and `most` go by."""
    pair.let_time_pass(chance.uniform(0.5, most) * MINUTE_S)


def the_link_is_cut(pair: StoryPair, cluster: Cluster, chance: random.Random) -> None:
    """And comes back; nobody has taken over."""
    pair.cut_link()
    some_minutes(pair, chance)
    pair.restore_link()


def the_service_moves(pair: StoryPair, cluster: Cluster, chance: random.Random) -> None:
    """Somebody switches it."""
    cluster.switch()


def both_become_active(pair: StoryPair, cluster: Cluster, chance: random.Random) -> None:
    """The nodes cannot see each other at all. One lets go, before or after the link is back."""
    pair.cut_link()
    before = cluster.active
    cluster.standby.wait_for_connection("WFConnection")
    cluster.start(cluster.standby)
    some_minutes(pair, chance)
    loser, winner = chance.sample([before, cluster.active], 2)
    if chance.random() < 0.5:
        cluster.stop(loser)
        pair.restore_link()
    else:
        pair.restore_link()
        some_minutes(pair, chance)
        cluster.stop(loser)
    cluster.active = winner


def the_active_node_crashes(pair: StoryPair, cluster: Cluster, chance: random.Random) -> None:
    """The other one takes over; it comes back as the standby."""
    crashed = cluster.active
    crashed.crash()
    cluster.standby.wait_for_connection("WFConnection")
    cluster.start(cluster.standby)
    some_minutes(pair, chance)
    crashed.boot()


def the_standby_crashes(pair: StoryPair, cluster: Cluster, chance: random.Random) -> None:
    """It comes back."""
    cluster.standby.crash()
    some_minutes(pair, chance)
    cluster.standby.boot()


def one_crashes_while_both_are_active(
    pair: StoryPair, cluster: Cluster, chance: random.Random
) -> None:
    """What the crashed one had written alone is there when it comes back."""
    crashed = cluster.active
    pair.cut_link()
    cluster.standby.wait_for_connection("WFConnection")
    cluster.start(cluster.standby)
    some_minutes(pair, chance, most=1)
    crashed.crash()
    crashed.boot()
    pair.restore_link()


def an_operator_disconnects(pair: StoryPair, cluster: Cluster, chance: random.Random) -> None:
    """The standby, and forgets it."""
    cluster.standby.disconnect(chance.choice(["mail", "db"]))


INCIDENTS: list[Incident] = [
    both_become_active,
    the_service_moves,
    the_active_node_crashes,
    one_crashes_while_both_are_active,
    the_link_is_cut,
    the_standby_crashes,
    an_operator_disconnects,
]


@pytest.mark.slow
@pytest.mark.story_timeout(1800)
@pytest.mark.soak_on_real_drbd  # the mail cluster has crashes, split brains and cron, too
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_hour_of_cron(pair: StoryPair, seed: int) -> None:
    chance = random.Random(seed)
    pair.configure(POLICY, run={"settle": 2})
    cluster = Cluster(pair)
    with pair.cron(MINUTE_S) as cron:
        while cron.minutes < MINUTES:
            # Each of them comes, in an order and at moments that the seed decides.
            for incident in chance.sample(INCIDENTS, len(INCIDENTS)):
                some_minutes(pair, chance, most=1.5)
                incident(pair, cluster, chance)
                come_together(pair, incident.__name__)
                if cron.minutes >= MINUTES:
                    break
    cluster.stop(cluster.active)

    assert in_sync(pair)
    assert set(cron.exit_statuses) <= ORDINARY
    assert len(cron.exit_statuses) > MINUTES


def come_together(pair: StoryPair, after: str) -> None:
    """Return when both nodes are Connected and UpToDate; fails where that takes too long."""
    steps = int(LONGEST_RECOVERY_MIN * MINUTE_S)
    for _ in range(steps):
        if in_sync(pair):
            return
        pair.let_time_pass(1)
    raise AssertionError(f"{after}: not together after {LONGEST_RECOVERY_MIN} minutes")
