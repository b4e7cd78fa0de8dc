"""What records of the state directory hold, checked; docs/json.md has the keys. Pure."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from connector.model import Generation

_KIB = Field(default=None, ge=0)


class _Record(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class VolumeRecord(_Record):
    """A volume; a record of given-up/ does not say by what it was in use."""

    volume: int
    minor: int
    disk: str | None = None
    peer_disk: str | None = None
    out_of_sync_kib: int | None = _KIB
    used_by: list[str] | None = None
    client: bool = False


class EvidenceRecord(_Record):
    """One thing that the kernel log said."""

    kind: str
    at_s: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    self_was_primary: bool | None = None
    peer_was_primary: bool | None = None
    line: str | None = None


class ConnectionVolumeRecord(_Record):
    """A volume as it looks towards one peer."""

    volume: int
    minor: int
    connection: str | None = None
    peer_disk: str | None = None
    peer_client: bool = False
    out_of_sync_kib: int | None = _KIB


class ConnectionRecord(_Record):
    """An item of a resource's `connections`."""

    peer: str | None = None
    connection: str | None = None
    peer_role: str | None = None
    volumes: list[ConnectionVolumeRecord] = []
    evidence: list[EvidenceRecord] = []
    decision: str | None = None
    reason: str | None = None


class ResourceRecord(_Record):
    """An item of `resources` in the journal and in `status --json`; older ones are of DRBD 8.4."""

    name: str
    generation: str = Generation.EIGHT
    connection: str | None = None
    role: str | None = None
    peer_role: str | None = None
    in_use: bool | None = None
    volumes: list[VolumeRecord] = []
    evidence: list[EvidenceRecord] = []
    decision: str | None = None
    gates: list[str] | None = None
    reason: str | None = None
    suspended: list[str] = []
    without_quorum: bool = False
    force_io_failures: bool = False
    connections: list[ConnectionRecord] = []


class PassRecord(_Record):
    """A line of the journal, or what `status --json` printed."""

    at: str | None = None
    resources: list[ResourceRecord]


class IdentifiersRecord(_Record):
    """The current identifiers of a handshake."""

    minor: int | None = None
    self_current: str = Field(pattern=r"^[0-9A-F]{1,16}$")
    peer_current: str = Field(pattern=r"^[0-9A-F]{1,16}$")


class GivenUpRecord(_Record):
    """A record of given-up/."""

    version: Literal[1]
    at: str | None = None
    resource: str
    generation: str = Generation.EIGHT
    peer: str | None = None
    decision: str | None = None
    reason: str | None = None
    connection: str | None
    role: str | None
    volumes: list[VolumeRecord]
    generation_identifiers: list[IdentifiersRecord] = []
    kernel_lines: list[str] = []
