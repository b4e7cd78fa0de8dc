"""One pass: observe, decide, act, report."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from connector.decide.context import Context
from connector.decide.policy import decide
from connector.model import Decision, DecisionName, Observation, Outcome, OutcomeKind, Resource
from connector.observe.node import connections, look
from connector.report.passes import PassReport, ResourceReport
from connector.rescue.due import is_due
from connector.settings import Settings
from connector.survey import choose, decide_all, unknown_resources, untouched
from connector.world import World

if TYPE_CHECKING:
    from connector.act.execute import Hands
    from connector.memory.store import Memory

# Kept back of the pass's time for the last look, the journal and the metrics.
REPORT_TIME_S = 3.0


def reconcile(world: World, settings: Settings, *, only: str | None = None) -> PassReport:
    """One pass over all resources, or over the one named `only`.

    A node where everything is healthy and nothing is remembered is left at the first look: no
    lock is taken, no process started, and what only an acting pass needs is not even imported.
    Where the settings say not to look before locking, that first look is left out.

    Raises:
        NoDrbd, NotPermitted, ConnectorError, UsageError: as `look` and `choose`.
        LockHeld: another pass is at work.
    """
    start = _Start(world, settings)
    if settings.run.looks_before_locking:
        seen = look(world, settings)
        quiet = _quiet(choose(seen, only), seen, settings, start.wall_s)
        if quiet is not None:
            return start.report(seen, quiet, unknown_resources(settings, seen))
    from connector.act.lock import pass_lock

    with pass_lock(settings.run.lock):
        return _locked(start, only)


def _quiet(
    chosen: tuple[Resource, ...], seen: Observation, settings: Settings, now_wall_s: float
) -> tuple[ResourceReport, ...] | None:
    """The reports of a node with nothing to do and nothing to remember; None for any other."""
    if seen.problems or settings.incidents_file.exists() or settings.pauses_file.exists():
        return None
    if is_due(settings, now_wall_s):
        return None
    reports = []
    for resource in chosen:
        decision = decide(resource, Context(policy=settings.policy_for(resource.name)))
        if decision.name is not DecisionName.HEALTHY or decision.needs_operator:
            return None
        reports.append(untouched(resource, decision, Outcome(OutcomeKind.NOTHING)))
    return tuple(reports)


class _Start:
    """When the pass began, and what it works with."""

    def __init__(self, world: World, settings: Settings) -> None:
        self.world = world
        self.settings = settings
        self.wall_s = world.clock.wall_s()
        self.boot_s = world.clock.boot_s()

    def time_left_s(self) -> float:
        """What is left of the pass's time for acting and watching, in seconds."""
        used_s = self.world.clock.boot_s() - self.boot_s
        return self.settings.run.deadline_s - REPORT_TIME_S - used_s

    def report(
        self, seen: Observation, items: tuple[ResourceReport, ...], warnings: tuple[str, ...] = ()
    ) -> PassReport:
        """The pass as it ends now."""
        duration_s = self.world.clock.boot_s() - self.boot_s
        return PassReport(seen, items, self.wall_s, duration_s, warnings=warnings)


def _locked(start: _Start, only: str | None) -> PassReport:
    """The pass that holds the lock."""
    from connector.act.carry_out import carry_out, leaves_alone
    from connector.memory import store

    world, settings = start.world, start.settings
    seen = look(world, settings)
    resources = choose(seen, only)
    now = store.moment(world)
    memory = store.remember(store.load(settings, now), resources, now)
    contexts = store.contexts_for(resources, memory, settings, now, world.clock.log_s())
    decisions = decide_all(resources, contexts)
    stays = settings.run.stays_while_waiting
    # Counted before they are made, so that a killed pass counts too. Attempts that cannot be
    # written down cannot be bounded: then nothing is done.
    memory = store.with_attempts(memory, decisions, count=settings.run.counts_as_attempt)
    memory = memory.counted_problems(len(seen.problems))
    not_kept = store.keep(settings, memory)
    outcomes = carry_out(
        decisions,
        contexts,
        _hands(start, resources),
        states=lambda: connections(world, settings, resources),
        settle_s=settings.run.settle_s,
        why_not=not_kept,
        stays_while_waiting=stays,
    )
    memory = memory.counted_commands(outcomes)
    warnings = (
        *memory.warnings,
        *unknown_resources(settings, seen),
        *(text for text in (not_kept, store.keep(settings, memory)) if text),
    )
    items = tuple(
        untouched(
            resource,
            decisions[resource.name],
            outcomes[resource.name],
            paused=contexts[resource.name].paused is not None,
        )
        for resource in resources
    )
    if not leaves_alone(decisions.values(), stays_while_waiting=stays):
        items = _judged(start, items, memory)
    warnings = (*warnings, *_rescues(start, items))
    return start.report(seen, items, tuple(dict.fromkeys(warnings)))


def _rescues(start: _Start, items: tuple[ResourceReport, ...]) -> tuple[str, ...]:
    """Have an eye on what is kept, where it is time for that; what to tell of it."""
    if not is_due(start.settings, start.wall_s):
        return ()
    from connector.rescue.attend import attend

    return attend(start.world, start.settings, tuple(item.after for item in items))


def _judged(
    start: _Start, items: tuple[ResourceReport, ...], memory: Memory
) -> tuple[ResourceReport, ...]:
    """The same with the last look: how each resource is now, and whether it needs a person."""
    from connector.memory import store

    world, settings = start.world, start.settings
    last = {resource.name: resource for resource in look(world, settings).resources}
    log_now_s = world.clock.log_s()
    contexts = store.contexts_for(last.values(), memory, settings, store.moment(world), log_now_s)
    judged = []
    for item in items:
        name = item.resource.name
        if name in last:
            needs_operator = decide(last[name], contexts[name]).needs_operator
            item = replace(item, after=last[name], needs_operator=needs_operator)
        judged.append(item)
    return tuple(judged)


def _hands(start: _Start, decided_upon: tuple[Resource, ...]) -> Hands:
    """What acting needs of this world, and of the resources that were decided upon."""
    from connector.act.execute import Hands
    from connector.memory import given_up

    world, settings = start.world, start.settings
    resources = {resource.name: resource for resource in decided_upon}

    def look_again(name: str) -> Resource | None:
        seen = look(world, settings)
        return next((resource for resource in seen.resources if resource.name == name), None)

    def before_discard(decision: Decision) -> None:
        resource = resources[decision.resource]
        given_up.keep(settings.given_up_dir, resource, decision, world.clock.wall_s())

    def rescue(decision: Decision) -> str | None:
        # Slow to import, and most passes give nothing up.
        from connector.rescue.before_discard import before_discard as keep_first

        return keep_first(
            world,
            settings,
            lambda: look_again(decision.resource),
            why=f"a pass, {decision.name}: {decision.reason}",
            time_left_s=start.time_left_s,
        )

    return Hands(
        run=world.run,
        drbdadm=settings.run.drbdadm,
        command_timeout_s=settings.run.command_timeout_s,
        clock=world.clock,
        look_again=look_again,
        before_discard=before_discard,
        rescue=rescue,
        time_left_s=start.time_left_s,
    )
