"""Heartbeat's time-outs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.doctor.ha_cf import HaCf, Told, parse, seconds_of

# As Heartbeat's own example has them.
TEXT = """\
#deadtime 1
keepalive 500ms
warntime 10
deadtime 20
deadtime 30   # the last one counts
initdead 2m
udpport 694
node alpha
"""


def test_the_time_outs_with_their_lines() -> None:
    assert parse(TEXT, "/ha.cf") == HaCf(
        "/ha.cf", Told(0.5, 2), Told(10, 3), Told(30, 5), Told(120, 6)
    )


def test_a_time_that_is_none_is_not_guessed() -> None:
    assert parse("deadtime 30\ndeadtime soon\n", "/ha.cf") == HaCf("/ha.cf", damaged=(2,))


@pytest.mark.parametrize(
    ("word", "seconds"),
    [("30", 30), ("1.5", 1.5), ("250ms", 0.25), ("1h", 3600), ("10S", 10), ("2MIN", 120)],
)
def test_units(word: str, seconds: float) -> None:
    assert seconds_of(word) == pytest.approx(seconds)


@pytest.mark.parametrize("word", ["", "-1", "x", "3 s", "1fortnight", "9" * 30, "ms"])
def test_no_times(word: str) -> None:
    assert seconds_of(word) is None


@given(st.text(max_size=200))
def test_any_text_may_be_one(text: str) -> None:
    assert parse(text, "/ha.cf").path == "/ha.cf"
