"""The gates: named reasons not to take a step of the table now."""

from __future__ import annotations

from connector.decide.asking_again import may_ask_again
from connector.decide.context import Context
from connector.decide.forecast import Loser, Loss, forecast
from connector.decide.table import Row
from connector.model import (
    ActionKind,
    Cause,
    ConnectionState,
    DecisionName,
    DiskState,
    Gate,
    GateName,
    Generation,
    Mode,
    Resource,
    Role,
)

# A take-over with a file system check in it may take minutes; a longer one needs a person's look.
TAKEOVER_LASTS_S = 600.0
DISK_GONE = frozenset({DiskState.DISKLESS, DiskState.FAILED, DiskState.DETACHING})


def gates_before(
    row: Row, steps: tuple[ActionKind, ...], resource: Resource, context: Context
) -> tuple[Gate, ...]:
    """Every reason not to take the steps now; none where there are no steps."""
    if not steps:
        return ()
    candidates = (
        _pause_gate(context),
        _managed_gate(resource, context),
        _mode_gate(row, resource, context),
        _operator_disconnect_gate(row, resource, context),
        _evidence_gate(row, steps, resource, context),
        _disk_gate(steps, resource),
        _forecast_gate(steps, resource, context),
        _attempts_gate(resource, context),
        _grace_gate(steps, context),
        _suspended_gate(steps, resource),
    )
    return tuple(gate for gate in candidates if gate is not None)


def _pause_gate(context: Context) -> Gate | None:
    if context.paused is None:
        return None
    return Gate(GateName.PAUSE, f"paused by the operator: {context.paused}", False)


def _managed_gate(resource: Resource, context: Context) -> Gate | None:
    if resource.managed_by is None or context.policy.act_if_managed:
        return None
    reason = f'{resource.managed_by} owns this resource; set managed = "act" to act all the same'
    return Gate(GateName.MANAGED, reason, False)


def _mode_gate(row: Row, resource: Resource, context: Context) -> Gate | None:
    """`observe` never acts; `reconnect` leaves a split brain to a person, but for the survivor.

    A survivor's connect gives nothing up (a plain connect never ends a split brain), and a
    survivor that waits lets one command on the other node heal the pair.
    """
    if context.memory_lost and context.policy.mode is not Mode.OBSERVE:
        reason = "the record of earlier attempts was damaged; this pass only observes"
        return Gate(GateName.MODE, reason, True)
    target = resource.target if resource.several else resource.name
    if context.policy.mode is Mode.OBSERVE:
        reason = "mode is observe: this agent never acts here"
        if resource.evidence.split_brain:
            reason = (
                "split brain, and mode is observe: this agent never acts here; "
                f"`connector recover {target}` shows what to do"
            )
        return Gate(GateName.MODE, reason, True)
    if (
        context.policy.mode is Mode.RECONNECT
        and resource.evidence.split_brain
        and row.name is not DecisionName.RECONNECT_SURVIVOR
    ):
        reason = (
            "split brain, and mode reconnect gives nothing up; to give up this node's changes "
            f"run `connector recover {target} --discard-my-data` here"
        )
        return Gate(GateName.MODE, reason, True)
    return None


def _operator_disconnect_gate(row: Row, resource: Resource, context: Context) -> Gate | None:
    """A disconnect by hand is left alone for a while.

    The kernel's log has a clock of its own, which nobody disciplines (kernel/printk/printk.c
    `local_clock`): after months it may be ahead. What is yet to come there counts as of now.
    """
    evidence = resource.evidence
    if evidence.cause is not Cause.OPERATOR_DISCONNECT or evidence.cause_at_s is None:
        return None
    if row.connections is None or ConnectionState.STANDALONE not in row.connections:
        return None
    passed_s = max(0.0, context.log_now_s - evidence.cause_at_s)
    left_s = context.policy.respect_disconnect_s - passed_s
    if left_s <= 0:
        return None
    reason = f"an operator disconnected it; left alone for another {left_s:.0f} s"
    return Gate(GateName.OPERATOR_DISCONNECT, reason, False)


def _evidence_gate(
    row: Row, steps: tuple[ActionKind, ...], resource: Resource, context: Context
) -> Gate | None:
    """Without the kernel log nobody can tell a split brain from a disconnect by hand.

    A handshake that found no Primary is asked again after a while (`asking_again`).
    """
    evidence = resource.evidence
    if not evidence.readable:
        return Gate(GateName.EVIDENCE, "the kernel log cannot be read: it takes root", True)
    if row.name is not DecisionName.RECONNECT_STANDBY or not evidence.split_brain:
        return None
    if steps == (ActionKind.CONNECT_DISCARD,) or may_ask_again(resource, context):
        return None
    if evidence.self_was_primary is False and evidence.peer_was_primary is False:
        reason = "split brain, and neither side was Primary: nobody can say which copy is right"
        return Gate(GateName.EVIDENCE, reason, True)
    if evidence.self_was_primary is False and evidence.peer_was_primary is None:
        reason = (
            "split brain, and its volumes do not agree on the peer's role at the handshake: "
            "nobody can say which copy is right"
        )
        return Gate(GateName.EVIDENCE, reason, True)
    return None


def _disk_gate(steps: tuple[ActionKind, ...], resource: Resource) -> Gate | None:
    if ActionKind.CONNECT_DISCARD not in steps:
        return _borrowed_disk_gate(steps, resource)
    for volume in resource.volumes:
        disk = volume.device.disk if volume.device else None
        if disk is None or disk in DISK_GONE:
            reason = f"volume {volume.volume} has no local disk ({disk or 'unknown'})"
            return Gate(GateName.DISK, reason, True)
    return None


def _borrowed_disk_gate(steps: tuple[ActionKind, ...], resource: Resource) -> Gate | None:
    """DRBD 9: a Primary whose own disk is behind works on a peer's, and its writes are there.

    At the next handshake it might be made the target of somebody who has not seen them: the kernel
    lets a Primary be that while its disk is less than Consistent (drbd_receiver.c
    `drbd_sync_handshake`).
    """
    if resource.generation is not Generation.NINE or resource.role is not Role.PRIMARY:
        return None
    if ActionKind.SECONDARY in steps:
        return None
    for volume in resource.volumes:
        disk = volume.device.disk if volume.device else None
        if disk in (DiskState.OUTDATED, DiskState.INCONSISTENT):
            reason = (
                f"Primary, and its own disk of volume {volume.volume} is {disk}: another peer's "
                "older data might be taken for it"
            )
            return Gate(GateName.DISK, reason, True)
    return None


def _losses(steps: tuple[ActionKind, ...], resource: Resource) -> tuple[Loss, ...]:
    """What DRBD's policies might give up at the handshake that the steps lead to."""
    demoted = ActionKind.SECONDARY in steps
    primary = resource.role is Role.PRIMARY and not demoted
    own_changes = resource.out_of_sync_kib != 0
    return forecast(resource.after_sb, primary=primary, own_changes=own_changes)


def _forecast_gate(
    steps: tuple[ActionKind, ...], resource: Resource, context: Context
) -> Gate | None:
    """In mode reconnect no step may lead to a loss by DRBD's own policies.

    In mode discard one loss is accepted, the one that this mode is for: the Secondary's changes
    against a peer that is Primary.
    """
    losses = _losses(steps, resource)
    if context.policy.mode is Mode.DISCARD:
        losses = tuple(loss for loss in losses if loss.primaries != 1 or loss.loser is Loser.EITHER)
    if not losses:
        return None
    return Gate(GateName.FORECAST, f"{losses[0].sentence}, so this node does not connect", True)


def may_lose(steps: tuple[ActionKind, ...], resource: Resource) -> bool:
    """Whether changes may be given up by these steps, by our word or by DRBD's own policies."""
    return ActionKind.CONNECT_DISCARD in steps or bool(_losses(steps, resource))


def _attempts_gate(resource: Resource, context: Context) -> Gate | None:
    if context.attempts < context.policy.max_attempts:
        return None
    reason = (
        f"{context.attempts} attempts did not bring the pair together; no more are made until "
        f"`connector resume {resource.name}`"
    )
    return Gate(GateName.ATTEMPTS, reason, True)


def _grace_gate(steps: tuple[ActionKind, ...], context: Context) -> Gate | None:
    """A take-over runs `primary`, then mounts: in between it looks like a left-over Primary."""
    if ActionKind.SECONDARY not in steps:
        return None
    if context.takeover_unfinished_s is not None:
        return _unfinished_takeover_gate(context.takeover_unfinished_s)
    left_s = context.policy.demote_grace_s - (context.picture_age_s or 0.0)
    if left_s <= 0:
        return None
    reason = f"a take-over may be under way; demoted if it lasts another {left_s:.0f} s"
    return Gate(GateName.GRACE, reason, False)


def _unfinished_takeover_gate(lasted_s: float) -> Gate:
    """A killed take-over is completed or undone by the cluster manager's next call, or by nobody.

    Which of the two is not for a pass to say, so it never demotes there.
    """
    reason = (
        f"a take-over was begun {lasted_s:.0f} s ago and was neither finished nor undone: "
        "`connector takeover` finishes it, `connector release` undoes it"
    )
    return Gate(GateName.GRACE, reason, lasted_s >= TAKEOVER_LASTS_S)


def _suspended_gate(steps: tuple[ActionKind, ...], resource: Resource) -> Gate | None:
    """DRBD 9: I/O that waits for quorum or data comes back with the link, and fails on a demotion.

    `force-io-failures` is set on a Primary whose peers went on without it: whatever it is asked
    for, its writes are lost and its file system broken, which is for a person to see first.
    """
    if resource.force_io_failures:
        reason = (
            "its I/O is made to fail (force-io-failures): the others went on without it; unmount "
            f"it, run `drbdadm secondary {resource.name}`, then it can be connected"
        )
        return Gate(GateName.SUSPENDED, reason, True)
    if ActionKind.SECONDARY in steps and resource.suspended:
        reason = f"its I/O is suspended ({', '.join(resource.suspended)}): it is not demoted"
        return Gate(GateName.SUSPENDED, reason, False)
    return None
