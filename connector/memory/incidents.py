"""Incidents: since when a resource has looked like this, and how often it was tried.

The file exists only while some resource is not healthy, so that a healthy pass reads nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connector.memory.files import read_bounded, set_aside, write_changed
from connector.model import Picture


@dataclass(frozen=True, slots=True)
class Incident:
    """One resource's trouble. `since_s` is on the clock that counts from boot, suspend included.

    `acted` tells whether any command of ours was run in this incident.
    """

    picture: tuple[str | None, str | None, bool | None]
    since_s: float
    attempts: int = 0
    acted: bool = False


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
        incident = replace(known, picture=key, since_s=now_s) if known else Incident(key, now_s)
        return self._with(resource, incident)

    def attempted(self, resource: str) -> Incidents:
        """The same with one more attempt."""
        known = self.by_resource[resource]
        return self._with(resource, replace(known, attempts=known.attempts + 1, acted=True))

    def closed(self, resource: str) -> Incidents:
        """The same without this resource: it is healthy, or a person took over."""
        rest = {name: value for name, value in self.by_resource.items() if name != resource}
        return replace(self, by_resource=rest)

    def _with(self, resource: str, incident: Incident) -> Incidents:
        return replace(self, by_resource={**self.by_resource, resource: incident})

    def age_s(self, resource: str, picture: Picture, now_s: float) -> float | None:
        """For how long this picture has been seen, in seconds; None where it is new."""
        known = self.by_resource.get(resource)
        if known is None or known.picture != picture_key(picture):
            return None
        return max(0.0, now_s - known.since_s)

    def attempts(self, resource: str) -> int:
        """How many passes have run commands in this incident."""
        known = self.by_resource.get(resource)
        return known.attempts if known else 0


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
            )
            for name, item in incidents.by_resource.items()
        },
    )
    write_changed(path, on_disk.model_dump_json(indent=1).encode())
