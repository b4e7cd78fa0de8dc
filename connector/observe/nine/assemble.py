"""From `drbdsetup status` to resources: on DRBD 9 a connection belongs to a peer.

The words become 8.4's, which the table speaks: a connection that is up is as far as its busiest
volume, so Connected with the replication state SyncSource is SyncSource (drbd-utils for 8.4 put the
same words the other way about, user/v84/drbdsetup.c).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from connector.model import (
    ConfiguredResource,
    ConfiguredVolume,
    ConnectionState,
    DrbdsetupStatus,
    Generation,
    Resource,
    StatusResource,
    Volume,
)
from connector.names import why_not
from connector.observe.assemble import ORDER, UsedBy
from connector.observe.nine.connections import connections_of, device_of

C = ConnectionState


def resources_of_status(
    status: DrbdsetupStatus, configured: Sequence[ConfiguredResource], used_by: UsedBy
) -> tuple[Resource, ...]:
    """The configured resources in their order, then those that the configuration does not have.

    The latter are never acted upon; neither are peers that it does not name.
    """
    up = {item.name: item for item in status.resources}
    found = [_resource(item, up.get(item.name), used_by) for item in configured]
    known = {item.name for item in configured}
    found += [
        _resource(_as_it_is(item), item, used_by, claimed=False)
        for item in status.resources
        if item.name not in known
    ]
    return tuple(found)


def _as_it_is(seen: StatusResource) -> ConfiguredResource:
    """A resource that only the kernel has, as if the configuration had it."""
    volumes = tuple(ConfiguredVolume(item.volume, item.minor) for item in seen.devices)
    return ConfiguredResource(seen.name, volumes)


def _resource(
    item: ConfiguredResource,
    seen: StatusResource | None,
    used_by: UsedBy,
    *,
    claimed: bool = True,
) -> Resource:
    doubts = list(_doubts(item, seen, claimed=claimed))
    volumes = tuple(Volume(v.volume, v.minor, None, used_by.get(v.minor, ())) for v in item.volumes)
    if seen is None:
        return Resource(
            item.name,
            volumes,
            None,
            None,
            None,
            after_sb=item.after_sb,
            doubts=tuple(doubts),
            generation=Generation.NINE,
            peer=item.peers[0] if len(item.peers) == 1 else None,
        )
    connections = tuple(connections_of(item, seen, claimed=claimed))
    if not connections:
        doubts.append("it has no connection to any peer")
    resource = Resource(
        name=item.name,
        volumes=volumes,
        connection=None,
        role=seen.role,
        peer_role=None,
        claimed=claimed,
        after_sb=item.after_sb,
        doubts=tuple(doubts),
        generation=Generation.NINE,
        peer=item.peers[0] if len(item.peers) == 1 else None,
        connections=connections,
        suspended=seen.suspended,
        without_quorum=any(device.quorum is False for device in seen.devices),
        force_io_failures=seen.force_io_failures,
    )
    return with_worst(resource) if connections else _unconnected(resource, seen)


def with_worst(resource: Resource) -> Resource:
    """The same, with what its worst connection shows where it speaks for itself."""
    worst = min(resource.each, key=_badness)
    return replace(
        resource,
        volumes=worst.volumes,
        connection=worst.picture.connection,
        peer_role=worst.peer_role,
        evidence=worst.evidence,
        peer=worst.peer,
    )


def _badness(resource: Resource) -> tuple[bool, bool, int, bool]:
    """What makes a connection worse than another, the worst lowest."""
    state = resource.picture.connection
    place = -1 if state is None else ORDER[state]
    return (
        state is not None,
        state is C.CONNECTED and not resource.picture.diverged,
        place,
        not resource.evidence.split_brain,
    )


def _doubts(
    item: ConfiguredResource, seen: StatusResource | None, *, claimed: bool
) -> Iterable[str]:
    """Why nothing is to be done to the resource as a whole."""
    if seen is None:
        yield f"drbdsetup does not show {item.name}: the resource is not up"
        return
    if not claimed:
        yield f"no resource of the configuration is called {item.name}"
    elif reason := why_not(item.name, any_script=True):
        yield reason
    if seen.doubtful or seen.role is None or any(device.doubtful for device in seen.devices):
        yield f"what drbdsetup says of {item.name} cannot be read for certain"
    shown = {device.volume: device.minor for device in seen.devices}
    if shown != {volume.volume: volume.minor for volume in item.volumes}:
        yield "its volumes and minors are not those of the configuration"


def _unconnected(resource: Resource, seen: StatusResource) -> Resource:
    """A resource without any connection: its disks are there all the same."""
    shown = {device.volume: device_of(device, None, None, seen) for device in seen.devices}
    volumes = (replace(item, device=shown.get(item.volume)) for item in resource.volumes)
    return replace(resource, volumes=tuple(volumes))
