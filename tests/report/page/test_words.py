"""Amounts, times and uses in words."""

from __future__ import annotations

import pytest

from connector.model import Use, UseKind
from connector.report.page.words import MOST_USES, amount, how_many, in_use, lasting, used_by
from tests import builders


@pytest.mark.parametrize(
    ("kib", "words"),
    [
        (None, "not known"),
        (0, "0"),
        (1, "1 KiB"),
        (1023, "1023 KiB"),
        (1024, "1.0 MiB"),
        (1536, "1.5 MiB"),
        (200 * 1024, "200 MiB"),
        (12 * 1024**2, "12.0 GiB"),
        (5 * 1024**3, "5.0 TiB"),
        (5 * 1024**4, "5120 TiB"),
        (-8, "-8 KiB"),
    ],
)
def test_amounts(kib: int | None, words: str) -> None:
    assert amount(kib) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (3661, "1 h 1 min"),
        (86399, "23 h 59 min"),
        (86400, "1 d"),
        (90000, "1 d 1 h"),
        (40 * 86400 + 7200, "40 d"),
    ],
)
def test_times(seconds: float, words: str) -> None:
    assert lasting(seconds) == words


def test_numbers_of_things() -> None:
    assert [how_many(n, "resource") for n in (0, 1, 2)] == [
        "0 resources",
        "1 resource",
        "2 resources",
    ]


def test_what_uses_a_volume() -> None:
    uses = [Use(UseKind.MOUNT, "/a"), Use(UseKind.SWAP, "/b"), Use(UseKind.HOLDER, "dm-3")]
    assert used_by(builders.volume(used_by=uses)) == (
        "/a (mounted), /b (swap), dm-3 (held by this device)"
    )
    assert used_by(builders.volume(used_by=())) == "nothing"
    assert used_by(builders.volume(used_by=None)) == "could not be found out"


def test_many_uses_are_cut_off_and_counted() -> None:
    uses = [Use(UseKind.MOUNT, f"/m{n}") for n in range(MOST_USES + 3)]
    told = used_by(builders.volume(used_by=uses))
    assert told.endswith(f"/m{MOST_USES - 1} (mounted), and 3 more")


def test_whether_it_is_in_use_is_told_in_three_ways() -> None:
    assert {in_use(used) for used in (True, False, None)} == {
        "in use",
        "not in use",
        "use not known",
    }
