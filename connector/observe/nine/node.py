"""One look at a node with DRBD 9: what drbdsetup says, put together with the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from connector.model import (
    ESTABLISHED,
    Connection,
    ConnectionState,
    DrbdsetupStatus,
    Evidence,
    Observation,
    ProcDrbd,
    Resource,
    Source,
)
from connector.observe import block_use, kernel_log
from connector.observe.nine import drbdsetup, evidence
from connector.observe.nine import status as drbdsetup_status
from connector.observe.nine.assemble import resources_of_status, with_worst
from connector.observe.nine.connections import lowest, state_of
from connector.observe.nine.held_open import OpenQuestion, held_open
from connector.observe.node_parts import configured_resources, kernel_log_lines, owners
from connector.settings import Settings
from connector.world import World


def look(world: World, settings: Settings, proc: ProcDrbd) -> Observation:
    """What this node shows now; `proc` is what /proc/drbd said of the version.

    Raises:
        NoDrbd, NotPermitted, ConnectorError: drbdsetup gave no states, as `read_status`.
    """
    status = _status(world, settings)
    problems = [*proc.problems, *status.problems]
    configured = configured_resources(world, settings, problems)
    minors = {device.minor for item in status.resources for device in item.devices}
    use = block_use.read(world.root, minors, configured)
    questions = [
        OpenQuestion(device.minor, item.name, device.volume, device.open)
        for item in status.resources
        for device in item.devices
        if not use.of(device.minor)
    ]
    use = held_open(world.root, questions).added_to(use)
    problems += use.problems
    found = resources_of_status(status, configured, {minor: use.of(minor) for minor in minors})
    if any(not _all_up(resource) for resource in found):
        lines = kernel_log_lines(world, problems)
        found = tuple(_with_evidence(resource, lines) for resource in found)
        owner = owners(world, configured)
        found = tuple(replace(resource, managed_by=owner(resource.name)) for resource in found)
    return Observation(proc, found, tuple(problems), Source.DRBDSETUP)


def connections(world: World, settings: Settings) -> dict[str, ConnectionState | None]:
    """The state of each connection as it is now, by RESOURCE:PEER, and the lowest by RESOURCE.

    None in doubt.

    Raises:
        NoDrbd, NotPermitted, ConnectorError: as `look`.
    """
    states: dict[str, ConnectionState | None] = {}
    for resource in _status(world, settings).resources:
        each = [state_of(connection)[0] for connection in resource.connections]
        states[resource.name] = lowest(each)
        for connection, state in zip(resource.connections, each, strict=True):
            states[f"{resource.name}:{connection.peer}"] = state
    return states


def _status(world: World, settings: Settings) -> DrbdsetupStatus:
    return _parsed(drbdsetup.read_status(world.run, settings.run.command_timeout_s))


@lru_cache(maxsize=4)
def _parsed(text: str) -> DrbdsetupStatus:
    """What drbdsetup said. A pass looks several times, mostly at the same."""
    return drbdsetup_status.parse(text)


def _all_up(resource: Resource) -> bool:
    return bool(resource.connections) and all(
        connection.connection in ESTABLISHED for connection in resource.connections
    )


def _with_evidence(resource: Resource, lines: tuple[str, ...] | None) -> Resource:
    """The same with what the kernel log says of each connection, and of the worst anew."""
    if not resource.connections:
        return replace(resource, evidence=Evidence(readable=lines is not None))
    told = _told(lines) if lines is not None else {}
    nothing = Evidence(readable=lines is not None)

    def informed(connection: Connection) -> Connection:
        key = (resource.name, connection.peer)
        return replace(connection, evidence=told.get(key, nothing))

    return with_worst(replace(resource, connections=tuple(map(informed, resource.connections))))


@lru_cache(maxsize=4)
def _told(lines: Sequence[str]) -> dict[tuple[str, str], Evidence]:
    return evidence.gather(kernel_log.parse_records(lines))
