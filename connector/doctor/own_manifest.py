"""This node's manifest, from its surroundings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from connector import __version__
from connector.doctor import manifest
from connector.doctor.asked import Dumped
from connector.doctor.drbd_settings import HostSection, ResourceSettings
from connector.doctor.manifest import (
    FilePart,
    HostPart,
    Manifest,
    OwnerPart,
    ResourcePart,
    VolumePart,
)
from connector.doctor.reading import Text, Unseen, read_text
from connector.doctor.surroundings import Surroundings
from connector.model import ProcDrbd
from connector.world import World

Plain = Callable[[str], str | None]

_HEARTBEATS: dict[str, Plain] = {
    "etc/ha.d/ha.cf": manifest.plain_ha_cf,
    "etc/ha.d/haresources": manifest.plain_ha_cf,
    "etc/ha.d/authkeys": manifest.plain_authkeys,
}
_MAX_FILES = 1_000
_MAX_WORD = 4_000


def make(world: World, seen: Surroundings, config: Path) -> Manifest:
    """What the other node needs to compare; `config` is the connector.toml in force.

    Reads the files that should be equal; what cannot be read is in `not_looked_at`. Raises nothing.
    """
    unseen = [item.why for item in _unseen(seen)]
    files = list(_files(world, seen, config, unseen))
    return Manifest(
        connector_version=__version__,
        host=seen.host[:_MAX_WORD],
        boot_id=world.boot_id(),
        booted_wall_s=max(0.0, round(seen.wall_s - seen.boot_s, 3)),
        wall_s=round(max(0.0, world.clock.wall_s()), 3),
        module_version=seen.proc.version if isinstance(seen.proc, ProcDrbd) else None,
        utils_version=seen.utils if isinstance(seen.utils, str) else None,
        resources=_resources(seen),
        files=None if isinstance(seen.conf, Unseen) else files[:_MAX_FILES],
        owners=[
            OwnerPart(kind=_kind(item.kind), id=item.id, name=item.name, where=_word(item.where))
            for item in seen.owners.found
        ],
        users={_word(name): number for name, number in seen.owners.users.items()},
        groups={_word(name): number for name, number in seen.owners.groups.items()},
        not_looked_at=[_word(why) for why in unseen[:_MAX_FILES]],
    )


def _unseen(seen: Surroundings) -> Iterator[Unseen]:
    for part in (seen.proc, seen.utils, seen.drbd, seen.conf):
        if isinstance(part, Unseen):
            yield part
    yield from seen.owners.unseen


def _resources(seen: Surroundings) -> list[ResourcePart] | None:
    if not isinstance(seen.drbd, Dumped):
        return None
    return [_resource(item) for item in seen.drbd.resources]


def _resource(item: ResourceSettings) -> ResourcePart:
    return ResourcePart(name=_word(item.name), hosts=[_host(host) for host in item.hosts[:64]])


def _host(host: HostSection) -> HostPart:
    return HostPart(
        name=_word(host.name),
        volumes=[
            VolumePart(
                volume=_word(one.volume),
                minor=_word(one.minor),
                device=_word(one.device),
                disk=_word(one.disk),
            )
            for one in host.volumes[:1000]
        ],
        addresses=[_word(address) for address in host.addresses[:100]],
    )


def _files(world: World, seen: Surroundings, config: Path, unseen: list[str]) -> Iterator[FilePart]:
    if not isinstance(seen.conf, Unseen):
        unseen += [item.why for item in seen.conf.unseen]
        for file in seen.conf.files:
            yield FilePart(path=_word(file.path), sha256=manifest.sha256(file.plain))
    paths = {world.root / name: (f"/{name}", plain) for name, plain in _HEARTBEATS.items()}
    paths[config] = (str(config), manifest.plain_toml)
    for path, (shown, plain) in paths.items():
        found = read_text(path)
        if isinstance(found, Unseen):
            unseen.append(found.why)
            yield FilePart(path=_word(shown), sha256=None)
        elif isinstance(found, Text):
            text = plain(found.text)
            hashed = None if text is None else manifest.sha256(text)
            yield FilePart(path=_word(shown), sha256=hashed)


def _kind(word: str) -> manifest.Kind:
    return "group" if word == "group" else "user"


def _word(text: str) -> str:
    """A text that any JSON reader takes, not longer than a manifest may hold."""
    return text[:_MAX_WORD].encode("utf-8", "replace").decode("utf-8")
