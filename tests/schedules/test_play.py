"""Schedules as values, and one that is played twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from . import campaign
from .draw import draw
from .facts import Violation
from .happenings import HAPPENINGS
from .play import Played, play
from .schedule import Happening, Schedule
from .telling import told

SEEDS = range(40)


def test_the_same_seed_gives_the_same_schedule_and_another_one_another() -> None:
    assert draw(7) == draw(7)
    assert len({str(draw(seed)) for seed in SEEDS}) == len(SEEDS)


def test_a_schedule_survives_being_kept() -> None:
    for seed in SEEDS:
        schedule = draw(seed)
        assert Schedule.from_json(json.loads(json.dumps(schedule.to_json()))) == schedule


def test_everything_that_can_happen_is_drawn_somewhere() -> None:
    drawn = {item.what for seed in range(2000) for item in draw(seed).happenings}
    assert drawn == HAPPENINGS.keys() - {"quiet"}


def test_the_same_schedule_is_played_the_same() -> None:
    schedule = draw(4)
    first, second = told(schedule), told(schedule)
    assert first[0] == second[0]
    assert first[2] == second[2]
    assert first[2].passes > 30


@pytest.mark.parametrize("seed", SEEDS)
def test_no_rule_is_broken(seed: int, tmp_path: Path) -> None:
    played = play(draw(seed), tmp_path)
    assert played.violation is None


def test_the_shortest_schedule_is_found() -> None:
    """Two things that matter among many that do not."""
    schedule = draw(11).with_happenings(
        tuple(Happening(float(n), "crash" if n in (5, 17) else "cut") for n in range(30))
    )

    def played(tried: Schedule) -> Played:
        crashes = sum(item.what == "crash" for item in tried.happenings)
        violation = Violation("lost", "both") if crashes == 2 else None
        return Played(0, 0, 0, 0, 0, "", violation)

    short = campaign.shortest(schedule, Violation("lost", "x"), played=played)
    assert [item.at_s for item in short.happenings] == [5.0, 17.0]


def test_many_seeds_add_up_however_many_play_them() -> None:
    alone = campaign.play_many(0, 6, jobs=1)
    together = campaign.play_many(0, 6, jobs=2)
    for sums in (alone, together):
        assert sums.seeds == 6
        assert sums.failed == {}
    assert (alone.passes, alone.commands, alone.ends) == (
        together.passes,
        together.commands,
        together.ends,
    )
