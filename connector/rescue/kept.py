"""What a rescue is: the record of one, and of each volume in it."""

from __future__ import annotations

import re
import time
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

VERSION = 1
RECORD_FILE = "rescue.json"
NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z-[^/\x00]{1,200}")
FAR_FUTURE_S = 2**34  # the year 2514


class Method(StrEnum):
    """How a volume is kept."""

    SNAPSHOT = "lvm-snapshot"
    E2IMAGE = "e2image"
    XFS_COPY = "xfs_copy"
    WHOLE = "whole-device"


Moment = Annotated[float, Field(ge=0, le=FAR_FUTURE_S, allow_inf_nan=False)]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class KeptVolume(_Record):
    """One volume: a file beside the record, or a snapshot in a volume group; sizes in bytes.

    `disk_writes_kib` is DRBD's own count (`dw` in /proc/drbd) when it was kept: as long as that
    is the same in the same boot, nothing was written since.
    """

    volume: Annotated[int, Field(ge=0)]
    minor: Annotated[int, Field(ge=0)]
    method: Method
    source: str
    filesystem: str | None
    size_bytes: Annotated[int, Field(ge=0)]
    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")] | None = None
    # Whatever a record says, nothing else than a snapshot of connector's own is ever removed.
    volume_group: (
        Annotated[str, Field(pattern=r"^[A-Za-z0-9+_.][A-Za-z0-9+_.-]{0,126}$")] | None
    ) = None
    snapshot: Annotated[str, Field(pattern=r"^connector-[A-Za-z0-9-]{1,100}$")] | None = None
    disk_writes_kib: int | None = None
    out_of_sync_kib: int | None = None


class Rescue(_Record):
    """One rescue; times are seconds since 1970.

    `looked_at_s` is when it was found whole after the resync, None before that; `lost` says why
    it is not to be had any more.
    """

    version: Annotated[int, Field(ge=1, le=VERSION)] = VERSION
    name: Annotated[str, Field(pattern=f"^{NAME.pattern}$")]
    resource: Annotated[str, Field(min_length=1, max_length=200)]
    host: str
    boot_id: str
    kept_at_s: Moment
    why: str
    volumes: tuple[KeptVolume, ...]
    looked_at_s: Moment | None = None
    lost: str | None = None

    @property
    def copies_bytes(self) -> int:
        """The size of its copies at the most: what their devices hold; 0 for snapshots."""
        return sum(item.size_bytes for item in self.volumes if item.file)

    def age_s(self, now_wall_s: float) -> float:
        """How old it is, in seconds; 0 where the clock went back."""
        return max(0.0, now_wall_s - self.kept_at_s)


def name_for(resource: str, now_wall_s: float) -> str:
    """The name of a rescue that is made now: 20261125T080000Z-mail."""
    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(now_wall_s))}-{resource}"
