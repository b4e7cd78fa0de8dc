"""What is found at the end of a story on DRBD 9."""

from __future__ import annotations

from dataclasses import replace

import pytest

from .ending import Played, broken

DISCARD = "connect --discard-my-data mail:alpha"
SOUND = Played(
    {"alpha-00001": 0, "beta-00002": 0, "alpha-00003": 1},
    {
        ("alpha", 0): frozenset({"alpha-00001"}),
        ("beta", 0): frozenset({"alpha-00001"}),
        ("alpha", 1): frozenset({"alpha-00003"}),
        ("beta", 1): frozenset(),
    },
    {("beta", 0): frozenset({"beta-00002"})},
    ("secondary mail", "connect mail:alpha", DISCARD),
)


def test_a_sound_story() -> None:
    assert broken(SOUND) == []


def test_a_record_that_is_nowhere() -> None:
    assert broken(replace(SOUND, rescued={})) == [
        "beta-00002 was acknowledged on minor 0, and is on no disk and in no rescue"
    ]


def test_a_record_on_the_disk_of_another_minor_is_lost() -> None:
    moved = {**SOUND.disks, ("alpha", 1): frozenset(), ("alpha", 0): frozenset(SOUND.acknowledged)}
    assert broken(replace(SOUND, disks=moved)) == [
        "alpha-00003 was acknowledged on minor 1, and is on no disk and in no rescue"
    ]


def test_where_nothing_can_be_kept_only_a_discard_may_lose() -> None:
    nothing_kept = replace(SOUND, rescued={}, keeps_rescues=False)
    assert broken(nothing_kept) == []
    assert len(broken(replace(nothing_kept, commands=("connect mail:alpha",)))) == 1


@pytest.mark.parametrize(
    ("command", "what"),
    [
        ("connect mail", "names no peer"),
        ("connect --discard-my-data mail", "names no peer"),
        ("connect --tentative mail:alpha", "has an option that no pass may use"),
        ("secondary --force mail", "has an option that no pass may use"),
        ("down mail", "is no command of a pass"),
    ],
)
def test_a_wrong_command(command: str, what: str) -> None:
    assert broken(replace(SOUND, commands=(command,))) == [f"`drbdadm {command}` {what}"]
