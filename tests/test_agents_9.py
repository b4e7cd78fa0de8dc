"""Whole stories of DRBD 9, with the production code on every node of a simulated cluster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.model import AfterSplitBrain, DecisionName, Mode
from connector.simulate.nine.configuration import ClusterResource
from connector.simulate.state import Refused
from tests.agents_9 import WHERE, Agents9


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory() as name:
        yield Path(name)


def split(agents: Agents9, node: str = "beta") -> int:
    """The node is cut off, takes over, writes and steps down; the links come back. Its write."""
    cluster = agents.cluster
    cluster.isolate(node)
    cluster.sleep(10)
    cluster.write("alpha", "mail", 7)
    cluster.drbdadm(node, "primary", "mail")
    cluster.mount(node, "mail", WHERE)
    number = cluster.write(node, "mail", 9)
    cluster.umount(node, "mail", WHERE)
    cluster.drbdadm(node, "secondary", "mail")
    cluster.rejoin(node)
    cluster.sleep(10)
    return number


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("nodes", [2, 3])
def test_a_split_brain_ends_in_mode_discard_and_only_the_victim_loses(
    folder: Path, nodes: int, seed: int
) -> None:
    agents = Agents9(folder, nodes, mode=Mode.DISCARD, seed=seed)
    written = split(agents)
    reports = agents.minutes(8)
    assert agents.all_connected(), (agents.states(), agents.commands)
    assert {node for node, _ in agents.discards()} == {"beta"}
    assert {line for _, line in agents.discards()} == {"connect --discard-my-data mail:alpha"}
    assert [write.number for write in agents.cluster.lost("mail")] == [written]
    assert all(report.exit_status == 0 for report in reports)
    assert agents.cluster.side("alpha", "mail").primary


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("nodes", [2, 3])
def test_in_mode_reconnect_nothing_is_lost_and_a_person_is_called(
    folder: Path, nodes: int, seed: int
) -> None:
    agents = Agents9(folder, nodes, seed=seed)
    split(agents)
    reports = agents.minutes(6)
    assert agents.cluster.lost("mail") == ()
    assert agents.discards() == []
    assert max(report.exit_status for report in reports) == 3


@pytest.mark.parametrize("nodes", [2, 3])
def test_a_disconnect_by_hand_is_mended_towards_that_peer_alone(folder: Path, nodes: int) -> None:
    agents = Agents9(folder, nodes)
    agents.cluster.drbdadm("beta", "disconnect", "mail:alpha")
    agents.cluster.settle()
    agents.minutes(2)
    assert agents.commands == [("beta", "connect mail:alpha")]
    assert agents.all_connected()


def test_a_disconnect_by_hand_is_left_alone_for_its_time(folder: Path) -> None:
    agents = Agents9(folder, respect_disconnect_s=600)
    agents.cluster.drbdadm("beta", "disconnect", "mail:alpha")
    agents.cluster.settle()
    agents.minutes(8)
    assert agents.commands == []
    agents.minutes(4)
    assert agents.all_connected()


@pytest.mark.parametrize("nodes", [2, 3])
def test_a_cut_link_needs_no_command(folder: Path, nodes: int) -> None:
    agents = Agents9(folder, nodes)
    agents.cluster.isolate("beta")
    agents.minutes(3)
    agents.cluster.write("alpha", "mail", 3)
    agents.cluster.rejoin("beta")
    reports = agents.minutes(2)
    assert agents.commands == []
    assert agents.all_connected()
    assert {item.decision.name for report in reports for item in report.resources} == {
        DecisionName.HEALTHY
    }


def test_a_left_over_primary_is_demoted_where_it_is_alone(folder: Path) -> None:
    agents = Agents9(folder, 2)
    cluster = agents.cluster
    cluster.cut_link("alpha", "beta")
    cluster.sleep(10)
    cluster.drbdadm("beta", "primary", "mail")
    agents.minutes(2)
    assert agents.commands == [("beta", "secondary mail")]
    cluster.mend_link("alpha", "beta")
    agents.minutes(2)
    assert agents.all_connected()
    assert cluster.lost("mail") == ()


def test_who_reads_on_the_standby_is_let_be(folder: Path) -> None:
    agents = Agents9(folder, 2)
    cluster = agents.cluster
    cluster.umount("alpha", "mail", WHERE)
    cluster.drbdadm("alpha", "secondary", "mail")
    cluster.open("beta", "mail", "backup", read_only=True)
    cluster.drbdadm("beta", "disconnect", "mail:alpha")
    cluster.settle()
    beta = agents.minutes(2)[1].resources[0]
    assert beta.decision.name is DecisionName.HOLD
    assert "backup" in beta.decision.reason
    assert beta.needs_operator
    assert not any(node == "beta" for node, _ in agents.commands)
    cluster.close("beta", "mail", "backup")
    agents.minutes(2)
    assert agents.all_connected()


def test_a_discard_without_its_reason_is_taken_back(folder: Path) -> None:
    """The victim takes over before its peer answers; what it writes then must not be lost."""
    agents = Agents9(folder, 2, mode=Mode.DISCARD, race="both")
    cluster = agents.cluster
    split(agents)
    assert set(agents.states().values()) == {"StandAlone"}
    cluster.cut_link("alpha", "beta")
    agents.one_pass("beta")
    assert agents.discards() == [("beta", "connect --discard-my-data mail:alpha")]
    cluster.drbdadm("beta", "primary", "mail")
    cluster.mount("beta", "mail", WHERE)
    cluster.write("beta", "mail", 11)
    cluster.umount("beta", "mail", WHERE)
    cluster.drbdadm("beta", "secondary", "mail")
    agents.one_pass("beta")
    assert agents.commands[-2:] == [
        ("beta", "disconnect mail:alpha"),
        ("beta", "connect mail:alpha"),
    ]


def test_copies_that_differ_call_a_person_and_nothing_is_done(folder: Path) -> None:
    agents = Agents9(folder, 2, race="both")
    split(agents)
    cluster = agents.cluster
    cluster.drbdadm("beta", "connect", "--tentative", "--discard-my-data", "mail:alpha")
    cluster.drbdadm("alpha", "connect", "mail:beta")
    cluster.settle()
    reports = agents.minutes(1)
    assert [report.resources[0].decision.name for report in reports] == [DecisionName.DIVERGED] * 2
    assert [report.exit_status for report in reports] == [3, 3]
    assert agents.commands == []


def test_policies_that_lose_data_are_not_met_in_mode_reconnect(folder: Path) -> None:
    """2n-after-sb-2pri: a demotion followed by a plain connect would let DRBD discard that side."""
    policies = AfterSplitBrain("discard-zero-changes", "discard-secondary", "disconnect")
    agents = Agents9(folder, 2, resource=ClusterResource("mail", after_sb=policies))
    cluster = agents.cluster
    cluster.cut_link("alpha", "beta")
    cluster.sleep(10)
    cluster.write("alpha", "mail", 7)
    cluster.drbdadm("beta", "primary", "mail")
    cluster.mount("beta", "mail", WHERE)
    cluster.write("beta", "mail", 9)
    cluster.mend_link("alpha", "beta")
    cluster.sleep(10)
    cluster.umount("beta", "mail", WHERE)
    reports = agents.minutes(5)
    assert cluster.lost("mail") == ()
    assert max(report.exit_status for report in reports) == 3


HAPPENINGS = (
    "split", "cut", "mend", "write", "mount", "umount", "primary", "secondary", "disconnect",
    "crash", "boot", "read", "close", "minute", "minute", "minute",
)  # fmt: skip
Happening = tuple[str, str, str]


def happen(agents: Agents9, happening: Happening) -> None:
    """What somebody does; what DRBD refuses does not happen."""
    what, node, peer = happening
    cluster = agents.cluster
    up = cluster.state.nodes[node].up
    if what == "minute":
        agents.minutes(1)
    elif what == "boot":
        if not up:
            cluster.boot(node)
    elif what == "split":
        _split_off(agents, node)
    elif what in ("cut", "mend"):
        if node != peer:
            (cluster.cut_link if what == "cut" else cluster.mend_link)(node, peer)
    elif up:
        _on_node(agents, what, node, peer)
    cluster.sleep(5)


def _split_off(agents: Agents9, node: str) -> None:
    """The node is cut off and takes over, as far as DRBD lets it; both sides may write."""
    agents.cluster.isolate(node)
    agents.cluster.sleep(10)
    for deed in ("primary", "mount", "write", "umount", "secondary"):
        if agents.cluster.state.nodes[node].up:
            _on_node(agents, deed, node, node)
    if agents.cluster.state.nodes["alpha"].up:
        _on_node(agents, "write", "alpha", node)
    agents.cluster.rejoin(node)
    agents.cluster.sleep(10)


def _on_node(agents: Agents9, what: str, node: str, peer: str) -> None:
    cluster = agents.cluster
    try:
        if what == "crash":
            cluster.crash(node)
        elif what == "write":
            cluster.write(node, "mail", 5)
        elif what == "mount":
            cluster.mount(node, "mail", WHERE)
        elif what == "umount":
            cluster.umount(node, "mail", WHERE)
        elif what == "read":
            cluster.open(node, "mail", "backup", read_only=True)
        elif what == "close":
            cluster.close(node, "mail", "backup")
        elif what in ("primary", "secondary"):
            cluster.drbdadm(node, what, "mail")
        elif node != peer:
            cluster.drbdadm(node, "disconnect", f"mail:{peer}")
    except (Refused, KeyError, StopIteration):
        pass


def stories(nodes: int) -> st.SearchStrategy[list[Happening]]:
    names = st.sampled_from(("alpha", "beta", "gamma")[:nodes])
    return st.lists(st.tuples(st.sampled_from(HAPPENINGS), names, names), max_size=30)


def end_well(agents: Agents9) -> int:
    """Everything is mended, and cron goes on for a while; the worst exit status at the end."""
    cluster = agents.cluster
    for node in agents.names:
        if not cluster.state.nodes[node].up:
            cluster.boot(node)
        cluster.rejoin(node)
        _on_node(agents, "close", node, node)
    return max(report.exit_status for report in agents.minutes(12))


# Found again in each run: a story is as good a test tomorrow as it is today.
told = settings(max_examples=30, deadline=None, derandomize=True)


@pytest.mark.slow
@told
@given(st.sampled_from((2, 3)).flatmap(lambda nodes: st.tuples(st.just(nodes), stories(nodes))))
def test_nothing_is_lost_in_mode_reconnect_whatever_happens(
    drawn: tuple[int, list[Happening]],
) -> None:
    nodes, story = drawn
    with TemporaryDirectory() as name:
        agents = Agents9(Path(name), nodes, seed=len(story))
        for happening in story:
            happen(agents, happening)
        status = end_well(agents)
        assert agents.cluster.lost("mail") == ()
        assert agents.all_connected() or status == 3, (agents.states(), agents.commands)


@pytest.mark.slow
@told
@given(st.sampled_from((2, 3)).flatmap(lambda nodes: st.tuples(st.just(nodes), stories(nodes))))
def test_in_mode_discard_only_who_gave_up_loses(drawn: tuple[int, list[Happening]]) -> None:
    """And in the end they are together, or a person was called."""
    nodes, story = drawn
    with TemporaryDirectory() as name:
        agents = Agents9(Path(name), nodes, mode=Mode.DISCARD, seed=len(story))
        for happening in story:
            happen(agents, happening)
        status = end_well(agents)
        victims = {node for node, _ in agents.discards()}
        assert {write.node for write in agents.cluster.lost("mail")} <= victims
        assert agents.all_connected() or status == 3, (agents.states(), agents.commands)
