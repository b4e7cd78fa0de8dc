"""How long things take, and how a race ends: as on real nodes, drawn from the seed."""

from __future__ import annotations

import pytest

from connector.model import ConnectionState, DiskState
from connector.simulate.nine import SimulatedCluster
from tests.simulate.nine.stories import active, cut, ok, take_over

C = ConnectionState
SEEDS = range(40)


def waited_s(cluster: SimulatedCluster, node: str, peer: str, state: C) -> float:
    """How long until a connection is in a state; at most 10 s."""
    began_s = cluster.state.now_s
    while cluster.connection(node, "mail", peer) is not state:
        assert cluster.state.now_s - began_s < 10.0
        cluster.sleep(0.05)
    return cluster.state.now_s - began_s


@pytest.mark.parametrize("seed", SEEDS)
def test_each_side_notices_a_cut_in_its_own_time(seed: int) -> None:
    cluster = SimulatedCluster(2, seed=seed)
    began_s = cluster.state.now_s
    cluster.cut_link("alpha", "beta")
    for node, peer in (("alpha", "beta"), ("beta", "alpha")):
        waited_s(cluster, node, peer, C.CONNECTING)
        assert 1.0 <= cluster.state.now_s - began_s <= 3.1


def test_they_do_not_notice_together() -> None:
    found = set()
    for seed in SEEDS:
        cluster = SimulatedCluster(2, seed=seed)
        cluster.cut_link("alpha", "beta")
        waited_s(cluster, "alpha", "beta", C.CONNECTING)
        found.add(cluster.connection("beta", "mail", "alpha"))
    assert found == {C.CONNECTED, C.CONNECTING}


def test_a_cut_that_nobody_noticed_has_not_been_one() -> None:
    cluster = active()
    log = cluster.kernel_log("alpha")
    cluster.cut_link("alpha", "beta")
    cluster.sleep(0.5)
    cluster.mend_link("alpha", "beta")
    cluster.settle()
    assert cluster.connection("alpha", "mail", "beta") is C.CONNECTED
    assert cluster.kernel_log("alpha") == log


def test_one_side_notices_and_closes() -> None:
    """The other hears of it when the link is back, and does not wait for its pings."""
    for seed in SEEDS:
        cluster = SimulatedCluster(2, seed=seed)
        cluster.cut_link("alpha", "beta")
        waited_s(cluster, "alpha", "beta", C.CONNECTING)
        cluster.mend_link("alpha", "beta")
        cluster.settle()
        assert cluster.connection("alpha", "mail", "beta") is C.CONNECTED
        assert cluster.connection("beta", "mail", "alpha") is C.CONNECTED


@pytest.mark.parametrize("seed", SEEDS)
def test_a_connect_takes_as_long_as_on_real_nodes(seed: int) -> None:
    cluster = active(seed=seed)
    ok(cluster.drbdadm("beta", "disconnect", "mail"))
    ok(cluster.drbdadm("beta", "connect", "mail"))
    assert 1.2 <= waited_s(cluster, "beta", "alpha", C.CONNECTED) <= 2.65
    assert cluster.disk("beta", "mail") is DiskState.UP_TO_DATE


def test_a_split_brain_ends_by_a_coin() -> None:
    """alpha, which begins, is StandAlone; beta is too, or goes on looking for it for ever."""
    found = set()
    for seed in SEEDS:
        cluster = cut(active(seed=seed))
        cluster.state.race = ""
        take_over(cluster)
        cluster.write("alpha", "mail", 3)
        cluster.mend_link("alpha", "beta")
        assert 1.5 <= waited_s(cluster, "alpha", "beta", C.STANDALONE) <= 3.0
        cluster.settle()
        found.add(cluster.connection("beta", "mail", "alpha"))
    assert found == {C.STANDALONE, C.CONNECTING}
