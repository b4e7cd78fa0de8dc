"""The life of a connection: it is made, lost, given up; the nodes meet and agree, or do not.

Kernel sources: drbd_receiver.c (`conn_connect`, `conn_disconnect`, `drbdd_init`,
`receive_state`), drbd_nl.c (`drbd_adm_connect`, `drbd_adm_disconnect`), drbd_state.c
(`sanitize_state`, `after_state_ch`).
"""

from __future__ import annotations

from connector.model import ConnectionState, DiskState, Role
from connector.simulate.configuration import NODES, other
from connector.simulate.handshake import Told, sync_handshake, tell
from connector.simulate.kernel_log import ERROR, WARNING, KernelLog
from connector.simulate.parting import end_receiver, lose, lose_closed, restart_receiver
from connector.simulate.state import (
    DISK_ORDER,
    PairState,
    Step,
    connected,
)

C = ConnectionState

# As in the captured logs, roughly.
MEET_S = 0.6
HANDSHAKE_S = 0.35
BITMAPS_S = 0.15
PING_TIMEOUT_S = 1.5

MEET, AGREE, NOTICE_LOSS = "meet", "agree", "notice-loss"
START_RESYNC, FINISH_RESYNC = "start-resync", "finish-resync"


def arrange(state: PairState, resource: str, kind: str, delay_s: float) -> None:
    """Let a step follow; it takes the place of any other that was to come."""
    state.steps[resource] = Step(kind, state.now_s + (0.0 if state.instant else delay_s))


def connect(state: PairState, node: str, resource: str) -> None:
    """From StandAlone to WFConnection."""
    side = state.side(node, resource)
    log = KernelLog(state, node)
    log.change_connection(side, C.UNCONNECTED)
    worker = f"drbd_w_{resource} [{_worker_pid(state, node, resource)}]"
    log.connection(resource, f"Starting receiver thread (from {worker})")
    state.nodes[node].next_pid += 5
    side.receiver_pid = state.nodes[node].next_pid
    log.connection(resource, "receiver (re)started")
    log.change_connection(side, C.WF_CONNECTION)
    look_for_peer(state, resource)


def disconnect(state: PairState, node: str, resource: str) -> None:
    """To StandAlone by somebody's word; a connected peer waits for this side from then on."""
    side = state.side(node, resource)
    log = KernelLog(state, node)
    if side.connection is C.WF_CONNECTION:
        log.change_connection(side, C.DISCONNECTING)
        log.connection(resource, "Discarding network configuration.", WARNING)
        end_receiver(log, state, resource)
    else:
        lose(state, node, resource, C.DISCONNECTING)
        end_receiver(log, state, resource)
        if _is_talking(state, other(node), resource):
            lose(state, other(node), resource, C.TEAR_DOWN)
            restart_receiver(state, other(node), resource)
    state.steps.pop(resource, None)
    look_for_peer(state, resource)


def look_for_peer(state: PairState, resource: str) -> None:
    """Two sides that wait for each other meet, if there is a link; one StandAlone never answers."""
    waiting = all(
        state.nodes[node].up and state.side(node, resource).connection is C.WF_CONNECTION
        for node in NODES
    )
    if waiting and state.link_up:
        arrange(state, resource, MEET, MEET_S)
    elif resource in state.steps and state.steps[resource].kind == MEET:
        del state.steps[resource]


def meet(state: PairState, resource: str) -> None:
    """The sockets are there; the wish to discard is taken along, once (`conn_connect`)."""
    for node in NODES:
        side = state.side(node, resource)
        log = KernelLog(state, node)
        log.connection(resource, "Handshake successful: Agreed network protocol version 101")
        log.connection(
            resource,
            "Feature flags enabled on protocol level: 0xf "
            "TRIM THIN_RESYNC WRITE_SAME WRITE_ZEROES.",
        )
        side.discarding, side.discard_my_data = side.discard_my_data, False
        log.change_connection(side, C.WF_REPORT_PARAMS)
        receiver = f"drbd_r_{resource} [{side.receiver_pid}]"
        log.connection(resource, f"Starting ack_recv thread (from {receiver})")
    arrange(state, resource, AGREE, HANDSHAKE_S)


def agree(state: PairState, resource: str) -> None:
    """Each side looks at all volumes in turn, up to the first that it refuses."""
    first = state.hangs_up_first or NODES[0]
    told = [_tell(state, resource, number) for number in _numbers(state, resource)]
    refused: set[str] = set()
    tentative = {node for node in NODES if state.side(node, resource).tentative}
    for node in (first, other(first)):
        if refused and state.hangs_up_first:
            break  # it hung up before this one had looked
        for number in _numbers(state, resource):
            verdict = sync_handshake(
                state, node, resource, number, told[number], dry_run=bool(tentative)
            )
            if verdict is None:
                refused.add(node)
                break
            _take(state, node, resource, number, verdict, told[number])
    if tentative:
        _end_rehearsal(state, resource, tentative)
        return
    if refused:
        _drop(state, resource, refused)
        return
    busy = False
    for node in NODES:
        for volume in state.side(node, resource).volumes:
            # A side that `call-pri-lost-after-sb` has demoted tells its new role.
            volume.peer_role = state.peer_volume(node, resource, volume).role
            busy = busy or volume.connection is not C.CONNECTED
    if busy:
        arrange(state, resource, START_RESYNC, BITMAPS_S)


def notice_loss(state: PairState, resource: str) -> None:
    """No answer to a ping any more: both sides, as far as they run, wait for each other again.

    Where one direction still works, the deaf side's closing arrives at the other one. (That one may
    also miss its own ping's answer first, as was seen about as often.)
    """
    silent = state.lost_from
    closed = False
    for node in NODES if silent is None else (other(silent), silent):
        if not _is_talking(state, node, resource):
            continue
        if closed and node == silent:
            lose_closed(state, node, resource)
        else:
            KernelLog(state, node).connection(resource, "PingAck did not arrive in time.", ERROR)
            lose(state, node, resource, C.NETWORK_FAILURE)
            restart_receiver(state, node, resource)
        closed = True
    look_for_peer(state, resource)


def _tell(state: PairState, resource: str, number: int) -> dict[str, Told]:
    told = {}
    for node in NODES:
        side = state.side(node, resource)
        told[node] = tell(side.volumes[number], discarding=side.discarding)
    return told


def _take(
    state: PairState, node: str, resource: str, number: int, verdict: int, told: dict[str, Told]
) -> None:
    """`receive_state`: the states that follow, within what `sanitize_state` allows."""
    volume = state.side(node, resource).volumes[number]
    peer = told[other(node)]
    volume.peer_identifiers = peer.identifiers.copy()
    peer_role = Role.PRIMARY if peer.primary else Role.SECONDARY
    disk, peer_disk, connection = volume.disk, peer.disk, C.CONNECTED
    if verdict > 0:
        connection = C.WF_BITMAP_S
        peer_disk = _at_most(peer_disk, DiskState.CONSISTENT)
    elif verdict < 0:
        connection = C.WF_BITMAP_T
        disk, peer_disk = _at_most(disk, DiskState.OUTDATED), DiskState.UP_TO_DATE
    if abs(verdict) == 2:
        volume.changed = set(volume.blocks)
    KernelLog(state, node).change_device(
        volume, peer_role=peer_role, connection=connection, disk=disk, peer_disk=peer_disk
    )
    if disk is peer_disk is DiskState.UP_TO_DATE:
        volume.crashed_primary = False


def _drop(state: PairState, resource: str, refused: set[str]) -> None:
    """Who refused is StandAlone; a side that saw nothing wrong waits for it in vain."""
    for node in NODES:
        log = KernelLog(state, node)
        if node in refused:
            lose(state, node, resource, C.DISCONNECTING, "error receiving ReportState, e: -5 l: 0!")
            end_receiver(log, state, resource)
        else:
            lose_closed(state, node, resource)
    state.steps.pop(resource, None)


def _end_rehearsal(state: PairState, resource: str, tentative: set[str]) -> None:
    """Who rehearsed is StandAlone; a side that was told of it waits again (CONN_DRY_RUN).

    Two that rehearse at once would meet again and again: here they stay as they wait.
    """
    for node in NODES:
        log = KernelLog(state, node)
        log.connection(resource, "error receiving ReportState, e: -5 l: 0!", ERROR)
        if other(node) in tentative:
            lose(state, node, resource, C.PROTOCOL_ERROR)
            restart_receiver(state, node, resource)
        else:
            lose(state, node, resource, C.DISCONNECTING)
            end_receiver(log, state, resource)
    state.steps.pop(resource, None)


def _is_talking(state: PairState, node: str, resource: str) -> bool:
    connection = state.side(node, resource).connection
    return state.nodes[node].up and (connected(connection) or connection is C.WF_REPORT_PARAMS)


def _numbers(state: PairState, resource: str) -> range:
    return range(len(state.configured(resource).minors))


def _worker_pid(state: PairState, node: str, resource: str) -> int:
    # Started once for each resource when the node came up, four process numbers apart.
    place = list(state.nodes[node].resources).index(resource)
    return 182 + 4 * place


def _at_most(disk: DiskState, limit: DiskState) -> DiskState:
    return min(disk, limit, key=DISK_ORDER.__getitem__)
