"""The listing of a Maildir, by the real shell and grep, and what it is compared with."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .client import numbered_message
from .maildir import listing_command, missing, numbers
from .test_service import answered


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    """An empty Maildir whose name a shell must not take apart."""
    folder = tmp_path / "a 'spool'"
    for name in ("tmp", "new", "cur"):
        (folder / name).mkdir(parents=True)
    return folder


def listed(spool: Path) -> subprocess.CompletedProcess[str]:
    """What the command prints and how it ends."""
    command = ["/bin/sh", "-c", listing_command(str(spool))]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_thousands_of_messages_are_listed(spool: Path) -> None:
    expected = [f"alpha-side-{count:06}" for count in range(1, 3001)]
    for count, number in enumerate(expected):
        folder = "cur" if count % 3 == 0 else "new"
        (spool / folder / str(count)).write_text(f"Subject: x\nX-Number: {number}\n\nbody\n")
    done = listed(spool)
    assert (done.returncode, done.stderr) == (0, "")
    assert numbers(done.stdout) == expected


def test_only_what_was_delivered_whole_is_listed(spool: Path) -> None:
    (spool / "new" / "one").write_bytes(numbered_message("beta-side-000001"))
    (spool / "new" / "two").write_bytes(b"\0\n" + numbered_message("beta-side-000002"))
    quoting = numbered_message("beta-side-000003") + b"X-Number: beta-side-000099\r\n"
    (spool / "new" / "three").write_bytes(quoting)
    (spool / "tmp" / "four").write_bytes(numbered_message("beta-side-000004"))
    (spool / "new" / "five").write_bytes(b"")
    (spool / "new" / "six").write_bytes(b"\0" * 4096)
    (spool / "new" / "seven").write_text("Subject: from somebody else\n\nX-Number alone\n")
    found = numbers(listed(spool).stdout)
    assert found == [f"beta-side-{count:06}" for count in (1, 2, 3)]


def test_an_empty_maildir_has_no_messages_and_one_that_cannot_be_read_is_an_error(
    spool: Path,
) -> None:
    assert (listed(spool).returncode, listed(spool).stdout) == (0, "")
    (spool / "new" / "one").write_bytes(numbered_message("beta-side-000001"))
    (spool / "cur").rmdir()
    done = listed(spool)
    assert done.returncode != 0
    assert "cur" in done.stderr


def test_a_line_that_is_no_number_is_an_error() -> None:
    with pytest.raises(ValueError, match="line 2 of the listing has no number: 'X-Number: 12'"):
        numbers("X-Number: alpha-side-000001\nX-Number: 12\n")
    assert numbers("") == []


def test_a_message_that_is_there_twice_is_listed_twice() -> None:
    twice = "X-Number: a-000002\nX-Number: a-000001\nX-Number: a-000002\r\n"
    assert numbers(twice) == ["a-000001", "a-000002", "a-000002"]


def test_missing_is_what_was_acknowledged_and_is_not_found() -> None:
    first, second, third = notes = answered(1, 2, 3)
    assert missing(notes, [each.number for each in notes]) == []
    # What is found beside them was kept without an answer, and is no loss.
    assert missing(notes, [second.number, "alpha-side-000099"]) == [first, third]
    assert missing([third, first], []) == [first, third]
    assert missing([], ["alpha-side-000099"]) == []
