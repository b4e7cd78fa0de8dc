"""What [takeover] and a resource's list of mounts, `[[resource.NAME.mount]]`, may hold."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from connector.errors import ConfigurationError
from connector.settings import MountSettings, TakeoverSettings

MOST_MOUNTS = 100
NOT_A_MOUNT = "not_a_mount"
_TYPE = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}", re.ASCII)
_OPTIONS = re.compile(r"(?!-)[!-~]{1,1000}", re.ASCII)
# Only e2fsck's -f means "although it is clean"; that of fsck.vfat, say, means something else.
_FORCED = ("ext2", "ext3", "ext4")


def _mount_point(value: str) -> str:
    """An absolute path as the kernel writes it, or it would not be found again."""
    whole = value.startswith("/") and value.isprintable() and len(value) <= 4096
    if whole and value != "/" and not value.startswith("//") and os.path.normpath(value) == value:
        return value
    raise _no_mount("must be an absolute path without `.`, `..`, `//` and a `/` at its end", value)


def _fstype(value: str) -> str:
    if _TYPE.fullmatch(value):
        return value
    raise _no_mount("must be a file system's type, such as ext4 or xfs", value)


def _options(value: str) -> str:
    if not value or _OPTIONS.fullmatch(value):
        return value
    raise _no_mount("must be what mount takes after -o, without blanks", value)


def _no_mount(why: str, value: str) -> PydanticCustomError:
    return PydanticCustomError(
        NOT_A_MOUNT, "{why} (found {value})", {"why": why, "value": repr(value)[:60]}
    )


class TakeoverSection(BaseModel):
    """[takeover]: how a node is made active and passive."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    deadline: Annotated[float, Field(ge=10, le=86_400, allow_inf_nan=False)] | None = None
    command_timeout: Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)] | None = None
    wait_for_lock: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] | None = None
    wait_for_peer: Annotated[float, Field(ge=0, le=600, allow_inf_nan=False)] | None = None
    holders: Literal["name", "kill"] | None = None
    kill_signal: Literal["TERM", "HUP", "INT", "QUIT", "KILL"] | None = None
    kill_after: Annotated[float, Field(ge=0, le=600, allow_inf_nan=False)] | None = None

    def over(self, base: TakeoverSettings) -> TakeoverSettings:
        """The settings `base` with what this section says."""
        said = {
            "deadline_s": self.deadline,
            "command_timeout_s": self.command_timeout,
            "wait_for_lock_s": self.wait_for_lock,
            "wait_for_peer_s": self.wait_for_peer,
            "kills_holders": None if self.holders is None else self.holders == "kill",
            "kill_signal": self.kill_signal,
            "kill_after_s": self.kill_after,
        }
        given: dict[str, Any] = {key: value for key, value in said.items() if value is not None}
        return replace(base, **given)


class MountSection(BaseModel):
    """One file system that a take-over mounts."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    volume: Annotated[int, Field(ge=0, le=65535)] = 0
    where: Annotated[str, AfterValidator(_mount_point)]
    type: Annotated[str, AfterValidator(_fstype)]
    options: Annotated[str, AfterValidator(_options)] = ""
    fsck: Literal["auto", "force", "never"] = "auto"


def mounts_of(
    sections: Mapping[str, Sequence[MountSection]], where: Callable[[tuple[str, ...]], str]
) -> dict[str, tuple[MountSettings, ...]]:
    """The mounts of each resource that has some, in their order.

    Raises:
        ConfigurationError: a mount point stands there twice, or a check cannot be forced.
    """
    found: dict[str, tuple[MountSettings, ...]] = {}
    taken: set[str] = set()
    for name, mounts in sections.items():
        for number, item in enumerate(mounts):
            place = ("resource", name, "mount", str(number))
            if item.where in taken:
                raise ConfigurationError(
                    f"{where((*place, 'where'))}: {item.where} stands there twice"
                )
            if item.fsck == "force" and item.type not in _FORCED:
                raise ConfigurationError(
                    f"{where((*place, 'fsck'))}: a check can be forced on {', '.join(_FORCED)} only"
                )
            taken.add(item.where)
        if mounts:
            found[name] = tuple(
                MountSettings(item.volume, item.where, item.type, item.options, item.fsck)
                for item in mounts
            )
    return found
