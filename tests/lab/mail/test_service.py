"""What a client's notes add up to, by examples."""

from __future__ import annotations

import pytest

from .service import Acknowledged, Outage, first_after, outages


def answered(
    *moments_s: float, took_s: float = 0.25, road: str = "alpha-side"
) -> list[Acknowledged]:
    """A message for each moment, acknowledged then and sent a little before."""
    return [
        Acknowledged(f"{road}-{count:06}", road, "alpha", at_s - took_s, at_s)
        for count, at_s in enumerate(moments_s, 1)
    ]


@pytest.mark.parametrize(
    ("moments_s", "expected"),
    [
        pytest.param([1, 2, 3, 4, 5, 6, 7, 8, 9], [], id="service all the time"),
        pytest.param([1, 3, 5, 7, 9], [], id="a pause that is as long as it may be"),
        pytest.param([1, 2, 6, 7, 8, 9], [Outage(2, 6)], id="one outage"),
        pytest.param([1, 4, 5, 8, 9], [Outage(1, 4), Outage(5, 8)], id="two outages"),
        pytest.param([5, 6, 7, 8, 9], [Outage(0, 5)], id="from the beginning"),
        pytest.param([1, 2, 3], [Outage(3, 10)], id="until the end"),
        pytest.param([], [Outage(0, 10)], id="never any service"),
        pytest.param([9, 2, 7, 1, 3, 5], [], id="in any order"),
        pytest.param([-1, 11], [Outage(0, 10)], id="what is outside does not count"),
        pytest.param([0, 2, 4, 6, 8, 10], [], id="both ends count"),
    ],
)
def test_an_outage_is_a_longer_pause_than_may_be(
    moments_s: list[float], expected: list[Outage]
) -> None:
    assert outages(answered(*moments_s), 0, 10, 2) == expected


def test_there_is_service_as_long_as_one_road_has_it() -> None:
    both = [*answered(1, 3, 9), *answered(5, 7, road="beta-side")]
    assert outages(both, 0, 10, 2) == []
    assert outages(answered(1, 3, 9), 0, 10, 2) == [Outage(3, 9)]


def test_time_that_runs_backwards_is_refused() -> None:
    with pytest.raises(ValueError, match=r"from 10 to 0 is backwards"):
        outages([], 10, 0, 2)


def test_what_was_sent_before_a_moment_says_nothing_of_the_service_after_it() -> None:
    notes = answered(10.125, 12.0, 13.0)
    # The first was on its way already.
    assert first_after(notes, 10.0) == 2.0
    assert first_after(notes, 9.0) == 1.125
    # Sent at that very moment.
    assert first_after(notes, 12.75) == 0.25
    assert first_after(notes, 12.8) is None
    assert first_after([], 0.0) is None
