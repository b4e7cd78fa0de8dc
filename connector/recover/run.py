"""Carrying a person's plan out, under the pass's lock and with its journal."""

from __future__ import annotations

import time
from typing import Any

from connector.act import drbdadm
from connector.act.commands import printable
from connector.act.watch import outcome_after, watch
from connector.errors import ConnectorError, NotKept, NotPermitted, OperatorNeeded
from connector.memory import given_up, incidents, journal
from connector.memory.store import moment
from connector.model import (
    Action,
    ActionKind,
    CommandResult,
    ConnectionState,
    Decision,
    DecisionName,
    Outcome,
    OutcomeKind,
    Resource,
)
from connector.observe.processes import processes_using
from connector.recover.current import now
from connector.recover.plan import Plan
from connector.settings import Settings
from connector.world import World

_GOOD = frozenset({drbdadm.CommandOutcome.DONE.value, drbdadm.CommandOutcome.ALREADY.value})


def carry_out(world: World, settings: Settings, found: Plan, settle_s: float) -> Outcome:
    """This node's part of the plan, each command after another look; then the state is watched.

    Raises:
        OperatorNeeded: the state is no longer what the plan was made for.
        ConnectorError: a command failed, or the record of what is given up cannot be kept.
    """
    commands = []
    rescue: str | None = None
    for action in found.actions:
        if action.kind is ActionKind.CONNECT_DISCARD:
            # Before the look, since it may take hours.
            rescue = _keep_whole(world, settings, found.target)
        fresh = now(world, settings, found.target)
        if fresh.picture != action.requires:
            raise OperatorNeeded(
                f"{found.target} changed meanwhile (now {fresh.connection}, {fresh.role}); "
                "nothing more was done, run it again"
            )
        if action.kind is ActionKind.CONNECT_DISCARD:
            _keep_record(world, settings, fresh, action)
        result = drbdadm.run_action(
            action,
            run=world.run,
            drbdadm=settings.run.drbdadm,
            timeout_s=settings.run.command_timeout_s,
            sleep=world.clock.sleep,
            before_retry=lambda: False,
        )
        commands.append(result)
        if result.outcome == drbdadm.CommandOutcome.NOT_PERMITTED.value:
            raise NotPermitted(drbdadm.explain_result(result))
        if result.outcome not in _GOOD:
            raise ConnectorError(drbdadm.explain_result(result) + _holders(world, fresh, result))
    _forget_attempts(world, settings, found.resource)
    outcome = Outcome(OutcomeKind.WAITING, "", tuple(commands), rescue)
    state = follow(world, settings, found.target, settle_s)
    outcome = outcome_after(outcome, {found.target: state})
    _continue_journal(world, settings, found, outcome)
    return outcome


def follow(
    world: World, settings: Settings, target: str, settle_s: float
) -> ConnectionState | None:
    """The state after at most `settle_s` seconds, or as soon as it is connected or StandAlone."""

    def states() -> dict[str, ConnectionState | None]:
        return {target: now(world, settings, target).picture.connection}

    seen = watch(frozenset({target}), states, world.clock, settle_s, lambda: settle_s)
    return seen[target]


def _holders(world: World, resource: Resource, result: CommandResult) -> str:
    """Who holds it open, where that is why drbdadm refused."""
    if result.outcome != drbdadm.CommandOutcome.HELD_OPEN.value:
        return ""
    users = processes_using(world.root, [volume.minor for volume in resource.volumes])
    return "".join(f"\nprocess {user.pid} ({user.name}): {user.what}" for user in users)


def _keep_whole(world: World, settings: Settings, target: str) -> str | None:
    """Keep what is about to be given up; its name, None where there is nothing to keep.

    Raises:
        NotKept: it cannot be kept, and the settings want it to be; nothing was given up.
    """
    # Slow to import, and most plans give nothing up.
    from connector.rescue.before_discard import KEPT_BACK_S, before_discard

    began_s = world.clock.boot_s()

    def time_left_s() -> float:
        used_s = world.clock.boot_s() - began_s
        return settings.rescue.copy_timeout_s + KEPT_BACK_S - used_s

    try:
        return before_discard(
            world,
            settings,
            lambda: now(world, settings, target),
            why="a person's word: connector recover",
            time_left_s=time_left_s,
        )
    except NotKept as error:
        raise NotKept(
            f"nothing was given up, since it cannot be kept first: {error}\n"
            "To give it up all the same, without a copy: CONNECTOR_RESCUE_KEEP=never before this "
            "command"
        ) from error


def _keep_record(world: World, settings: Settings, resource: Resource, action: Action) -> None:
    decision = Decision(
        resource=resource.name,
        name=DecisionName.RECONNECT_STANDBY,
        reason="a person's word: connector recover",
        actions=(action,),
        peer=action.peer,
    )
    try:
        given_up.keep(settings.given_up_dir, resource, decision, world.clock.wall_s())
    except OSError as error:
        raise ConnectorError(
            f"the record of what would be given up cannot be kept in {settings.given_up_dir}: "
            f"{error.strerror}; nothing was given up"
        ) from error


def _forget_attempts(world: World, settings: Settings, name: str) -> None:
    """A person has taken over: the agent may try again afterwards."""
    try:
        known, _ = incidents.load(settings.incidents_file, moment(world).boot_id)
        incidents.save(settings.incidents_file, known.closed(name))
    except OSError as error:
        raise ConnectorError(f"{settings.incidents_file}: {error.strerror}") from error


def _continue_journal(world: World, settings: Settings, found: Plan, outcome: Outcome) -> None:
    entry: dict[str, Any] = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(world.clock.wall_s())),
        "recover": found.resource,
        "commands": [printable(action) for action in found.actions],
        "outcome": outcome.kind,
        "detail": outcome.detail,
    }
    try:
        journal.append(settings.journal_file, entry)
    except OSError as error:
        raise ConnectorError(f"{settings.journal_file}: {error.strerror}") from error
