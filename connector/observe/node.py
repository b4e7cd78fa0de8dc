"""One look at this node: reads what is there and puts it together; changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from connector.errors import ConnectorError, NoDrbd, NotPermitted
from connector.model import (
    ESTABLISHED,
    ConfiguredResource,
    ConnectionState,
    Evidence,
    Generation,
    Observation,
    Problem,
    ProcDrbd,
    Resource,
)
from connector.observe import block_use, proc_drbd
from connector.observe.assemble import connection_of, resources_of
from connector.observe.node_parts import configured_resources, kernel_log_lines, owners
from connector.settings import Settings
from connector.world import World


def look(world: World, settings: Settings) -> Observation:
    """What this node shows now: the kernel's version says where its states are to be read.

    The kernel log is read only where some resource is neither connected nor syncing.

    Raises:
        NoDrbd: /proc/drbd is missing, or its version is not supported.
        NotPermitted: /proc/drbd may not be read.
        ConnectorError: it cannot be read for another reason.
    """
    proc = _parsed(_read_proc_drbd(world.root))
    _require_supported(proc)
    if proc.generation is Generation.NINE:
        # Neither is ever needed on the other kernel.
        from connector.observe.nine.node import look as look_9

        return look_9(world, settings, proc)
    problems = list(proc.problems)
    configured = configured_resources(world, settings, problems)
    minors = {device.minor for device in proc.devices}
    use = block_use.read(world.root, minors, configured)
    problems += use.problems
    found = resources_of(proc, configured, {minor: use.of(minor) for minor in minors})
    if proc.api is None:
        found = tuple(_doubted(resource, "DRBD's version cannot be read") for resource in found)
    if any(resource.connection not in ESTABLISHED for resource in found):
        found = _with_background(found, configured, world, problems)
    return Observation(proc=proc, resources=found, problems=tuple(problems))


def connections(
    world: World, settings: Settings, resources: Iterable[Resource]
) -> dict[str, ConnectionState | None]:
    """The connection state of each resource as it is now, by name; None in doubt.

    On DRBD 9 that of each connection too, as RESOURCE:PEER. The quick look while waiting: names
    and volumes are taken from `resources`.

    Raises:
        NoDrbd, NotPermitted, ConnectorError: as `look`.
    """
    proc = _parsed(_read_proc_drbd(world.root))
    if proc.generation is Generation.NINE:
        from connector.observe.nine.node import connections as connections_9

        return connections_9(world, settings)
    return {
        resource.name: connection_of(proc, [volume.minor for volume in resource.volumes])
        for resource in resources
    }


def _read_proc_drbd(root: Path) -> bytes:
    try:
        return proc_drbd.read(root)
    except OSError as error:
        raise _unreadable(root / "proc/drbd", error) from error


def _unreadable(shown: Path, error: OSError) -> ConnectorError:
    if isinstance(error, FileNotFoundError):
        return NoDrbd(
            f"no DRBD here: {shown} does not exist. Load the module with `modprobe drbd`, or "
            "remove connector from this machine."
        )
    if isinstance(error, PermissionError):
        return NotPermitted(f"{shown} may not be read: run connector as root")
    return ConnectorError(f"{shown} cannot be read: {error.strerror}")


def _require_supported(proc: ProcDrbd) -> None:
    """8.4 and 9 are supported; a header that cannot be read is no version, and doubted later."""
    if proc.api is None or proc.generation is not None:
        return
    raise NoDrbd(
        f"DRBD {proc.version or 'of an unknown version'} (api:{proc.api}) is not supported: "
        "connector acts on the kernel modules 8.4 (api:1) and 9 (api:2) only. `connector parse` "
        "reads the file."
    )


def _with_background(
    found: tuple[Resource, ...],
    configured: Sequence[ConfiguredResource],
    world: World,
    problems: list[Problem],
) -> tuple[Resource, ...]:
    """The same with the kernel log's evidence and with who owns the resources."""
    of_minor = tuple((volume.minor, item.name) for item in found for volume in item.volumes)
    lines = kernel_log_lines(world, problems)
    gathered = _told(lines, of_minor) if lines is not None else {}
    owner = owners(world, configured)
    return tuple(
        replace(
            resource,
            evidence=gathered.get(resource.name, Evidence(readable=lines is not None)),
            managed_by=owner(resource.name),
        )
        for resource in found
    )


@lru_cache(maxsize=4)
def _parsed(data: bytes) -> ProcDrbd:
    """What /proc/drbd says. A pass looks several times, mostly at the same."""
    return proc_drbd.parse(data)


@lru_cache(maxsize=4)
def _told(lines: tuple[str, ...], of_minor: tuple[tuple[int, str], ...]) -> Mapping[str, Evidence]:
    """What the log's lines say of each resource. A pass looks several times, mostly at the same."""
    from connector.observe import evidence, kernel_log

    return evidence.gather(kernel_log.parse_records(lines), dict(of_minor))


def _doubted(resource: Resource, why: str) -> Resource:
    return replace(resource, doubts=(*resource.doubts, why))
