"""Rules of DRBD 9 that no capture shows: whose data survive, and who may be Primary."""

from __future__ import annotations

import pytest

from connector.model import AfterSplitBrain, ConnectionState, DiskState, ReplicationState, Role
from connector.simulate.nine import ClusterResource, Refused
from connector.simulate.nine.state import JUST_CREATED
from tests.simulate.nine import more_stories, split_stories, stories, stories_of_three
from tests.simulate.nine.stories import WHERE, active, cut, give_up, mend, ok, take_over

C = ConnectionState


# Whose data


def test_a_cut_alone_is_no_split_brain() -> None:
    """Only alpha wrote: beta takes what it missed."""
    cluster = cut(active())
    number = cluster.write("alpha", "mail", 5)
    assert number not in cluster.held("beta", "mail")
    mend(cluster)
    assert number in cluster.held("beta", "mail")
    assert cluster.lost("mail") == ()


def test_a_standby_that_wrote_alone_wins() -> None:
    cluster = cut(stories.connected_secondary())
    take_over(cluster)
    mend(cluster)
    assert cluster.held("alpha", "mail") == cluster.held("beta", "mail")
    assert cluster.lost("mail") == ()


def test_nothing_is_lost_before_somebody_discards() -> None:
    cluster = split_stories.split()
    assert cluster.lost("mail") == ()
    ok(cluster.drbdadm("beta", "connect", "--discard-my-data", "mail"))
    ok(cluster.drbdadm("alpha", "connect", "mail"))
    cluster.settle()
    assert {write.node for write in cluster.lost("mail")} == {"beta"}
    assert len(cluster.lost("mail")) == 1


def test_a_discard_without_a_split_brain_reverts_to_older_data() -> None:
    lost = split_stories.discard_not_split().lost("mail")
    assert [write.node for write in lost] == ["beta"]


@pytest.mark.parametrize("stay", [True, False])
def test_a_pending_discard_is_forgotten_by_a_promotion(stay: bool) -> None:
    assert split_stories.discard_pending(stay=stay).lost("mail") == ()


def test_both_discard_and_nothing_is_lost() -> None:
    assert split_stories.both_discard().lost("mail") == ()


def test_one_discard_is_refused_and_the_other_counts() -> None:
    lost = split_stories.one_discard_refused().lost("mail")
    assert {write.node for write in lost} == {"alpha"}


def test_the_policies_of_the_configuration() -> None:
    """After 2n-after-sb-2pri a mere `secondary` and `connect` throw beta's writes away."""
    assert split_stories.after_sb().lost("mail") == ()
    assert {write.node for write in split_stories.after_sb_discarded().lost("mail")} == {"beta"}


def test_no_primary_and_only_one_side_wrote_blocks_that_count() -> None:
    policy = AfterSplitBrain("discard-least-changes", "disconnect", "disconnect")
    cluster = cut(active(resource=ClusterResource("mail", after_sb=policy)))
    take_over(cluster, stay=True)
    for block in range(10, 20):
        cluster.write("alpha", "mail", block)
    for node in ("alpha", "beta"):
        give_up(cluster, node)
    mend(cluster)
    assert {write.node for write in cluster.lost("mail")} == {"beta"}


def test_tentative_joins_diverged_data() -> None:
    cluster = more_stories.tentative()
    assert cluster.connection("alpha", "mail", "beta") is C.CONNECTED
    assert cluster.held("alpha", "mail") != cluster.held("beta", "mail")
    assert cluster.lost("mail") == ()


def test_three_nodes_heal_towards_the_one_in_use() -> None:
    cluster = stories_of_three.gamma_healed()
    assert {write.node for write in cluster.lost("mail")} == {"gamma"}
    held = {cluster.held(node, "mail") for node in cluster.state.names}
    assert len(held) == 1


def test_a_crashed_primary_comes_back_and_nothing_is_lost() -> None:
    cluster = active()
    cluster.crash("alpha")
    cluster.settle()
    take_over(cluster, stay=True)
    cluster.boot("alpha")
    cluster.settle()
    assert cluster.role("alpha", "mail") is Role.SECONDARY
    assert cluster.held("alpha", "mail") == cluster.held("beta", "mail")
    assert cluster.lost("mail") == ()


def test_a_crashed_primary_may_have_written_what_nobody_else_has() -> None:
    """What its activity log covers is copied once more, though the generations are the same."""
    cluster = active()
    cluster.crash("alpha")
    cluster.settle()
    cluster.boot("alpha")
    cluster.settle()
    assert "uuid_compare()=source-use-bitmap by rule=both-off" in cluster.kernel_log("alpha")
    assert "Began resync as SyncTarget" in cluster.kernel_log("beta")


# Who may be Primary, and who may not


def test_a_lost_node_of_three_is_outdated_by_the_one_in_between() -> None:
    cluster = stories_of_three.gamma_isolated()
    assert cluster.disk("gamma", "mail") is DiskState.OUTDATED
    assert cluster.drbdadm("gamma", "primary", "mail").exit_status == 17


def test_links_that_die_together_leave_it_up_to_date() -> None:
    cluster = stories_of_three.isolated_at_once("gamma")
    assert cluster.disk("gamma", "mail") is DiskState.UP_TO_DATE
    ok(cluster.drbdadm("gamma", "primary", "mail"))


def test_a_reader_on_the_peer_blocks_promotion() -> None:
    cluster = more_stories.mounted_read_only()
    cluster.umount("beta", "mail", WHERE)
    assert cluster.drbdadm("beta", "primary", "mail").exit_status == 11
    cluster.mount("beta", "mail", WHERE)
    assert cluster.role("beta", "mail") is Role.SECONDARY, "it fell back to read-only"
    with pytest.raises(Refused, match="not in Primary role"):
        cluster.write("beta", "mail", 1)


def test_an_isolated_standby_is_promoted_by_a_mount() -> None:
    cluster = cut(stories.connected_secondary())
    cluster.mount("beta", "mail", WHERE)
    assert cluster.role("beta", "mail") is Role.PRIMARY
    cluster.umount("beta", "mail", WHERE)
    assert cluster.role("beta", "mail") is Role.SECONDARY


def test_an_explicit_primary_outlives_its_mount() -> None:
    cluster = active()
    cluster.umount("alpha", "mail", WHERE)
    assert cluster.role("alpha", "mail") is Role.PRIMARY


def test_quorum_comes_back_with_the_link() -> None:
    cluster = more_stories.quorum_lost("suspend-io")
    assert cluster.side("alpha", "mail").suspended == {"quorum"}
    mend(cluster)
    assert cluster.side("alpha", "mail").suspended == set()
    cluster.write("alpha", "mail", 4)
    assert cluster.lost("mail") == ()


def test_a_resync_that_is_cut_goes_on_with_what_is_left() -> None:
    cluster = more_stories.resync_interrupted()
    missing = len(cluster.side("alpha", "mail").volumes[0].peers["beta"].changed)
    assert 0 < missing < 101
    assert cluster.disk("beta", "mail") is DiskState.INCONSISTENT
    mend(cluster)
    assert cluster.held("alpha", "mail") == cluster.held("beta", "mail")
    assert cluster.disk("beta", "mail") is DiskState.UP_TO_DATE


def test_a_paused_resync_waits_for_its_operator() -> None:
    cluster = more_stories.resync_paused()
    cluster.settle()
    assert cluster.replication("alpha", "mail", "beta") is ReplicationState.PAUSED_SYNC_S
    ok(cluster.drbdadm("alpha", "resume-sync", "mail"))
    cluster.settle()
    assert cluster.replication("alpha", "mail", "beta") is ReplicationState.ESTABLISHED
    assert cluster.held("alpha", "mail") == cluster.held("beta", "mail")


def test_a_new_disk_is_filled_whole() -> None:
    cluster = cut(active())
    volume = cluster.side("beta", "mail").volumes[0]
    volume.current, volume.disk, volume.blocks = JUST_CREATED, DiskState.INCONSISTENT, {}
    mend(cluster)
    assert "uuid_compare()=source-set-bitmap by rule=just-created-peer" in cluster.kernel_log(
        "alpha"
    )
    assert cluster.held("beta", "mail") == cluster.held("alpha", "mail")
    assert cluster.disk("beta", "mail") is DiskState.UP_TO_DATE
