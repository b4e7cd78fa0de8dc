"""The captured situations of two nodes, told again in the simulator's words."""

from __future__ import annotations

from collections.abc import Callable

from connector.program import Completed
from connector.simulate.nine import ClusterResource, SimulatedCluster

WHERE = "/mnt/mail"
Story = Callable[[], SimulatedCluster]


def ok(done: Completed) -> None:
    """A command of a story that has to work."""
    assert done.exit_status == 0, done


def active(
    nodes: int = 2, resource: ClusterResource | None = None, seed: int = 0
) -> SimulatedCluster:
    """Connected and in sync; alpha promoted by hand, mounted, and with data."""
    cluster = SimulatedCluster(
        nodes, (resource or ClusterResource("mail"),), seed=seed, race="both"
    )
    ok(cluster.drbdadm("alpha", "primary", "mail"))
    cluster.mount("alpha", "mail", WHERE)
    cluster.write("alpha", "mail", 1)
    return cluster


def cut(cluster: SimulatedCluster) -> SimulatedCluster:
    """The link is gone and both know."""
    cluster.cut_link("alpha", "beta")
    cluster.settle()
    return cluster


def mend(cluster: SimulatedCluster) -> SimulatedCluster:
    """The link is back, and what follows has happened."""
    cluster.mend_link("alpha", "beta")
    cluster.settle()
    return cluster


def take_over(cluster: SimulatedCluster, node: str = "beta", *, stay: bool = False) -> None:
    """Promoted by hand, mounted, written; given up again unless it is to `stay`."""
    ok(cluster.drbdadm(node, "primary", "mail"))
    cluster.mount(node, "mail", WHERE)
    cluster.write(node, "mail", 2)
    if not stay:
        give_up(cluster, node)


def give_up(cluster: SimulatedCluster, node: str) -> None:
    """Unmounted and Secondary."""
    cluster.umount(node, "mail", WHERE)
    ok(cluster.drbdadm(node, "secondary", "mail"))


def connected_secondary() -> SimulatedCluster:
    cluster = active()
    give_up(cluster, "alpha")
    return cluster


def link_cut() -> SimulatedCluster:
    cluster = cut(active())
    cluster.write("alpha", "mail", 4)
    return cluster


def cut_both_primary() -> SimulatedCluster:
    cluster = link_cut()
    ok(cluster.drbdadm("beta", "primary", "mail"))
    return cluster


def operator_disconnect(node: str) -> SimulatedCluster:
    cluster = active()
    ok(cluster.drbdadm(node, "disconnect", "mail"))
    if node == "alpha":
        cluster.write("alpha", "mail", 4)
    cluster.settle()
    return cluster


def down_on_standby() -> SimulatedCluster:
    cluster = active()
    ok(cluster.drbdadm("beta", "down", "mail"))
    cluster.settle()
    return cluster


def no_resources() -> SimulatedCluster:
    cluster = down_on_standby()
    cluster.umount("alpha", "mail", WHERE)
    ok(cluster.drbdadm("alpha", "down", "mail"))
    return cluster


def standby_outdated() -> SimulatedCluster:
    cluster = active()
    ok(cluster.drbdadm("beta", "disconnect", "mail"))
    cluster.write("alpha", "mail", 4)
    cut(cluster)
    ok(cluster.drbdadm("beta", "connect", "mail"))
    cluster.settle()
    return cluster


def peer_back() -> SimulatedCluster:
    cluster = active()
    cluster.crash("beta")
    cluster.settle()
    cluster.write("alpha", "mail", 4)
    cluster.boot("beta")
    cluster.settle()
    return cluster


def auth_failure() -> SimulatedCluster:
    cluster = active()
    cluster.side("beta", "mail").secret = "changed"
    ok(cluster.drbdadm("beta", "disconnect", "mail"))
    ok(cluster.drbdadm("beta", "connect", "mail"))
    cluster.settle()
    cluster.write("alpha", "mail", 4)
    return cluster


def handler_failed() -> SimulatedCluster:
    cluster = link_cut()
    cluster.side("beta", "mail").before_resync_target_status = 1
    return mend(cluster)


TWO_NODES: dict[str, Story] = {
    "2n-connected-healthy": active,
    "2n-connected-secondary": connected_secondary,
    "2n-link-cut": link_cut,
    "2n-link-cut-both-primary": cut_both_primary,
    "2n-operator-disconnect-active": lambda: operator_disconnect("alpha"),
    "2n-operator-disconnect-standby": lambda: operator_disconnect("beta"),
    "2n-resource-down-on-standby": down_on_standby,
    "2n-no-resources": no_resources,
    "2n-standby-outdated": standby_outdated,
    "2n-peer-back-after-crash": peer_back,
    "2n-auth-failure": auth_failure,
    "2n-before-resync-handler-failed": handler_failed,
}
