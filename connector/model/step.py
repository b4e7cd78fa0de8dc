"""The steps of a take-over and of a release: what is noted, planned and made."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class StepKind(StrEnum):
    """What one step does."""

    DISCONNECT = "disconnect"
    PRIMARY = "primary"
    CONNECT = "connect"
    FSCK = "fsck"
    MOUNT = "mount"
    UMOUNT = "umount"
    SECONDARY = "secondary"


@dataclass(frozen=True, slots=True)
class Step:
    """One step for one resource. `peer` is the one that it is about on DRBD 9.

    A file system's step has its minor and where it is mounted; `fstype`, `options` and `fsck` are
    those of the configuration.
    """

    kind: StepKind
    resource: str
    peer: str | None = None
    minor: int | None = None
    where: str = ""
    fstype: str = ""
    options: str = ""
    fsck: str = ""

    @property
    def target(self) -> str:
        """RESOURCE or RESOURCE:PEER, as drbdadm takes it."""
        return self.resource if self.peer is None else f"{self.resource}:{self.peer}"

    @property
    def device(self) -> str:
        """The kernel's own name of the device, which no udev rule has to make."""
        return f"/dev/drbd{self.minor}"
