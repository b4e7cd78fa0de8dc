"""The captured situations of two nodes whose data went apart, told again."""

from __future__ import annotations

from connector.model import AfterSplitBrain
from connector.simulate.nine import ClusterResource, SimulatedCluster
from tests.simulate.nine.stories import (
    WHERE,
    Story,
    active,
    connected_secondary,
    cut,
    give_up,
    mend,
    ok,
    take_over,
)


def split(*, stay: bool = False, race: str = "both") -> SimulatedCluster:
    """Both have written; alpha is in use, beta only if it is to `stay`."""
    cluster = cut(active())
    cluster.state.race = race
    take_over(cluster, stay=stay)
    cluster.write("alpha", "mail", 3)
    return mend(cluster)


def healed() -> SimulatedCluster:
    cluster = split()
    ok(cluster.drbdadm("beta", "connect", "--discard-my-data", "mail"))
    ok(cluster.drbdadm("alpha", "connect", "mail"))
    cluster.settle()
    return cluster


def reconnected() -> SimulatedCluster:
    cluster = split()
    for node in ("alpha", "beta"):
        ok(cluster.drbdadm(node, "connect", "mail"))
    cluster.settle()
    return cluster


def one_connecting() -> SimulatedCluster:
    cluster = split()
    ok(cluster.drbdadm("beta", "connect", "mail"))
    cluster.settle()
    return cluster


def victim_primary() -> SimulatedCluster:
    cluster = split(stay=True)
    cluster.umount("beta", "mail", WHERE)
    return cluster


def neither_in_use(race: str = "both") -> SimulatedCluster:
    cluster = split(stay=True, race=race)
    for node in ("alpha", "beta"):
        give_up(cluster, node)
    return cluster


def both_discard() -> SimulatedCluster:
    cluster = neither_in_use()
    for node in ("alpha", "beta"):
        ok(cluster.drbdadm(node, "connect", "--discard-my-data", "mail"))
    cluster.settle()
    return cluster


def one_discard_refused() -> SimulatedCluster:
    cluster = neither_in_use("one")
    ok(cluster.drbdadm("alpha", "connect", "--discard-my-data", "mail"))
    refused = cluster.drbdadm("beta", "connect", "--discard-my-data", "mail")
    assert refused.exit_status == 10, refused
    cluster.settle()
    return cluster


def opened_not_mounted() -> SimulatedCluster:
    cluster = connected_secondary()
    ok(cluster.drbdadm("alpha", "primary", "mail"))
    cluster.open("alpha", "mail", "bash")
    cut(cluster)
    cluster.write("alpha", "mail", 4)
    take_over(cluster)
    return mend(cluster)


def discard_not_split() -> SimulatedCluster:
    cluster = cut(connected_secondary())
    take_over(cluster)
    ok(cluster.drbdadm("beta", "disconnect", "mail"))
    mend(cluster)
    ok(cluster.drbdadm("beta", "connect", "--discard-my-data", "mail"))
    cluster.settle()
    return look_for_file(cluster)


def look_for_file(cluster: SimulatedCluster) -> SimulatedCluster:
    """beta mounts the device, which promotes it, and unmounts it again."""
    cluster.mount("beta", "mail", WHERE)
    cluster.umount("beta", "mail", WHERE)
    return cluster


def discard_pending(*, stay: bool) -> SimulatedCluster:
    cluster = cut(connected_secondary())
    ok(cluster.drbdadm("beta", "disconnect", "mail"))
    ok(cluster.drbdadm("beta", "connect", "--discard-my-data", "mail"))
    take_over(cluster, stay=stay)
    return mend(cluster) if stay else look_for_file(mend(cluster))


AFTER_SB = AfterSplitBrain("discard-zero-changes", "discard-secondary", "disconnect")


def after_sb() -> SimulatedCluster:
    cluster = cut(active(resource=ClusterResource("mail", after_sb=AFTER_SB)))
    take_over(cluster, stay=True)
    cluster.write("alpha", "mail", 3)
    return mend(cluster)


def after_sb_discarded() -> SimulatedCluster:
    cluster = after_sb()
    give_up(cluster, "beta")
    for node in ("beta", "alpha"):
        ok(cluster.drbdadm(node, "connect", "mail"))
    cluster.settle()
    return cluster


def two_resources() -> SimulatedCluster:
    cluster = SimulatedCluster(2, (ClusterResource("mail", (0,)), ClusterResource("db", (10,))))
    cluster.state.race = "both"
    for resource in ("mail", "db"):
        ok(cluster.drbdadm("alpha", "primary", resource))
        cluster.mount("alpha", resource, f"/mnt/{resource}")
    cut(cluster)
    for resource in ("mail", "db"):
        cluster.write("alpha", resource, 3)
    take_over(cluster)
    return mend(cluster)


def two_volumes() -> SimulatedCluster:
    cluster = SimulatedCluster(2, (ClusterResource("mail", (0, 1)),), race="both")
    ok(cluster.drbdadm("alpha", "primary", "mail"))
    cluster.mount("alpha", "mail", "/mnt/zero")
    cluster.mount("alpha", "mail", "/mnt/one", 1)
    cut(cluster)
    ok(cluster.drbdadm("beta", "primary", "mail"))
    cluster.mount("beta", "mail", "/mnt/one", 1)
    cluster.write("beta", "mail", 2, 1)
    cluster.umount("beta", "mail", "/mnt/one")
    ok(cluster.drbdadm("beta", "secondary", "mail"))
    for volume in (0, 1):
        cluster.write("alpha", "mail", 3, volume)
    return mend(cluster)


SPLIT_BRAINS: dict[str, Story] = {
    "2n-split-brain-both-standalone": split,
    "2n-split-brain-both-in-use": lambda: split(stay=True),
    "2n-split-brain-neither-in-use": neither_in_use,
    "2n-split-brain-one-connecting": one_connecting,
    "2n-split-brain-opened-not-mounted": opened_not_mounted,
    "2n-split-brain-reconnected": reconnected,
    "2n-split-brain-victim-primary-unmounted": victim_primary,
    "2n-split-brain-healed": healed,
    "2n-both-discard": both_discard,
    "2n-both-discard-one-refused": one_discard_refused,
    "2n-discard-not-split": discard_not_split,
    "2n-discard-pending-then-primary": lambda: discard_pending(stay=True),
    "2n-discard-pending-then-written": lambda: discard_pending(stay=False),
    "2n-after-sb-2pri": after_sb,
    "2n-after-sb-1pri-discarded": after_sb_discarded,
    "2n-two-resources-one-split": two_resources,
    "2n-two-volumes-one-diverged": two_volumes,
}
