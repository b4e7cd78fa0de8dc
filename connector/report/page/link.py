"""The connection of a pair in words, and which form it has in a drawing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from connector.model import ConnectionState, Device, Resource
from connector.report.series import sync_ratio

C = ConnectionState
_UNTOLD = "it cannot be told"


class Form(StrEnum):
    """How the line between the two sides is drawn."""

    SOLID = "solid"
    SYNCING = "syncing"
    WAITING = "waiting"
    BROKEN = "broken"
    SPLIT = "split"
    DIVERGED = "diverged"
    BETWEEN = "between"
    UNKNOWN = "unknown"


class Flow(StrEnum):
    """Which way the data of a resync goes."""

    TO_PEER = "to the peer"
    TO_HERE = "to this node"


@dataclass(frozen=True, slots=True)
class Link:
    """The connection: its form, DRBD's word for the state, and the same in plain words.

    `percent` is the done part of a running resync, rounded down; None where none runs, or where
    it is not told.
    """

    form: Form
    state: str
    words: str
    flow: Flow | None = None
    percent: int | None = None


_BEGINS = "the disks are about to be brought into agreement"
_BETWEEN = "between two states"
_OTHER_DRBD = "a word of another version of DRBD"
WORDS: dict[ConnectionState, tuple[Form, str]] = {
    C.UNCONFIGURED: (Form.UNKNOWN, "not up on this node"),
    C.STANDALONE: (Form.BROKEN, "cut off: this node does not look for its peer"),
    C.DISCONNECTING: (Form.BETWEEN, f"{_BETWEEN}: disconnecting"),
    C.UNCONNECTED: (Form.BETWEEN, f"{_BETWEEN}: about to look for the peer"),
    C.TIMEOUT: (Form.BETWEEN, f"{_BETWEEN}: the peer did not answer in time"),
    C.BROKEN_PIPE: (Form.BETWEEN, f"{_BETWEEN}: the connection broke"),
    C.NETWORK_FAILURE: (Form.BETWEEN, f"{_BETWEEN}: the network failed"),
    C.PROTOCOL_ERROR: (Form.BETWEEN, f"{_BETWEEN}: the nodes did not understand each other"),
    C.TEAR_DOWN: (Form.BETWEEN, f"{_BETWEEN}: the peer is closing the connection"),
    C.WF_CONNECTION: (Form.WAITING, "waiting for the peer"),
    C.CONNECTING: (Form.WAITING, "waiting for the peer"),
    C.WF_REPORT_PARAMS: (Form.BETWEEN, f"{_BETWEEN}: the nodes are shaking hands"),
    C.CONNECTED: (Form.SOLID, "connected"),
    C.STARTING_SYNC_S: (Form.SYNCING, _BEGINS),
    C.STARTING_SYNC_T: (Form.SYNCING, _BEGINS),
    C.WF_BITMAP_S: (Form.SYNCING, _BEGINS),
    C.WF_BITMAP_T: (Form.SYNCING, _BEGINS),
    C.WF_SYNC_UUID: (Form.SYNCING, _BEGINS),
    C.SYNC_SOURCE: (Form.SYNCING, "syncing: this node sends to the peer"),
    C.SYNC_TARGET: (Form.SYNCING, "syncing: this node receives from the peer"),
    C.VERIFY_S: (Form.SOLID, "connected; the disks are being compared"),
    C.VERIFY_T: (Form.SOLID, "connected; the disks are being compared"),
    C.PAUSED_SYNC_S: (Form.SYNCING, "connected; the sync to the peer is paused"),
    C.PAUSED_SYNC_T: (Form.SYNCING, "connected; the sync from the peer is paused"),
    C.AHEAD: (Form.SYNCING, "connected; this node is ahead, the peer is brought up later"),
    C.BEHIND: (Form.SYNCING, "connected; this node is behind, it is brought up later"),
    C.SKIPPED_SYNC_S: (Form.UNKNOWN, _OTHER_DRBD),
    C.SKIPPED_SYNC_T: (Form.UNKNOWN, _OTHER_DRBD),
    C.DISKLESS_CLIENT: (Form.UNKNOWN, _OTHER_DRBD),
    C.SERVER_FOR_DISKLESS: (Form.UNKNOWN, _OTHER_DRBD),
    C.OFF: (Form.UNKNOWN, _OTHER_DRBD),
    C.ESTABLISHED: (Form.UNKNOWN, _OTHER_DRBD),
}
_FLOW = {
    **dict.fromkeys((C.SYNC_SOURCE, C.PAUSED_SYNC_S, C.AHEAD), Flow.TO_PEER),
    **dict.fromkeys((C.SYNC_TARGET, C.PAUSED_SYNC_T, C.BEHIND), Flow.TO_HERE),
}
_SPLIT_BRAIN = "each side has changes that the other one lacks"
_DIVERGED = "connected, but the copies differ and no resync is under way"


def link_of(resource: Resource) -> Link:
    """The connection as the kernel shows it; a split brain that is not over changes its form."""
    state = resource.connection
    if state is None:
        return Link(Form.UNKNOWN, "not known", _UNTOLD)
    form, words = WORDS[state]
    if resource.evidence.split_brain and form in (Form.BROKEN, Form.WAITING, Form.BETWEEN):
        return Link(Form.SPLIT, state, f"split brain: {_SPLIT_BRAIN}; {words}")
    if resource.picture.diverged and form is Form.SOLID:
        return Link(Form.DIVERGED, state, _DIVERGED)
    percent = _percent(resource) if form is Form.SYNCING else None
    done = "" if percent is None else f", {percent}% done"
    return Link(form, state, words + (done or _compared(resource)), _FLOW.get(state), percent)


def _percent(resource: Resource) -> int | None:
    """Of several volumes the one that has the least done; rounded down, so that 100 is the end."""
    ratios = [sync_ratio(device) for device in _devices_with("resync", resource)]
    return int(min(ratios) * 100 + 1e-6) if ratios else None


def _compared(resource: Resource) -> str:
    told = [device.sync for device in _devices_with("verify", resource)]
    done = [sync.percent for sync in told if sync is not None and sync.percent is not None]
    return f", {int(min(done))}% done" if done else ""


def _devices_with(kind: str, resource: Resource) -> Iterable[Device]:
    for volume in resource.volumes:
        device = volume.device
        if device is not None and device.sync is not None and device.sync.kind == kind:
            yield device
