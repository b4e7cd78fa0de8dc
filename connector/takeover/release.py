"""Making this node passive: unmount, demote, and let the ordinary decision bring it together."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from connector.act.lock import lock_within
from connector.errors import ConnectorError, Interrupted, NotPermitted, PassTimedOut
from connector.memory.takeovers import Note
from connector.model import ConnectionState
from connector.model.step import Step, StepKind
from connector.one_pass import one_pass
from connector.report.text import pass_lines
from connector.settings import Settings, TakeoverSettings
from connector.takeover import plan
from connector.takeover.call import Call
from connector.takeover.holders import SHOWN, Holders, Holding, named
from connector.takeover.run import Done, Said, dangers
from connector.takeover.seen import Seen, see
from connector.world import World


@dataclass(frozen=True, slots=True)
class _Releasing:
    """One call, and who holds what it unmounts."""

    call: Call
    holding: Holding


def planned(world: World, settings: Settings, names: Iterable[str]) -> tuple[Done, ...]:
    """What `release` would do now; nothing is changed. Raises as it does."""
    call = Call(world, settings, "release", 0.0, lambda _line: None)
    call.read_notes(touch=False)
    return tuple(
        Done(item.resource.name, _plan(call, item)) for item in see(world, settings, names)
    )


def release(
    world: World,
    settings: Settings,
    names: Sequence[str],
    said: Said,
    holding: Holding | None = None,
) -> tuple[Done, ...]:
    """Unmount in the reverse order and demote each resource; then reconnect what is StandAlone.

    Nothing is undone where a step fails: the next call goes on from there. `holding` None:
    the processes of this machine.

    Raises:
        LockHeld: a pass held the lock for longer than is waited.
        OperatorNeeded: something that no take-over mounted uses a volume.
        NotPermitted, ConnectorError: a step failed; who holds a mount is in the message.
    """
    with lock_within(settings.run.lock, world.clock, settings.takeover.wait_for_lock_s):
        until_s = world.clock.boot_s() + settings.takeover.deadline_s
        call = Call(world, settings, "release", until_s, said)
        call.read_notes()
        work = _Releasing(call, holding or Holders(world.root, world.clock))
        every = [item.resource.name for item in reversed(see(world, settings, names))]
        done = [_one(work, name) for name in every]
    return tuple(_together(world, settings, item, said) for item in done)


def _plan(call: Call, seen: Seen) -> tuple[Step, ...]:
    name = seen.resource.name
    note = call.notes.by_resource.get(name)
    configured = {mount.where for mount in call.settings.mounts.get(name, ())}
    return plan.releasing(seen, configured | (note.wheres if note else frozenset()))


def _one(work: _Releasing, name: str) -> Done:
    call = work.call
    seen = see(call.world, call.settings, [name])[0]
    steps = _plan(call, seen)
    note = call.notes.by_resource.get(name)
    if steps:
        begun = note or Note(call.world.clock.boot_s())
        call.note(name, replace(begun, unfinished=True, releasing=True))
    for step in steps:
        if step.kind is StepKind.UMOUNT:
            _umount(work, step)
        else:
            _demote(work, step, seen.minors)
    if steps or note is not None:
        call.note(name, None)
    if steps:
        call.begin_anew(name)
        after = see(call.world, call.settings, [name])[0].resource
        call.journal(name, "released", after=after)
    return Done(name, steps)


def _umount(work: _Releasing, step: Step) -> None:
    """Unmount; where it is held, name who holds it, or end them as the settings say."""
    call, minors = work.call, [step.minor or 0]
    failure = _tried(call, step)
    for number in _signals(call.settings.takeover):
        if failure is None:
            return
        users = work.holding.users(minors)
        if not users:
            break
        call.said(f"{step.resource}: {number.name} to what holds {step.where}")
        call.said(named(users))
        wait_s = max(0.0, min(call.settings.takeover.kill_after_s, call.time_left_s()))
        work.holding.end(minors, number, wait_s)
        failure = _tried(call, step)
    if failure is not None:
        raise _explained(work, step, minors, failure)


def _signals(settings: TakeoverSettings) -> tuple[signal.Signals, ...]:
    if not settings.kills_holders:
        return ()
    return (signal.Signals[f"SIG{settings.kill_signal}"], signal.SIGKILL)


def _demote(work: _Releasing, step: Step, minors: Sequence[int]) -> None:
    if failure := _tried(work.call, step):
        raise _explained(work, step, minors, failure)


def _tried(call: Call, step: Step) -> ConnectorError | None:
    """Make the step; why it failed, or None. Raises what is nothing of the step's."""
    try:
        call.make(step)
    except (Interrupted, NotPermitted, PassTimedOut):
        raise
    except ConnectorError as error:
        return error
    return None


def _explained(
    work: _Releasing, step: Step, minors: Sequence[int], failure: ConnectorError
) -> ConnectorError:
    """The failure with all that may hold the device or the mount, and what comes next."""
    call, lines = work.call, [str(failure)]
    below = [
        item.where
        for item in see(call.world, call.settings, [step.resource])[0].placed
        if step.where and item.where.startswith(f"{step.where}/")
    ]
    if below:
        lines.append(f"mounted below it: {', '.join(below[:SHOWN])}")
    if users := work.holding.users(minors):
        lines.append(named(users))
    lines.append(f"`connector release {step.resource}` goes on from here")
    return ConnectorError("\n".join(lines))


def _together(world: World, settings: Settings, done: Done, said: Said) -> Done:
    """Have the ordinary decision made now where the nodes are apart, rather than in a minute.

    It belongs to the release and is bounded by it, so the agent keeps all attempts of its own.
    """
    if not done.steps:
        return done
    resource = see(world, settings, [done.resource])[0].resource
    if all(item.connection is not ConnectionState.STANDALONE for item in resource.each):
        return done
    run = replace(settings.run, stays_while_waiting=False, counts_as_attempt=False)
    alone = replace(settings, run=run)
    try:
        report = one_pass(world, alone, resource=done.resource, warn=said)
    except (Interrupted, PassTimedOut):
        raise
    except ConnectorError as error:
        said(f"{done.resource} is released; the pass after it: {error}")
        return done
    for line in pass_lines(report):
        said(line)
    return replace(done, warnings=dangers(see(world, settings, [done.resource])[0]))
