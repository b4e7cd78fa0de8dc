"""The captured situations of three nodes, told again in the simulator's words."""

from __future__ import annotations

from connector.simulate.nine import ClusterResource, SimulatedCluster
from connector.simulate.state import Refused
from tests.simulate.nine.stories import WHERE, Story, active, give_up, ok, take_over


def three(resource: ClusterResource | None = None, seed: int = 0) -> SimulatedCluster:
    """alpha is Primary and in use; the seed decides who notices what first."""
    return active(3, resource, seed)


def one_cut(node: str, peer: str) -> SimulatedCluster:
    cluster = three()
    cluster.cut_link(node, peer)
    cluster.settle()
    return cluster


def gamma_isolated(resource: ClusterResource | None = None, seed: int = 0) -> SimulatedCluster:
    """One link after the other: beta tells that gamma's data are old."""
    cluster = three(resource, seed)
    for peer in ("alpha", "beta"):
        cluster.cut_link("gamma", peer)
        cluster.settle()
    cluster.write("alpha", "mail", 4)
    return cluster


def isolated_at_once(node: str) -> SimulatedCluster:
    """Both links die together: nobody is left to tell."""
    cluster = three()
    cluster.isolate(node)
    cluster.settle()
    return cluster


def one_split_off(node: str) -> SimulatedCluster:
    """`node` was cut off from both, took over and wrote; alpha wrote too."""
    cluster = isolated_at_once(node)
    take_over(cluster, node)
    cluster.write("alpha", "mail", 3)
    return cluster


def split_alpha_beta() -> SimulatedCluster:
    cluster = one_split_off("beta")
    cluster.mend_link("alpha", "beta")
    cluster.settle()
    return cluster


def beta_against_both() -> SimulatedCluster:
    cluster = split_alpha_beta()
    cluster.mend_link("beta", "gamma")
    cluster.settle()
    return cluster


def gamma_split() -> SimulatedCluster:
    cluster = one_split_off("gamma")
    cluster.state.race = "one"
    cluster.rejoin("gamma")
    cluster.settle()
    return cluster


def gamma_healed() -> SimulatedCluster:
    cluster = gamma_split()
    ok(cluster.drbdadm("gamma", "disconnect", "mail"))
    ok(cluster.drbdadm("gamma", "connect", "--discard-my-data", "mail"))
    cluster.settle()
    assert cluster.drbdadm("alpha", "connect", "mail").exit_status == 10
    ok(cluster.drbdadm("alpha", "connect", "mail:gamma"))
    cluster.settle()
    return cluster


def operator_disconnect() -> SimulatedCluster:
    cluster = three()
    ok(cluster.drbdadm("gamma", "disconnect", "mail:alpha"))
    cluster.settle()
    return cluster


def disconnect_of_standbys() -> SimulatedCluster:
    cluster = three()
    ok(cluster.drbdadm("gamma", "disconnect", "mail:beta"))
    cluster.settle()
    return cluster


def gamma_down() -> SimulatedCluster:
    cluster = three()
    ok(cluster.drbdadm("gamma", "down", "mail"))
    cluster.settle()
    return cluster


CLIENT = ClusterResource("mail", clients=("gamma",))


def client_mounted(seed: int = 0) -> SimulatedCluster:
    cluster = three(CLIENT, seed)
    give_up(cluster, "alpha")
    cluster.mount("gamma", "mail", WHERE)
    return cluster


def client_cut_off(seed: int = 0) -> SimulatedCluster:
    cluster = client_mounted(seed)
    for peer in ("alpha", "beta"):
        cluster.cut_link("gamma", peer)
        cluster.settle()
    return cluster


MAJORITY = ClusterResource("mail", quorum="majority")


def minority_returns(seed: int = 0) -> SimulatedCluster:
    cluster = three(MAJORITY, seed)
    for peer in ("gamma", "beta"):
        cluster.cut_link("alpha", peer)
        cluster.settle()
    try:
        cluster.write("alpha", "mail", 4)
    except Refused:
        take_over(cluster, stay=True)
        cluster.rejoin("alpha")
        cluster.settle()
        return cluster
    raise AssertionError("a write without quorum was acknowledged")


THREE_NODES: dict[str, Story] = {
    "3n-connected-healthy": three,
    "3n-commands-per-peer": three,
    "3n-connection-mesh": disconnect_of_standbys,
    "3n-one-link-cut-alpha-beta": lambda: one_cut("alpha", "beta"),
    "3n-one-link-cut-beta-gamma": lambda: one_cut("beta", "gamma"),
    "3n-gamma-isolated": lambda: gamma_isolated(seed=1),
    "3n-gamma-down": gamma_down,
    "3n-operator-disconnect-one-peer": operator_disconnect,
    "3n-split-brain-alpha-beta": split_alpha_beta,
    "3n-split-brain-beta-against-both": beta_against_both,
    "3n-gamma-split-brain": gamma_split,
    "3n-gamma-split-brain-healed": gamma_healed,
    "3n-gamma-diskless-client": lambda: three(CLIENT),
    "3n-diskless-client-mounted": client_mounted,
    "3n-diskless-client-cut-off": lambda: client_cut_off(seed=1),
    "3n-quorum-majority-one-lost": lambda: gamma_isolated(MAJORITY, seed=1),
    "3n-quorum-minority-returns": lambda: minority_returns(seed=1),
}
