"""Asking drbdsetup: what it prints, and every way in which it gives nothing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from connector.errors import ConnectorError, NoDrbd, NotPermitted
from connector.observe.nine.drbdsetup import STATUS, read_status
from connector.program import Completed, Run


def saying(done: Completed) -> Run:
    def run(argv: Sequence[str], timeout_s: float) -> Completed:
        assert (tuple(argv), timeout_s) == (STATUS, 7.0)
        return done

    return run


def test_what_it_prints_is_handed_on() -> None:
    assert read_status(saying(Completed(STATUS, 0, "[\n]\n", "a warning")), 7.0) == "[\n]\n"


@pytest.mark.parametrize(
    ("done", "error", "status", "says"),
    [
        (Completed(STATUS, None, error="drbdsetup: not found"), ConnectorError, 1, "not found"),
        (Completed(STATUS, None), ConnectorError, 1, "did not end within 7 s"),
        (Completed(STATUS, 20, stderr="no netlink"), ConnectorError, 1, "status 20: no netlink"),
        (Completed(STATUS, 20), ConnectorError, 1, "it said nothing"),
        (Completed(STATUS, 20, stderr="USAGE: drbdsetup command"), NoDrbd, 69, "drbd-utils 9"),
        (Completed(STATUS, 20, "usage: drbdsetup"), NoDrbd, 69, "drbd-utils 9"),
        (
            Completed(STATUS, 20, stderr="error: Operation not permitted"),
            NotPermitted,
            77,
            "run connector as root",
        ),
    ],
)
def test_what_it_does_not_say_is_an_error(
    done: Completed, error: type[ConnectorError], status: int, says: str
) -> None:
    with pytest.raises(error, match=says) as raised:
        read_status(saying(done), 7.0)
    assert type(raised.value) is error
    assert raised.value.exit_status == status
