"""What a take-over or a release looks at: the resource, and the mounts of this namespace."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from connector.errors import ConnectorError
from connector.model import ESTABLISHED, Resource, Role, Use, UseKind
from connector.observe.block_use import minor_named
from connector.observe.mounts import DRBD_MAJOR, Mount, parse_mountinfo
from connector.observe.namespaces import MAX_TABLE_BYTES
from connector.observe.node import look
from connector.observe.reading import read_at_most
from connector.settings import Settings
from connector.survey import choose
from connector.world import World


@dataclass(frozen=True, slots=True)
class Placed:
    """A mount in this process's own mount namespace; `minor` None: of no DRBD device."""

    where: str
    minor: int | None


@dataclass(frozen=True, slots=True)
class Seen:
    """One resource, and all mounts of this mount namespace in the kernel's order."""

    resource: Resource
    placed: tuple[Placed, ...]

    @property
    def minors(self) -> tuple[int, ...]:
        """The minors of its volumes."""
        return tuple(volume.minor for volume in self.resource.volumes)

    @property
    def mine(self) -> tuple[Placed, ...]:
        """The mounts of its volumes."""
        return tuple(item for item in self.placed if item.minor in self.minors)

    @property
    def roles(self) -> frozenset[Role | None]:
        """The roles of its volumes: on 8.4 a killed `primary` may have promoted some of them."""
        devices = (volume.device for volume in self.resource.volumes)
        return frozenset(device.role for device in devices if device is not None)

    @property
    def primary(self) -> bool:
        """Whether every volume is Primary."""
        return self.roles == {Role.PRIMARY}

    @property
    def secondary(self) -> bool:
        """Whether no volume is Primary, as far as is known; a resource that is down has no role."""
        return self.roles <= {Role.SECONDARY}

    @property
    def connections_to_primaries(self) -> tuple[Resource, ...]:
        """The resource towards each connected peer that is Primary."""
        return tuple(
            item
            for item in self.resource.each
            if item.connection in ESTABLISHED
            and Role.PRIMARY
            in {item.peer_role, *(v.device.peer_role for v in item.volumes if v.device)}
        )

    @property
    def primary_peers(self) -> tuple[str, ...]:
        """The names of those peers; `the other node` where it has none."""
        return tuple(item.peer or "the other node" for item in self.connections_to_primaries)

    def top_of(self, where: str) -> Placed | None:
        """What is mounted there, the last one where there are several."""
        return next((item for item in reversed(self.placed) if item.where == where), None)

    def users(self, minor: int) -> tuple[Use, ...] | None:
        """Who uses a volume for longer than a moment; None where that could not be found out."""
        used_by = next(v.used_by for v in self.resource.volumes if v.minor == minor)
        if used_by is None:
            return None
        # An opener (DRBD 9) may be udev, which looks at every new device for a moment.
        return tuple(use for use in used_by if use.kind is not UseKind.OPENER)


def see(world: World, settings: Settings, names: Iterable[str]) -> tuple[Seen, ...]:
    """The resources of these names in their order, as they are now; without a name all of them.

    Raises:
        UsageError: there is none of a name.
        ConnectorError: there is no resource at all, or the mounts of this process cannot be read.
        NoDrbd, NotPermitted: as `look`.
    """
    observation = look(world, settings)
    wanted = tuple(dict.fromkeys(names))
    chosen = [choose(observation, name)[0] for name in wanted]
    if not wanted:
        chosen = [resource for resource in observation.resources if resource.claimed]
    if not chosen:
        why = "".join(f"; {problem.message}" for problem in observation.problems)
        raise ConnectorError(f"no resource of the configuration is up here{why}")
    by_res = _by_res(observation.resources)
    placed = tuple(_placed(mount, by_res, world.root) for mount in _mounts(world.root))
    return tuple(Seen(resource, placed) for resource in chosen)


def _mounts(root: Path) -> tuple[Mount, ...]:
    path = root / "proc/self/mountinfo"
    try:
        data = read_at_most(path, MAX_TABLE_BYTES + 1)
    except OSError as error:
        raise ConnectorError(f"what is mounted here cannot be read: {error.strerror}") from error
    mounts, problems = parse_mountinfo(os.fsdecode(data))
    if problems or len(data) > MAX_TABLE_BYTES:
        raise ConnectorError(f"what is mounted here cannot be read for certain: {path}")
    return mounts


def _placed(mount: Mount, by_res: dict[str, int], root: Path) -> Placed:
    if mount.major == DRBD_MAJOR:
        return Placed(mount.where, mount.minor)
    # btrfs has a device number of its own: only the name tells.
    minor = None
    if mount.source.startswith("/dev/"):
        try:
            minor = minor_named(mount.source, by_res, os.stat if str(root) == "/" else None)
        except LookupError:
            minor = None
    return Placed(mount.where, minor)


def _by_res(resources: Iterable[Resource]) -> dict[str, int]:
    return {
        f"/dev/drbd/by-res/{resource.name}/{volume.volume}": volume.minor
        for resource in resources
        for volume in resource.volumes
    }
