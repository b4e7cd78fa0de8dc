"""Why it is StandAlone on DRBD 9: told from the kernel logs of real nodes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.model import Cause, Evidence
from connector.observe.evidence import MAX_LINES
from connector.observe.kernel_log import LogRecord, parse_records
from connector.observe.nine.evidence import gather
from tests import captures_9

CAPTURES = [(name, node) for name in captures_9.situations() for node in captures_9.nodes(name)]

# What is split in truth and cannot be told from the log that was captured.
NOT_IN_THE_LOG = {
    ("3n-gamma-split-brain", "alpha"): "the handshake of alpha and gamma was before the capture",
    ("3n-gamma-split-brain", "gamma"): "the handshake of alpha and gamma was before the capture",
    ("3n-split-brain-beta-against-both", "gamma"): (
        "gamma is Connected to both: its split brain with beta was ignored for now, and that of "
        "alpha and beta is theirs"
    ),
}

Told = tuple[Cause, bool | None, bool | None]
ONE_WROTE: dict[str, dict[tuple[str, str], Told]] = {
    "alpha": {("mail", "beta"): (Cause.SPLIT_BRAIN, True, False)},
    "beta": {("mail", "alpha"): (Cause.SPLIT_BRAIN, False, True)},
}
BOTH_PRIMARY: dict[str, dict[tuple[str, str], Told]] = {
    "alpha": {("mail", "beta"): (Cause.SPLIT_BRAIN, True, True)},
    "beta": {("mail", "alpha"): (Cause.SPLIT_BRAIN, True, True)},
}
BY_HAND = (Cause.OPERATOR_DISCONNECT, None, None)
# Situation, node, connection: the cause, and whether this side and the peer were Primary at that
# handshake. No other connection of any capture has a cause.
CAUSES: dict[str, dict[str, dict[tuple[str, str], Told]]] = {
    "2n-after-sb-2pri": BOTH_PRIMARY,
    "2n-auth-failure": {
        "alpha": {("mail", "beta"): (Cause.AUTHENTICATION, None, None)},
        "beta": {("mail", "alpha"): (Cause.AUTHENTICATION, None, None)},
    },
    # The connection is dropped by beta; alpha goes on in Connecting.
    "2n-before-resync-handler-failed": {
        "beta": {("mail", "alpha"): (Cause.RESYNC_HANDLER, False, True)},
    },
    # Refused before the data were looked at: the older split brain, with its own handshake.
    "2n-both-discard": BOTH_PRIMARY,
    "2n-mounted-read-only-disconnected": {"beta": {("mail", "alpha"): BY_HAND}},
    "2n-operator-disconnect-active": {"alpha": {("mail", "beta"): BY_HAND}},
    "2n-operator-disconnect-standby": {"beta": {("mail", "alpha"): BY_HAND}},
    "2n-split-brain-both-in-use": BOTH_PRIMARY,
    "2n-split-brain-both-standalone": ONE_WROTE,
    "2n-split-brain-neither-in-use": BOTH_PRIMARY,
    "2n-split-brain-one-connecting": ONE_WROTE,
    "2n-split-brain-opened-not-mounted": ONE_WROTE,
    "2n-split-brain-reconnected": ONE_WROTE,
    "2n-split-brain-victim-primary-unmounted": BOTH_PRIMARY,
    # Disconnected by hand, then Connecting over a link that is cut.
    "2n-standby-outdated": {"beta": {("mail", "alpha"): BY_HAND}},
    "2n-two-resources-one-split": ONE_WROTE,
    "2n-two-volumes-one-diverged": ONE_WROTE,
    # alpha is Primary and mounted, though the lowest bit of its identifier is cleared.
    "2n-unrelated-data": {
        "alpha": {("mail", "beta"): (Cause.UNRELATED_DATA, True, False)},
        "beta": {("mail", "alpha"): (Cause.UNRELATED_DATA, False, True)},
    },
    "3n-connection-mesh": {"gamma": {("mail", "beta"): BY_HAND}},
    "3n-operator-disconnect-one-peer": {"gamma": {("mail", "alpha"): BY_HAND}},
    # gamma declines alpha, and says why in its own log only.
    "3n-quorum-minority-returns": {
        "alpha": {
            ("mail", "beta"): (Cause.SYNC_TARGET_BUT_PRIMARY, True, True),
            ("mail", "gamma"): (Cause.UNRECOGNISED, None, None),
        },
    },
    "3n-split-brain-alpha-beta": ONE_WROTE,
    # beta is Connected to gamma meanwhile, which does not end it.
    "3n-split-brain-beta-against-both": ONE_WROTE,
}


def evidence(situation: str, node: str) -> dict[tuple[str, str], Evidence]:
    """What the log of that node tells at the end of the situation."""
    return gather(captures_9.records(situation, node))


def split(found: dict[tuple[str, str], Evidence]) -> set[str]:
    """The resources that are split from any peer."""
    return {resource for (resource, _), told in found.items() if told.split_brain}


@pytest.mark.parametrize(("situation", "node"), CAPTURES)
def test_every_capture_tells_whether_it_is_a_split_brain(situation: str, node: str) -> None:
    truth = captures_9.expected(situation)[node]
    expected = {name for name, facts in truth.items() if facts["split_brain"]}
    found = split(evidence(situation, node))
    if (situation, node) in NOT_IN_THE_LOG:
        assert (expected, found) == ({"mail"}, set())
    else:
        assert found == expected


@pytest.mark.parametrize(("situation", "node"), CAPTURES)
def test_every_capture_tells_the_cause_and_who_was_primary(situation: str, node: str) -> None:
    found = {
        connection: (told.cause, told.self_was_primary, told.peer_was_primary)
        for connection, told in evidence(situation, node).items()
        if told.cause is not None
    }
    assert found == CAUSES.get(situation, {}).get(node, {})


def test_the_tables_name_captures_only() -> None:
    assert set(NOT_IN_THE_LOG) <= set(CAPTURES)
    assert {(name, node) for name, told in CAUSES.items() for node in told} <= set(CAPTURES)


def test_the_chains_are_of_one_boot() -> None:
    """The clock of every node goes on from the situation before."""
    for situation, node in CAPTURES:
        times = [record.at_s for record in captures_9.records(situation, node)]
        assert times == sorted(times), (situation, node)


@pytest.mark.parametrize(("situation", "node"), CAPTURES)
def test_the_same_is_told_by_dev_kmsg(situation: str, node: str) -> None:
    lines = captures_9.log_of(situation, node).splitlines()
    assert gather(parse_records(lines)) == evidence(situation, node)


@pytest.mark.parametrize(
    ("situation", "node", "peer"),
    [
        ("2n-split-brain-healed", "alpha", "beta"),
        ("2n-split-brain-healed", "beta", "alpha"),
        ("3n-split-brain-healed", "alpha", "beta"),
        ("3n-split-brain-healed", "beta", "alpha"),
        ("3n-gamma-split-brain-healed", "gamma", "alpha"),
        ("2n-tentative", "beta", "alpha"),
    ],
)
def test_of_a_healed_split_brain_only_who_solved_it_is_left(
    situation: str, node: str, peer: str
) -> None:
    told = evidence(situation, node)["mail", peer]
    assert (told.cause, told.cause_at_s, told.handshakes) == (None, None, ())
    assert "manually solved" in (told.solved_by_policy or "")
    assert not any("dropping connection" in line for line in told.lines)


def test_what_a_policy_discarded_is_kept_in_mind() -> None:
    told = evidence("2n-after-sb-1pri-discarded", "beta")["mail", "alpha"]
    solved = "Split-Brain detected, 1 primaries, automatically solved. Sync from peer node"
    assert told.solved_by_policy == solved


def test_the_handshake_of_the_newest_attempt() -> None:
    """The split brain was met a second time, after alpha had written more."""
    first = evidence("2n-split-brain-both-standalone", "alpha")["mail", "beta"]
    again = evidence("2n-split-brain-reconnected", "alpha")["mail", "beta"]
    assert (first.cause_at_s, again.cause_at_s) == (138.895881, 153.355999)
    assert (first.self_changes_kib, again.self_changes_kib) == (36, 1572)
    assert (first.peer_changes_kib, again.peer_changes_kib) == (36, 36)
    (handshake,) = again.handshakes
    assert (handshake.minor, handshake.self_flags, handshake.peer_flags) == (0, 0x120, 0x1120)


def test_both_volumes_of_the_handshake_are_kept() -> None:
    told = evidence("2n-two-volumes-one-diverged", "beta")["mail", "alpha"]
    assert [(item.minor, item.self_bits, item.peer_bits) for item in told.handshakes] == [
        (0, 0, 131),
        (1, 9, 9),
    ]


def test_the_lines_are_those_that_tell_something() -> None:
    told = evidence("2n-before-resync-handler-failed", "beta")["mail", "alpha"]
    assert told.lines[-4:] == (
        "drbd mail/0 drbd0 alpha: helper command: /sbin/drbdadm before-resync-target "
        "exit code 1 (0x100)",
        "drbd mail/0 drbd0: before-resync-target handler returned 1, dropping connection.",
        "drbd mail alpha: conn( Connected -> Disconnecting ) peer( Primary -> Unknown )",
        "drbd mail alpha: conn( Disconnecting -> StandAlone ) [disconnected]",
    )


@pytest.mark.parametrize(("situation", "node"), CAPTURES)
def test_a_log_whose_beginning_is_lost_tells_nothing_wrong(situation: str, node: str) -> None:
    """The kernel's buffer is overwritten from its beginning: less is known then, nothing else."""
    log = captures_9.records(situation, node)
    whole = gather(log)
    for start in range(1, len(log)):
        for connection, told in gather(log[start:]).items():
            if told.split_brain:
                assert whole[connection].split_brain
                assert told.self_was_primary in (None, whole[connection].self_was_primary)
                assert told.peer_was_primary in (None, whole[connection].peer_was_primary)


EVERY_LINE = sorted({r.text for name, node in CAPTURES for r in captures_9.records(name, node)})


@given(st.lists(st.sampled_from(EVERY_LINE), max_size=150))
def test_captured_lines_may_come_in_any_order(lines: list[str]) -> None:
    found = gather([LogRecord(float(second), line) for second, line in enumerate(lines)])
    for (resource, peer), told in found.items():
        assert resource in ("mail", "db")
        assert peer in ("alpha", "beta", "gamma")
        assert len(told.lines) <= MAX_LINES
        assert (told.cause is None) == (told.cause_at_s is None)
        assert told.cause is not None or told.handshakes == ()


@given(st.sampled_from(EVERY_LINE), st.integers(0, 300), st.text(max_size=20))
def test_a_captured_line_may_be_cut_or_go_on(line: str, length: int, more: str) -> None:
    for told in gather([LogRecord(0.0, line[:length] + more)]).values():
        assert told.lines


@given(st.lists(st.text() | st.from_regex(r"drbd mail(/0 drbd[0-9]{1,9})?( beta)?: .*")))
def test_any_text_may_come(lines: list[str]) -> None:
    for told in gather([LogRecord(0.0, line) for line in lines]).values():
        assert told.self_was_primary in (None, True, False)
