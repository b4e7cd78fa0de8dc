"""More captured situations of two nodes: who has a device open, disks, quorum, resyncs."""

from __future__ import annotations

from connector.model import DiskState
from connector.simulate.nine import ClusterResource, SimulatedCluster
from connector.simulate.state import Refused
from tests.simulate.nine.split_stories import split
from tests.simulate.nine.stories import (
    WHERE,
    Story,
    active,
    connected_secondary,
    cut,
    link_cut,
    mend,
    ok,
)


def auto_promoted() -> SimulatedCluster:
    """A file system is made, and mounted."""
    cluster = SimulatedCluster(race="both")
    cluster.open("alpha", "mail", "mkfs.ext4")
    cluster.close("alpha", "mail", "mkfs.ext4")
    cluster.mount("alpha", "mail", WHERE)
    return cluster


def auto_promoted_and_cut() -> SimulatedCluster:
    cluster = cut(auto_promoted())
    cluster.umount("alpha", "mail", WHERE)
    cluster.mount("beta", "mail", WHERE)
    cluster.write("beta", "mail", 2)
    return cluster


def mounted_read_only() -> SimulatedCluster:
    cluster = connected_secondary()
    for node in ("alpha", "beta"):
        cluster.mount(node, "mail", WHERE, read_only=True)
    return cluster


def mounted_read_only_disconnected() -> SimulatedCluster:
    cluster = mounted_read_only()
    assert cluster.drbdadm("beta", "primary", "mail").exit_status == 11
    ok(cluster.drbdadm("beta", "disconnect", "mail"))
    assert cluster.drbdadm("beta", "down", "mail").exit_status == 17
    cluster.settle()
    return cluster


def opened(program: str, *, read_only: bool) -> SimulatedCluster:
    cluster = auto_promoted()
    cluster.umount("alpha", "mail", WHERE)
    cluster.open("alpha", "mail", program, read_only=read_only)
    return cluster


def swap() -> SimulatedCluster:
    cluster = connected_secondary()
    ok(cluster.drbdadm("alpha", "primary", "mail"))
    cluster.swapon("alpha", "mail")
    return cluster


def standby_detached() -> SimulatedCluster:
    cluster = active()
    ok(cluster.drbdadm("beta", "detach", "mail"))
    return cluster


SUSPENDING = ClusterResource("mail", on_no_data_accessible="suspend-io")


def primary_diskless() -> SimulatedCluster:
    cluster = active(resource=SUSPENDING)
    ok(cluster.drbdadm("alpha", "detach", "mail"))
    cluster.write("alpha", "mail", 4)
    return cluster


def no_data() -> SimulatedCluster:
    return cut(primary_diskless())


def suspended_by_operator() -> SimulatedCluster:
    cluster = active()
    ok(cluster.drbdadm("beta", "suspend-io", "mail"))
    return cluster


def quorum_lost(on_no_quorum: str) -> SimulatedCluster:
    cluster = cut(active(resource=ClusterResource("mail", quorum="2", on_no_quorum=on_no_quorum)))
    try:
        cluster.write("alpha", "mail", 4)
    except Refused:
        return cluster
    raise AssertionError("a write without quorum was acknowledged")


def resync_running() -> SimulatedCluster:
    cluster = link_cut()
    for block in range(100, 200):
        cluster.write("alpha", "mail", block)
    cluster.state.resync_kib_per_s = 20.0
    cluster.mend_link("alpha", "beta")
    cluster.sleep(6.0)
    return cluster


def resync_interrupted() -> SimulatedCluster:
    return cut(resync_running())


def resync_paused() -> SimulatedCluster:
    cluster = resync_interrupted()
    cluster.mend_link("alpha", "beta")
    cluster.sleep(5.0)
    ok(cluster.drbdadm("alpha", "pause-sync", "mail"))
    return cluster


def verifying() -> SimulatedCluster:
    cluster = active()
    ok(cluster.drbdadm("alpha", "verify", "mail"))
    return cluster


def verified() -> SimulatedCluster:
    cluster = active()
    cluster.spoil("beta", "mail", 7)
    ok(cluster.drbdadm("alpha", "verify", "mail"))
    cluster.settle()
    return cluster


def tentative() -> SimulatedCluster:
    cluster = split()
    ok(cluster.drbdadm("beta", "connect", "--tentative", "--discard-my-data", "mail"))
    ok(cluster.drbdadm("alpha", "connect", "mail"))
    cluster.settle()
    return cluster


def unrelated() -> SimulatedCluster:
    """Each has been forced Primary alone, with fresh meta-data."""
    cluster = SimulatedCluster(race="one")
    cut(cluster)
    for node in ("alpha", "beta"):
        volume = cluster.side(node, "mail").volumes[0]
        volume.disk, volume.current, volume.history = DiskState.INCONSISTENT, 4, []
        volume.peers["beta" if node == "alpha" else "alpha"].changed = set(range(6134))
        ok(cluster.drbdadm(node, "primary", "--force", "mail"))
    ok(cluster.drbdadm("beta", "secondary", "mail"))
    cluster.mount("alpha", "mail", WHERE)
    return mend(cluster)


MORE_OF_TWO_NODES: dict[str, Story] = {
    "2n-auto-promote-mounted": auto_promoted,
    "2n-auto-promote-link-cut": auto_promoted_and_cut,
    "2n-mounted-read-only": mounted_read_only,
    "2n-mounted-read-only-disconnected": mounted_read_only_disconnected,
    "2n-opened-read-only": lambda: opened("bash", read_only=True),
    "2n-opened-read-write": lambda: opened("bash", read_only=False),
    "2n-swap-in-use": swap,
    "2n-standby-detached": standby_detached,
    "2n-primary-diskless": primary_diskless,
    "2n-no-data-suspended": no_data,
    "2n-suspended-by-operator": suspended_by_operator,
    "2n-quorum-lost-suspended": lambda: quorum_lost("suspend-io"),
    "2n-quorum-lost-io-error": lambda: quorum_lost("io-error"),
    "2n-resync-running": resync_running,
    "2n-resync-interrupted": resync_interrupted,
    "2n-resync-paused": resync_paused,
    "2n-verify-running": verifying,
    "2n-verify-found-differences": verified,
    "2n-tentative": tentative,
    "2n-unrelated-data": unrelated,
}
