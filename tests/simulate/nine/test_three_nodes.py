"""Rules of three nodes that no single capture shows: one thing after another."""

from __future__ import annotations

from connector.model import DiskState, ReplicationState
from connector.simulate.nine import SimulatedCluster
from tests.simulate.nine import more_stories, stories_of_three
from tests.simulate.nine.stories import WHERE, give_up, ok


def test_a_generation_that_a_peer_missed_is_kept_when_the_next_begins() -> None:
    """alpha loses beta, writes, loses gamma too, writes: both are brought up to date again."""
    cluster = stories_of_three.three()
    for node in ("beta", "gamma"):
        cluster.isolate(node)
        cluster.settle()
        cluster.write("alpha", "mail", 7)
    for node in ("beta", "gamma"):
        cluster.rejoin(node)
        cluster.settle()
    assert len({cluster.held(node, "mail") for node in cluster.state.names}) == 1
    assert all(cluster.disk(node, "mail") is DiskState.UP_TO_DATE for node in cluster.state.names)


def test_a_resync_outlives_a_cut_that_nobody_notices() -> None:
    cluster = more_stories.resync_running()
    cluster.cut_link("alpha", "beta")
    cluster.sleep(0.5)
    cluster.mend_link("alpha", "beta")
    cluster.settle()
    assert cluster.held("alpha", "mail") == cluster.held("beta", "mail")
    assert cluster.disk("beta", "mail") is DiskState.UP_TO_DATE


def test_who_hears_of_a_primary_through_others_only_is_outdated() -> None:
    cluster = SimulatedCluster(3)
    cluster.cut_link("alpha", "beta")
    cluster.settle()
    assert cluster.disk("alpha", "mail") is DiskState.UP_TO_DATE
    cluster.mount("beta", "mail", WHERE)
    assert cluster.disk("alpha", "mail") is DiskState.OUTDATED


def test_a_target_goes_on_with_its_other_source() -> None:
    """gamma is brought up to date by one of two; that one crashes in the middle of it."""
    cluster = stories_of_three.three()
    cluster.isolate("gamma")
    cluster.settle()
    for block in range(100, 200):
        cluster.write("alpha", "mail", block)
    give_up(cluster, "alpha")
    cluster.state.resync_kib_per_s = 20.0
    cluster.rejoin("gamma")
    cluster.sleep(6.0)
    replication = {peer: cluster.replication("gamma", "mail", peer) for peer in ("alpha", "beta")}
    assert set(replication.values()) == {
        ReplicationState.SYNC_TARGET,
        ReplicationState.PAUSED_SYNC_T,
    }
    cluster.crash(next(p for p, state in replication.items() if state == "SyncTarget"))
    cluster.settle()
    assert cluster.disk("gamma", "mail") is DiskState.UP_TO_DATE
    assert cluster.held("gamma", "mail") == cluster.held("alpha", "mail")


def test_with_a_majority_nobody_is_split() -> None:
    """The minority's writes wait; the majority goes on, and nothing that was promised is lost."""
    cluster = stories_of_three.minority_returns()
    assert cluster.lost("mail") == ()
    for node in cluster.state.names:
        assert "Split-Brain" not in cluster.kernel_log(node)
    cluster.umount("alpha", "mail", WHERE)
    ok(cluster.drbdadm("alpha", "secondary", "mail"))
    ok(cluster.drbdadm("alpha", "connect", "mail"))
    cluster.settle()
    assert cluster.disk("alpha", "mail") is DiskState.UP_TO_DATE
    assert cluster.held("alpha", "mail") == cluster.held("beta", "mail")


def test_who_hears_of_a_connected_primary_through_others_only_is_outdated() -> None:
    cluster = SimulatedCluster(3)
    cluster.isolate("alpha")
    cluster.settle()
    ok(cluster.drbdadm("alpha", "primary", "mail"))
    assert cluster.disk("gamma", "mail") is DiskState.UP_TO_DATE
    cluster.mend_link("alpha", "beta")
    cluster.settle()
    assert cluster.disk("beta", "mail") is DiskState.UP_TO_DATE
    assert cluster.disk("gamma", "mail") is DiskState.OUTDATED
    cluster.mend_link("alpha", "gamma")
    cluster.settle()
    assert cluster.disk("gamma", "mail") is DiskState.UP_TO_DATE
