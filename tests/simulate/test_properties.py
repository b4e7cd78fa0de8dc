"""What holds of the simulated kernels alone, at ends that deeds at random would hardly reach.

What holds at any time, with connector on both nodes, is asked in tests/schedules/machine.py.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from connector.model import AfterSplitBrain, ConnectionState
from connector.observe import proc_drbd
from connector.simulate import Refused, SimulatedPair, SimulatedResource, story
from connector.simulate.state import VolumeSide

NODES = ("alpha", "beta")
NAMES = ("mail", "db")
Deed = Callable[[SimulatedPair], object]


@dataclass(frozen=True)
class Told:
    """A deed that can be printed."""

    what: str
    deed: Deed

    def __repr__(self) -> str:
        return self.what


def _drbdadm(node: str, words: str, resource: str) -> Told:
    line = ("drbdadm", *words.split(), resource)
    return Told(f"{node}: {' '.join(line)}", lambda pair: pair.run_on(node)(line, 15.0))


def _write(node: str, resource: str, block: int) -> Told:
    return Told(
        f"{node} writes {resource} {block}",
        lambda pair: pair.write(node, resource, 0, block, f"{node} {pair.state.now_s}"),
    )


def _mount(node: str, resource: str) -> Told:
    return Told(f"{node} mounts {resource}", lambda pair: pair.mount(node, resource, "/mnt"))


def _umount(node: str, resource: str) -> Told:
    return Told(f"{node} unmounts {resource}", lambda pair: pair.umount(node, resource, "/mnt"))


def _meet(resource: str, discards: str | None) -> Told:
    """Both connect, one of them perhaps with discard, and time to see what comes of it."""

    def deed(pair: SimulatedPair) -> None:
        for node in NODES:
            wish = ("--discard-my-data",) if node == discards else ()
            pair.run_on(node)(("drbdadm", "connect", *wish, resource), 15.0)
        pair.settle()

    return Told(f"both connect {resource}, discard: {discards}", deed)


_nodes, _names = st.sampled_from(NODES), st.sampled_from(NAMES)
_words = st.sampled_from(
    ["connect", "connect", "connect --discard-my-data", "disconnect", "primary", "secondary"]
)
deeds = st.one_of(
    st.builds(_drbdadm, _nodes, _words, _names),
    st.builds(_write, _nodes, _names, st.integers(0, 3)),
    st.builds(_mount, _nodes, _names),
    st.builds(_umount, _nodes, _names),
    st.builds(_meet, _names, st.sampled_from([None, *NODES])),
    st.sampled_from(
        [
            Told("cut", lambda pair: pair.cut_link()),
            Told("cut one way", lambda pair: pair.cut_link("alpha")),
            Told("restore", lambda pair: pair.restore_link()),
            Told("alpha hangs up first", lambda pair: _hang_up(pair, "alpha")),
            Told("alpha crashes", lambda pair: pair.crash("alpha")),
            Told("beta crashes", lambda pair: pair.crash("beta")),
            Told("alpha boots", lambda pair: pair.boot("alpha")),
            Told("beta boots", lambda pair: pair.boot("beta")),
            Told("moment", lambda pair: pair.sleep(0.2)),
            Told("settle", lambda pair: pair.settle()),
        ]
    ),
)
policies = st.builds(
    AfterSplitBrain,
    st.sampled_from(
        [
            "disconnect",
            "discard-younger-primary",
            "discard-older-primary",
            "discard-zero-changes",
            "discard-least-changes",
        ]
    ),
    st.sampled_from(
        ["disconnect", "consensus", "violently-as0p", "discard-secondary", "call-pri-lost-after-sb"]
    ),
    st.sampled_from(["disconnect", "violently-as0p", "call-pri-lost-after-sb"]),
)


def _hang_up(pair: SimulatedPair, node: str) -> None:
    pair.state.hangs_up_first = node


def _cut_and_both_write(pair: SimulatedPair) -> None:
    story.link_cut(pair)
    for name in NAMES:
        story.both_write(pair, name)


def _split_and_one_secondary(pair: SimulatedPair) -> None:
    story.split_brain_with_idle_standby(pair)
    for name in NAMES:
        story.drbdadm(pair, "beta", "secondary", name)


def _split_and_both_secondary(pair: SimulatedPair) -> None:
    _split_and_one_secondary(pair)
    for name in NAMES:
        story.service_stops(pair, "alpha", name)
        story.drbdadm(pair, "alpha", "secondary", name)


# Deeds at random hardly ever make a split brain: they begin where it matters.
BEGINNINGS = (
    _cut_and_both_write,
    story.split_brain,
    _split_and_one_secondary,
    _split_and_both_secondary,
)


def _pair(after_sb: AfterSplitBrain, begin: Deed) -> SimulatedPair:
    pair = SimulatedPair(
        [SimulatedResource("mail", (0,), after_sb), SimulatedResource("db", (1, 2), after_sb)]
    )
    story.serving(pair)
    begin(pair)
    return pair


def _do(pair: SimulatedPair, told: Told) -> None:
    try:
        told.deed(pair)
    except Refused:
        return


def _volumes(pair: SimulatedPair) -> list[tuple[VolumeSide, VolumeSide]]:
    alpha, beta = (pair.state.nodes[node] for node in NODES)
    return list(zip(alpha.volumes(), beta.volumes(), strict=True))


patient = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


@patient
@example(
    AfterSplitBrain("discard-older-primary", "violently-as0p"),
    _split_and_one_secondary,
    [_meet("mail", None)],
)
@given(policies, st.sampled_from(BEGINNINGS), st.lists(deeds, min_size=3, max_size=15))
def test_a_primarys_data_never_disappear(
    after_sb: AfterSplitBrain, begin: Deed, told: list[Told]
) -> None:
    """Blocks of a Primary change by its own writes only."""
    pair = _pair(after_sb, begin)
    for deed in told:
        sides = [side for both in _volumes(pair) for side in both]
        before = [(side, dict(side.blocks)) for side in sides if side.primary]
        _do(pair, deed)
        for side, blocks in before:
            if side.primary and "writes" not in repr(deed):
                assert side.blocks == blocks


@patient
@given(st.sampled_from(BEGINNINGS), st.lists(deeds, max_size=15))
def test_only_discard_ends_a_split_brain(begin: Deed, told: list[Told]) -> None:
    """Without policies, whatever else is done: no side loses a block that it has written."""
    pair = _pair(AfterSplitBrain(), begin)
    lost = {"alpha": "only on alpha", "beta": "only on beta"}
    for deed in told:
        if "discard" in repr(deed) or "writes" in repr(deed):
            continue
        _do(pair, deed)
    pair.state.hangs_up_first = None
    pair.restore_link()
    for name in NAMES:
        for node in NODES:
            pair.run_on(node)(("drbdadm", "connect", name), 15.0)
    pair.settle()
    for name in NAMES:
        for node in NODES:
            assert pair.connection(node, name) is not ConnectionState.CONNECTED
            assert lost[node] in pair.blocks(node, name).values()


@patient
@given(policies, st.lists(deeds, max_size=15))
def test_two_that_discard_from_standalone_lose_nothing(
    after_sb: AfterSplitBrain, told: list[Told]
) -> None:
    """Policies aside, which are asked first."""
    pair = _pair(AfterSplitBrain(two_primaries=after_sb.two_primaries), _split_and_both_secondary)
    for deed in told:
        if "connect" not in repr(deed) and "primary" not in repr(deed):
            _do(pair, deed)
    pair.restore_link()
    pair.state.hangs_up_first = None
    for node in NODES:
        if not pair.state.nodes[node].up:
            pair.boot(node, connecting=False)
        pair.run_on(node)(("drbdadm", "disconnect", "all"), 15.0)
    pair.settle()
    if any(pair.connection(node, "mail") is not ConnectionState.STANDALONE for node in NODES):
        return
    before = [pair.blocks(node, "mail") for node in NODES]
    for node in NODES:
        pair.run_on(node)(("drbdadm", "connect", "--discard-my-data", "mail"), 15.0)
    pair.settle()
    assert [pair.connection(node, "mail") for node in NODES] == [ConnectionState.STANDALONE] * 2
    assert [pair.blocks(node, "mail") for node in NODES] == before


@settings(patient, max_examples=8)
@given(policies, st.lists(deeds, max_size=25))
def test_what_is_shown_can_be_read_and_kept(after_sb: AfterSplitBrain, told: list[Told]) -> None:
    pair = _pair(after_sb, story.split_brain)
    for deed in told:
        _do(pair, deed)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        pair.save(root / "pair.json")
        again = SimulatedPair.load(root / "pair.json")
        assert again.state == pair.state
        for node in NODES:
            pair.render(node, root / node)
            assert proc_drbd.parse(proc_drbd.read(root / node)).problems == ()
            again.render(node, root / "again" / node)
            shown = (root / node / "dev/kmsg").read_bytes()
            assert (root / "again" / node / "dev/kmsg").read_bytes() == shown
