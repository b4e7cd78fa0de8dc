"""Incidents: since when a resource has looked like this, and how often it was tried.

The file exists only while some resource is not healthy, so that a healthy pass reads nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connector.memory.files import read_bounded, set_aside, write_changed
from connector.model import WAITING, ConnectionState, Picture

_BEFORE_A_HANDSHAKE = WAITING | {ConnectionState.UNCONNECTED}


@dataclass(frozen=True, slots=True)
class Incident:
    """The trouble of a resource, or of one of its connections (RESOURCE:PEER) where it has several.

    `since_s` is on the clock that counts from boot, suspend included. `acted` tells whether any
    command of ours was run in this incident, `discarding` whether the last one gave changes up and
    has not met the peer since.
    """

    picture: tuple[str | None, str | None, bool | None]
    since_s: float
    attempts: int = 0
    acted: bool = False
    discarding: bool = False


@dataclass(frozen=True, slots=True)
class Incidents:
    """All open incidents of this boot. `lost` says that an earlier record was damaged."""

    boot_id: str
    by_resource: Mapping[str, Incident] = field(default_factory=dict)
    lost: bool = False

    def seen(self, resource: str, picture: Picture, now_s: float) -> Incidents:
        """The same with what is seen now: a new picture starts its own time."""
        key = picture_key(picture)
        known = self.by_resource.get(resource)
        if known is not None and known.picture == key:
            return self
        if known is None:
            return self._with(resource, Incident(key, now_s))
        # A handshake, with whatever outcome, uses a discard up; StandAlone forgets it.
        pending = known.discarding and picture.connection in _BEFORE_A_HANDSHAKE
        incident = replace(known, picture=key, since_s=now_s, discarding=pending)
        return self._with(resource, incident)

    def attempted(
        self, resource: str, *, discarding: bool = False, counts: bool = True
    ) -> Incidents:
        """The same with a pass that acts, which is one more attempt where it `counts`."""
        known = self.by_resource[resource]
        attempts = known.attempts + counts
        incident = replace(known, attempts=attempts, acted=True, discarding=discarding)
        return self._with(resource, incident)

    def named(self, resource: str, names: Collection[str]) -> Incidents:
        """The same with a resource's incidents under these names: its own, or RESOURCE:PEER.

        What was known under its own name is known of each connection, and the other way about:
        a kernel of another generation, or another peer, is no reason to begin anew.
        """
        old = {name: item for name, item in self.by_resource.items() if _is_of(name, resource)}
        if not old or old.keys() <= set(names):
            return self
        worst = max(old.values(), key=lambda item: item.attempts)
        kept = {name: old.get(name, worst) for name in names}
        rest = {name: item for name, item in self.by_resource.items() if name not in old}
        return replace(self, by_resource={**rest, **kept})

    def closed(self, resource: str) -> Incidents:
        """The same without this resource and all its connections, or without this connection.

        It is healthy, or a person took over.
        """
        rest = {
            name: value
            for name, value in self.by_resource.items()
            if name != resource and not _is_of(name, resource)
        }
        return replace(self, by_resource=rest)

    def _with(self, resource: str, incident: Incident) -> Incidents:
        return replace(self, by_resource={**self.by_resource, resource: incident})

    def age_s(self, resource: str, picture: Picture, now_s: float) -> float | None:
        """For how long this picture has been seen, in seconds; None where it is new."""
        known = self.by_resource.get(resource)
        if known is None or known.picture != picture_key(picture):
            return None
        return max(0.0, now_s - known.since_s)

    def discarding(self, resource: str) -> bool:
        """Whether a discard is pending there, as far as this agent's own commands tell."""
        known = self.by_resource.get(resource)
        return known is not None and known.discarding

    def attempts(self, resource: str) -> int:
        """How many passes have run commands in this incident."""
        known = self.by_resource.get(resource)
        return known.attempts if known else 0


def _is_of(name: str, resource: str) -> bool:
    """Whether an incident is this resource's; no resource's name has a colon in it."""
    return name.partition(":")[0] == resource


def picture_key(picture: Picture) -> tuple[str | None, str | None, bool | None]:
    """The picture in plain words, as it is kept."""
    connection = picture.connection.value if picture.connection else None
    return (connection, picture.role.value if picture.role else None, picture.in_use)


class _IncidentOnDisk(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    connection: str | None
    role: str | None
    in_use: bool | None
    since_s: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    attempts: Annotated[int, Field(ge=0, le=1_000_000)]
    acted: bool
    discarding: bool = False


class _IncidentsOnDisk(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    version: Literal[1]
    boot_id: str
    resources: dict[str, _IncidentOnDisk]


def load(path: Path, boot_id: str, *, touch: bool = True) -> tuple[Incidents, str | None]:
    """The incidents, and a warning where the file was damaged.

    After a reboot the times mean nothing: pictures start anew, attempts stay. With `touch` false
    a damaged file is left where it is.

    Raises:
        OSError: the file is there but cannot be read, or cannot be set aside.
    """
    data = read_bounded(path)
    if data is None:
        return Incidents(boot_id), None
    try:
        kept = _IncidentsOnDisk.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        kept_as = f"; kept as {set_aside(path).name}" if touch else ""
        warning = f"{path} is damaged ({first['msg']}){kept_as}. This pass only observes."
        return Incidents(boot_id, lost=True), warning
    rebooted = kept.boot_id != boot_id
    incidents = {
        name: Incident(
            picture=(None, None, None) if rebooted else (item.connection, item.role, item.in_use),
            since_s=0.0 if rebooted else item.since_s,
            attempts=item.attempts,
            acted=item.acted,
            discarding=item.discarding and not rebooted,
        )
        for name, item in kept.resources.items()
    }
    return Incidents(boot_id, incidents), None


def save(path: Path, incidents: Incidents) -> None:
    """Write them where they are not what is there; remove the file where there are none.

    Raises:
        OSError: the state directory cannot be written.
    """
    if not incidents.by_resource:
        path.unlink(missing_ok=True)
        return
    on_disk = _IncidentsOnDisk(
        version=1,
        boot_id=incidents.boot_id,
        resources={
            name: _IncidentOnDisk(
                connection=item.picture[0],
                role=item.picture[1],
                in_use=item.picture[2],
                since_s=item.since_s,
                attempts=item.attempts,
                acted=item.acted,
                discarding=item.discarding,
            )
            for name, item in incidents.by_resource.items()
        },
    )
    # What only DRBD 9 has is left out where there is none: an older connector can read it.
    write_changed(path, on_disk.model_dump_json(indent=1, exclude_defaults=True).encode())
