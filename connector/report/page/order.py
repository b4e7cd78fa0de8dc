"""Who comes first on the page, who gets a drawing, and who a line in a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from connector.model import DecisionName, DiskState, Resource
from connector.report.passes import ResourceReport

MOST_DRAWN = 50
MOST_LISTED = 2000


class Urgency(IntEnum):
    """How much a resource wants to be looked at; the lowest number first."""

    NEEDS_OPERATOR = 0
    UNSETTLED = 1
    HEALTHY = 2


@dataclass(frozen=True, slots=True)
class Group:
    """The resources of one urgency: those with a drawing, those in the table, and how many more
    there are."""

    urgency: Urgency
    drawn: tuple[ResourceReport, ...]
    listed: tuple[ResourceReport, ...]
    left_out: int = 0

    @property
    def number(self) -> int:
        """How many resources it is about."""
        return len(self.drawn) + len(self.listed) + self.left_out


def urgency(item: ResourceReport) -> Urgency:
    """Whether a person is needed, or something is not as it should be for good.

    A pause is unsettled too: nothing would be done if the pair came apart.
    """
    if item.needs_operator:
        return Urgency.NEEDS_OPERATOR
    settled = item.decision.name is DecisionName.HEALTHY and not item.paused
    return Urgency.HEALTHY if settled and _whole(item.after) else Urgency.UNSETTLED


def groups(
    items: Sequence[ResourceReport],
    most_drawn: int = MOST_DRAWN,
    most_listed: int = MOST_LISTED,
) -> tuple[Group, ...]:
    """All resources, the most urgent group first, in their own order within a group.

    Where they are more than can be drawn, the healthy ones are only listed. Empty groups are
    left out.
    """
    by_urgency: dict[Urgency, list[ResourceReport]] = {one: [] for one in Urgency}
    for item in items:
        by_urgency[urgency(item)].append(item)
    crowded = len(items) > most_drawn
    found = []
    room_drawn, room_listed = most_drawn, most_listed
    for one, members in by_urgency.items():
        room = 0 if crowded and one is Urgency.HEALTHY else room_drawn
        drawn, rest = members[:room], members[room:]
        listed = rest[:room_listed]
        room_drawn -= len(drawn)
        room_listed -= len(listed)
        if members:
            found.append(Group(one, tuple(drawn), tuple(listed), len(rest) - len(listed)))
    return tuple(found)


def _whole(resource: Resource) -> bool:
    """Whether every copy that there should be is known to be up to date."""
    return all(
        volume.device is not None
        and (volume.device.client or volume.device.disk is DiskState.UP_TO_DATE)
        and (volume.device.peer_client or volume.device.peer_disk is DiskState.UP_TO_DATE)
        for seen in resource.each
        for volume in seen.volumes
    )
