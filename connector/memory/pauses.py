"""An operator's word that the agent keeps its hands off, for one resource or for all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connector.errors import ConnectorError, NotPermitted
from connector.memory.files import read_bounded, write_atomic

EVERY_RESOURCE = "*"


@dataclass(frozen=True, slots=True)
class Moment:
    """Now on two clocks, because the wall clock may jump: seconds since 1970 and since boot."""

    wall_s: float
    boot_s: float
    boot_id: str


class Pause(BaseModel):
    """One pause. Without an end it lasts until `connector resume`."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    reason: str
    since_wall_s: Annotated[float, Field(allow_inf_nan=False)]
    until_wall_s: Annotated[float, Field(allow_inf_nan=False)] | None
    until_boot_s: Annotated[float, Field(allow_inf_nan=False)] | None
    boot_id: str

    def holds(self, now: Moment) -> bool:
        """Whether it is still in force: it ends when the wall clock and, in the same boot, the
        clock that cannot jump both say so."""
        if self.until_wall_s is None:
            return True
        if now.wall_s < self.until_wall_s:
            return True
        same_boot = now.boot_id == self.boot_id and self.until_boot_s is not None
        return same_boot and now.boot_s < (self.until_boot_s or 0.0)


class _PausesOnDisk(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    version: Literal[1]
    pauses: dict[str, Pause]


def load(path: Path) -> Mapping[str, Pause]:
    """The pauses by resource name (`*` for all).

    Raises:
        NotPermitted: it may not be read.
        ConnectorError: the file is damaged or unreadable. It is a person's word, so it is not set
            aside: nothing is done until a person has looked at it.
    """
    try:
        data = read_bounded(path)
        return {} if data is None else _PausesOnDisk.model_validate_json(data).pauses
    except PermissionError as error:
        raise NotPermitted(f"{path}: {error.strerror}; run connector as root") from error
    except (OSError, ValidationError) as error:
        text = str(error).splitlines()[0]
        raise ConnectorError(
            f"{path}: the record of pauses cannot be read ({text}); nothing is done while it is "
            "unclear what is paused. Look at the file, or remove it and pause again."
        ) from error


def unclear(now: Moment) -> Pause:
    """A pause that stands for a record that cannot be read."""
    return Pause(
        reason="the record of pauses cannot be read",
        since_wall_s=now.wall_s,
        until_wall_s=None,
        until_boot_s=None,
        boot_id=now.boot_id,
    )


def save(path: Path, pauses: Mapping[str, Pause]) -> None:
    """Write them, or remove the file where there are none.

    Raises:
        OSError: the state directory cannot be written.
    """
    if not pauses:
        path.unlink(missing_ok=True)
        return
    write_atomic(
        path, _PausesOnDisk(version=1, pauses=dict(pauses)).model_dump_json(indent=1).encode()
    )


def reason_for(pauses: Mapping[str, Pause], resource: str, now: Moment) -> str | None:
    """Why this resource is paused now; None where it is not."""
    for name in (resource, EVERY_RESOURCE):
        pause = pauses.get(name)
        if pause is not None and pause.holds(now):
            return pause.reason
    return None
