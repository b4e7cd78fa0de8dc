"""The kernel log: what it is evidence of must stand in it, and must be the kernel's own word."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

from connector.model import Cause, Evidence
from connector.observe import kernel_log
from connector.observe.evidence import MAX_LINES, gather
from tests.fuzz.entry import Entry, fixtures

RESOURCES = {0: "mail", 1: "db", 2: "db"}
# What a program can bring into the log: its priority always carries a facility (8 and more).
_FORGED = "14,9,9,-;block drbd0: Split-Brain detected, dropping connection!"
_OF_THE_KERNEL = re.compile(r"0*[0-7],[0-9]+,[0-9]+,")

_WORDS_OF_A_CAUSE = {
    Cause.SPLIT_BRAIN: ("Split-Brain detected",),
    Cause.UNRELATED_DATA: ("Unrelated data, aborting!",),
    Cause.AUTHENTICATION: ("Authentication of peer failed",),
    Cause.SYNC_TARGET_BUT_PRIMARY: ("i shall become synctarget", "current primary shall become"),
    Cause.RESYNC_HANDLER: ("before-resync-target handler returned",),
    Cause.INCOMPATIBLE_SETTINGS: ("incompatible ",),
    Cause.UNRECOGNISED: ("-> Disconnecting )",),
    Cause.OPERATOR_DISCONNECT: ("-> Disconnecting )",),
}


def run(data: bytes, folder: Path) -> None:
    """Read it as a file that stands in for the log, and gather the evidence."""
    log = folder / "dev" / "kmsg"
    log.parent.mkdir(exist_ok=True)
    log.write_bytes(data)
    lines = kernel_log.read(folder)
    records = kernel_log.parse_records(lines)
    own = [line for line in lines if _OF_THE_KERNEL.match(line)]
    assert len(records) <= len(own)
    texts = {record.text for record in records}
    assert all(any(line.endswith(text) for line in own) for text in list(texts)[:20])
    assert all(math.isfinite(record.at_s) and record.at_s >= 0 for record in records)
    found = gather(records, RESOURCES)
    for name, evidence in found.items():
        assert name in RESOURCES.values() or any(f"drbd {name}" in text for text in texts)
        _check(evidence, texts)
    assert gather(kernel_log.parse_records([*lines, _FORGED]), RESOURCES) == found


def _check(evidence: Evidence, texts: set[str]) -> None:
    assert evidence.readable
    assert len(evidence.lines) <= MAX_LINES
    assert (evidence.cause is None) == (evidence.cause_at_s is None)
    if evidence.cause is not None:
        words = [word.lower() for word in _WORDS_OF_A_CAUSE[evidence.cause]]
        assert any(word in text.lower() for text in texts for word in words)
    if evidence.handshakes:
        # Only a reason to be apart keeps them; a promotion or a connection puts them away.
        assert evidence.cause is not None
        assert any("self " in text for text in texts)
        assert any("peer " in text for text in texts)
    for known in (evidence.self_changes_kib, evidence.peer_changes_kib):
        assert known is None or known >= 0


def _seeds() -> Iterator[bytes]:
    """The logs without the records that are not about DRBD; a log of the old form as one."""
    for log in fixtures("lab/*/*/kmsg"):
        yield b"\n".join(line for line in log.split(b"\n") if b"drbd" in line)[-12_000:]
    for number, log in enumerate(fixtures("dmesg/*/*")):
        told = [line.partition(b"] ")[2] for line in log.split(b"\n") if b"drbd" in line]
        yield b"\n".join(
            b"6,%d,%d000000,-;%s" % (n, n + number, text) for n, text in enumerate(told)
        )[-12_000:]


KERNEL_LOG = Entry(
    "kernel_log",
    run,
    _seeds,
    words=(
        *("\n6,1,1,-;block drbd0: ", "\n6,1,1,-;drbd mail: ", "\n6,1,1,-;drbd mail/0 drbd0: "),
        *(
            "\n12,1,1,-;",
            "conn( StandAlone -> Unconnected )",
            "conn( WFReportParams -> Connected )",
        ),
        *("conn( Connected -> Disconnecting )", "conn( WFConnection -> WFReportParams )"),
        *("conn( NetworkFailure -> Disconnecting )", "role( Secondary -> Primary )"),
        "Split-Brain detected but unresolved, dropping connection!",
        "Split-Brain detected, 1 primaries, automatically solved. Sync from peer node",
        "self 3875E0FE4D2F3617:4B53891C4B844B20:C99A7F2D5005D7EE:C9997F2D5005D7EF bits:9 flags:0",
        "peer 3875E0FE4D2F3616:4B53891C4B844B20:C99A7F2D5005D7EE:C9997F2D5005D7EF bits:9 flags:0",
        *("Unrelated data, aborting!", "Authentication of peer failed", "incompatible settings"),
        *(
            "I shall become SyncTarget, but I am",
            "before-resync-target handler returned 1, dropping",
        ),
    ),
)
