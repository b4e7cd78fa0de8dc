"""The resource that a person means, as it is at this moment: on DRBD 9 towards one peer."""

from __future__ import annotations

from connector.errors import UsageError
from connector.model import HEALTHY, Resource
from connector.observe.node import look
from connector.settings import Settings
from connector.survey import choose
from connector.world import World


def now(world: World, settings: Settings, target: str) -> Resource:
    """The resource RESOURCE, or its connection RESOURCE:PEER.

    Without a peer it is the one connection that is not well; where all are, the first.

    Raises:
        UsageError: there is none of that name, or it cannot be said which connection is meant.
        NoDrbd, NotPermitted, ConnectorError: as `look`.
    """
    name, colon, peer = target.partition(":")
    resource = choose(look(world, settings), name)[0]
    return _towards(resource, peer if colon else None)


def _towards(resource: Resource, peer: str | None) -> Resource:
    each = resource.each
    names = ", ".join(f"{resource.name}:{item.peer}" for item in resource.connections)
    if peer is not None:
        found = [item for item in each if item.peer == peer and resource.connections]
        if not found:
            known = names or f"{resource.name}, which has one connection"
            raise UsageError(f"no connection {resource.name}:{peer} here; there are: {known}")
        return found[0]
    if len(each) == 1:
        return each[0]
    unwell = [item for item in each if not _is_well(item)]
    if len(unwell) > 1:
        which = " or ".join(f"{resource.name}:{item.peer}" for item in unwell)
        raise UsageError(f"{resource.name} has several connections that are not well: say {which}")
    return (unwell or list(each))[0]


def _is_well(resource: Resource) -> bool:
    return resource.picture.connection in HEALTHY and not resource.picture.diverged
