"""One message after the other, as DRBD 9 writes them: what each makes of a connection's story."""

from __future__ import annotations

import pytest

from connector.model import Cause, Evidence
from connector.observe.evidence import MAX_LINES
from connector.observe.kernel_log import LogRecord
from connector.observe.nine.evidence import gather

CONNECTING = (
    "drbd mail alpha: conn( StandAlone -> Unconnected ) [connect]",
    "drbd mail alpha: Starting receiver thread (peer-node-id 0)",
    "drbd mail alpha: conn( Unconnected -> Connecting ) [connecting]",
)
HANDSHAKE = (
    "drbd mail alpha: Handshake to peer 0 successful: Agreed network protocol version 122",
    "drbd mail: Preparing remote state change 324848286: 0->1 role( Primary ) conn( Connected )",
    "drbd mail/0 drbd0 alpha: drbd_sync_handshake:",
    "drbd mail/0 drbd0 alpha: self 5BB42550BB55A83C:B5918A33C0E6471A:6A94F80B5C19C4D0:"
    "0000000000000000 bits:9 flags:120",
    "drbd mail/0 drbd0 alpha: peer 6251243FF3A872BF:B5918A33C0E6471A:0000000000000000:"
    "0000000000000000 bits:5 flags:1120",
    "drbd mail/0 drbd0 alpha: uuid_compare()=split-brain-auto-recover by rule=bitmap-both",
)
UNRESOLVED = "drbd mail/0 drbd0 alpha: Split-Brain detected but unresolved, dropping connection!"
PARTED = (
    "drbd mail alpha: conn( Connecting -> Disconnecting ) [receive-disconnect]",
    "drbd mail alpha: conn( Disconnecting -> StandAlone ) [disconnected]",
)
SPLIT = (*CONNECTING, *HANDSHAKE, UNRESOLVED, *PARTED)
CONNECTED = "drbd mail alpha: conn( Connecting -> Connected ) peer( Unknown -> Primary ) [remote]"
PROMOTED = "drbd mail: role( Secondary -> Primary ) [mount:2075 auto-promote]"
DEMOTED = "drbd mail: role( Primary -> Secondary ) [secondary]"
FROM_GAMMA = (
    "drbd mail gamma: conn( Connecting -> Connected ) peer( Unknown -> Secondary ) [remote]",
    "drbd mail/0 drbd0 gamma: pdsk( DUnknown -> UpToDate ) repl( Off -> WFBitMapT ) [remote]",
    "drbd mail/0 drbd0 gamma: repl( WFBitMapT -> SyncTarget ) [receive-bitmap]",
)
FINISHED = "drbd mail/0 drbd0 gamma: repl( SyncTarget -> Established ) [resync-finished]"
HANDLER = "drbd mail/0 drbd0: before-resync-target handler returned 1, dropping connection."
DROPPED = "drbd mail alpha: conn( Connected -> Disconnecting ) peer( Primary -> Unknown )"


def connections(*messages: str) -> dict[tuple[str, str], Evidence]:
    """The evidence after these messages, one a second."""
    return gather([LogRecord(float(second), text) for second, text in enumerate(messages)])


def told(*messages: str) -> Evidence:
    """The evidence of `mail` towards alpha after these messages."""
    return connections(*messages).get(("mail", "alpha"), Evidence())


def helper(peer: str, status: int) -> str:
    """The end of a peer's before-resync-target handler."""
    return (
        f"drbd mail/0 drbd0 {peer}: helper command: /sbin/drbdadm before-resync-target "
        f"exit code {status}" + (f" ({status << 8:#x})" if status else "")
    )


def test_a_split_brain_with_its_handshake() -> None:
    evidence = told(*SPLIT)
    assert evidence.split_brain
    assert evidence.cause_at_s == 9.0
    assert (evidence.self_was_primary, evidence.peer_was_primary) == (False, True)
    assert (evidence.self_changes_kib, evidence.peer_changes_kib) == (36, 20)
    (handshake,) = evidence.handshakes
    assert (handshake.minor, handshake.self_flags, handshake.peer_flags) == (0, 0x120, 0x1120)
    assert evidence.lines == (CONNECTING[0], CONNECTING[2], *HANDSHAKE[3:5], UNRESOLVED, *PARTED)


def test_every_connection_has_a_story_of_its_own() -> None:
    found = connections(*SPLIT, *FROM_GAMMA[:1], *(line.replace("mail", "db") for line in SPLIT))
    assert {key for key, evidence in found.items() if evidence.split_brain} == {
        ("mail", "alpha"),
        ("db", "alpha"),
    }
    assert found["mail", "gamma"].cause is None


def test_a_connection_ends_every_evidence() -> None:
    evidence = told(*SPLIT, CONNECTED)
    assert (evidence.cause, evidence.handshakes, evidence.lines) == (None, (), (CONNECTED,))
    assert told(*SPLIT[:-2], CONNECTED, DROPPED).cause is Cause.UNRECOGNISED
    replicating = "drbd mail/0 drbd0 alpha: pdsk( DUnknown -> UpToDate ) repl( Off -> WFBitMapT )"
    assert told(*SPLIT, replicating).cause is None


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        (UNRESOLVED, Cause.SPLIT_BRAIN),
        ("drbd mail/0 drbd0 alpha: Unrelated data, aborting!", Cause.UNRELATED_DATA),
        ("drbd mail alpha: Authentication of peer failed", Cause.AUTHENTICATION),
        ("drbd mail alpha: incompatible after-sb-1pri settings", Cause.INCOMPATIBLE_SETTINGS),
        ("drbd mail alpha: incompatible discard-my-data settings", Cause.INCOMPATIBLE_SETTINGS),
        (
            "drbd mail/0 drbd0 alpha: I shall become SyncTarget, but I am primary!",
            Cause.SYNC_TARGET_BUT_PRIMARY,
        ),
        ("drbd mail alpha: nobody knows what this means", Cause.UNRECOGNISED),
    ],
)
def test_why_a_handshake_ended(message: str, cause: Cause) -> None:
    assert told(*CONNECTING, *HANDSHAKE, message, *PARTED).cause is cause


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ("Connected -> Disconnecting ) peer( Primary -> Unknown ) [disconnect]", "by hand"),
        ("Connecting -> Disconnecting ) [disconnect]", "by hand"),
        ("Connecting -> Disconnecting ) [connect-failed]", "kernel"),
        ("Connecting -> Disconnecting ) [receive-disconnect]", "kernel"),
        ("NetworkFailure -> Disconnecting )", "kernel"),
        ("Connected -> Disconnecting ) peer( Primary -> Unknown )", "kernel"),
        # The peer's operator, a lost link, and a resource that is taken away.
        ("Connected -> TearDown ) peer( Primary -> Unknown ) [remote]", "none"),
        ("Connected -> NetworkFailure ) peer( Primary -> Unknown )", "none"),
        ("Connected -> Disconnecting ) peer( Primary -> Unknown ) [down]", "none"),
    ],
)
def test_who_ended_a_connection(change: str, cause: str) -> None:
    causes = {"by hand": Cause.OPERATOR_DISCONNECT, "kernel": Cause.UNRECOGNISED, "none": None}
    assert told(CONNECTED, f"drbd mail alpha: conn( {change}").cause is causes[cause]


@pytest.mark.parametrize("why", ["disconnect", "down", "connect-failed"])
def test_no_later_disconnect_undoes_a_split_brain(why: str) -> None:
    waiting = f"drbd mail alpha: conn( Connecting -> Disconnecting ) [{why}]"
    evidence = told(*SPLIT, *CONNECTING, waiting, PARTED[1])
    assert evidence.split_brain
    assert evidence.peer_was_primary is True


def test_the_newest_cause_counts() -> None:
    unrelated = "drbd mail/0 drbd0 alpha: Unrelated data, aborting!"
    aborted = (*CONNECTING, *HANDSHAKE, unrelated, *PARTED)
    assert len(told(*aborted).handshakes) == 1
    by_hand = "drbd mail alpha: conn( Connecting -> Disconnecting ) [disconnect]"
    evidence = told(*aborted, *CONNECTING, by_hand, PARTED[1])
    assert (evidence.cause, evidence.handshakes) == (Cause.OPERATOR_DISCONNECT, ())
    assert told(*aborted, *CONNECTING, *PARTED).cause is Cause.UNRECOGNISED
    assert told(*SPLIT, *aborted).cause is Cause.UNRELATED_DATA
    assert told(*aborted, *SPLIT).cause is Cause.SPLIT_BRAIN


def test_a_resource_that_is_taken_down_and_up_again_is_still_split() -> None:
    down = (
        "drbd mail alpha: Terminating sender thread",
        "drbd mail/0 drbd0: disk( UpToDate -> Detaching ) [down]",
        "drbd /unregistered/mail: Terminating worker thread",
        "drbd mail: Starting worker thread (node-id 1)",
        "drbd mail/0 drbd0: disk( Diskless -> Attaching ) [attach]",
    )
    assert told(*SPLIT, *down, *CONNECTING) == told(*SPLIT, *CONNECTING)


def test_two_that_both_want_to_discard_are_split_as_before() -> None:
    refused = (
        *CONNECTING,
        "drbd mail alpha: incompatible discard-my-data settings",
        "drbd mail alpha: conn( Connecting -> Disconnecting )",
        PARTED[1],
    )
    before, after = told(*SPLIT), told(*SPLIT, *refused)
    assert (after.cause, after.cause_at_s) == (Cause.SPLIT_BRAIN, before.cause_at_s)
    assert after.handshakes == before.handshakes
    assert any("incompatible discard-my-data" in line for line in after.lines)


def test_only_the_handshake_of_the_cause_counts() -> None:
    older = [line.replace("6251243FF3A872BF", "6251243FF3A872BE") for line in HANDSHAKE]
    evidence = told(*CONNECTING, *older, CONNECTED, *SPLIT)
    assert [item.peer_current for item in evidence.handshakes] == [0x6251243FF3A872BF]
    # A later one that came to nothing changes nothing.
    assert told(*SPLIT, *CONNECTING, *older).handshakes == evidence.handshakes
    failed = "drbd mail alpha: Authentication of peer failed"
    assert told(*SPLIT, *CONNECTING, failed, *PARTED).handshakes == ()
    assert told(CONNECTED, *HANDSHAKE, *CONNECTING, *PARTED).handshakes == ()


def test_a_handshake_of_which_one_side_is_missing_says_nothing() -> None:
    lost = [line for line in HANDSHAKE if " self " not in line]
    evidence = told(*CONNECTING, *lost, UNRESOLVED, *PARTED)
    assert evidence.split_brain
    assert (evidence.self_was_primary, evidence.self_changes_kib) == (None, None)
    # Nor is it completed by the handshake before.
    assert told(*CONNECTING, *HANDSHAKE, *lost, UNRESOLVED, *PARTED).handshakes == ()
    assert told(*CONNECTING, *HANDSHAKE, HANDSHAKE[3], UNRESOLVED).handshakes == ()


def test_a_promotion_afterwards_makes_every_handshake_worthless() -> None:
    of_gamma = [line.replace("alpha", "gamma").replace("peer 0", "peer 2") for line in SPLIT]
    found = connections(*SPLIT, *of_gamma, PROMOTED)
    for peer in ("alpha", "gamma"):
        assert found["mail", peer].split_brain
        assert found["mail", peer].handshakes == ()
        assert found["mail", peer].lines[-1] == PROMOTED


def test_a_demotion_afterwards_proves_that_this_node_was_primary() -> None:
    """The bit in its identifier was cleared: it had been demoted and promoted before."""
    assert told(*SPLIT).self_was_primary is False
    assert told(*SPLIT, DEMOTED).self_was_primary is True
    assert told(PROMOTED, *SPLIT).self_was_primary is True
    assert told(PROMOTED, DEMOTED, *SPLIT).self_was_primary is False
    assert told(PROMOTED, *SPLIT, DEMOTED).peer_was_primary is True


def test_a_side_is_primary_that_says_so_as_it_begins_the_handshake() -> None:
    split = [line.replace("6251243FF3A872BF", "6251243FF3A872BE") for line in SPLIT]
    assert told(*split).peer_was_primary is True
    secondary = [line.replace("role( Primary )", "role( Secondary )") for line in split]
    assert told(*secondary).peer_was_primary is False
    of_another = [line.replace("0->1 role", "2->1 role") for line in split]
    assert told(*of_another).peer_was_primary is False
    own = [line.replace("remote state change", "cluster-wide state change") for line in split]
    assert (told(*own).self_was_primary, told(*own).peer_was_primary) == (True, False)
    # What it said at an earlier attempt counts no longer.
    silent = [line for line in split if "Preparing" not in line]
    assert told(*split, *silent).peer_was_primary is False


def test_data_that_came_from_another_peer_end_an_older_split_brain() -> None:
    found = connections(*SPLIT, *FROM_GAMMA, FINISHED)
    assert found["mail", "alpha"] == Evidence(lines=(FINISHED,))
    paused = (
        "drbd mail/0 drbd0 gamma: repl( SyncTarget -> PausedSyncT ) resync-susp( no -> peer )",
        "drbd mail/0 drbd0 gamma: repl( PausedSyncT -> SyncTarget ) resync-susp( peer -> no )",
    )
    assert not connections(*SPLIT, *FROM_GAMMA, *paused, FINISHED)["mail", "alpha"].split_brain


def test_a_split_brain_is_not_ended_by_any_other_resync() -> None:
    assert told(*SPLIT, *FROM_GAMMA).split_brain
    # It was met while the resync ran: this node's identifier was gamma's already.
    assert told(*FROM_GAMMA, *SPLIT, FINISHED).split_brain
    assert told(*FROM_GAMMA[:2], *SPLIT, FROM_GAMMA[2], FINISHED).split_brain
    # It began before the log does, and so before the split brain.
    assert told(*SPLIT, FINISHED).split_brain
    given_up = FINISHED.replace("resync-finished", "detach")
    assert told(*SPLIT, *FROM_GAMMA, given_up).split_brain
    as_source = [
        line.replace("WFBitMapT", "WFBitMapS").replace("SyncTarget", "SyncSource")
        for line in (*FROM_GAMMA, FINISHED)
    ]
    assert told(*SPLIT, *as_source).split_brain
    other_volume = [line.replace("mail/0 drbd0", "mail/1 drbd1") for line in FROM_GAMMA]
    assert told(*SPLIT, *other_volume, FINISHED.replace("mail/0 drbd0", "mail/1 drbd1")).split_brain
    verified = "drbd mail/0 drbd0 gamma: repl( VerifyT -> Established ) [resync-finished]"
    assert told(*SPLIT, verified).split_brain


def test_a_failed_handler_is_told_of_the_peer_that_it_ran_for() -> None:
    gamma = "drbd mail gamma: conn( Unconnected -> Connecting ) [connecting]"
    found = connections(gamma, CONNECTED, helper("gamma", 0), helper("alpha", 1), HANDLER, DROPPED)
    assert found["mail", "alpha"].cause is Cause.RESYNC_HANDLER
    assert found["mail", "alpha"].lines[-2:] == (HANDLER, DROPPED)
    assert found["mail", "gamma"].cause is None


def test_where_it_failed_for_two_peers_both_are_told() -> None:
    found = connections(CONNECTED, helper("gamma", 1), helper("alpha", 1), HANDLER)
    assert [evidence.cause for evidence in found.values()] == [Cause.RESYNC_HANDLER] * 2
    # Once its connection has gone down, a later failure is another peer's.
    again = connections(
        CONNECTED, helper("gamma", 1), HANDLER, DROPPED.replace("alpha", "gamma"), *FROM_GAMMA,
        helper("alpha", 1), HANDLER, DROPPED,
    )  # fmt: skip
    assert again["mail", "gamma"].cause is None
    assert again["mail", "alpha"].cause is Cause.RESYNC_HANDLER


def test_where_the_log_no_longer_says_for_whom_it_ran_the_next_one_down_is_meant() -> None:
    lost = "drbd mail gamma: conn( Connected -> NetworkFailure ) peer( Secondary -> Unknown )"
    found = connections(HANDLER, lost, DROPPED, PARTED[1])
    assert found["mail", "alpha"].cause is Cause.RESYNC_HANDLER
    assert found["mail", "alpha"].cause_at_s == 2.0
    assert found["mail", "gamma"].cause is None
    # It counts once, and for a connection that was up.
    gamma = DROPPED.replace("alpha", "gamma")
    assert connections(HANDLER, DROPPED, gamma)["mail", "gamma"].cause is Cause.UNRECOGNISED
    failed = "drbd mail alpha: conn( NetworkFailure -> Disconnecting )"
    assert told(HANDLER, failed).cause is Cause.UNRECOGNISED
    by_hand = DROPPED + " [disconnect]"
    assert told(HANDLER, by_hand).cause is Cause.OPERATOR_DISCONNECT


@pytest.mark.parametrize(
    "name", ["drbd mail alpha", "drbd mail", "drbd m/0 drbd0", "drbd m b: conn("]
)
@pytest.mark.parametrize(
    "file",
    [
        "Split-Brain detected, dropping",
        "conn( Connecting -> Connected ) ",
        "role( Secondary -> Primary ) ",
        "drbd mail alpha: conn( Connecting -> Connected )",
        HANDSHAKE[3],
    ],
)
def test_a_crashing_program_cannot_write_evidence(name: str, file: str) -> None:
    """The kernel logs `NAME[PID]: segfault … in FILE[…]` in its own voice; both are anyone's."""
    line = f"{name}[280]: segfault at 0 ip 0 sp 0 error 4 in {file}[400000+1000]"
    assert connections(line) == {}
    assert connections(*SPLIT, line) == connections(*SPLIT)


@pytest.mark.parametrize(
    "program", ["a) conn( b", "x: [disconnect", "x] conn( Connecting -> Connected ) [y"]
)
def test_a_program_cannot_write_evidence_by_opening_the_device(program: str) -> None:
    """Its name stands in the brackets behind the change that it caused."""
    opened = f"drbd mail: role( Secondary -> Primary ) [{program}:253 auto-promote]"
    assert connections(*SPLIT, opened)["mail", "alpha"].handshakes == ()
    of_peer = f"drbd mail alpha: peer( Secondary -> Primary ) [{program}:253 auto-promote]"
    assert told(*SPLIT, of_peer) == told(*SPLIT)


@pytest.mark.parametrize(
    "line",
    [
        "EXT4-fs (drbd0): Split-Brain detected but unresolved, dropping connection!",
        "block drbd0: Split-Brain detected but unresolved, dropping connection!",
        "mydrbd mail alpha: Split-Brain detected but unresolved, dropping connection!",
        "drbd /unregistered/mail alpha: Authentication of peer failed",
        "drbd mail alpha: Failed: conn( StandAlone -> Disconnecting ) [disconnect]",
        "drbd mail alpha: conn( Connecting -> Connected ) is what somebody wrote",
        "drbd mail: State change failed: Can not disconnect a StandAlone device (-9)",
    ],
)
def test_other_lines_are_nobodys_evidence(line: str) -> None:
    assert connections(line) == {}


@pytest.mark.parametrize(
    ("resource", "peer"),
    [("web-1.example_a+b", "node-2.example.org"), ("böse", "zürich-1"), ("a\\b", "c")],
)
def test_names_are_told_as_they_are_configured(resource: str, peer: str) -> None:
    """/dev/kmsg gives bytes that are not ASCII as \\xc3\\xb6."""
    line = f"drbd {resource}/0 drbd7 {peer}: Unrelated data, aborting!"
    escaped = "".join(
        chr(byte) if byte < 127 and byte != 92 else f"\\x{byte:02x}" for byte in line.encode()
    )
    assert connections(escaped)[resource, peer].cause is Cause.UNRELATED_DATA


def test_the_lines_kept_are_bounded() -> None:
    assert len(told(*(CONNECTING * 100)).lines) == MAX_LINES
