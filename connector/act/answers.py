"""What drbdadm's exit status and words mean: a table, first match wins.

drbdsetup prints `NAME: Failure: (NUMBER) …` with exit status 10 and `NAME: State change failed:
(NUMBER) …` with 11, or 17, 16 and 5 for three of them (`print_config_error` in drbdsetup.c of
drbd-utils); drbdadm hands the exit status on. The numbers are `enum drbd_ret_code` and `enum
drbd_state_rv` of the kernel's include/linux/drbd.h, and have never been given a new meaning.
"measured" beside a row: seen on DRBD 8.4.11 or 9.2.12 with drbd-utils 9.22.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from connector.model import ActionKind
from connector.program import Completed


class CommandOutcome(StrEnum):
    """What came of one command. Only `transient` is worth the same command again."""

    DONE = "done"
    ALREADY = "already"
    HELD_OPEN = "held-open"
    REFUSED = "refused"
    TRANSIENT = "transient"
    UNKNOWN_RESOURCE = "unknown-resource"
    NOT_PERMITTED = "not-permitted"
    TIMED_OUT = "timed-out"
    NOT_STARTED = "not-started"
    SUPERSEDED = "superseded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Row:
    """One known answer: `answer` is an error number, or a pattern that is looked for on stderr."""

    exit_status: int
    answer: int | str
    outcome: CommandOutcome
    advice: str
    kinds: frozenset[ActionKind] = frozenset(ActionKind)


_CONNECT = frozenset({ActionKind.CONNECT})
_DISCARD = frozenset({ActionKind.CONNECT_DISCARD})
_CONNECTED_ALREADY = (
    "it is connected or waits for its peer already; if it is StandAlone all the same, another"
    " resource uses the same address and port: give each its own in the DRBD configuration"
)
_DISCARD_WITHOUT_EFFECT = (
    "nothing was given up, because the resource is not StandAlone:"
    " disconnect it first if it is still split"
)
_LOAD = "load the kernel module with `modprobe drbd`"
_BECOME_ROOT = "run connector as root"
_AGAIN = "DRBD was busy with another change: the next pass tries again"
_UP = "bring the resource up with `drbdadm up`"
_CORRECT = "correct the DRBD configuration; `drbdadm dump` checks it"
_PEER = "look at the resource on both nodes"
_DISK = "look at the disk states on both nodes"

_O = CommandOutcome

TABLE: tuple[Row, ...] = (
    # drbdsetup of 9 takes `secondary` for done where no module is loaded (measured, utils 9.22).
    Row(0, r"Failed to modprobe drbd", _O.REFUSED, _LOAD),
    Row(0, r"", _O.DONE, "nothing is left to do"),
    # drbdadm itself: measured.
    Row(1, r"' not defined in your config", _O.UNKNOWN_RESOURCE, _CORRECT),
    Row(1, r"Not a valid connection \(", _O.UNKNOWN_RESOURCE, _CORRECT),
    Row(10, r": Parse error: ", _O.REFUSED, _CORRECT),
    Row(10, r"IP \S+ not found on this host", _O.REFUSED, "give this node that address"),
    Row(20, r"Can not open '", _O.REFUSED, "make the DRBD configuration readable to connector"),
    # drbdadm_main.c `m__system`: drbdsetup may still be at work.
    Row(20, r"did not terminate within \d+ seconds", _O.TIMED_OUT, _PEER),
    # drbdsetup's lock, which 8.4's takes for a minor: `dt_lock_drbd`, drbdtool_common.c. It waits
    # a second first. The message and status measured with drbdmeta, which takes the same lock.
    Row(20, r"lock on \S+ currently held by pid:", _O.TRANSIENT, _AGAIN),
    Row(20, r"Failed to modprobe drbd|Could not stat /proc/drbd", _O.REFUSED, _LOAD),  # measured
    Row(20, r"Could not connect to 'drbd' generic netlink family", _O.REFUSED, _LOAD),  # strings
    # EPERM of the netlink family (GENL_ADMIN_PERM), EACCES of the lock file.
    Row(20, r"Operation not permitted|Permission denied", _O.NOT_PERMITTED, _BECOME_ROOT),
    # enum drbd_ret_code; 123, 125, 162 measured.
    Row(10, 152, _O.NOT_PERMITTED, _BECOME_ROOT),  # ERR_PERM
    Row(10, 102, _O.ALREADY, _CONNECTED_ALREADY, _CONNECT),  # ERR_LOCAL_ADDR: 8.4
    Row(10, 103, _O.ALREADY, _CONNECTED_ALREADY, _CONNECT),  # ERR_PEER_ADDR: 8.4
    Row(10, 125, _O.ALREADY, _CONNECTED_ALREADY, _CONNECT),  # ERR_NET_CONFIGURED: 8.3, 9
    Row(10, 173, _O.ALREADY, _CONNECTED_ALREADY, _CONNECT),  # ERR_LOCAL_AND_PEER_ADDR: 9
    Row(10, 102, _O.REFUSED, _DISCARD_WITHOUT_EFFECT, _DISCARD),
    Row(10, 103, _O.REFUSED, _DISCARD_WITHOUT_EFFECT, _DISCARD),
    Row(10, 125, _O.REFUSED, _DISCARD_WITHOUT_EFFECT, _DISCARD),
    Row(10, 173, _O.REFUSED, _DISCARD_WITHOUT_EFFECT, _DISCARD),
    Row(10, 123, _O.REFUSED, "a Primary gives nothing up: demote it first"),  # ERR_DISCARD_…
    Row(10, 127, _O.UNKNOWN_RESOURCE, _UP),  # ERR_MINOR_INVALID
    Row(10, 158, _O.UNKNOWN_RESOURCE, _UP),  # ERR_RES_NOT_KNOWN
    Row(10, 162, _O.REFUSED, _UP),  # ERR_INVALID_REQUEST
    Row(10, 129, _O.TRANSIENT, _AGAIN),  # ERR_INTR: before anything was changed
    Row(10, 120, _O.REFUSED, _CORRECT),  # ERR_AUTH_ALG
    Row(10, 121, _O.REFUSED, _CORRECT),  # ERR_AUTH_ALG_ND
    Row(10, 139, _O.REFUSED, _CORRECT),  # ERR_NOT_PROTO_C
    Row(10, 141, _O.REFUSED, _CORRECT),  # ERR_INTEGRITY_ALG
    Row(10, 142, _O.REFUSED, _CORRECT),  # ERR_INTEGRITY_ALG_ND
    Row(10, 154, _O.REFUSED, _CORRECT),  # ERR_STONITH_AND_PROT_A
    Row(10, 155, _O.REFUSED, _CORRECT),  # ERR_CONG_NOT_PROTO_A
    # enum drbd_state_rv; -1, -2, -10, -12 measured. From -21 on: DRBD 9.
    Row(11, -1, _O.REFUSED, "another node is Primary: demote it first"),  # SS_TWO_PRIMARIES
    Row(17, -2, _O.REFUSED, _DISK),  # SS_NO_UP_TO_DATE_DISK
    Row(16, -4, _O.REFUSED, _DISK),  # SS_NO_LOCAL_DISK
    Row(11, -5, _O.REFUSED, _DISK),  # SS_NO_REMOTE_DISK
    Row(11, -7, _O.REFUSED, _PEER),  # SS_PRIMARY_NOP
    Row(11, -10, _O.REFUSED, _PEER),  # SS_CW_FAILED_BY_PEER
    Row(11, -11, _O.REFUSED, _DISK),  # SS_IS_DISKLESS
    Row(11, -12, _O.HELD_OPEN, "close what holds it open (mounts, swap, LVM on top)"),
    Row(11, -13, _O.REFUSED, _CORRECT),  # SS_NO_NET_CONFIG
    Row(11, -15, _O.REFUSED, _PEER),  # SS_NEED_CONNECTION
    Row(5, -16, _O.REFUSED, _DISK),  # SS_LOWER_THAN_OUTDATED
    Row(11, -17, _O.REFUSED, "run the same DRBD version on both nodes"),  # SS_NOT_SUPPORTED
    Row(11, -18, _O.TRANSIENT, _AGAIN),  # SS_IN_TRANSIENT_STATE: "retry after next state change"
    Row(11, -19, _O.TRANSIENT, _AGAIN),  # SS_CONCURRENT_ST_CHG: "detected and aborted"
    Row(11, -20, _O.REFUSED, _PEER),  # SS_O_VOL_PEER_PRI
    Row(11, -21, _O.TRANSIENT, _AGAIN),  # SS_INTERRUPTED
    Row(11, -22, _O.REFUSED, _PEER),  # SS_PRIMARY_READER
    Row(11, -23, _O.TRANSIENT, _AGAIN),  # SS_TIMEOUT: DRBD aborts the change
    Row(11, -24, _O.REFUSED, _PEER),  # SS_WEAKLY_CONNECTED
    Row(11, -25, _O.REFUSED, _PEER),  # SS_NO_QUORUM
)

_NUMBER = re.compile(r"(?:Failure|State change failed): \((-?[0-9]{1,9})\)")


def classify(completed: Completed, kind: ActionKind) -> CommandOutcome:
    """What came of a command of that kind; `failed` where the answer is not known.

    `done` means that drbdadm said so, which is not proof: it also says so where its drbdsetup was
    killed (measured). Only the state that is read afterwards is.
    """
    if completed.error is not None:
        return CommandOutcome.NOT_STARTED
    if completed.exit_status is None:
        return CommandOutcome.TIMED_OUT
    row = known_answer(completed.exit_status, completed.stderr, kind)
    return row.outcome if row else CommandOutcome.FAILED


def known_answer(exit_status: int | None, stderr: str, kind: ActionKind) -> Row | None:
    """The first row of the table that fits, or None."""
    numbers = [int(number) for number in _NUMBER.findall(stderr)]
    for row in TABLE:
        if row.exit_status != exit_status or kind not in row.kinds:
            continue
        if isinstance(row.answer, str):
            if re.search(row.answer, stderr):
                return row
        elif numbers[-1:] == [row.answer]:  # the last one is what it ended for
            return row
    return None
