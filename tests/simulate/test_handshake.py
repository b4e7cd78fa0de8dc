"""What comes of a handshake: whose data survive, and who is left waiting."""

from __future__ import annotations

import pytest

from connector.model import AfterSplitBrain, ConnectionState, DiskState, Role
from connector.simulate import SimulatedPair, SimulatedResource, story
from connector.simulate.story import drbdadm, survivors

C = ConnectionState
BOTH = ("alpha", "beta")


def states(pair: SimulatedPair, resource: str = "mail") -> tuple[C, C]:
    return pair.connection("alpha", resource), pair.connection("beta", resource)


def split(**policies: str) -> SimulatedPair:
    """A split brain on one resource; alpha in use, beta idle and Secondary, both StandAlone."""
    pair = SimulatedPair([SimulatedResource("mail", (0,), AfterSplitBrain(**policies))])
    story.serving(pair)
    story.split_brain_with_idle_standby(pair)
    drbdadm(pair, "beta", "secondary", "mail")
    return pair


def test_a_plain_connect_never_ends_a_split_brain() -> None:
    pair = split()
    for _ in range(3):
        before = [pair.blocks(node, "mail") for node in BOTH]
        for node in BOTH:
            drbdadm(pair, node, "connect", "mail")
        pair.settle()
        assert states(pair) == (C.STANDALONE, C.STANDALONE)
        assert [pair.blocks(node, "mail") for node in BOTH] == before


@pytest.mark.parametrize("first", BOTH)
def test_discard_on_the_standby_ends_it(first: str) -> None:
    pair = split()
    commands = {"alpha": ["connect"], "beta": ["connect", "--discard-my-data"]}
    drbdadm(pair, first, *commands.pop(first), "mail")
    for node, words in commands.items():
        pair.sleep(30)
        drbdadm(pair, node, *words, "mail")
    pair.settle()
    assert states(pair) == (C.CONNECTED, C.CONNECTED)
    assert survivors(pair, "mail") == {"alpha": "alpha's word", "beta": "alpha's word"}
    assert pair.blocks("alpha", "mail") == pair.blocks("beta", "mail")
    assert pair.role("alpha", "mail") is Role.PRIMARY


def test_both_discard_from_standalone_lose_nothing() -> None:
    pair = split()
    pair.umount("alpha", "mail", "/mnt/mail")
    drbdadm(pair, "alpha", "secondary", "mail")
    for node in BOTH:
        drbdadm(pair, node, "connect", "--discard-my-data", "mail")
    pair.settle()
    assert states(pair) == (C.STANDALONE, C.STANDALONE)
    assert survivors(pair, "mail") == {"alpha": "alpha's word", "beta": "beta's word"}


def test_the_discard_of_one_takes_effect_where_the_other_waits() -> None:
    """The race of two agents that both discard because neither is in use."""
    pair = split()
    pair.umount("alpha", "mail", "/mnt/mail")
    drbdadm(pair, "alpha", "secondary", "mail")
    drbdadm(pair, "alpha", "connect", "mail")
    refused = pair.run_on("alpha")(("drbdadm", "connect", "--discard-my-data", "mail"), 15.0)
    assert (refused.exit_status, "(102)" in refused.stderr) == (10, True)
    drbdadm(pair, "beta", "connect", "--discard-my-data", "mail")
    pair.settle()
    assert states(pair) == (C.CONNECTED, C.CONNECTED)
    assert survivors(pair, "mail") == {"alpha": "alpha's word", "beta": "alpha's word"}


def test_a_wish_to_discard_is_good_for_one_handshake() -> None:
    pair = split()
    pair.umount("alpha", "mail", "/mnt/mail")
    drbdadm(pair, "alpha", "secondary", "mail")
    for node in BOTH:
        drbdadm(pair, node, "connect", "--discard-my-data", "mail")
    pair.settle()
    for node in BOTH:
        drbdadm(pair, node, "connect", "mail")
    pair.settle()
    assert states(pair) == (C.STANDALONE, C.STANDALONE)


def test_a_promotion_forgets_the_wish_to_discard() -> None:
    pair = split()
    drbdadm(pair, "beta", "connect", "--discard-my-data", "mail")
    drbdadm(pair, "beta", "primary", "mail")
    drbdadm(pair, "beta", "secondary", "mail")
    drbdadm(pair, "alpha", "connect", "mail")
    pair.settle()
    assert states(pair) == (C.STANDALONE, C.STANDALONE)
    assert survivors(pair, "mail")["beta"] == "beta's word"


def test_discard_without_a_split_changes_nothing() -> None:
    """8.4 looks at the wish only in a split brain; 9 would go back to older data."""
    pair = SimulatedPair()
    drbdadm(pair, "alpha", "secondary", "mail")
    story.link_cut(pair)
    drbdadm(pair, "beta", "primary", "mail")
    pair.write("beta", "mail", 0, 1, "new")
    drbdadm(pair, "beta", "secondary", "mail")
    drbdadm(pair, "beta", "disconnect", "mail")
    drbdadm(pair, "beta", "connect", "--discard-my-data", "mail")
    story.link_back(pair)
    assert states(pair) == (C.CONNECTED, C.CONNECTED)
    assert pair.blocks("alpha", "mail") == {1: "new"}


def test_discard_secondary_throws_the_secondarys_changes_away() -> None:
    pair = split(one_primary="discard-secondary")
    drbdadm(pair, "alpha", "connect", "mail")
    drbdadm(pair, "beta", "connect", "mail")
    pair.settle()
    assert states(pair) == (C.CONNECTED, C.CONNECTED)
    assert survivors(pair, "mail") == {"alpha": "alpha's word", "beta": "alpha's word"}
    solved = "Split-Brain detected, 1 primaries, automatically solved. Sync from "
    assert f"block drbd0: {solved}peer node" in pair.kernel_log("beta")
    assert f"block drbd0: {solved}this node" in pair.kernel_log("alpha")


def test_demoting_decides_who_loses() -> None:
    """With two Primaries the policy for one does not count: nothing is thrown away."""
    pair = SimulatedPair(
        [SimulatedResource("mail", (0,), AfterSplitBrain(one_primary="discard-secondary"))]
    )
    story.serving(pair)
    story.split_brain(pair)
    assert states(pair) == (C.STANDALONE, C.STANDALONE)
    assert survivors(pair, "mail") == {"alpha": "alpha's word", "beta": "beta's word"}


def test_a_loser_that_is_in_use_is_not_overwritten() -> None:
    """Its policy makes alpha the target, but it is Primary: it leaves, and beta waits."""
    pair = split(zero_primaries="discard-older-primary", one_primary="violently-as0p")
    for node in BOTH:
        drbdadm(pair, node, "connect", "mail")
    pair.settle()
    assert states(pair) == (C.STANDALONE, C.WF_CONNECTION)
    assert "I shall become SyncTarget, but I am primary!" in pair.kernel_log("alpha")
    assert survivors(pair, "mail") == {"alpha": "alpha's word", "beta": "beta's word"}


@pytest.mark.parametrize("idle", [True, False])
def test_a_loser_is_demoted_only_if_it_is_idle(idle: bool) -> None:
    pair = split(zero_primaries="discard-older-primary", one_primary="call-pri-lost-after-sb")
    if idle:
        pair.umount("alpha", "mail", "/mnt/mail")
    for node in BOTH:
        drbdadm(pair, node, "connect", "mail")
    pair.settle()
    if idle:
        assert states(pair) == (C.CONNECTED, C.CONNECTED)
        assert survivors(pair, "mail") == {"alpha": "beta's word", "beta": "beta's word"}
        assert pair.side("beta", "mail").volumes[0].peer_role is Role.SECONDARY
    else:
        assert states(pair) == (C.STANDALONE, C.WF_CONNECTION)
        assert "/sbin/drbdadm pri-lost-after-sb minor-0" in pair.kernel_log("alpha")


def test_a_take_over_without_a_split_syncs_the_right_way() -> None:
    pair = story.told("active-crashed")
    assert states(pair) == (C.CONNECTED, C.CONNECTED)
    assert pair.role("beta", "mail") is Role.PRIMARY
    for volume in range(2):
        assert pair.blocks("alpha", "db", volume) == pair.blocks("beta", "db", volume)
        assert pair.blocks("alpha", "db", volume)[1] == "started on beta"


def test_a_crashed_primary_comes_back_with_the_bit_of_a_secondary() -> None:
    """As captured in tests/fixtures/lab/crashed_primary: odd when attached, even when they meet."""
    pair = SimulatedPair()
    story.serving(pair)
    pair.crash("alpha")
    pair.settle()
    (left,) = [volume.identifiers.current for volume in pair.side("alpha", "mail").volumes]
    pair.boot("alpha")
    pair.settle()
    log = [line.text for line in pair.state.nodes["alpha"].log]
    assert any(f"attached to UUIDs {left:016X}" in text for text in log)
    assert left & 1
    assert any(f"self {left & ~1:016X}" in text for text in log)


def test_a_crashed_primary_that_nobody_replaced_is_the_source() -> None:
    pair = SimulatedPair()
    story.serving(pair)
    pair.crash("alpha")
    pair.settle()
    pair.boot("alpha")
    pair.settle()
    assert states(pair) == (C.CONNECTED, C.CONNECTED)
    assert "uuid_compare()=1 by rule 40" in pair.kernel_log("alpha")
    assert "flags:2" in pair.kernel_log("beta")
    assert not pair.side("alpha", "mail").volumes[0].crashed_primary


def test_one_diverged_volume_disconnects_the_resource() -> None:
    pair = SimulatedPair([SimulatedResource("db", (3, 7))])
    story.link_cut(pair)
    drbdadm(pair, "beta", "primary", "db/1")
    story.link_back(pair)
    assert states(pair, "db") == (C.STANDALONE, C.STANDALONE)
    log = pair.kernel_log("alpha")
    assert "block drbd3: uuid_compare()=1 by rule 70" in log
    assert "block drbd7: Split-Brain detected but unresolved, dropping connection!" in log


def test_the_one_that_hangs_up_first_leaves_the_other_waiting() -> None:
    pair = SimulatedPair()
    story.serving(pair)
    story.split_brain(pair, "mail", hangs_up_first="alpha")
    assert states(pair) == (C.STANDALONE, C.WF_CONNECTION)
    assert "Split-Brain" not in pair.kernel_log("beta")
    assert "sock was shut down by peer" in pair.kernel_log("beta")
    assert states(pair, "db") == (C.CONNECTED, C.CONNECTED)


def test_a_resync_takes_its_time() -> None:
    pair = split()
    drbdadm(pair, "beta", "connect", "--discard-my-data", "mail")
    drbdadm(pair, "alpha", "connect", "mail")
    seen: list[tuple[C, C, DiskState]] = []
    while states(pair) != (C.CONNECTED, C.CONNECTED):
        now = (*states(pair), pair.disk("beta", "mail"))
        if not seen or seen[-1] != now:
            seen.append(now)
        pair.sleep(0.05)
    assert seen == [
        (C.WF_CONNECTION, C.WF_CONNECTION, DiskState.UP_TO_DATE),
        (C.WF_REPORT_PARAMS, C.WF_REPORT_PARAMS, DiskState.UP_TO_DATE),
        (C.WF_BITMAP_S, C.WF_BITMAP_T, DiskState.OUTDATED),
        (C.SYNC_SOURCE, C.SYNC_TARGET, DiskState.INCONSISTENT),
    ]
    assert pair.disk("beta", "mail") is DiskState.UP_TO_DATE


def test_a_resync_that_is_cut_goes_on_later() -> None:
    pair = split()
    drbdadm(pair, "beta", "connect", "--discard-my-data", "mail")
    drbdadm(pair, "alpha", "connect", "mail")
    while pair.connection("alpha", "mail") is not C.SYNC_SOURCE:
        pair.sleep(0.05)
    story.link_cut(pair)
    assert states(pair) == (C.WF_CONNECTION, C.WF_CONNECTION)
    assert pair.disk("beta", "mail") is DiskState.INCONSISTENT
    refused = pair.run_on("beta")(("drbdadm", "primary", "mail"), 15.0)
    assert (refused.exit_status, "(-2)" in refused.stderr) == (17, True)
    story.link_back(pair)
    assert states(pair) == (C.CONNECTED, C.CONNECTED)
    assert pair.blocks("alpha", "mail") == pair.blocks("beta", "mail")
    assert pair.disk("beta", "mail") is DiskState.UP_TO_DATE
