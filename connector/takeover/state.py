"""Whether this node is the active one, as a cluster manager asks."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from connector.settings import Settings
from connector.takeover.seen import Seen, see
from connector.world import World


class State(StrEnum):
    """What this node is for a resource."""

    ACTIVE = "active"
    PASSIVE = "passive"
    BETWEEN = "between"


def states(world: World, settings: Settings, names: Iterable[str]) -> dict[str, State]:
    """The state of each resource by name; without names of all. Raises as `see`."""
    return {item.resource.name: state(settings, item) for item in see(world, settings, names)}


def state(settings: Settings, seen: Seen) -> State:
    """Active: Primary, and all is mounted that the configuration lists. Passive: nothing of it."""
    minors = {volume.volume: volume.minor for volume in seen.resource.volumes}
    mounts = settings.mounts.get(seen.resource.name, ())
    tops = [(seen.top_of(mount.where), minors.get(mount.volume)) for mount in mounts]
    mounted = [top is not None and top.minor == minor for top, minor in tops]
    if seen.primary and all(mounted):
        return State.ACTIVE
    if seen.secondary and not seen.mine:
        return State.PASSIVE
    return State.BETWEEN
