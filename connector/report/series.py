"""Which series there are, and the value of each: pure, and with nothing of Prometheus's library.

docs/metrics.md has the same table for people, with the values for what is uncertain; a test keeps
the two together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

from connector import __version__
from connector.act.answers import CommandOutcome
from connector.memory import counters as counted
from connector.memory.counters import Key
from connector.memory.last_pass import LastPass
from connector.model import (
    ESTABLISHED,
    ActionKind,
    ConnectionState,
    DecisionName,
    Device,
    DiskState,
    OutcomeKind,
    Resource,
    Role,
    Source,
    Volume,
)
from connector.report.passes import ResourceReport

UNKNOWN = "unknown"  # in lower case: no word of the kernel's
UNTOLD = -1.0  # where a number cannot be told; see docs/metrics.md

_OTHER_KERNELS = frozenset(
    {
        ConnectionState.SKIPPED_SYNC_S,
        ConnectionState.SKIPPED_SYNC_T,
        ConnectionState.DISKLESS_CLIENT,
        ConnectionState.SERVER_FOR_DISKLESS,
        ConnectionState.OFF,
        ConnectionState.ESTABLISHED,
    }
)
CONNECTION_STATES = (*(s for s in ConnectionState if s not in _OTHER_KERNELS), UNKNOWN)
DISK_STATES = (*DiskState, UNKNOWN)
# A resync was agreed on in these, but the kernel prints no progress (drbd_proc.c).
_RESYNC_WITHOUT_PROGRESS = frozenset(
    {
        ConnectionState.STARTING_SYNC_S,
        ConnectionState.STARTING_SYNC_T,
        ConnectionState.WF_BITMAP_S,
        ConnectionState.WF_BITMAP_T,
        ConnectionState.WF_SYNC_UUID,
        ConnectionState.SYNC_SOURCE,
        ConnectionState.SYNC_TARGET,
        ConnectionState.PAUSED_SYNC_S,
        ConnectionState.PAUSED_SYNC_T,
    }
)
_VOLUME = ("resource", "volume", "minor")


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: its name without the prefix, its labels in order, and its help."""

    name: str
    labels: tuple[str, ...]
    help: str

    @property
    def is_counter(self) -> bool:
        """Everything else is a gauge."""
        return self.name.endswith("_total")


FAMILIES: tuple[Family, ...] = (
    Family("build_info", ("version",), "Always 1; the version of connector."),
    Family("source_info", ("source",), "Always 1; where DRBD's states are read."),
    Family("last_run_timestamp_seconds", (), "When the last pass ended; 0 before the first."),
    Family(
        "last_success_timestamp_seconds",
        (),
        "When a pass last ended with exit status 0; 0 where none did.",
    ),
    Family("last_run_duration_seconds", (), "How long the last pass took."),
    Family("connection_state", ("resource", "state"), "1 for the connection state, else 0."),
    Family("peer_connected", ("resource", "peer"), "1 where this peer is connected."),
    Family("role", ("resource", "side", "role"), "1 for the role of this side, else 0."),
    Family("disk_state", (*_VOLUME, "side", "state"), "1 for the disk state, else 0."),
    Family("in_use", ("resource",), "1 where the resource is in use here, or may be."),
    Family("out_of_sync_bytes", _VOLUME, "Bytes that differ from the peer; -1 if untold."),
    Family("sync_ratio", _VOLUME, "Done part of a running resync; 1 if none runs, -1 if untold."),
    Family("split_brain", ("resource",), "1 where the kernel log has an unresolved split brain."),
    Family("diverged", ("resource",), "1 where copies differ although they are connected."),
    Family("io_suspended", ("resource",), "1 where DRBD holds the I/O up."),
    Family("decision", ("resource", "decision"), "1 for the row of the decision table, else 0."),
    Family("would_act", ("resource",), "1 where commands are called for, and none was run."),
    Family("needs_operator", ("resource",), "1 where only a person can go on."),
    Family("paused", ("resource",), "1 where an operator paused the resource."),
    Family("actions_total", ("resource", "action", "outcome"), "Commands that were run."),
    Family("recoveries_total", ("resource",), "Incidents that ended healthy after an action."),
    Family("lock_contended_total", (), "Passes that found the lock held."),
    Family("parse_problems_total", (), "Things that a pass could not read for certain."),
    Family("config_hash_info", ("hash",), "Always 1; equal where both nodes' policies are."),
)


@dataclass(frozen=True, slots=True)
class MetricsMemory:
    """What the metrics need besides the resources: what survives between runs, and settings."""

    counters: Counter[Key] = field(default_factory=Counter)
    lock_contended: int = 0
    last_pass: LastPass | None = None
    config_hash: str = ""
    source: Source = Source.PROC


Value = tuple[str, tuple[str, ...], float]


def values(resources: Sequence[ResourceReport], memory: MetricsMemory) -> Iterator[Value]:
    """Every series as (name without the prefix, label values in the family's order, value)."""
    last = memory.last_pass or LastPass(0, None, 0)
    yield "build_info", (__version__,), 1
    yield "source_info", (memory.source,), 1
    yield "last_run_timestamp_seconds", (), last.at_wall_s
    yield "last_success_timestamp_seconds", (), last.success_wall_s or 0
    yield "last_run_duration_seconds", (), last.duration_s
    for item in resources:
        yield from _of_resource(item)
    yield from _of_counters([item.resource.name for item in resources], memory)
    yield "config_hash_info", (memory.config_hash,), 1


def _of_resource(item: ResourceReport) -> Iterator[Value]:
    """States are those of the last look; the decision is the one that this pass went by."""
    seen, name = item.after, item.resource.name
    yield from _state_set("connection_state", (name,), CONNECTION_STATES, seen.connection)
    yield from _of_peers(name, seen)
    for side, role in (("local", seen.role), ("peer", seen.peer_role)):
        yield from _state_set("role", (name, side), tuple(Role), role or Role.UNKNOWN)
    for volume in seen.volumes:
        yield from _of_volume(name, volume)
    # What may be in use counts as in use: nobody should take a disk away because of a 0 here.
    yield "in_use", (name,), seen.in_use is not False
    yield "split_brain", (name,), seen.split_brain
    yield "diverged", (name,), any(one.picture.diverged for one in seen.each)
    yield "io_suspended", (name,), bool(seen.suspended)
    yield from _state_set("decision", (name,), tuple(DecisionName), item.decision.name)
    yield "would_act", (name,), bool(item.decision.would) and not _acted(item)
    yield "needs_operator", (name,), item.needs_operator
    yield "paused", (name,), item.paused


def _acted(item: ResourceReport) -> bool:
    return bool(item.outcome.commands) and item.outcome.kind is not OutcomeKind.WOULD_ACT


def _of_peers(name: str, seen: Resource) -> Iterator[Value]:
    """Each peer once, whatever its name; without one where the configuration does not tell it."""
    connected = {one.peer or "": one.connection in ESTABLISHED for one in seen.each}
    for peer, is_connected in connected.items():
        yield "peer_connected", (name, peer), is_connected


def _of_volume(name: str, volume: Volume) -> Iterator[Value]:
    labels = (name, str(volume.volume), str(volume.minor))
    device = volume.device
    disks = (device.disk, device.peer_disk) if device else (None, None)
    for side, disk in zip(("local", "peer"), disks, strict=True):
        yield from _state_set("disk_state", (*labels, side), DISK_STATES, disk)
    kib = device.out_of_sync_kib if device else None
    yield "out_of_sync_bytes", labels, UNTOLD if kib is None else kib * 1024
    yield "sync_ratio", labels, sync_ratio(device)


def sync_ratio(device: Device | None) -> float:
    """The done part of a running resync; 1 where none runs, -1 where that cannot be told."""
    if device is None or device.connection is None:
        return UNTOLD
    sync = device.sync
    if sync is None or sync.kind != "resync":
        return float(device.connection not in _RESYNC_WITHOUT_PROGRESS)
    if sync.left_kib is not None and sync.total_kib:
        done = 1 - sync.left_kib / sync.total_kib
    else:
        done = (sync.percent or 0) / 100
    return min(1.0, max(0.0, done))


def _state_set(
    family: str, labels: tuple[str, ...], states: Sequence[str], now: str | None
) -> Iterator[Value]:
    """Exactly one 1; the last state stands for what is missing or not in the set."""
    current = now if now in states else states[-1]
    for state in states:
        yield family, (*labels, state), state == current


def _of_counters(names: Iterable[str], memory: MetricsMemory) -> Iterator[Value]:
    """All that can be counted for the known resources, and what was counted for others."""
    names = tuple(names)
    every: Counter[Key] = Counter({(counted.PARSE_PROBLEMS,): 0})
    every.update({(counted.RECOVERIES, name): 0 for name in names})
    for name, action, outcome in product(names, ActionKind, CommandOutcome):
        every[(counted.ACTIONS, name, action.value, outcome.value)] = 0
    every.update(memory.counters)
    labels = {family.name: len(family.labels) for family in FAMILIES if family.is_counter}
    for (family, *rest), count in every.items():
        if labels.get(family) == len(rest):
            yield family, tuple(rest), count
    yield "lock_contended_total", (), memory.lock_contended
