"""Observe and decide without acting: what `status`, `check`, `exporter` and a dry run show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from connector.decide.context import Context
from connector.decide.policy import decide
from connector.errors import UsageError
from connector.model import Decision, Observation, Outcome, OutcomeKind, Resource
from connector.observe.node import look
from connector.report.passes import PassReport, ResourceReport
from connector.settings import Settings
from connector.world import World

if TYPE_CHECKING:
    from connector.memory.store import Memory


def survey(
    world: World, settings: Settings, *, only: str | None = None, dry_run: bool = False
) -> tuple[PassReport, Memory]:
    """What is seen, what would be done about it, and what is remembered; changes nothing.

    With `dry_run` the commands that a pass would run now are in the outcomes.

    Raises:
        NoDrbd, NotPermitted, ConnectorError: as `look`.
        UsageError: there is no resource named `only`.
    """
    # Slow to import, and a healthy pass is here for the other functions.
    from connector.act.execute import rehearse
    from connector.memory.store import context_for, load, moment, remember

    started_wall_s, started_boot_s = world.clock.wall_s(), world.clock.boot_s()
    seen = look(world, settings)
    now = moment(world)
    chosen = choose(seen, only)
    kept = load(settings, now, touch=False)
    # Counted by the pass that keeps it: a counter that is shown and not kept would go down again.
    memory = replace(remember(kept, chosen, now), counters=kept.counters)
    items = []
    for resource in chosen:
        context = context_for(resource, memory, settings, now, world.clock.log_s())
        decision = decide(resource, context)
        outcome = rehearse(decision) if dry_run else Outcome(OutcomeKind.NOTHING)
        items.append(untouched(resource, decision, outcome, paused=context.paused is not None))
    report = PassReport(
        observation=replace(seen, problems=seen.problems + memory.problems),
        resources=tuple(items),
        started_wall_s=started_wall_s,
        duration_s=world.clock.boot_s() - started_boot_s,
        dry_run=dry_run,
        warnings=memory.warnings + unknown_resources(settings, seen),
    )
    return report, memory


def untouched(
    resource: Resource, decision: Decision, outcome: Outcome, *, paused: bool = False
) -> ResourceReport:
    """The report of a resource that nothing was done to."""
    return ResourceReport(
        resource=resource,
        decision=decision,
        outcome=outcome,
        after=resource,
        needs_operator=decision.needs_operator,
        paused=paused,
    )


def choose(seen: Observation, only: str | None) -> tuple[Resource, ...]:
    """All resources, or the one that was asked for.

    Raises:
        UsageError: there is none of that name.
    """
    if only is None:
        return seen.resources
    chosen = tuple(resource for resource in seen.resources if resource.name == only)
    if not chosen:
        # Why the names are not known, say, where that is the reason.
        why = "".join(f"; {problem.message}" for problem in seen.problems if problem.line is None)
        known = _names(seen.resources)
        raise UsageError(f"no resource named {only!r} here; there are: {known}{why}")
    return chosen


def _names(resources: Iterable[Resource]) -> str:
    return ", ".join(resource.name for resource in resources) or "none"


def unknown_resources(settings: Settings, seen: Observation) -> tuple[str, ...]:
    """A warning for each [resource.NAME] that is no resource of this node: often a typing error."""
    known = {resource.name for resource in seen.resources}
    return tuple(
        f"the configuration has [resource.{name}], but there is no such resource here: "
        f"{_names(seen.resources)}"
        for name in settings.by_resource
        if name not in known
    )


def decide_all(
    resources: Iterable[Resource], contexts: Mapping[str, Context]
) -> dict[str, Decision]:
    """The decision about each resource, by name."""
    return {resource.name: decide(resource, contexts[resource.name]) for resource in resources}
