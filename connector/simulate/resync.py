"""A resync: the bitmaps are exchanged, the union of the changed blocks is copied.

Kernel sources: drbd_worker.c (`drbd_start_resync`, `drbd_resync_finished`), drbd_receiver.c
(`receive_bitmap`, `receive_sync_uuid`).
"""

from __future__ import annotations

from collections.abc import Iterator

from connector.model import ConnectionState, DiskState
from connector.simulate.configuration import NODES, other
from connector.simulate.connection import FINISH_RESYNC, arrange
from connector.simulate.kernel_log import KernelLog
from connector.simulate.state import KIB_PER_BLOCK, PairState, VolumeSide

C = ConnectionState

_ROUND_TRIP_S = 0.3
_KIB_PER_S = 102_400  # resync-rate 100M

_BITMAP = "bitmap stats [Bytes(packets)]: plain 0(0), RLE 20(1), total 20; compression: 95.2%"

Pairing = tuple[str, VolumeSide, VolumeSide]


def start(state: PairState, resource: str) -> None:
    """From WFBitMapS and WFBitMapT to SyncSource and SyncTarget."""
    longest_s = 0.0
    for source_node, source, target in _pairings(state, resource, C.WF_BITMAP_S):
        union = source.changed | target.changed
        source.changed, target.changed = set(union), set(union)
        source.resync_bits = target.resync_bits = len(union)
        sync = source.identifiers.start_as_source(state.fresh_identifier())
        _start_source(KernelLog(state, source_node), source)
        target.identifiers.start_as_target(sync)
        _start_target(KernelLog(state, other(source_node)), target)
        longest_s = max(longest_s, _ROUND_TRIP_S + len(union) * KIB_PER_BLOCK / _KIB_PER_S)
    arrange(state, resource, FINISH_RESYNC, longest_s)


def finish(state: PairState, resource: str) -> None:
    """Every block of the bitmap is the source's now, on both sides."""
    for source_node, source, target in _pairings(state, resource, C.SYNC_SOURCE):
        for block in target.changed:
            if block in source.blocks:
                target.blocks[block] = source.blocks[block]
            else:
                target.blocks.pop(block, None)
        _finish_source(KernelLog(state, source_node), source)
        _finish_target(KernelLog(state, other(source_node)), target)
        for volume in (source, target):
            volume.changed.clear()
            volume.resync_bits = 0
            volume.crashed_primary = False


def _pairings(state: PairState, resource: str, source_state: C) -> Iterator[Pairing]:
    for node in NODES:
        for volume in state.side(node, resource).volumes:
            if volume.connection is source_state:
                yield node, volume, state.peer_volume(node, resource, volume)


def _start_source(log: KernelLog, volume: VolumeSide) -> None:
    minor = volume.minor
    log.device(minor, f"send {_BITMAP}")
    log.device(minor, f"receive {_BITMAP}")
    log.called(minor, "before-resync-source")
    log.change_device(volume, connection=C.SYNC_SOURCE, peer_disk=DiskState.INCONSISTENT)
    log.device(minor, f"Began resync as SyncSource {_amount(volume)}.")
    log.device(minor, f"updated sync UUID {volume.identifiers}")


def _start_target(log: KernelLog, volume: VolumeSide) -> None:
    minor = volume.minor
    log.device(minor, f"receive {_BITMAP}")
    log.device(minor, f"send {_BITMAP}")
    log.change_device(volume, connection=C.WF_SYNC_UUID)
    log.device(minor, f"updated sync uuid {volume.identifiers}")
    log.called(minor, "before-resync-target")
    log.change_device(volume, connection=C.SYNC_TARGET, disk=DiskState.INCONSISTENT)
    log.device(minor, f"Began resync as SyncTarget {_amount(volume)}.")


def _amount(volume: VolumeSide) -> str:
    bits = volume.resync_bits
    return f"(will sync {bits * KIB_PER_BLOCK} KB [{bits} bits set])"


def _finish_source(log: KernelLog, volume: VolumeSide) -> None:
    volume.sent_kib += volume.resync_bits * KIB_PER_BLOCK
    log.device(volume.minor, _done(volume))
    volume.identifiers.finish_as_source()
    log.device(volume.minor, f"updated UUIDs {volume.identifiers}")
    log.change_device(volume, connection=C.CONNECTED, peer_disk=DiskState.UP_TO_DATE)


def _finish_target(log: KernelLog, volume: VolumeSide) -> None:
    kib = volume.resync_bits * KIB_PER_BLOCK
    volume.received_kib += kib
    volume.written_kib += kib
    log.device(volume.minor, _done(volume))
    volume.identifiers.finish_as_target(volume.peer_identifiers, primary=volume.primary)
    log.device(volume.minor, f"updated UUIDs {volume.identifiers}")
    log.change_device(volume, connection=C.CONNECTED, disk=DiskState.UP_TO_DATE)
    log.called(volume.minor, "after-resync-target")


def _done(volume: VolumeSide) -> str:
    kib = volume.resync_bits * KIB_PER_BLOCK
    return f"Resync done (total 1 sec; paused 0 sec; {kib} K/sec)"
