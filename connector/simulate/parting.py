"""How a side of a connection parts from its peer, and what it does then.

Kernel sources: drbd_receiver.c (`conn_disconnect`, `drbdd_init`), drbd_state.c (`after_state_ch`).
"""

from __future__ import annotations

from connector.model import ConnectionState, DiskState, Role
from connector.simulate.kernel_log import ERROR, KernelLog
from connector.simulate.state import PairState, VolumeSide

C = ConnectionState


def lose(
    state: PairState, node: str, resource: str, into: ConnectionState, trouble: str | None = None
) -> None:
    """The peer is out of reach; a Primary's data begin a new generation (`after_state_ch`)."""
    side = state.side(node, resource)
    log = KernelLog(state, node)
    had_peer = [volume.peer_disk is not DiskState.DUNKNOWN for volume in side.volumes]
    log.change_connection(side, into, peer_role=Role.UNKNOWN, peer_disk=DiskState.DUNKNOWN)
    if trouble:
        log.connection(resource, trouble, ERROR)
    log.connection(resource, "ack_receiver terminated")
    log.connection(resource, f"Terminating drbd_a_{resource}")
    side.discarding = False
    for volume, had in zip(side.volumes, had_peer, strict=True):
        volume.resync_bits = 0
        if had and volume.primary and volume.disk is DiskState.UP_TO_DATE:
            begin_generation(state, log, volume)


def lose_closed(state: PairState, node: str, resource: str) -> None:
    """The peer has closed the connection."""
    KernelLog(state, node).connection(resource, "sock was shut down by peer")
    lose(state, node, resource, C.BROKEN_PIPE, "short read (expected size 16)")
    restart_receiver(state, node, resource)


def begin_generation(state: PairState, log: KernelLog, volume: VolumeSide) -> None:
    """`drbd_uuid_new_current`, unless the data differ from the peer's already."""
    if volume.identifiers.bitmap:
        return
    volume.identifiers.new_current(state.fresh_identifier(), primary=True)
    log.device(volume.minor, f"new current UUID {volume.identifiers}")


def end_receiver(log: KernelLog, state: PairState, resource: str) -> None:
    """The side is StandAlone."""
    log.connection(resource, "Connection closed")
    log.change_connection(state.side(log.node.name, resource), C.STANDALONE)
    log.connection(resource, "receiver terminated")
    log.connection(resource, f"Terminating drbd_r_{resource}")


def restart_receiver(state: PairState, node: str, resource: str) -> None:
    """The side waits for its peer again."""
    log = KernelLog(state, node)
    side = state.side(node, resource)
    log.connection(resource, "Connection closed")
    log.change_connection(side, C.UNCONNECTED)
    log.connection(resource, "receiver terminated")
    log.connection(resource, "Restarting receiver thread")
    log.connection(resource, "receiver (re)started")
    log.change_connection(side, C.WF_CONNECTION)
