"""The data generations of a volume, and what the kernels conclude from those of two nodes.

Kernel sources: drbd_main.c (`__drbd_new_current_uuid`, `drbd_uuid_new_current`), drbd_receiver.c
(`drbd_uuid_compare`). A node has one current UUID, and a bitmap UUID for each peer: what both had
when this node's data began to differ from that peer's.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from connector.model import DiskState, ReplicationState
from connector.simulate.nine.configuration import node_id
from connector.simulate.nine.kernel_log import KernelLog, say_generation
from connector.simulate.nine.state import JUST_CREATED, ClusterState, VolumeSide, Write
from connector.simulate.state import DISK_ORDER

_HISTORY_UUIDS = 32  # linux/drbd.h HISTORY_UUIDS
_SYNCING = frozenset({ReplicationState.SYNC_SOURCE, ReplicationState.PAUSED_SYNC_S})


class Verdict(StrEnum):
    """`uuid_compare()=`: what this side has to do."""

    NO_SYNC = "no-sync"
    SOURCE = "source-use-bitmap"
    SOURCE_OF_ALL = "source-set-bitmap"
    TARGET = "target-use-bitmap"
    TARGET_OF_ALL = "target-set-bitmap"
    SOURCE_COPIES = "source-copy-other-bitmap"
    TARGET_CLEARS = "target-clear-bitmap"
    SPLIT_BRAIN = "split-brain-auto-recover"
    SPLIT_BRAIN_OLD = "split-brain-disconnect"
    UNRELATED = "unrelated-data"


SOURCES = frozenset({Verdict.SOURCE, Verdict.SOURCE_OF_ALL, Verdict.SOURCE_COPIES})
TARGETS = frozenset({Verdict.TARGET, Verdict.TARGET_OF_ALL, Verdict.TARGET_CLEARS})
REVERSED = {
    Verdict.SOURCE: Verdict.TARGET,
    Verdict.SOURCE_OF_ALL: Verdict.TARGET_OF_ALL,
    Verdict.TARGET: Verdict.SOURCE,
    Verdict.TARGET_OF_ALL: Verdict.SOURCE_OF_ALL,
    Verdict.SOURCE_COPIES: Verdict.TARGET_CLEARS,
    Verdict.TARGET_CLEARS: Verdict.SOURCE_COPIES,
}


@dataclass(frozen=True, slots=True)
class Party:
    """What one side brings into `drbd_uuid_compare`; `others` are its other bitmap UUIDs."""

    current: int
    bitmap: int
    others: frozenset[int]
    history: tuple[int, ...]
    primary: bool
    crashed_primary: bool
    first: bool  # resolves what is equal on both sides

    def past(self) -> frozenset[int]:
        """Every generation that this side's data have been through and that is still known."""
        return frozenset({self.bitmap, *self.others, *self.history}) - {0}


def party(volume: VolumeSide, peer: str, *, primary: bool, first: bool) -> Party:
    """A volume as it presents itself to a peer."""
    return Party(
        volume.current,
        volume.peers[peer].bitmap_uuid,
        frozenset(one.bitmap_uuid for name, one in volume.peers.items() if name != peer) - {0},
        tuple(volume.history),
        primary,
        volume.crashed_primary,
        first,
    )


def compare(own: Party, peer: Party) -> tuple[Verdict, str]:
    """`drbd_uuid_compare`: the verdict for `own` and the rule that gave it."""
    if JUST_CREATED in (own.current, peer.current):
        return _just_created(own, peer)
    if own.current == peer.current:
        return _same_data(own, peer)
    for name, at, other, verdicts in (("peer", peer, own, _AHEAD), ("self", own, peer, _BEHIND)):
        known = ((at.bitmap,), at.others, at.history)
        for uuids, rule, verdict in zip(known, ("bitmap-{}", "bitmap-{}-other", "history-{}"),
                                        verdicts, strict=True):  # fmt: skip
            if other.current in uuids:
                return verdict, rule.format(name)
    if own.bitmap and own.bitmap == peer.bitmap:
        return Verdict.SPLIT_BRAIN, "bitmap-both"
    if own.past() & peer.past():
        return Verdict.SPLIT_BRAIN_OLD, "history-both"
    return Verdict.UNRELATED, "history-both"


_AHEAD = (Verdict.TARGET, Verdict.TARGET_CLEARS, Verdict.TARGET_OF_ALL)  # where the peer is
_BEHIND = (Verdict.SOURCE, Verdict.SOURCE_COPIES, Verdict.SOURCE_OF_ALL)


def _just_created(own: Party, peer: Party) -> tuple[Verdict, str]:
    if own.current == peer.current:
        return Verdict.NO_SYNC, "just-created-both"
    if own.current == JUST_CREATED:
        return Verdict.TARGET_OF_ALL, "just-created-self"
    return Verdict.SOURCE_OF_ALL, "just-created-peer"


def _same_data(own: Party, peer: Party) -> tuple[Verdict, str]:
    """Equal current UUIDs: a link that was gone, or a Primary that crashed in mid-write."""
    if not (own.crashed_primary or peer.crashed_primary):
        return Verdict.NO_SYNC, "reconnected"
    if own.primary != peer.primary:
        source = own.primary
    elif own.crashed_primary and peer.crashed_primary:
        source = own.first
    else:
        source = own.crashed_primary
    return (Verdict.SOURCE if source else Verdict.TARGET), "both-off"


def receivers(state: ClusterState, node: str, resource: str, number: int) -> list[str]:
    """Whose disks a write of `node` reaches, its own included (`drbd_should_do_remote`)."""
    volume = state.side(node, resource).volumes[number]
    reached = [node] if has_data(volume) else []
    for peer in state.connected(node, resource):
        towards = volume.peers[peer]
        if towards.peer_disk is DiskState.UP_TO_DATE or towards.replication in _SYNCING:
            reached.append(peer)
    return reached


def has_data(volume: VolumeSide) -> bool:
    """Whether there is a disk below it."""
    return DISK_ORDER[volume.disk] >= DISK_ORDER[DiskState.INCONSISTENT]


def begin_generation(state: ClusterState, node: str, resource: str, number: int) -> None:
    """New current UUIDs before the first write that not every peer will see."""
    reached = receivers(state, node, resource, number)
    at = {name: state.side(name, resource).volumes[number] for name in reached}
    whole = {name: volume for name, volume in at.items() if volume.disk is DiskState.UP_TO_DATE}
    if not whole:
        return
    old = at[node].current if node in whole else next(iter(whole.values())).current
    same = {name: volume for name, volume in whole.items() if volume.current == old}
    missing = {
        name: [peer for peer in volume.peers if _misses(state, resource, peer, reached)]
        for name, volume in same.items()
    }
    if not any(
        not same[name].peers[peer].bitmap_uuid for name, peers in missing.items() for peer in peers
    ):
        return
    fresh = state.fresh_identifier()
    for name, volume in same.items():
        for peer in missing[name]:
            volume.peers[peer].bitmap_uuid = volume.peers[peer].bitmap_uuid or old
        volume.current = fresh
    _say(state, node, resource, number, same)


def _misses(state: ClusterState, resource: str, peer: str, reached: list[str]) -> bool:
    return peer not in reached and peer not in state.configured(resource).clients


def _say(
    state: ClusterState, node: str, resource: str, number: int, same: dict[str, VolumeSide]
) -> None:
    for name, volume in same.items():
        log = KernelLog(state, name, resource)
        if name == node:
            say_generation(log, volume, set(same))
        else:
            mask = 0xFFFF_FFFF_FFFF_FFFF & ~sum(1 << node_id(one) for one in same)
            text = f"received new current UUID: {volume.current | 1:016X} weak_nodes={mask:016X}"
            log.peer_device(volume, node, text)
    if node not in same:
        volume = state.side(node, resource).volumes[number]
        current = next(iter(same.values())).current
        KernelLog(state, node, resource).device(
            volume, f"sending new current UUID: {current | 1:016X}"
        )


def write(
    state: ClusterState,
    node: str,
    resource: str,
    number: int,
    block: int,
    program: str = "write",
) -> int:
    """Write a block wherever it can be written, mark it elsewhere; the number of the write."""
    reached = receivers(state, node, resource, number)
    done = Write(len(state.writes) + 1, node, resource, number, block, program)
    state.writes.append(done)
    volumes = {name: state.side(name, resource).volumes[number] for name in reached}
    # A whole block is written: from now on it has the same past wherever it arrives.
    past = next(iter(volumes.values())).blocks.get(block, ()) if volumes else ()
    for volume in volumes.values():
        volume.blocks[block] = (*past, done.number)
        for peer, towards in volume.peers.items():
            if peer in reached:
                towards.changed.discard(block)
            elif _misses(state, resource, peer, reached):
                towards.changed.add(block)
    return done.number


def remember(volume: VolumeSide, identifier: int) -> None:
    """A bitmap UUID that is done with becomes history."""
    if identifier and identifier not in volume.history:
        volume.history = [identifier, *volume.history][:_HISTORY_UUIDS]


def shown(volume: VolumeSide, peer: str, *, primary: bool) -> str:
    """The four UUIDs as the kernel prints them; the lowest bit says that the node is Primary."""
    history = [*volume.history, 0, 0][:2]
    current = volume.current | 1 if primary else volume.current
    return ":".join(f"{one:016X}" for one in (current, volume.peers[peer].bitmap_uuid, *history))
