"""What a take-over does about what is seen, and what undoes it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from connector.errors import ConfigurationError, ConnectorError, OperatorNeeded
from connector.model import ESTABLISHED, ConnectionState, DiskState, Generation, Resource, UseKind
from connector.model.step import Step, StepKind
from connector.settings import MountSettings
from connector.takeover.seen import Seen
from connector.takeover.steps import of_mount


def take_over(
    seen: Seen, mounts: Sequence[MountSettings], *, leaving_peers: bool = False
) -> tuple[Step, ...]:
    """The steps that are left to make this node the active one; none where it is already.

    With `leaving_peers` connected peers that are Primary are disconnected before the promotion, and
    listened for again after it: the cluster manager's word that they are gone.

    Raises:
        ConfigurationError: a mount names a volume that the resource does not have.
        OperatorNeeded: it cannot be told for certain, or this node's data are not good enough.
        ConnectorError: something else is mounted where a volume belongs.
    """
    minors = _minors(seen.resource, mounts)
    if reason := uncertain(seen):
        raise OperatorNeeded(f"{seen.resource.name}: {reason}; nothing was done in doubt")
    mounting = _mounting(seen, mounts, minors)
    if seen.primary:
        return mounting
    _must_have_good_disks(seen.resource)
    return (*_promoting(seen, leaving_peers), *mounting)


def _minors(resource: Resource, mounts: Sequence[MountSettings]) -> dict[int, int]:
    minors = {volume.volume: volume.minor for volume in resource.volumes}
    for mount in mounts:
        if mount.volume not in minors:
            known = ", ".join(map(str, minors)) or "none"
            raise ConfigurationError(
                f"resource.{resource.name}.mount: there is no volume {mount.volume} for "
                f"{mount.where}; the volumes of {resource.name}: {known}"
            )
    return minors


def uncertain(seen: Seen) -> str | None:
    """Why the picture is not to be trusted; a half-done promotion is a doubt that is understood."""
    resource = seen.resource
    # Where the names have no place, the doubts say so as well.
    understood = 1 if len(seen.roles) > 1 else 0
    if len(resource.doubts) > understood:
        return "; ".join(resource.doubts)
    return None if seen.roles else "it is not up here"


def _must_have_good_disks(resource: Resource) -> None:
    """DRBD would promote onto the peer's data too, which are gone with the peer."""
    apart = all(item.connection not in ESTABLISHED for item in resource.each)
    for volume in resource.volumes:
        disk = volume.device.disk if volume.device else None
        if disk is DiskState.UP_TO_DATE or (disk is DiskState.CONSISTENT and apart):
            continue
        raise OperatorNeeded(
            f"{resource.name}: the disk of volume {volume.volume} is {disk or 'unknown'} here, and "
            "only UpToDate data are taken over; nothing was done"
        )


def _promoting(seen: Seen, leaving_peers: bool) -> tuple[Step, ...]:
    name = seen.resource.name
    primary = Step(StepKind.PRIMARY, name)
    if not leaving_peers:
        return (primary,)
    left = [
        item.peer if item.generation is Generation.NINE else None
        for item in seen.connections_to_primaries
    ]
    return (
        *(Step(StepKind.DISCONNECT, name, peer) for peer in left),
        primary,
        *(Step(StepKind.CONNECT, name, peer) for peer in left),
    )


def _mounting(
    seen: Seen, mounts: Sequence[MountSettings], minors: dict[int, int]
) -> tuple[Step, ...]:
    name = seen.resource.name
    steps: list[Step] = []
    opened: set[int] = set()
    for mount in mounts:
        minor = minors[mount.volume]
        top = seen.top_of(mount.where)
        if top is not None and top.minor == minor:
            continue
        if top is not None:
            raise ConnectorError(
                f"{name}: something else is mounted at {mount.where}: unmount that first; nothing "
                "was done"
            )
        wheres = {item.where for item in mounts if item.volume == mount.volume}
        unused = _must_be_free(seen, minor, wheres) and minor not in opened
        if unused and mount.fsck != "never":
            steps.append(of_mount(StepKind.FSCK, name, minor, mount))
        steps.append(of_mount(StepKind.MOUNT, name, minor, mount))
        opened.add(minor)
    return tuple(steps)


def _must_be_free(seen: Seen, minor: int, wheres: Collection[str]) -> bool:
    """Whether nothing uses the volume; what the configuration mounts from it may do so."""
    name, users = seen.resource.name, seen.users(minor)
    if users is None:
        raise OperatorNeeded(
            f"{name}: whether /dev/drbd{minor} is in use cannot be told; nothing was done in doubt"
        )
    strangers = [
        use.where for use in users if use.kind is not UseKind.MOUNT or use.where not in wheres
    ]
    if strangers:
        raise OperatorNeeded(
            f"{name}: /dev/drbd{minor} is in use by {', '.join(strangers)}, which is not in the "
            "configuration; nothing was done"
        )
    return not users


def undoing(step: Step, seen: Seen) -> Step | None:
    """What takes a step back as things are now; None where nothing is left of it."""
    if step.kind is StepKind.MOUNT:
        there = any(item.where == step.where and item.minor == step.minor for item in seen.mine)
        return (
            Step(StepKind.UMOUNT, step.resource, minor=step.minor, where=step.where)
            if there
            else None
        )
    if step.kind is StepKind.PRIMARY:
        return None if seen.secondary else Step(StepKind.SECONDARY, step.resource)
    if step.kind is StepKind.DISCONNECT:
        return connecting(step, seen)
    return None


def connecting(step: Step, seen: Seen) -> Step | None:
    """The `connect` that belongs to a `disconnect`; None where it is not StandAlone any more."""
    for item in seen.resource.each:
        if step.peer in (None, item.peer) and item.connection is ConnectionState.STANDALONE:
            return Step(StepKind.CONNECT, step.resource, step.peer)
    return None


def releasing(seen: Seen, ours: Collection[str]) -> tuple[Step, ...]:
    """The steps that make this node passive; none where it is already.

    `ours` are the mount points that the configuration names, and those that take-overs made.

    Raises:
        OperatorNeeded: something else uses a volume.
    """
    name = seen.resource.name
    strangers = [
        use.where
        for volume in seen.resource.volumes
        for use in seen.users(volume.minor) or ()
        if use.kind is not UseKind.MOUNT or use.where not in ours
    ]
    if strangers:
        raise OperatorNeeded(
            f"{name} is in use by {', '.join(dict.fromkeys(strangers))}, which is neither in the "
            "configuration nor was mounted by a take-over; nothing was done"
        )
    umounts = tuple(
        Step(StepKind.UMOUNT, name, minor=item.minor, where=item.where)
        for item in reversed(seen.mine)
    )
    return umounts if seen.secondary else (*umounts, Step(StepKind.SECONDARY, name))
