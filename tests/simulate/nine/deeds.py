"""What people, programs and accidents may do to a cluster, for stories at random."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import combinations

from hypothesis import strategies as st

from connector.simulate.nine import SimulatedCluster

NAMES = ("alpha", "beta", "gamma")
Deed = Callable[[SimulatedCluster], object]


@dataclass(frozen=True)
class Told:
    """A deed that can be printed."""

    what: str
    deed: Deed = field(compare=False)

    def __repr__(self) -> str:
        return self.what


def drbdadm(node: str, words: str, peer: str | None) -> Told:
    target = "mail" if peer is None or peer == node else f"mail:{peer}"
    line = ("drbdadm", *words.split(), target)
    return Told(f"{node}: {' '.join(line)}", lambda cluster: cluster.run_on(node)(line, 15.0))


def role(node: str, word: str) -> Told:
    return drbdadm(node, word, None)


def write(node: str, block: int) -> Told:
    return Told(f"{node} writes {block}", lambda cluster: cluster.write(node, "mail", block))


def mount(node: str) -> Told:
    return Told(f"{node} mounts", lambda cluster: cluster.mount(node, "mail", "/mnt"))


def umount(node: str) -> Told:
    return Told(f"{node} unmounts", lambda cluster: cluster.umount(node, "mail", "/mnt"))


def link(pair: tuple[str, str], mended: bool) -> Told:
    node, peer = pair
    if mended:
        return Told(f"link {node}-{peer} mended", lambda cluster: cluster.mend_link(node, peer))
    return Told(f"link {node}-{peer} cut", lambda cluster: cluster.cut_link(node, peer))


def power(node: str, up: bool) -> Told:
    if up:
        return Told(f"{node} boots", lambda cluster: cluster.boot(node))
    return Told(f"{node} crashes", lambda cluster: cluster.crash(node))


def sleep(seconds: float) -> Told:
    return Told(f"{seconds} s pass", lambda cluster: cluster.sleep(seconds))


def deeds(names: tuple[str, ...], *words: str) -> st.SearchStrategy[Told]:
    """Anything that people, programs and accidents do; the words of drbdadm are given."""
    nodes, pairs = st.sampled_from(names), st.sampled_from(list(combinations(names, 2)))
    return st.one_of(
        st.builds(drbdadm, nodes, st.sampled_from(words), st.sampled_from([None, *names])),
        st.builds(role, nodes, st.sampled_from(["primary", "secondary"])),
        st.builds(write, nodes, st.integers(1, 4)),
        st.builds(mount, nodes),
        st.builds(umount, nodes),
        st.builds(link, pairs, st.booleans()),
        st.builds(power, nodes, st.booleans()),
        st.builds(sleep, st.sampled_from([0.1, 1.0, 3.0, 6.0])),
    )
