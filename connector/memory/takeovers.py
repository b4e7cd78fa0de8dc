"""What take-overs have done on this node, noted before each step, so that a kill loses nothing.

A note stays while the node is active: it says what was mounted, whatever the configuration says
later. It is worth nothing after a reboot, which ends every mount and every role.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connector.memory.files import read_bounded, set_aside, write_atomic
from connector.memory.pauses import Moment
from connector.model.step import Step


@dataclass(frozen=True, slots=True)
class Note:
    """What was done for one resource, in order; `releasing` where a release has begun.

    `own` are the steps of calls that ended well, `open` those of a call that is under way or was
    killed. `since_s` is when that call began, on the clock that counts from boot.
    """

    since_s: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    own: tuple[Step, ...] = ()
    open: tuple[Step, ...] = ()
    unfinished: bool = True
    releasing: bool = False

    def begun(self, step: Step) -> Note:
        """The same with a step that is about to be made."""
        return self if step in self.open else replace(self, open=(*self.open, step))

    def finished(self) -> Note:
        """The same after its last step."""
        return replace(self, own=(*self.own, *self.open), open=(), unfinished=False)

    @property
    def wheres(self) -> frozenset[str]:
        """Where something was mounted."""
        return frozenset(step.where for step in (*self.own, *self.open) if step.where)


@dataclass(frozen=True, slots=True)
class Takeovers:
    """The notes of this boot, by resource. `lost`: they are there and cannot be read."""

    boot_id: str
    by_resource: Mapping[str, Note] = field(default_factory=dict)
    lost: bool = False

    def put(self, resource: str, note: Note | None) -> Takeovers:
        """The same with another note for a resource, or with none."""
        rest = {name: kept for name, kept in self.by_resource.items() if name != resource}
        return replace(self, by_resource=rest if note is None else {**rest, resource: note})

    def unfinished_s(self, resource: str, now_s: float) -> float | None:
        """For how long a take-over is neither finished nor undone, in seconds; None: there is none.

        Where the notes cannot be read there may be one: it is taken to have begun just now.
        """
        if self.lost:
            return 0.0
        note = self.by_resource.get(resource)
        if note is None or note.releasing or not note.unfinished:
            return None
        return max(0.0, now_s - note.since_s)


class _OnDisk(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    version: Literal[1]
    boot_id: str
    resources: dict[str, Note]


def load(path: Path, now: Moment, *, touch: bool = True) -> tuple[Takeovers, str | None]:
    """The notes of this boot, and a warning where they could not be read.

    With `touch` false a damaged file is left where it is. Raises nothing.
    """
    try:
        data = read_bounded(path)
        if data is None:
            return Takeovers(now.boot_id), None
        kept = _OnDisk.model_validate_json(data)
    except OSError as error:
        return Takeovers(now.boot_id, lost=True), f"{path}: {error.strerror}"
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        return Takeovers(now.boot_id, lost=True), _damaged(path, first["msg"], touch)
    if kept.boot_id != now.boot_id:
        return Takeovers(now.boot_id), None
    return Takeovers(now.boot_id, kept.resources), None


def _damaged(path: Path, why: str, touch: bool) -> str:
    aside = ""
    if touch:
        try:
            aside = f"; kept as {set_aside(path).name}"
        except OSError as error:
            aside = f"; it cannot be set aside: {error.strerror}"
    warning = f"{path} is damaged ({why}){aside}. Which take-over was under way is not known"
    return warning


def save(path: Path, notes: Takeovers) -> None:
    """Write them; no file is left where there are none.

    Raises:
        OSError: it cannot be written.
    """
    if not notes.by_resource:
        path.unlink(missing_ok=True)
        return
    kept = _OnDisk(version=1, boot_id=notes.boot_id, resources=dict(notes.by_resource))
    write_atomic(path, kept.model_dump_json().encode())
