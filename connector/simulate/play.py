"""A story played on a simulated pair with the real agents, scene by scene."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from connector.act.commands import printable
from connector.decide.context import Policy
from connector.errors import ConnectorError
from connector.memory import incidents, pauses
from connector.memory.pauses import Pause
from connector.memory.store import moment
from connector.model import ESTABLISHED, Mode
from connector.reconcile import reconcile
from connector.recover import run as recovery
from connector.recover.current import now
from connector.recover.plan import plan
from connector.report.passes import PassReport
from connector.report.publish import publish
from connector.settings import RunSettings, Settings
from connector.simulate.configuration import NODES
from connector.simulate.events import BETA
from connector.simulate.pair import SimulatedPair
from connector.simulate.steps import MAIL, Step, Story

MINUTE_S = 60.0
_FOLLOW_S = 30.0  # how long a person looks on after `connector recover`


@dataclass(frozen=True, slots=True)
class NodePass:
    """One pass of cron on a node: its report, or why it ended without one."""

    node: str
    report: PassReport | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """What is to be seen at once: a step, or one minute of it.

    `minute` counts cron's minutes of the step from 1, and is 0 where cron does not run. `happened`
    is what people typed and what befell the nodes. `states` are the lines with the states in each
    node's /proc/drbd; a node without power has none.
    """

    step: Step
    minute: int
    happened: tuple[str, ...]
    passes: tuple[NodePass, ...]
    states: Mapping[str, tuple[str, ...]]


class Play:
    """A story on its pair, each node's files in a folder of its own below `folder`."""

    def __init__(self, story: Story, folder: Path, mode: Mode | None = None) -> None:
        """`mode` is the story's own where none is given."""
        self.story = story
        self.mode = mode or story.mode
        self.pair = SimulatedPair(story.resources)
        self.worlds = {node: self.pair.world(node, folder / node) for node in NODES}
        self.settings = {
            node: Settings(
                policy=Policy(mode=self.mode),
                run=RunSettings(state_dir=folder / node / "state", lock=folder / node / "lock"),
            )
            for node in NODES
        }
        self._happened: list[str] = []

    @property
    def ended_well(self) -> bool:
        """Whether the story has ended as it promises."""
        return self.together is not bool(self.story.left_to_a_person)

    @property
    def together(self) -> bool:
        """Whether both nodes are connected, with every resource."""
        return all(
            self.pair.connection(node, resource.name) in ESTABLISHED
            for node in NODES
            for resource in self.story.resources
        )

    def scenes(self) -> Iterator[Scene]:
        """The story from its beginning to its end, as it happens; once."""
        for step in self.story.steps:
            for event in step.events:
                self._happened.append(event.words)
                event.happen(self)
            if not step.minutes:
                yield self._scene(step)
            for minute in range(1, step.minutes + 1):
                passes = self._minute()
                over = step.until_together and self.together
                if step.every or over or minute == step.minutes:
                    yield self._scene(step, minute, passes)
                if over:
                    break

    def numbered(self) -> Iterator[tuple[int, Scene]]:
        """The scenes, each with its step's number from 1."""
        number, step = 0, None
        for scene in self.scenes():
            number, step = number + (scene.step is not step), scene.step
            yield number, scene

    def ending(self) -> tuple[str, tuple[str, ...]]:
        """How it has ended, in a few words, and what is to be said of it."""
        if self.story.left_to_a_person:
            return self.story.left_to_a_person[0], self.story.left_to_a_person[1:]
        if not self.together:
            return "Still apart.", ()
        kept = self.pair.blocks(BETA, MAIL.name)
        lines = [f"beta's copy of mail now: {', '.join(kept.values())}"] if kept else []
        return "Together again.", (*lines, *self._given_up())

    def _given_up(self) -> Iterator[str]:
        for node, settings in self.settings.items():
            for path in sorted(settings.given_up_dir.glob("*.json")):
                yield f"what {node} gave up is on record there: given-up/{path.name}"
            for path in sorted(settings.rescues_dir.glob("[0-9]*")):
                yield f"and was kept there whole before: rescues/{path.name}"

    def _scene(self, step: Step, minute: int = 0, passes: tuple[NodePass, ...] = ()) -> Scene:
        happened, self._happened = tuple(self._happened), []
        states = {node: self.states(node) for node in NODES}
        return Scene(step, minute, happened, passes, states)

    def states(self, node: str) -> tuple[str, ...]:
        """The lines with the states in the node's /proc/drbd; none without power."""
        if not self.pair.state.nodes[node].up:
            return ()
        text = (self.worlds[node].root / "proc/drbd").read_text(encoding="utf-8")
        return tuple(line for line in text.splitlines() if "cs:" in line)

    def _minute(self) -> tuple[NodePass, ...]:
        """Cron's passes on the nodes that are up, and the rest of the minute."""
        began_s = self.pair.state.now_s
        passes = tuple(self._pass(node) for node in NODES if self.pair.state.nodes[node].up)
        self.pair.sleep(max(1.0, MINUTE_S - (self.pair.state.now_s - began_s)))
        return passes

    def _pass(self, node: str) -> NodePass:
        world, settings = self.worlds[node], self.settings[node]
        try:
            return NodePass(node, publish(reconcile(world, settings), world, settings))
        except ConnectorError as error:
            return NodePass(node, None, str(error))

    # What a person types to connector: the same records as the commands leave.

    def pause(self, node: str, resource: str, *, for_s: float, reason: str) -> None:
        """`connector pause RESOURCE --for TIME --reason TEXT`."""
        now, path = moment(self.worlds[node]), self.settings[node].pauses_file
        paused = Pause(
            reason=reason,
            since_wall_s=now.wall_s,
            until_wall_s=now.wall_s + for_s,
            until_boot_s=now.boot_s + for_s,
            boot_id=now.boot_id,
        )
        pauses.save(path, {**pauses.load(path), resource: paused})

    def resume(self, node: str, resource: str) -> None:
        """`connector resume RESOURCE`."""
        settings = self.settings[node]
        kept = dict(pauses.load(settings.pauses_file))
        kept.pop(resource, None)
        pauses.save(settings.pauses_file, kept)
        known, _ = incidents.load(settings.incidents_file, moment(self.worlds[node]).boot_id)
        incidents.save(settings.incidents_file, known.closed(resource))

    def recover(self, node: str, resource: str, *, discard: bool) -> None:
        """`connector recover RESOURCE` with a person's word, who types the name when asked."""
        world, settings = self.worlds[node], self.settings[node]
        found = plan(now(world, settings, resource), discard=discard)
        outcome = recovery.carry_out(world, settings, found, _FOLLOW_S)
        self._happened += [f"ran: {printable(action)}" for action in found.actions]
        self._happened.append(f"{resource}: {outcome.kind}: {outcome.detail}")
