"""What drbdadm says: only a known answer is worth the same command again, and none is made up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from connector.act.answers import TABLE, CommandOutcome, classify, known_answer
from connector.model import ActionKind
from connector.program import Completed
from tests.fuzz.entry import Entry

# The first byte of an input picks one of these, the second the command; the rest is stderr.
_EXIT_STATUSES = (0, 1, 5, 10, 11, 16, 17, 20, 255, -9, None)
_KINDS = tuple(ActionKind)


def run(data: bytes, _folder: Path) -> None:
    """Classify it, and look the answer up in the text."""
    picked = data[:2].ljust(2, b"\0")
    exit_status = _EXIT_STATUSES[picked[0] % len(_EXIT_STATUSES)]
    kind = _KINDS[picked[1] % len(_KINDS)]
    stderr = data[2:].decode("utf-8", "replace")
    completed = Completed(("drbdadm", kind.value, "mail"), exit_status, "", stderr)
    outcome = classify(completed, kind)
    row = known_answer(exit_status, stderr, kind)
    if exit_status is None:
        assert outcome is CommandOutcome.TIMED_OUT
        return
    assert outcome is (row.outcome if row else CommandOutcome.FAILED)
    if row is None:
        assert exit_status != 0
        return
    assert row in TABLE
    assert kind in row.kinds
    assert exit_status == row.exit_status
    assert (outcome is CommandOutcome.DONE) <= (exit_status == 0)
    if isinstance(row.answer, int):
        sign = "-" if row.answer < 0 else ""
        assert re.search(rf"\({sign}0*{abs(row.answer)}\)", stderr)


def _seeds() -> Iterator[bytes]:
    """One input for each row of the table."""
    phrases = (
        "Failed to modprobe drbd (No such file)",
        "'mail' not defined in your config (for this host).",
        "Not a valid connection (or connection name) in 'mail': 'x'",
        "/etc/drbd.conf:1: Parse error: 'global' expected,",
        "IP 10.0.0.1 not found on this host.",
        "Can not open '/etc/drbd.conf'.",
        "Command 'drbdsetup-84 connect' did not terminate within 121 seconds",
        "lock on 147 currently held by pid:12",
        "Could not stat /proc/drbd: No such file or directory",
        "Could not connect to 'drbd' generic netlink family",
        "mail: Operation not permitted",
    )
    for status in (0, 1, 10, 20):
        for phrase in phrases:
            yield bytes([_EXIT_STATUSES.index(status), 0]) + phrase.encode()
    for row in TABLE:
        if isinstance(row.answer, int):
            words = "Failure" if row.exit_status == 10 else "State change failed"
            said = f"mail: {words}: ({row.answer}) because\n".encode()
            yield bytes([_EXIT_STATUSES.index(row.exit_status), 1]) + said


ANSWERS = Entry(
    "drbdadm_answers",
    run,
    _seeds,
    words=("Failure: (", "State change failed: (", "(127)", "(-10)", ") ", "\n"),
)
