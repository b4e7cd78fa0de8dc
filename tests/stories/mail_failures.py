"""What happens to the mail cluster in its stories, up to where all is repaired."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from tests.lab.drbd_node import DrbdNode
from tests.lab.errors import WaitTimedOut
from tests.lab.mail.cluster import MailCluster
from tests.lab.mail.heartbeat import DEADTIME_S

# It takes seconds, and took three minutes on a host that was several times slower than usual.
HEARTBEAT_TIMEOUT_S = 600.0
# A switch of the old scripts may come to nothing, and then there is nothing to wait for.
OLD_SWITCH_S = 240.0
SPLIT_S = 8.0  # for how long both nodes take mail
LONGER_THAN_DEAD_S = DEADTIME_S + 5.0
# Heartbeat's own line (ResourceManager) where a resource does not start.
GIVEN_BACK = "Giving up resources due to failure of connector-resource::mail"

Failure = Callable[[MailCluster], None]


def clean_switch(cluster: MailCluster) -> None:
    """Everything is moved to the other node, as before maintenance."""
    active, standby = _roles(cluster)
    cluster.standby(active)
    _wait_active(cluster, standby)


def crash_of_the_active(cluster: MailCluster) -> None:
    """The other node takes over, and the first one comes back."""
    active, standby = _roles(cluster)
    active.crash()
    _wait_active(cluster, standby)
    cluster.wait_for_service()
    cluster.boot(active)


def crash_of_the_standby(cluster: MailCluster) -> None:
    """The service goes on, and the other node comes back."""
    active, standby = _roles(cluster)
    standby.crash()
    cluster.pair.let_time_pass(LONGER_THAN_DEAD_S)
    assert cluster.active() == [active]
    cluster.wait_for_service()
    cluster.boot(standby)


def replication_cut(cluster: MailCluster) -> None:
    """DRBD's own network is away for a while; beats still come on the other one."""
    active, _ = _roles(cluster)
    cluster.pair.cut_link()
    cluster.pair.let_time_pass(LONGER_THAN_DEAD_S)
    assert cluster.active() == [active]
    cluster.wait_for_service()
    cluster.mend()


def beats_cut(cluster: MailCluster) -> None:
    """Heartbeat believes on both nodes that the other one is dead, and DRBD knows better."""
    active, standby = _roles(cluster)
    cluster.cut_beats()
    if cluster.old:
        cluster.pair.let_time_pass(6 * LONGER_THAN_DEAD_S)
    else:
        cluster.wait_until(
            lambda: GIVEN_BACK in standby.run("cat /var/log/ha-log").stdout,
            HEARTBEAT_TIMEOUT_S,
            "the take-over of the standby is refused",
        )
        assert cluster.active() == [active]
        cluster.wait_for_service()
    cluster.mend()


def both_cut(cluster: MailCluster) -> None:
    """Both become active, and take mail from the clients at their end: a true split brain."""
    cluster.cut_both()
    cut_s = time.monotonic()
    for road in ("alpha-side", "beta-side"):
        cluster.wait_for_service(cut_s, road=road)
    cluster.pair.let_time_pass(SPLIT_S)
    kept_by = {one.kept_by for one in cluster.client.acknowledged() if one.sent_s > cut_s}
    assert kept_by == {"alpha", "beta"}
    cluster.mend()


FAILURES: Mapping[str, Failure] = {
    "clean switch": clean_switch,
    "crash of the active node": crash_of_the_active,
    "crash of the standby": crash_of_the_standby,
    "replication link cut": replication_cut,
    "beats cut": beats_cut,
    "both cut": both_cut,
}


def _roles(cluster: MailCluster) -> tuple[DrbdNode, DrbdNode]:
    """The active node, of which there must be one, and the other one."""
    (active,) = cluster.active()
    return active, cluster.pair.peer_of(active)


def _wait_active(cluster: MailCluster, node: DrbdNode) -> None:
    try:
        cluster.wait_until(
            lambda: cluster.active() == [node],
            OLD_SWITCH_S if cluster.old else HEARTBEAT_TIMEOUT_S,
            f"{node.name} is active",
        )
    except WaitTimedOut:
        # Their pass may demote what their take-over has just promoted; then all goes back.
        if not cluster.old:
            raise
