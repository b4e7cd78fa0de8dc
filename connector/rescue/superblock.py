"""Which file system begins on a device, and how much of it is in use; pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass

# Enough for the superblocks of ext (1024 bytes, at 1024) and xfs (at 0).
READ_BYTES = 4096
_EXT_AT, _EXT_MAGIC = 1024, 0xEF53
_EXT_64BIT, _EXT_RECOVER = 0x80, 0x4
_EXT_STATE, _EXT_VALID = 0x3, 0x1  # and not 2, errors
# An old superblock may be left below something newer, whose data a file system's tool would leave
# out: LUKS, LVM's label in one of four sectors, swap, a partition table (libblkid's superblocks/).
_SOMETHING_ELSE = (
    (0, b"LUKS\xba\xbe"),
    *((sector * 512, b"LABELONE") for sector in range(4)),
    (4086, b"SWAPSPACE2"),
    (510, b"\x55\xaa"),
)


@dataclass(frozen=True, slots=True)
class FileSystem:
    """`kind` is what `mount -t` takes: ext4 (for ext2 and ext3, too) or xfs. Sizes in bytes.

    `clean` is False where it was not unmounted (a crash, or it is mounted now): then a tool that
    copies what is in use leaves out what only the journal knows of. The superblock of xfs does
    not tell.
    """

    kind: str
    size_bytes: int
    used_bytes: int
    clean: bool = True


def identify(beginning: bytes) -> FileSystem | None:
    """The file system whose first bytes these are; None for any other, or for nonsense.

    The counts are those of the last time that it was unmounted or synced, so they may be old.
    Fields: Documentation/filesystems/ext4/super.rst and fs/xfs/libxfs/xfs_format.h of the kernel.
    """
    if any(beginning[at : at + len(word)] == word for at, word in _SOMETHING_ELSE):
        return None
    found = _xfs(beginning) or _ext(beginning)
    if found is None or not 0 <= found.used_bytes <= found.size_bytes:
        return None
    return found


def _ext(data: bytes) -> FileSystem | None:
    if len(data) < _EXT_AT + 1024:
        return None
    superblock = data[_EXT_AT : _EXT_AT + 1024]
    (magic,) = struct.unpack_from("<H", superblock, 56)
    if magic != _EXT_MAGIC:
        return None
    (blocks,) = struct.unpack_from("<I", superblock, 4)
    (free,) = struct.unpack_from("<I", superblock, 12)
    (log_block,) = struct.unpack_from("<I", superblock, 24)
    (incompatible,) = struct.unpack_from("<I", superblock, 96)
    (state,) = struct.unpack_from("<H", superblock, 58)
    if incompatible & _EXT_64BIT:
        (blocks_high,) = struct.unpack_from("<I", superblock, 0x150)
        (free_high,) = struct.unpack_from("<I", superblock, 0x158)
        blocks, free = blocks + (blocks_high << 32), free + (free_high << 32)
    if log_block > 6:  # 64 KiB is the largest block
        return None
    block_bytes = 1024 << log_block
    clean = state & _EXT_STATE == _EXT_VALID and not incompatible & _EXT_RECOVER
    return FileSystem("ext4", blocks * block_bytes, (blocks - free) * block_bytes, clean)


def _xfs(data: bytes) -> FileSystem | None:
    if len(data) < 512 or data[:4] != b"XFSB":
        return None
    (block_bytes,) = struct.unpack_from(">I", data, 4)
    (blocks,) = struct.unpack_from(">Q", data, 8)
    (free,) = struct.unpack_from(">Q", data, 144)
    if block_bytes not in (512 << shift for shift in range(8)):
        return None
    return FileSystem("xfs", blocks * block_bytes, (blocks - free) * block_bytes)
