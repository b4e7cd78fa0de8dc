"""A saved kernel log: the forms in which people save one, read as a pass reads /dev/kmsg."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.model import Cause, ConnectionState, Evidence, Mode, Role
from connector.observe.kernel_log import LogRecord
from connector.report.explain.answer import Seen
from connector.report.explain.log import SavedLog, parse
from connector.report.explain.said import Said
from tests import builders

from .explaining import decided, explained

FIXTURES = Path(__file__).parents[2] / "fixtures"
KMSG = (FIXTURES / "lab/split_brain_beta_secondary/beta/kmsg").read_text()
DMESG = (FIXTURES / "dmesg/split_brain_both_mounted/beta").read_text()
OF_MINOR = {0: "mail", 1: "db", 2: "db"}
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
TEXT = "drbd mail: conn( Connected -> Disconnecting ) "


def evidence(text: str, resource: str = "mail") -> Evidence:
    """What a saved log says of a resource."""
    found = parse(text)
    assert found is not None
    return found.evidence(OF_MINOR, resource)


def dmesg_of(kmsg: str) -> str:
    """The same log as `dmesg` prints it."""
    records = re.findall(r"^\d+,\d+,(\d+),[^;]*;(.*)$", kmsg, re.MULTILINE)
    return "".join(f"[{int(at_us) / 1e6:12.6f}] {text}\n" for at_us, text in records)


def test_a_copy_of_dev_kmsg() -> None:
    found = parse(KMSG)
    assert found is not None
    assert found.certain
    assert found.evidence(OF_MINOR, "mail").split_brain
    assert found.evidence(OF_MINOR, "mail").peer_was_primary is True
    assert found.evidence(OF_MINOR, "db").cause is None
    assert found.evidence(OF_MINOR, "other") == Evidence()


def test_the_same_log_as_dmesg_says_the_same() -> None:
    assert evidence(dmesg_of(KMSG)) == evidence(KMSG)
    found = parse(dmesg_of(KMSG))
    assert found is not None
    assert not found.certain


def test_a_real_dmesg() -> None:
    assert evidence(DMESG).cause is Cause.SPLIT_BRAIN
    assert evidence(DMESG.replace("\n", "\r\n")).cause is Cause.SPLIT_BRAIN


@pytest.mark.parametrize(
    ("line", "at_s", "certain"),
    [
        (f"6,988,69746954,-;{TEXT}", 69.746954, True),
        (f"[   69.746954] {TEXT}", 69.746954, False),
        (f"[123456.746954] {TEXT}", 123456.746954, False),
        (f"<6>[   69.746954] {TEXT}", 69.746954, True),
        (f"kern  :info  : [   69.746954] {TEXT}", 69.746954, True),
        (f"[Sat Nov 28 08:00:59 2026] {TEXT}", 1795852859.0, False),
        (f"kern  :info  : [Sat Nov 28 08:00:59 2026] {TEXT}", 1795852859.0, True),
        (f"2026-11-28T08:00:59,500000+00:00 {TEXT}", 1795852859.5, False),
    ],
)
def test_each_form_of_a_line(line: str, at_s: float, certain: bool) -> None:
    assert parse(line + "\n") == SavedLog((LogRecord(at_s, TEXT),), certain)
    assert evidence(line).cause is Cause.OPERATOR_DISCONNECT
    found = parse(line)
    assert found is not None
    assert found.end_s == at_s


@pytest.mark.parametrize(
    "line",
    [
        f"12,988,69746954,-;{TEXT}",
        f"<14>[   69.746954] {TEXT}",
        f"user  :info  : [   69.746954] {TEXT}",
        f"daemon:err   : [   69.746954] {TEXT}",
    ],
)
def test_what_a_program_wrote_counts_for_nothing(line: str) -> None:
    assert parse(line) == SavedLog((), True)
    assert evidence(line) == Evidence()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "no log",
        TEXT,
        f"Nov 28 08:00:59 alpha kernel: {TEXT}",
        f"[69] {TEXT}",
        "\x00" * 99,
    ],
)
def test_what_is_no_log_of_a_known_form(text: str) -> None:
    assert parse(text) is None


def test_a_time_that_is_none_is_left_out() -> None:
    assert parse(f"[Sat Nov 31 08:00:59 2026] {TEXT}") == SavedLog((), False)
    assert parse(f"2026-11-31T08:00:59,500000+00:00 {TEXT}") == SavedLog((), False)


@UNHURRIED
@given(st.text())
def test_any_text_may_come(text: str) -> None:
    for line in (text, f"[    1.000000] {text}", f"6,1,1,-;{text}"):
        found = parse(line)
        assert found is None or found.end_s >= 0


def test_the_present_is_the_end_of_the_log() -> None:
    """An operator's disconnect ten minutes before the last line has 50 minutes left."""
    saved = parse(f"[  100.000000] {TEXT}\n[  700.000000] something else\n")
    seen = Seen(builders.resource(connection=ConnectionState.STANDALONE, role=Role.SECONDARY))
    for lasted_s, left_s in ((None, 3000), (60, 3000), (1200, 2400)):
        found = explained(seen, Said(log=saved, lasted_s=lasted_s))
        reason = decided(found, Mode.RECONNECT).reason
        assert reason.endswith(f"left alone for another {left_s} s")
