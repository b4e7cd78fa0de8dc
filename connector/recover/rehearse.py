"""A rehearsal by the kernel: `connect --tentative` shakes hands, says what it would do, and parts.

Measured on DRBD 8.4.11: whichever node connects first, this one is StandAlone afterwards and the
other one waits (WFConnection); data and generation identifiers are as they were. The handlers of a
split brain are called as by a real handshake. A wish to discard that waits on the other node is
used up. Two nodes that rehearse at once shake hands again and again until one is disconnected.
On DRBD 9 it is no rehearsal: it joins diverged data without a resync.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from connector.act.answers import CommandOutcome, classify
from connector.errors import ConnectorError, Interrupted, NotPermitted, OperatorNeeded
from connector.model import ActionKind, ConnectionState, Generation, Resource, Role
from connector.names import why_not
from connector.observe import kernel_log
from connector.observe.kernel_log import LogRecord
from connector.observe.node import connections, look
from connector.recover.current import now
from connector.recover.rehearsed import Answer, answer_in
from connector.settings import Settings
from connector.world import World

# The other node may still have to be told to connect: by hand, which takes longer than a watch.
WAIT_IN_SETTLES = 3
PARTING_S = 10.0
POLL_S = 0.5
# after-sb policies whose handler, by DRBD's own example, reboots the node; asked in the handshake.
_REBOOTS = "call-pri-lost-after-sb"


def wrong_kernel(version: str | None) -> str | None:
    """Why this version of the kernel's DRBD cannot rehearse; None where it can."""
    if version is not None and version.startswith("8.4."):
        return None
    return (
        f"the kernel has DRBD {version or 'of an unknown version'}: a rehearsal is one on 8.4 "
        "only; on DRBD 9 it joins diverged data without a resync"
    )


def forbidden(resource: Resource, *, discard: bool) -> str | None:
    """Why no rehearsal may be made of a resource that looks like this; None where it may."""
    name = resource.name
    if resource.generation is Generation.NINE:
        return "on DRBD 9 a rehearsal joins diverged data without a resync"
    if resource.connection is not ConnectionState.STANDALONE:
        return f"{name} is {resource.connection or 'in an unknown state'}: it must be StandAlone"
    if discard and resource.in_use is not False:
        return f"{name} is in use here, so its changes cannot be given up"
    if discard and resource.role is Role.PRIMARY:
        return (
            f"{name} is Primary here, and a rehearsal demotes nothing: `drbdadm secondary {name}`"
        )
    policies = resource.after_sb
    if _REBOOTS in (policies.one_primary, policies.two_primaries):
        return f"drbd.conf has {_REBOOTS}: that handler would be called, and may reboot a node"
    return why_not(name)


def wait_s(settings: Settings) -> float:
    """For how long the other node is waited for, in seconds."""
    return settings.run.settle_s * WAIT_IN_SETTLES


def rehearse(world: World, settings: Settings, resource: Resource, *, discard: bool) -> Answer:
    """Let DRBD say what `connect` would do, and see to it that all is as it was.

    To be called with the pass's lock. The other node must be waiting, or begin to within `wait_s`.

    Raises:
        OperatorNeeded: it may not be made here, or this node is not as it was before.
        NotPermitted, ConnectorError: drbdadm or the kernel log failed.
        Interrupted: a signal came; the wait was taken back.
    """
    version = look(world, settings).proc.version
    reason = wrong_kernel(version) or forbidden(resource, discard=discard)
    if reason is not None:
        raise OperatorNeeded(f"no rehearsal: {reason}")
    before = _records(world)
    since_s = before[-1].at_s if before else -1.0
    options = ("--discard-my-data",) if discard else ()
    with _ended_tidily():
        try:
            _run(world, settings, "connect", "--tentative", *options, resource.name)
            answer = _wait(world, resource, since_s, wait_s(settings))
        finally:
            _leave(world, settings, resource)
    return answer


@contextmanager
def _ended_tidily() -> Iterator[None]:
    """A signal, or a login that is lost, becomes an exception, so that the wait is taken back.

    Another one changes nothing: what is left to do has limits of its own.
    """
    ending = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in ending}

    def asked_to_end(number: int, _frame: FrameType | None) -> None:
        for each in ending:
            signal.signal(each, signal.SIG_IGN)
        raise Interrupted(number)

    for number in ending:
        signal.signal(number, asked_to_end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait(world: World, resource: Resource, since_s: float, limit_s: float) -> Answer:
    """The answer, once there is one; the empty one where the nodes do not meet."""
    of_minor = {volume.minor: resource.name for volume in resource.volumes}
    until_s = world.clock.boot_s() + limit_s
    while True:
        fresh = [record for record in _records(world) if record.at_s > since_s]
        found = answer_in(fresh, resource.name, of_minor)
        if found.met or world.clock.boot_s() >= until_s:
            return found
        world.clock.sleep(POLL_S)


def _leave(world: World, settings: Settings, resource: Resource) -> None:
    """StandAlone again, whatever happened; and a loud word where it is not.

    The kernel sees to it once the nodes have met. Where they have not, the wait is taken back.
    """
    name = resource.name
    until_s = world.clock.boot_s() + PARTING_S
    while (state := _state(world, settings, resource)) is not ConnectionState.STANDALONE:
        if world.clock.boot_s() >= until_s:
            break
        if state is ConnectionState.WF_CONNECTION:
            # That it fails where the kernel was quicker does not matter: the state is read again.
            argv = (settings.run.drbdadm, "disconnect", name)
            world.run(argv, settings.run.command_timeout_s)
        world.clock.sleep(POLL_S)
    after = now(world, settings, name)
    if after.connection is not ConnectionState.STANDALONE or after.role is not resource.role:
        raise OperatorNeeded(
            f"ATTENTION: the rehearsal has left {name} {after.connection or 'in no known state'}, "
            f"{after.role or 'role unknown'}; before it was StandAlone, {resource.role}. "
            f"Type `drbdadm disconnect {name}` before anything else, and look at both nodes"
        )


def _state(world: World, settings: Settings, resource: Resource) -> ConnectionState | None:
    return connections(world, settings, [resource])[resource.name]


def _run(world: World, settings: Settings, *words: str) -> None:
    argv = (settings.run.drbdadm, *words)
    done = world.run(argv, settings.run.command_timeout_s)
    outcome = classify(done, ActionKind.CONNECT)
    ended = "it did not end in time" if done.timed_out else f"exit status {done.exit_status}"
    said = done.error or " ".join(done.stderr.split())[:300] or ended
    if outcome is CommandOutcome.NOT_PERMITTED:
        raise NotPermitted(f"`{' '.join(argv)}` was not permitted: {said}")
    if done.exit_status != 0:
        raise ConnectorError(f"`{' '.join(argv)}` failed: {said}")


def _records(world: World) -> tuple[LogRecord, ...]:
    try:
        return kernel_log.parse_records(kernel_log.read(world.root))
    except OSError as error:
        raise ConnectorError(
            f"the kernel log cannot be read ({error.strerror}), and only it tells the answer"
        ) from error
