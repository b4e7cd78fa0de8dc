"""How each volume is kept, how large a snapshot gets, and what there is room for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import NotKept
from connector.rescue.device import BackingDevice
from connector.rescue.kept import Method
from connector.rescue.method import (
    SNAPSHOT_LEAST_BYTES,
    SNAPSHOT_OVERHEAD,
    Room,
    snapshot_bytes,
    steps_for,
)
from connector.rescue.superblock import FileSystem
from tests.rescue.making import MIB, backing, ext4, logical_volume

PLENTY = Room(free_bytes=10**15, allowed_bytes=10**15)


def methods(*devices: BackingDevice, room: Room = PLENTY) -> list[tuple[Method, int]]:
    return [(step.method, step.room_bytes) for step in steps_for(devices, room)]


def test_a_logical_volume_gets_a_snapshot_whatever_is_on_it() -> None:
    lv = logical_volume(free_bytes=1024 * MIB)
    found = methods(backing(logical_volume=lv, filesystem=ext4(MIB)), backing(logical_volume=lv))
    assert [method for method, _ in found] == [Method.SNAPSHOT, Method.SNAPSHOT]


def test_a_thin_one_and_a_plain_disk_are_copied() -> None:
    thin = logical_volume(thin=True)
    xfs = FileSystem("xfs", 64 * MIB, 20 * MIB)
    assert methods(
        backing(logical_volume=thin, filesystem=ext4(10 * MIB)), backing(filesystem=xfs), backing()
    ) == [
        (Method.E2IMAGE, 19 * MIB),
        (Method.XFS_COPY, 30 * MIB),
        (Method.WHOLE, 64 * MIB),
    ]


def test_an_estimate_is_never_more_than_the_device() -> None:
    assert methods(backing(filesystem=ext4(63 * MIB))) == [(Method.E2IMAGE, 64 * MIB)]


def test_a_file_system_that_is_larger_than_its_device_is_none() -> None:
    too_large = ext4(MIB, size_bytes=64 * MIB + 1)
    assert methods(backing(filesystem=too_large)) == [(Method.WHOLE, 64 * MIB)]


def test_one_with_a_journal_to_replay_is_copied_whole() -> None:
    unclean = replace(ext4(MIB), clean=False)
    assert methods(backing(filesystem=unclean)) == [(Method.WHOLE, 64 * MIB)]


@pytest.mark.parametrize("room", [Room(128 * MIB - 1, 10**9), Room(10**9, 128 * MIB - 1)])
def test_all_copies_together_have_to_fit(room: Room) -> None:
    with pytest.raises(NotKept, match=r"needs about 128 MiB and there is room for 128 MiB"):
        steps_for([backing(), backing(volume=1)], room)
    assert len(steps_for([backing()], room)) == 1


def test_a_snapshot_takes_no_room_in_the_folder() -> None:
    lv = logical_volume(free_bytes=1024 * MIB)
    nothing = Room(free_bytes=-5, allowed_bytes=-1)
    assert nothing.bytes == 0
    assert len(steps_for([backing(logical_volume=lv)], nothing)) == 1
    with pytest.raises(NotKept, match="there is room for 0 MiB"):
        steps_for([backing()], nothing)


def test_the_whole_volume_where_half_of_the_free_room_is_enough() -> None:
    whole = 72 * MIB  # 64 and 2 % and an extent, in extents
    lv = logical_volume()
    unknown = backing(out_of_sync_kib=None, peer_kib=None)
    assert snapshot_bytes(unknown, lv, 2 * whole) == whole
    with pytest.raises(NotKept, match=r"is not known, and for all of data0 .* 72 MiB twice over"):
        snapshot_bytes(unknown, lv, 2 * whole - 1)


def test_half_of_the_free_room_where_that_is_more_than_what_has_to_be() -> None:
    assert snapshot_bytes(backing(), logical_volume(), 100 * MIB) == 48 * MIB


def test_a_group_that_is_too_full_is_told_with_its_remedy() -> None:
    device = backing(out_of_sync_kib=8 * 1024, peer_kib=4 * 1024)
    lv = logical_volume()
    # Twice 12 MiB and 2 % is 24.48 MiB: 28 in extents of 4.
    assert snapshot_bytes(device, lv, 28 * MIB) == 28 * MIB
    with pytest.raises(NotKept, match=r"pair has 27 MiB free.* needs 28 MiB: enlarge .*vgextend"):
        snapshot_bytes(device, lv, 27 * MIB)


def test_two_volumes_of_a_group_share_its_free_room() -> None:
    lv = logical_volume(free_bytes=200 * MIB)
    first, second = methods(backing(logical_volume=lv), backing(volume=1, logical_volume=lv))
    assert first == (Method.SNAPSHOT, 72 * MIB)
    # Half of what is left is not enough for the whole of it.
    assert second == (Method.SNAPSHOT, 60 * MIB)
    tight = logical_volume(free_bytes=16 * MIB)
    with pytest.raises(NotKept, match="volume 1"):
        methods(backing(logical_volume=tight), backing(volume=1, logical_volume=tight))


@given(
    size_mib=st.integers(1, 2**24),
    free_mib=st.integers(0, 2**24),
    extent_kib=st.sampled_from([1, 128, 4096, 32768]),
    changed=st.none() | st.tuples(st.integers(0, 2**34), st.integers(0, 2**34)),
)
def test_the_size_of_a_snapshot(
    size_mib: int, free_mib: int, extent_kib: int, changed: tuple[int, int] | None
) -> None:
    extent = extent_kib * 1024
    lv = logical_volume(size_bytes=size_mib * MIB, extent_bytes=extent)
    free = free_mib * MIB // extent * extent
    own, peer = changed or (None, None)
    device = backing(out_of_sync_kib=own, peer_kib=peer)
    whole = lv.size_bytes * SNAPSHOT_OVERHEAD
    try:
        size = snapshot_bytes(device, lv, free)
    except NotKept:
        # There was no room for all of it, and either nothing is known or not even that fits.
        assert whole > free / 2 - 2 * extent
        least = min(whole + 2 * extent, max(SNAPSHOT_LEAST_BYTES, 2.04 * 1024 * sum(changed or ())))
        assert changed is None or least > free - extent
        return
    assert 0 < size <= free
    assert size % extent == 0
    assert size >= min(whole, 2 * 1024 * sum(changed)) if changed else size >= whole
    if whole <= free / 2 - 2 * extent:
        assert size >= whole
