"""Making this node the active one, and taking that back where a step fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from connector.act.lock import lock_within
from connector.errors import ConnectorError, OperatorNeeded
from connector.memory.takeovers import Note
from connector.model.step import Step, StepKind
from connector.settings import Settings
from connector.takeover import mount_points, plan
from connector.takeover.call import POLL_S, Call
from connector.takeover.seen import Seen, see
from connector.world import World

Said = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Done:
    """What came of one resource: its steps, none where nothing was left to do, and warnings."""

    resource: str
    steps: tuple[Step, ...] = ()
    warnings: tuple[str, ...] = ()


def planned(
    world: World, settings: Settings, names: Iterable[str], *, peer_is_gone: bool = False
) -> tuple[Done, ...]:
    """What `take_over` would do now; nothing is changed, nor waited for. Raises as it does."""
    return tuple(
        Done(item.resource.name, _plan(settings, item, peer_is_gone), dangers(item))
        for item in see(world, settings, names)
    )


def take_over(
    world: World,
    settings: Settings,
    names: Sequence[str],
    said: Said,
    *,
    peer_is_gone: bool = False,
) -> tuple[Done, ...]:
    """Promote, check and mount each resource in its order; all of them, or none.

    Where a step fails, all that this call did is undone in the reverse order, and what a killed
    call before it left. A killed call is completed by the next one.

    Raises:
        LockHeld: a pass held the lock for longer than is waited.
        OperatorNeeded: the peer is Primary, the data are not good enough, fsck found damage, or
            what was done cannot be undone.
        ConfigurationError, NotPermitted, ConnectorError: it failed, and was undone.
    """
    with lock_within(settings.run.lock, world.clock, settings.takeover.wait_for_lock_s):
        until_s = world.clock.boot_s() + settings.takeover.deadline_s
        call = Call(world, settings, "takeover", until_s, said)
        call.read_notes()
        every = [item.resource.name for item in see(world, settings, names)]
        try:
            done = [_one(call, name, peer_is_gone) for name in every]
        except ConnectorError as error:
            _undo(call, error)
            raise
        after = see(world, settings, every)
        for item, seen in zip(done, after, strict=True):
            _finish(call, item, seen)
        return tuple(
            replace(item, warnings=dangers(seen)) for item, seen in zip(done, after, strict=True)
        )


def dangers(seen: Seen) -> tuple[str, ...]:
    """What nobody may overlook on an active node: that another one may be active as well."""
    name = seen.resource.name
    warnings = []
    if seen.primary_peers and not seen.secondary:
        peers = ", ".join(seen.primary_peers)
        warnings.append(f"{name} is Primary on {peers} too: BOTH NODES ARE ACTIVE")
    if seen.resource.split_brain:
        warnings.append(
            f"{name}: split brain, the other node has changes of its own: see `connector recover "
            f"{name}`"
        )
    return tuple(warnings)


def _one(call: Call, name: str, peer_is_gone: bool) -> Done:
    call.tried.append(name)
    seen = _settled(call, name)
    steps = _plan(call.settings, seen, peer_is_gone)
    known = call.notes.by_resource.get(name)
    if not steps:
        return Done(name)
    mount_points.must_be_there(steps)
    now_s = call.world.clock.boot_s()
    note = replace(known or Note(now_s), since_s=now_s, unfinished=True, releasing=False)
    call.note(name, note)
    call.begin_anew(name)
    for step in steps:
        note = note.begun(step)
        call.note(name, note)
        call.make(step)
        _must_have_worked(call, step)
    return Done(name, steps)


def _plan(settings: Settings, seen: Seen, peer_is_gone: bool) -> tuple[Step, ...]:
    mounts = settings.mounts.get(seen.resource.name, ())
    steps = plan.take_over(seen, mounts, leaving_peers=peer_is_gone)
    promotes = any(step.kind is StepKind.PRIMARY for step in steps)
    if promotes and seen.primary_peers and not peer_is_gone:
        raise OperatorNeeded(
            f"{seen.resource.name} is Primary on {', '.join(seen.primary_peers)}: release it there "
            "first; if that node is fenced and DRBD has not noticed, say --peer-is-gone; nothing "
            "was done"
        )
    return steps


def _settled(call: Call, name: str) -> Seen:
    """The resource, once its peer is no longer Primary and the picture is clear; or time is up."""
    until_s = call.world.clock.boot_s() + call.settings.takeover.wait_for_peer_s
    while True:
        seen = see(call.world, call.settings, [name])[0]
        peer_is_active = seen.primary_peers and not seen.primary
        if not peer_is_active and not plan.uncertain(seen):
            return seen
        if min(until_s - call.world.clock.boot_s(), call.time_left_s()) <= 0:
            return seen
        call.world.clock.sleep(POLL_S)


def _must_have_worked(call: Call, step: Step) -> None:
    """drbdadm also says that it has done what its killed drbdsetup has not."""
    seen = see(call.world, call.settings, [step.resource])[0]
    top = seen.top_of(step.where) if step.kind is StepKind.MOUNT else None
    mounted = top is not None and top.minor == step.minor
    if (step.kind is StepKind.PRIMARY and not seen.primary) or (
        step.kind is StepKind.MOUNT and not mounted
    ):
        raise ConnectorError(
            f"{step.resource}: `{step.kind}` ended without an error and did not do it: see dmesg"
        )


def _finish(call: Call, done: Done, seen: Seen) -> None:
    known = call.notes.by_resource.get(done.resource)
    if known is not None and (known.unfinished or known.releasing):
        call.note(done.resource, replace(known.finished(), releasing=False))
    if done.steps:
        call.begin_anew(done.resource)
        call.journal(done.resource, "taken-over", after=seen.resource)


def _undo(call: Call, error: ConnectorError) -> None:
    """Take back what this call did, and what a killed one left of the same resources.

    Raises:
        OperatorNeeded: that cannot be done; with the reason for the failure before it.
    """
    notes = call.notes.by_resource
    undone = False
    for name in [n for n in reversed(call.tried) if n in notes and notes[n].unfinished]:
        note = notes[name]
        try:
            for step in reversed(note.open):
                seen = see(call.world, call.settings, [name])[0]
                back = plan.undoing(step, seen)
                if back is not None:
                    call.make(back, call.settings.takeover.command_timeout_s)
                    undone = True
            call.note(name, replace(note, open=(), unfinished=False) if note.own else None)
        except ConnectorError as second:
            raise OperatorNeeded(
                f"{error}\n{name}: NOT undone: {second}; `connector release {name}` tries it again"
            ) from error
        call.journal(name, "undone", detail=str(error))
    if undone:
        call.said("what was done was undone")
