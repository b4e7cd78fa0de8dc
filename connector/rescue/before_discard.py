"""What a pass does right before it gives changes up: keeps them, or says why it cannot."""

from __future__ import annotations

from collections.abc import Callable

from connector.errors import NotKept
from connector.model import Resource, Role
from connector.rescue.keep import Wanted, keep, must_be_unchanged
from connector.settings import Settings
from connector.world import World

# Of the pass's time, for the commands that come after the copy.
KEPT_BACK_S = 10.0

Look = Callable[[], Resource | None]


def before_discard(
    world: World, settings: Settings, look: Look, *, why: str, time_left_s: Callable[[], float]
) -> str | None:
    """Keep what this node holds of a resource; the rescue's name.

    None where nothing is to be kept: the settings say so, a Primary loses nothing by connecting,
    or the node has no changes of its own. Where it cannot be kept, the settings say whether that
    stops the discard.

    Raises:
        NotKept: nothing may be given up.
    """
    if not settings.rescue.keep:
        return None
    resource = look()
    if resource is None or resource.role is Role.PRIMARY:
        return None
    wanted = Wanted(resource, why, lambda: time_left_s() - KEPT_BACK_S)
    since_s = world.clock.wall_s()
    try:
        rescue = keep(world, settings, wanted)
        if rescue is not None:
            must_be_unchanged(world, settings, rescue, look(), since_wall_s=since_s)
    except NotKept:
        if settings.rescue.refuse_without:
            raise
        return None
    return rescue.name if rescue else None
