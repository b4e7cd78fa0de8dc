"""All that earlier passes left, read and written together under the pass's lock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from connector.act.commands import kind_of
from connector.decide.context import Context
from connector.errors import ConnectorError
from connector.memory import counters as counters_file
from connector.memory import incidents as incidents_file
from connector.memory import pauses as pauses_file
from connector.memory import takeovers as takeovers_file
from connector.memory.counters import Key
from connector.memory.incidents import Incidents
from connector.memory.pauses import EVERY_RESOURCE, Moment, Pause
from connector.memory.takeovers import Takeovers
from connector.model import HEALTHY, Action, ActionKind, Decision, Outcome, Problem, Resource
from connector.settings import Settings
from connector.world import World


@dataclass(frozen=True, slots=True)
class Memory:
    """Incidents, pauses, counters and take-overs, and what was wrong with their files.

    A warning is for reading; a problem needs a person before anything is done again.
    """

    incidents: Incidents
    pauses: Mapping[str, Pause]
    counters: Counter[Key]
    warnings: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    takeovers: Takeovers = field(default_factory=lambda: Takeovers(""))

    def with_incidents(self, incidents: Incidents) -> Memory:
        """The same with other incidents."""
        return replace(self, incidents=incidents)

    def counted(self, *key: str, by: int = 1) -> Memory:
        """The same with a counter raised."""
        return replace(self, counters=self.counters + Counter({key: by}))

    def counted_problems(self, number: int) -> Memory:
        """The same with so many more things that could not be read."""
        return self.counted(counters_file.PARSE_PROBLEMS, by=number)

    def counted_commands(self, outcomes: Mapping[str, Outcome]) -> Memory:
        """The same with every command that was run."""
        memory = self
        for name, outcome in outcomes.items():
            for command in outcome.commands:
                kind = kind_of(command.argv)
                memory = memory.counted(counters_file.ACTIONS, name, kind, command.outcome)
        return memory


def moment(world: World) -> Moment:
    """Now, on this world's clocks."""
    return Moment(world.clock.wall_s(), world.clock.boot_s(), world.boot_id())


def load(settings: Settings, now: Moment, *, touch: bool = True) -> Memory:
    """What is remembered; unreadable or damaged incidents make the pass only observe.

    With `touch` false nothing on disk is changed: a damaged file is not set aside. Then it is for
    looking only, so a record of pauses that cannot be read counts as a pause of everything.

    Raises:
        ConnectorError: the record of pauses cannot be read, and `touch` is true: then nothing may
            be done.
    """
    warnings: list[str | None] = []
    problems: list[Problem] = []
    try:
        incidents, warning = incidents_file.load(settings.incidents_file, now.boot_id, touch=touch)
        warnings.append(warning)
    except OSError as error:
        incidents = Incidents(now.boot_id, lost=True)
        warnings.append(f"{settings.incidents_file}: {error.strerror}. This pass only observes.")
    counters: Counter[Key] = Counter()
    try:
        counters, warning = counters_file.load(settings.counters_file, touch=touch)
        warnings.append(warning)
    except OSError as error:
        warnings.append(f"{settings.counters_file}: {error.strerror}; counted anew")
    takeovers, warning = takeovers_file.load(settings.takeover_file, now, touch=touch)
    warnings.append(warning)
    try:
        pauses = pauses_file.load(settings.pauses_file)
    except ConnectorError as error:
        if touch:
            raise
        pauses = {EVERY_RESOURCE: pauses_file.unclear(now)}
        problems.append(Problem(None, str(error)))
    told = tuple(text for text in warnings if text)
    return Memory(incidents, pauses, counters, told, tuple(problems), takeovers)


def remember(memory: Memory, resources: Iterable[Resource], now: Moment) -> Memory:
    """The same with what is seen now: a healthy resource ends its incident.

    A resync is not yet the end: one that is cut off again and again would be tried for ever.
    """
    for resource in resources:
        names = _names(resource)
        memory = memory.with_incidents(memory.incidents.named(resource.name, names))
        for name, item in zip(names, resource.each, strict=True):
            if item.picture.connection in HEALTHY:
                ended = memory.incidents.by_resource.get(name)
                if ended is not None and ended.acted:
                    memory = memory.counted(counters_file.RECOVERIES, resource.name)
                memory = memory.with_incidents(memory.incidents.closed(name))
            else:
                seen = memory.incidents.seen(name, item.picture, now.boot_s)
                memory = memory.with_incidents(seen)
    return memory


def _names(resource: Resource) -> list[str]:
    """Under which name each connection is remembered: the resource's own where there is one."""
    if len(resource.connections) <= 1:
        return [resource.name]
    return [f"{resource.name}:{item.peer}" for item in resource.connections]


def with_attempts(
    memory: Memory, decisions: Mapping[str, Decision], *, count: bool = True
) -> Memory:
    """The same with each decision that acts noted, and counted as an attempt unless told not to."""
    for name, decision in decisions.items():
        several = len(decision.connections) > 1
        for item in decision.connections if several else (decision,):
            if item.actions:
                incidents = memory.incidents.attempted(
                    f"{name}:{item.peer}" if several else name,
                    discarding=any(map(_stays_pending, item.actions)),
                    counts=count,
                )
                memory = memory.with_incidents(incidents)
    return memory


def _stays_pending(action: Action) -> bool:
    """On 8.4 no discard is ever taken back, so there is none to remember."""
    return action.kind is ActionKind.CONNECT_DISCARD and action.peer is not None


def keep(settings: Settings, memory: Memory) -> str | None:
    """Write incidents and counters; why they could not be written, or None."""
    try:
        incidents_file.save(settings.incidents_file, memory.incidents)
        if memory.counters:
            counters_file.save(settings.counters_file, memory.counters)
    except OSError as error:
        place = error.filename or settings.run.state_dir
        return f"the attempts cannot be written down ({place}: {error.strerror})"
    return None


def contexts_for(
    resources: Iterable[Resource],
    memory: Memory,
    settings: Settings,
    now: Moment,
    log_now_s: float,
) -> dict[str, Context]:
    """`context_for` for each resource, by name."""
    return {
        resource.name: context_for(resource, memory, settings, now, log_now_s)
        for resource in resources
    }


def context_for(
    resource: Resource, memory: Memory, settings: Settings, now: Moment, log_now_s: float
) -> Context:
    """What the decision about one resource needs to know besides the resource."""
    policy = settings.policy_for(resource.name)
    paused = pauses_file.reason_for(memory.pauses, resource.name, now)
    each = [
        Context(
            policy=policy,
            attempts=memory.incidents.attempts(name),
            picture_age_s=memory.incidents.age_s(name, item.picture, now.boot_s),
            log_now_s=log_now_s,
            paused=paused,
            settle_s=settings.run.settle_s,
            memory_lost=memory.incidents.lost,
            discard_pending=memory.incidents.discarding(name),
            takeover_unfinished_s=memory.takeovers.unfinished_s(resource.name, now.boot_s),
        )
        for name, item in zip(_names(resource), resource.each, strict=True)
    ]
    if len(each) == 1:
        return each[0]
    peers = [item.peer for item in resource.connections]
    return replace(each[0], by_peer=dict(zip(peers, each, strict=True)))
