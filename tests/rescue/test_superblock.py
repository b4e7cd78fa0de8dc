"""Which file system begins on a device: real ones' first bytes, and nonsense."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.rescue.superblock import READ_BYTES, FileSystem, identify

# The first 4096 bytes of what e2fsprogs 1.47.0 and xfsprogs 6.1.0 made.
FOLDER = Path(__file__).parent / "superblocks"


def beginning(name: str) -> bytes:
    return (FOLDER / f"{name}.bin").read_bytes()


@pytest.mark.parametrize(
    ("name", "kind", "block_bytes", "blocks", "free"),
    [
        # Blocks and free ones as `dumpe2fs -h` told of them when they were made.
        ("ext2-rev0", "ext4", 1024, 4096, 3950),
        ("ext2-64k", "ext4", 65536, 128, 119),
        ("ext3", "ext4", 1024, 16384, 14083),
        ("ext4-1k", "ext4", 1024, 12288, 10185),
        ("ext4-4k-64bit", "ext4", 4096, 268435456, 268410488),
        # More than 2**32 blocks.
        ("ext4-5t-64bit", "ext4", 1024, 5368709120, 5368665920),
        # dblocks and fdblocks of `xfs_db -c 'sb 0'`.
        ("xfs", "xfs", 4096, 76800, 60384),
        ("xfs-v4-1k", "xfs", 1024, 307200, 241628),
    ],
)
def test_real_file_systems(name: str, kind: str, block_bytes: int, blocks: int, free: int) -> None:
    expected = FileSystem(kind, blocks * block_bytes, (blocks - free) * block_bytes)
    assert len(beginning(name)) == READ_BYTES
    assert identify(beginning(name)) == expected


def changed(name: str, at: int, value: bytes) -> bytes:
    data = bytearray(beginning(name))
    data[at : at + len(value)] = value
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(READ_BYTES),
        b"XFSB",
        beginning("xfs")[:400],
        beginning("ext3")[:2047],
        changed("ext3", 1024 + 56, b"\x53\xee"),  # another magic number
        changed("ext3", 1024 + 24, struct.pack("<I", 7)),  # blocks of 128 KiB
        changed("ext3", 1024 + 24, struct.pack("<I", 2**32 - 1)),
        changed("ext3", 1024 + 12, struct.pack("<I", 16385)),  # more free than there are
        changed("ext4-5t-64bit", 1024 + 0x158, struct.pack("<I", 2)),
        changed("xfs", 0, b"XFSC"),
        changed("xfs", 4, struct.pack(">I", 4097)),
        changed("xfs", 4, struct.pack(">I", 0)),
        changed("xfs", 144, struct.pack(">Q", 76801)),
    ],
)
def test_nonsense_is_no_file_system(data: bytes) -> None:
    assert identify(data) is None


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (96, 0x2C2 | 0x4),  # the journal is to be replayed
        (58, 0),  # an ext2 that is mounted
        (58, 3),  # unmounted, with errors
    ],
)
def test_one_that_was_not_unmounted_or_is_damaged_is_not_clean(at: int, value: int) -> None:
    found = identify(changed("ext4-1k", 1024 + at, struct.pack("<H", value)))
    assert found is not None
    assert found == replace(found, clean=False)


@pytest.mark.parametrize("below", ["ext4-1k", "xfs"])
@pytest.mark.parametrize(
    ("at", "word"),
    [
        (0, b"LUKS\xba\xbe"),
        (0, b"LABELONE"),
        (512, b"LABELONE"),
        (1536, b"LABELONE"),
        (4086, b"SWAPSPACE2"),
        (510, b"\x55\xaa"),  # a partition table
    ],
)
def test_an_old_superblock_below_something_newer_counts_for_nothing(
    below: str, at: int, word: bytes
) -> None:
    assert identify(changed(below, at, word)) is None


def test_the_high_halves_count_with_the_64_bit_feature_only() -> None:
    found = identify(changed("ext3", 1024 + 0x150, struct.pack("<I", 1)))
    assert found == identify(beginning("ext3"))


@given(
    st.one_of(
        st.binary(max_size=READ_BYTES),
        st.binary(min_size=600, max_size=700).map(lambda data: b"XFSB" + data),
        st.binary(min_size=968, max_size=1200).map(
            lambda data: bytes(1024) + data[:56] + b"\x53\xef" + data[56:]
        ),
    )
)
def test_any_bytes_give_a_plausible_file_system_or_none(data: bytes) -> None:
    found = identify(data)
    if found is not None:
        assert found.kind in ("ext4", "xfs")
        assert 0 <= found.used_bytes <= found.size_bytes
