"""What drbdadm answers, and what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from connector.doctor.asked import Dumped, Refused, dumped, utils_version
from connector.doctor.reading import Unseen
from connector.program import Completed, Run

# drbd-utils 9.22.0 on Debian 12.
VERSION = """\
DRBDADM_BUILDTAG=GIT-hash:\\ 409097fe02187f83790b88ac3e0d94f3c167adab\\ reproducible
DRBDADM_API_VERSION=2
DRBD_KERNEL_VERSION_CODE=0x000000
DRBD_KERNEL_VERSION=0
DRBDADM_VERSION_CODE=0x091600
DRBDADM_VERSION=9.22.0
"""
# The same, of a file with a word that is none.
PARSE_ERROR = """\
modinfo: ERROR: Module drbd not found.
drbd.d/a.res:8: Parse error: 'protocol | on | disk' expected,
\tbut got 'foo' (TK 281)
"""


def runner(**answer: object) -> Run:
    def run(argv: Sequence[str], timeout_s: float) -> Completed:
        return Completed(tuple(argv), **{"exit_status": 0, **answer})  # type: ignore[arg-type]

    return run


def test_the_version() -> None:
    assert utils_version(runner(stdout=VERSION), "drbdadm", 5) == "9.22.0"


def test_no_drbdadm() -> None:
    run = runner(exit_status=None, error="drbdadm was not found in /bin: install drbd-utils")
    assert utils_version(run, "drbdadm", 5) is None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"stdout": "\ufffd"}, "does not tell"),
        ({"exit_status": None}, "did not end within 5 s"),
        ({"exit_status": None, "error": "could not be run: no memory"}, "no memory"),
        ({"exit_status": 9, "stderr": ""}, "it said nothing"),
    ],
)
def test_no_version(answer: dict[str, object], words: str) -> None:
    found = utils_version(runner(**answer), "drbdadm", 5)
    assert isinstance(found, Unseen)
    assert words in found.why


def test_a_syntax_error_is_drbdadms_own_word_with_its_place() -> None:
    found = dumped(runner(exit_status=10, stderr=PARSE_ERROR), "drbdadm", "alpha", 5)
    assert found == Refused(
        "drbd.d/a.res:8: Parse error: 'protocol | on | disk' expected, / but got 'foo' (TK 281)",
        "/etc/drbd.d/a.res:8",
    )


def test_a_refusal_without_a_line_has_no_place() -> None:
    said = "/etc/drbd.d/a.res: in resource mail, on vm:\n\tIP 10.0.0.1 not found on this host.\n"
    found = dumped(runner(exit_status=10, stderr=said), "drbdadm", "alpha", 5)
    assert isinstance(found, Refused)
    assert found.where is None
    assert "IP 10.0.0.1 not found" in found.said


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"exit_status": None}, "did not end within 5 s"),
        ({"exit_status": None, "error": "drbdadm was not found"}, "was not found"),
        ({"exit_status": 1, "stderr": "Can not open '/etc/x': Permission denied"}, "denied"),
    ],
)
def test_no_answer_is_no_refusal(answer: dict[str, object], words: str) -> None:
    found = dumped(runner(**answer), "drbdadm", "alpha", 5)
    assert isinstance(found, Unseen)
    assert words in found.why


def test_an_answer_that_makes_no_sense_is_refused() -> None:
    assert isinstance(dumped(runner(stdout="<config"), "drbdadm", "alpha", 5), Refused)


def test_nothing_configured() -> None:
    text = "<!-- No resources configured -->\n"
    assert dumped(runner(stdout=text), "drbdadm", "alpha", 5) == Dumped(())
