"""Why it is StandAlone: told from the kernel log of real nodes, and from single messages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.model import Cause, Evidence
from connector.observe.evidence import MAX_LINES, gather
from connector.observe.kernel_log import LogRecord, parse_records

LAB = Path(__file__).parents[1] / "fixtures" / "lab"
CAPTURES = Path(__file__).parents[1] / "fixtures" / "dmesg"
OF_MINOR = {0: "mail", 1: "db", 2: "db"}


def records(text: str) -> list[LogRecord]:
    """dmesg's lines: `[  119.184422] drbd mail: conn( StandAlone -> Unconnected ) `."""
    found = re.findall(r"^\[ *([0-9.]+)\] (.*)$", text, re.MULTILINE)
    return [LogRecord(float(at), line) for at, line in found]


def capture(situation: str, node: str) -> dict[str, Evidence]:
    """The evidence in a captured log."""
    return gather(records((CAPTURES / situation / node).read_text()), OF_MINOR)


def told(*messages: str) -> Evidence:
    """The evidence of `mail` after these messages, one a second."""
    log = [LogRecord(float(second), text) for second, text in enumerate(messages)]
    return gather(log, OF_MINOR).get("mail", Evidence())


HANDSHAKE = (
    "drbd mail: conn( WFConnection -> WFReportParams ) ",
    "block drbd0: drbd_sync_handshake:",
    "block drbd0: self 3875E0FE4D2F3616:4B53891C4B844B20:C99A7F2D5005D7EE:C9997F2D5005D7EF "
    "bits:9 flags:0",
    "block drbd0: peer 49C59B5472954F99:4B53891C4B844B21:C99A7F2D5005D7EF:C9997F2D5005D7EF "
    "bits:5 flags:0",
    "block drbd0: uuid_compare()=100 by rule 90",
)
UNRESOLVED = "block drbd0: Split-Brain detected but unresolved, dropping connection!"
PARTED = (
    "drbd mail: conn( WFReportParams -> Disconnecting ) ",
    "drbd mail: conn( Disconnecting -> StandAlone ) ",
)
SPLIT = (*HANDSHAKE, UNRESOLVED, *PARTED)
DISCONNECTED = (
    "drbd mail: peer( Primary -> Unknown ) conn( Connected -> Disconnecting ) pdsk( UpToDate -> "
    "DUnknown ) ",
    "drbd mail: conn( Disconnecting -> StandAlone ) ",
)
CONNECTED = "block drbd0: peer( Unknown -> Primary ) conn( WFReportParams -> Connected ) "


@pytest.mark.parametrize("node", ["alpha", "beta"])
def test_a_real_split_brain_with_both_primary(node: str) -> None:
    found = capture("split_brain_both_mounted", node)
    for name in ("mail", "db"):
        assert found[name].split_brain
        assert found[name].self_was_primary is True
        assert found[name].peer_was_primary is True
        assert any("Split-Brain detected" in line for line in found[name].lines)
    mail = found["mail"]
    assert {mail.self_changes_kib, mail.peer_changes_kib} == {36, 16}


def test_a_real_split_brain_that_was_healed_is_over() -> None:
    for node in ("alpha", "beta"):
        mail = capture("healed", node)["mail"]
        assert mail.cause is None
        assert mail.handshakes == ()
        assert "manually solved" in (mail.solved_by_policy or "")


def test_a_real_refusal_of_two_discards() -> None:
    mail = capture("both_discard", "alpha")["mail"]
    assert mail.split_brain
    assert (mail.self_was_primary, mail.peer_was_primary) == (False, False)
    assert mail.handshakes[0].peer_flags == 1


def test_who_was_primary_and_how_much_each_side_changed() -> None:
    evidence = told(*SPLIT)
    assert evidence.split_brain
    assert evidence.cause_at_s == 5.0
    assert (evidence.self_was_primary, evidence.peer_was_primary) == (False, True)
    assert (evidence.self_changes_kib, evidence.peer_changes_kib) == (36, 20)


def lab(situation: str, node: str) -> dict[str, Evidence]:
    """The evidence in the records of a real node's /dev/kmsg."""
    lines = (LAB / situation / node / "kmsg").read_text(errors="replace").splitlines()
    return gather(parse_records(lines), OF_MINOR)


def test_a_node_that_crashed_as_primary_and_came_back_as_secondary_is_not_taken_for_active() -> (
    None
):
    """Measured: its identifier is even again, though the peer's line says flags:2."""
    beta = lab("crashed_primary", "beta")["mail"]
    assert beta.split_brain
    assert [handshake.peer_flags for handshake in beta.handshakes] == [2]
    assert (beta.self_was_primary, beta.peer_was_primary) == (False, False)


def test_the_slower_side_of_a_real_split_brain_is_no_operators_disconnect() -> None:
    for node in ("alpha", "beta"):
        assert lab("split_brain_db_one_volume", node)["db"].split_brain


def test_a_real_operators_disconnect() -> None:
    alpha = lab("operator_disconnect", "alpha")["mail"]
    assert alpha.cause is Cause.OPERATOR_DISCONNECT
    assert lab("operator_disconnect", "beta")["mail"].cause is None


@pytest.mark.parametrize("name", ["drbd0: x", "block drbd0: x", "drbd mail: x", "drbd mail"])
@pytest.mark.parametrize(
    "file",
    [
        "Split-Brain detected, dropping",
        "conn( WFReportParams -> Connected ) ",
        "role( Secondary -> Primary ) ",
        "self 3875E0FE4D2F3616:4B53891C4B844B20:C99A7F2D5005D7EE:C9997F2D5005D7EF bits:9 flags:0",
    ],
)
def test_a_crashing_program_cannot_write_evidence(name: str, file: str) -> None:
    """The kernel logs `NAME[PID]: segfault … in FILE[…]` in its own voice; both are anyone's."""
    line = f"{name}[280]: segfault at 0 ip 0 sp 0 error 4 in {file}[400000+1000]"
    assert told(line) == Evidence()
    assert told(*SPLIT, line) == told(*SPLIT)


def test_a_promotion_afterwards_makes_the_handshake_worthless() -> None:
    evidence = told(*SPLIT, "block drbd0: role( Secondary -> Primary ) ")
    assert evidence.split_brain
    assert evidence.peer_was_primary is None
    assert evidence.handshakes == ()
    demoted = told(*SPLIT, "block drbd0: role( Primary -> Secondary ) ")
    assert demoted.peer_was_primary is True


def test_a_connection_ends_every_evidence() -> None:
    assert told(*SPLIT, *HANDSHAKE, CONNECTED).cause is None
    resync = "block drbd0: conn( WFReportParams -> WFBitMapT ) disk( UpToDate -> Outdated ) "
    assert told(*SPLIT, resync).cause is None


def test_only_the_handshake_of_the_split_itself_counts() -> None:
    """An older handshake of another kind must not be taken for it."""
    older = [text.replace("49C59B5472954F99", "49C59B5472954F98") for text in HANDSHAKE]
    evidence = told(*older, CONNECTED, *SPLIT)
    assert len(evidence.handshakes) == 1
    assert evidence.peer_was_primary is True
    # A handshake that came to nothing leaves the split brain and its lines as they were.
    again = told(*SPLIT, *older[:3])
    assert again.split_brain
    assert again.peer_was_primary is True


def test_a_handshake_of_which_one_side_is_missing_says_nothing() -> None:
    evidence = told(HANDSHAKE[0], HANDSHAKE[2], UNRESOLVED, *PARTED)
    assert evidence.split_brain
    assert evidence.self_was_primary is None
    assert evidence.self_changes_kib is None


def test_both_volumes_speak_for_their_resource() -> None:
    lines = [
        "drbd db: conn( WFConnection -> WFReportParams ) ",
        *(text.replace("drbd0", "drbd1") for text in HANDSHAKE[1:]),
        "block drbd1: peer( Unknown -> Primary ) conn( WFReportParams -> Connected ) ",
        *(text.replace("drbd0", "drbd2") for text in HANDSHAKE[1:]),
        UNRESOLVED.replace("drbd0", "drbd2"),
    ]
    log = [LogRecord(float(second), text) for second, text in enumerate(lines)]
    evidence = gather(log, OF_MINOR)["db"]
    assert evidence.split_brain
    assert [handshake.minor for handshake in evidence.handshakes] == [1, 2]
    assert evidence.self_changes_kib == 72


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        (UNRESOLVED, Cause.SPLIT_BRAIN),
        ("block drbd0: Split-Brain detected, dropping connection!", Cause.SPLIT_BRAIN),
        ("block drbd0: Unrelated data, aborting!", Cause.UNRELATED_DATA),
        ("drbd mail: Authentication of peer failed", Cause.AUTHENTICATION),
        ("drbd mail: incompatible after-sb-1pri settings", Cause.INCOMPATIBLE_SETTINGS),
        ("drbd mail: incompatible discard-my-data settings", Cause.INCOMPATIBLE_SETTINGS),
        (
            "block drbd0: I shall become SyncTarget, but I am primary!",
            Cause.SYNC_TARGET_BUT_PRIMARY,
        ),
        (
            "block drbd0: before-resync-target handler returned 1, dropping connection.",
            Cause.RESYNC_HANDLER,
        ),
        ("drbd mail: nobody knows what this means", Cause.UNRECOGNISED),
    ],
)
def test_why_a_handshake_ended(message: str, cause: Cause) -> None:
    assert told(*HANDSHAKE, message, *PARTED).cause is cause


def test_an_operators_disconnect_is_told_from_trouble() -> None:
    evidence = told(*HANDSHAKE, CONNECTED, *DISCONNECTED)
    assert evidence.cause is Cause.OPERATOR_DISCONNECT
    assert evidence.cause_at_s == 6.0
    waiting = ("drbd mail: conn( WFConnection -> Disconnecting ) ", PARTED[1])
    assert told(*waiting).cause is Cause.OPERATOR_DISCONNECT


def test_a_disconnect_by_hand_does_not_undo_a_split_brain() -> None:
    waiting = "drbd mail: conn( WFConnection -> Disconnecting ) "
    assert told(*SPLIT, "drbd mail: conn( StandAlone -> Unconnected ) ", waiting).split_brain


def test_a_lost_link_is_no_cause() -> None:
    lost = "drbd mail: peer( Primary -> Unknown ) conn( Connected -> NetworkFailure ) "
    assert told(*HANDSHAKE, CONNECTED, lost).cause is None


def test_what_a_policy_decided_is_kept_in_mind() -> None:
    solved = "block drbd0: Split-Brain detected, 1 primaries, automatically solved. Sync from peer"
    assert "automatically solved" in (told(*HANDSHAKE, solved).solved_by_policy or "")


@pytest.mark.parametrize("prefix", ["block drbd0: ", "drbd mail: ", "drbd mail/0 drbd0: "])
def test_the_prefixes_of_every_generation(prefix: str) -> None:
    assert told(prefix + "Split-Brain detected but unresolved, dropping connection!").split_brain


@pytest.mark.parametrize(
    "line",
    [
        "block drbd7: Split-Brain detected but unresolved, dropping connection!",
        "EXT4-fs (drbd0): Split-Brain detected but unresolved, dropping connection!",
        "block sda: Split-Brain detected but unresolved, dropping connection!",
        "mydrbd mail: Split-Brain detected but unresolved, dropping connection!",
    ],
)
def test_lines_of_others_are_nobodys_evidence(line: str) -> None:
    assert told(line) == Evidence()


def test_the_lines_kept_are_bounded() -> None:
    assert len(told(*(HANDSHAKE * 100)).lines) == MAX_LINES


@given(st.lists(st.text() | st.from_regex(r"block drbd[0-9]{1,9}: .*|drbd mail: .*")))
def test_any_text_may_come(lines: list[str]) -> None:
    for evidence in gather([LogRecord(0.0, line) for line in lines], OF_MINOR).values():
        assert evidence.self_was_primary in (None, True, False)
