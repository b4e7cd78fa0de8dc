"""The disk below a volume, as far as keeping it needs to know; plain values."""

from __future__ import annotations

from dataclasses import dataclass

from connector.rescue.superblock import FileSystem


@dataclass(frozen=True, slots=True)
class LogicalVolume:
    """A logical volume of LVM and the room that its group has left; sizes in bytes."""

    volume_group: str
    name: str
    size_bytes: int
    free_bytes: int
    extent_bytes: int
    thin: bool


@dataclass(frozen=True, slots=True)
class BackingDevice:
    """One volume's backing device while DRBD holds it; sizes in bytes, amounts in KiB.

    `data_bytes` is the size of what is DRBD's to replicate: internal meta-data comes after it.
    `peer_kib` is what the peer changed by the last handshake; None where that is not known.
    """

    volume: int
    minor: int
    path: str
    data_bytes: int
    filesystem: FileSystem | None
    logical_volume: LogicalVolume | None
    out_of_sync_kib: int | None
    peer_kib: int | None
    disk_writes_kib: int | None
