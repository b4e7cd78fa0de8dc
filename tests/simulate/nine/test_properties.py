"""What holds of the simulated kernels whatever is done to them."""

from __future__ import annotations

from itertools import combinations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from connector.model import ConnectionState, DiskState, ReplicationState
from connector.simulate.nine import ClusterResource, Refused, SimulatedCluster
from tests.simulate.nine.deeds import (
    NAMES,
    Told,
    deeds,
    drbdadm,
    link,
    mount,
    power,
    role,
    sleep,
    umount,
    write,
)


def do(cluster: SimulatedCluster, told: Told) -> None:
    """What a real node refuses is refused here too, and changes nothing that matters."""
    try:
        told.deed(cluster)
    except Refused:
        return


def linked(cluster: SimulatedCluster) -> list[tuple[str, str]]:
    """The pairs that are connected, as both sides know it."""
    return [
        (one, other)
        for one, other in combinations(cluster.state.names, 2)
        if cluster.state.nodes[one].up
        and cluster.state.nodes[other].up
        and cluster.connection(one, "mail", other) is ConnectionState.CONNECTED
        and cluster.connection(other, "mail", one) is ConnectionState.CONNECTED
    ]


def check_one_primary(cluster: SimulatedCluster) -> None:
    for one, other in linked(cluster):
        assert not (cluster.side(one, "mail").primary and cluster.side(other, "mail").primary)


def check_same_data(cluster: SimulatedCluster) -> None:
    """Connected, UpToDate and nothing out of sync: then both disks hold the same."""
    for one, other in linked(cluster):
        volumes = [cluster.side(node, "mail").volumes[0] for node in (one, other)]
        towards = [volumes[0].peers[other], volumes[1].peers[one]]
        good = all(volume.disk is DiskState.UP_TO_DATE for volume in volumes)
        calm = all(item.replication is ReplicationState.ESTABLISHED for item in towards)
        if good and calm and not any(item.changed for item in towards):
            assert volumes[0].blocks == volumes[1].blocks, (one, other)
            assert volumes[0].current == volumes[1].current, (one, other)


def check_quiet(cluster: SimulatedCluster) -> None:
    """Once nothing more happens: both sides of a connection agree, and no resync stands still."""
    for one, other in combinations(cluster.state.names, 2):
        if not cluster.state.reachable(one, other):
            continue
        states = {cluster.connection(one, "mail", other), cluster.connection(other, "mail", one)}
        assert states != {ConnectionState.CONNECTED, ConnectionState.CONNECTING}
        assert states != {ConnectionState.CONNECTED, ConnectionState.STANDALONE}
        assert states != {ConnectionState.CONNECTING}, "two that look for each other meet"
    for one, other in linked(cluster):
        replication = cluster.replication(one, "mail", other)
        assert replication in (ReplicationState.ESTABLISHED, ReplicationState.OFF)


def check_split_brains(cluster: SimulatedCluster, before: dict[str, int]) -> None:
    """A split brain that is told is one: each side has seen writes that the other has not."""
    for node in cluster.state.names:
        for line in cluster.state.nodes[node].log[before[node] :]:
            assert "Unrelated data" not in line.text
            if "Split-Brain detected but unresolved" in line.text:
                peer = line.text.split(":")[0].split()[-1]
                sides = [cluster.held(one, "mail") for one in (node, peer)]
                assert sides[0] - sides[1], line.text
                assert sides[1] - sides[0], line.text


def play(cluster: SimulatedCluster, story: list[Told]) -> None:
    for told in story:
        before = {name: len(state.log) for name, state in cluster.state.nodes.items()}
        do(cluster, told)
        before = {name: min(n, len(cluster.state.nodes[name].log)) for name, n in before.items()}
        check_one_primary(cluster)
        check_same_data(cluster)
        check_split_brains(cluster, before)
    cluster.settle()
    check_one_primary(cluster)
    check_same_data(cluster)
    check_quiet(cluster)


PLAIN = ("connect", "disconnect")
DISCARDING = ("connect", "disconnect", "connect --discard-my-data")


@settings(max_examples=60, deadline=None)
@given(st.lists(deeds(NAMES[:2], *PLAIN), max_size=40), st.integers(0, 9))
def test_two_nodes_lose_nothing_by_themselves(story: list[Told], seed: int) -> None:
    cluster = SimulatedCluster(2, seed=seed)
    play(cluster, story)
    assert cluster.lost("mail") == ()


AB, AG, BG = ("alpha", "beta"), ("alpha", "gamma"), ("beta", "gamma")


@example(  # a Secondary's other peer hears of a Primary that it is not connected to
    [
        link(AG, False),
        drbdadm("alpha", "disconnect", None),
        drbdadm("alpha", "connect", None),
        mount("alpha"),
        sleep(3.0),
        link(AB, False),
        mount("beta"),
    ],
    0,
)
@example(  # three generations of which no two nodes have the same two
    [
        power("alpha", False),
        mount("beta"),
        link(BG, False),
        mount("gamma"),
        umount("beta"),
        power("alpha", True),
        sleep(3.0),
    ],
    0,
)
@example(  # a Primary demotes itself before the node that it has lost knows
    [
        mount("gamma"),
        mount("alpha"),
        link(BG, False),
        umount("gamma"),
        role("alpha", "primary"),
        mount("beta"),
        drbdadm("alpha", "connect", None),
        role("alpha", "primary"),
    ],
    1,
)
@example(  # a node with old data meets one that is just being brought up to date
    [
        role("alpha", "primary"),
        power("beta", False),
        power("gamma", False),
        role("alpha", "primary"),
        power("gamma", True),
        mount("alpha"),
        sleep(1.0),
        power("beta", True),
    ],
    1,
)
@example(  # a chain: the node in between has what its other end has not
    [link(AB, False), mount("beta"), role("alpha", "primary"), umount("beta"), mount("alpha")],
    0,
)
@example(  # a resync ends while another one of its target is about to begin
    [
        link(AG, False),
        role("alpha", "primary"),
        power("gamma", False),
        mount("alpha"),
        link(AB, False),
        link(AG, True),
        drbdadm("alpha", "connect", None),
        drbdadm("beta", "connect", None),
        write("alpha", 1),
        power("gamma", True),
    ],
    0,
)
@example(  # a source becomes a target itself
    [
        role("gamma", "primary"),
        power("gamma", False),
        role("alpha", "primary"),
        role("alpha", "secondary"),
        link(AB, False),
        mount("alpha"),
        link(AB, True),
        role("alpha", "primary"),
        power("gamma", True),
    ],
    0,
)
@settings(max_examples=60, deadline=None)
@given(st.lists(deeds(NAMES, *PLAIN), max_size=40), st.integers(0, 9))
def test_three_nodes_lose_nothing_by_themselves(story: list[Told], seed: int) -> None:
    cluster = SimulatedCluster(3, seed=seed)
    play(cluster, story)
    assert cluster.lost("mail") == ()


@example(  # a node with old data meets both halves of a split brain at once
    [
        mount("alpha"),
        umount("alpha"),
        role("gamma", "primary"),
        link(BG, False),
        power("alpha", False),
        role("beta", "primary"),
        write("gamma", 1),
        power("alpha", True),
        mount("beta"),
        role("gamma", "secondary"),
    ],
    8,
)
@settings(max_examples=40, deadline=None)
@given(st.lists(deeds(NAMES, *DISCARDING), max_size=40), st.integers(0, 9))
def test_whatever_is_discarded_the_states_tell_the_truth(story: list[Told], seed: int) -> None:
    play(SimulatedCluster(3, seed=seed), story)


@settings(max_examples=40, deadline=None)
@given(st.lists(deeds(NAMES, *PLAIN), max_size=40), st.integers(0, 9))
def test_with_a_majority_nobody_is_ever_split(story: list[Told], seed: int) -> None:
    resource = ClusterResource("mail", quorum="majority")
    cluster = SimulatedCluster(3, (resource,), seed=seed)
    play(cluster, story)
    assert cluster.lost("mail") == ()
    for node in cluster.state.names:
        assert "Split-Brain detected" not in cluster.kernel_log(node)
