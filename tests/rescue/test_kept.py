"""What a record may hold: nothing that misleads whoever acts upon it."""

from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic import ValidationError

from connector.rescue.kept import KeptVolume, Rescue, name_for
from tests.rescue.making import KEPT_AT_S, MIB, a_copy, a_snapshot, rescue


def test_a_name_tells_when_and_what() -> None:
    assert name_for("mail", 1_764_057_600.9) == "20251125T080000Z-mail"
    assert rescue().name == name_for("mail", KEPT_AT_S)


def test_it_survives_being_written_down() -> None:
    whole = rescue(a_copy(), a_snapshot(1), looked_at_s=KEPT_AT_S + 60, lost="gone")
    assert Rescue.model_validate_json(whole.model_dump_json()) == whole


def test_sizes_and_ages() -> None:
    both = rescue(a_copy(size_bytes=5 * MIB), a_snapshot(1, size_bytes=7 * MIB))
    assert both.copies_bytes == 5 * MIB
    assert rescue(a_snapshot()).copies_bytes == 0
    assert both.age_s(KEPT_AT_S + 60) == 60
    assert both.age_s(KEPT_AT_S - 60) == 0


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("file", ".."),
        ("file", "../../etc/shadow"),
        ("file", ".hidden"),
        ("file", ""),
        ("snapshot", "data0"),
        ("snapshot", "connector-x/../data0"),
        ("volume_group", "-y"),
        ("volume_group", "pair/data0"),
        ("volume_group", ""),
        ("size_bytes", -1),
        ("minor", -1),
        ("method", "dd"),
        ("filesystem", 3),
        ("more", "than there is"),
    ],
)
def test_a_volume_that_a_record_must_not_have(key: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=key):
        KeptVolume.model_validate({**a_copy().model_dump(), key: value})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "mail"),
        ("name", "20251124T160000Z-../mail"),
        ("name", "20251124T160000Z-mail/x"),
        ("name", "../20251124T160000Z-mail"),
        ("resource", ""),
        ("version", 2),
        ("version", 0),
        ("kept_at_s", math.nan),
        ("kept_at_s", math.inf),
        ("kept_at_s", 1e300),
        ("kept_at_s", -1),
        ("looked_at_s", math.nan),
        ("volumes", [{}]),
        ("more", "than there is"),
    ],
)
def test_a_record_that_is_none(key: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=key):
        Rescue.model_validate({**rescue().model_dump(), key: value})
