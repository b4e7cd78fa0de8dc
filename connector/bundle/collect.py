"""Reads all that goes into a bundle; changes nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from connector.bundle import facts, sources
from connector.bundle.parts import MAX_BYTES, MAX_PART_BYTES, Collected, Missing, Part
from connector.bundle.redact import Redacted, free_text
from connector.bundle.sources import Found, Source
from connector.bundle.sweep import sweep
from connector.errors import ConnectorError, Interrupted, PassTimedOut
from connector.settings import Settings
from connector.world import World

_REASON_CHARACTERS = 500


@dataclass(slots=True)
class _Gathering:
    """What has been read so far."""

    found: list[tuple[Found, Redacted]]
    missing: list[Missing]


def collect(
    world: World, settings: Settings, toml: sources.ConnectorToml, environment: facts.Environment
) -> Collected:
    """Everything that can be read on this node, without secrets, and what could not be and why.

    Args:
        world: where it is read.
        settings: those in force, or the defaults where they cannot be read.
        toml: where connector.toml is, and what is wrong with it.
        environment: the variables, of which only connector's own count.

    Raises:
        PassTimedOut, Interrupted: as the surrounding `deadline` says; nothing else.
    """
    gathering = _Gathering([], [])
    if toml.problem is not None:
        gathering.missing.append(Missing("the settings", toml.problem))
    for source in (
        *sources.all_of(world, settings, toml),
        *facts.all_of(world, settings, environment),
    ):
        _gather(source, gathering)
    secrets = frozenset[str]().union(*(redacted.secrets for _, redacted in gathering.found))
    parts = tuple(_bounded(_parts(gathering, secrets), gathering.missing))
    missing = sorted(
        (Missing(item.name, _told(item.reason, secrets)) for item in gathering.missing),
        key=lambda item: item.name,
    )
    return Collected(world.host, world.clock.wall_s(), parts, tuple(missing))


def _gather(source: Source, gathering: _Gathering) -> None:
    try:
        for found in source.read():
            gathering.found.append((found, found.redact(found.text)))
    except (PassTimedOut, Interrupted):
        raise
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        gathering.missing.append(Missing(source.name, f"{place}{error.strerror or error}"))
    except (ConnectorError, ValueError, LookupError) as error:
        gathering.missing.append(Missing(source.name, str(error)))


def _parts(gathering: _Gathering, secrets: frozenset[str]) -> Iterator[Part]:
    for found, redacted in sorted(gathering.found, key=lambda item: item[0].name):
        text, number = sweep(redacted.text, secrets)
        removed = redacted.removed + Counter({"secret found elsewhere": number})
        data = text.encode("utf-8", "replace")
        yield Part(found.name, data, removed, found.note)


def _bounded(parts: Iterator[Part], missing: list[Missing]) -> Iterator[Part]:
    """The parts that fit; one that is too large loses its beginning, at the end of a line."""
    left = MAX_BYTES
    for part in parts:
        data = part.data
        if len(data) > MAX_PART_BYTES:
            data = data[-MAX_PART_BYTES:].partition(b"\n")[2]
            part = replace(part, data=data, note=f"only the last {len(data)} bytes")
        if len(data) > left:
            missing.append(Missing(part.name, f"the bundle would be larger than {MAX_BYTES} bytes"))
            continue
        left -= len(data)
        yield part


def _told(reason: str, secrets: frozenset[str]) -> str:
    """A reason may quote what could not be read."""
    text, _ = sweep(free_text(reason).text, secrets)
    return re.sub(r"\s+", " ", text)[:_REASON_CHARACTERS]
