"""What the configuration says: DRBD's, of this host, and the mode that connector is given."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """What the configuration allows for a resource."""

    OBSERVE = "observe"
    RECONNECT = "reconnect"
    DISCARD = "discard"


@dataclass(frozen=True, slots=True)
class AfterSplitBrain:
    """DRBD's own after-sb policies (drbd.conf(5), net section); None is DRBD's `disconnect`."""

    zero_primaries: str = "disconnect"
    one_primary: str = "disconnect"
    two_primaries: str = "disconnect"


@dataclass(frozen=True, slots=True)
class ConfiguredVolume:
    """A volume as the configuration has it for this host."""

    volume: int
    minor: int


@dataclass(frozen=True, slots=True)
class ConfiguredResource:
    """A resource as `drbdadm dump-xml` has it for this host.

    `peers` are the other hosts that it has a connection to; empty where they have no name.
    """

    name: str
    volumes: tuple[ConfiguredVolume, ...]
    after_sb: AfterSplitBrain = AfterSplitBrain()
    file: str | None = None
    peers: tuple[str, ...] = ()
