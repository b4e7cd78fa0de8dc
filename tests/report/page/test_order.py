"""Who comes first, and who is drawn."""

from __future__ import annotations

import pytest

from connector.model import ConnectionState, Decision, DecisionName, DiskState
from connector.report.page.order import Urgency, groups, urgency
from connector.report.passes import ResourceReport
from tests import builders


def needy(name: str = "needy") -> ResourceReport:
    return builders.resource_report(builders.resource(name), needs_operator=True)


def waiting(name: str = "waiting") -> ResourceReport:
    seen = builders.resource(name, connection=ConnectionState.WF_CONNECTION)
    return builders.resource_report(seen, decision=Decision(name, DecisionName.HOLD, "waits"))


def healthy(name: str = "healthy") -> ResourceReport:
    return builders.resource_report(builders.resource(name))


def test_three_urgencies() -> None:
    assert urgency(needy()) is Urgency.NEEDS_OPERATOR
    assert urgency(waiting()) is Urgency.UNSETTLED
    assert urgency(healthy()) is Urgency.HEALTHY


@pytest.mark.parametrize("sides", [{"disk": DiskState.FAILED}, {"peer_disk": DiskState.OUTDATED}])
def test_connected_over_a_bad_disk_is_not_healthy(sides: dict[str, DiskState]) -> None:
    device = builders.device(**sides)  # type: ignore[arg-type]
    seen = builders.resource(volumes=[builders.volume(), builders.volume(device, number=1)])
    assert urgency(builders.resource_report(seen)) is Urgency.UNSETTLED


def test_a_pause_and_a_volume_that_is_not_up_are_not_healthy() -> None:
    assert urgency(builders.resource_report(paused=True)) is Urgency.UNSETTLED
    seen = builders.resource(volumes=[builders.volume(minor=3)])
    assert urgency(builders.resource_report(seen)) is Urgency.UNSETTLED


def names(items: tuple[ResourceReport, ...]) -> list[str]:
    return [item.resource.name for item in items]


def test_where_all_fit_all_are_drawn_the_most_urgent_first() -> None:
    found = groups([healthy("a"), waiting("b"), needy("c"), healthy("d")], most_drawn=4)
    assert [(group.urgency, names(group.drawn), group.listed) for group in found] == [
        (Urgency.NEEDS_OPERATOR, ["c"], ()),
        (Urgency.UNSETTLED, ["b"], ()),
        (Urgency.HEALTHY, ["a", "d"], ()),
    ]


def test_where_not_all_fit_the_healthy_ones_are_listed() -> None:
    items = [healthy("a"), waiting("b"), needy("c"), healthy("d"), healthy("e")]
    found = groups(items, most_drawn=4)
    assert [(names(group.drawn), names(group.listed)) for group in found] == [
        (["c"], []),
        (["b"], []),
        ([], ["a", "d", "e"]),
    ]


def test_the_drawings_go_to_the_most_urgent_and_the_table_is_bounded_too() -> None:
    items = [waiting(f"w{n}") for n in range(3)] + [needy(f"n{n}") for n in range(3)]
    found = groups(items, most_drawn=4, most_listed=1)
    assert [(names(group.drawn), names(group.listed), group.left_out) for group in found] == [
        (["n0", "n1", "n2"], [], 0),
        (["w0"], ["w1"], 1),
    ]
    assert [group.number for group in found] == [3, 3]


def test_groups_that_are_empty_are_left_out() -> None:
    assert groups([]) == ()
    assert [group.urgency for group in groups([healthy()])] == [Urgency.HEALTHY]
