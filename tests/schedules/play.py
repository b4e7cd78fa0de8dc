"""Plays a schedule: the pair, both nodes' connector, the service, and what happens to them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connector.model import DecisionName
from connector.simulate import SimulatedPair

from . import rules
from .agent import Agent, settings_of
from .ending import progress
from .facts import NODES, Violation
from .happenings import HAPPENINGS
from .hub import Hub, Process
from .schedule import Happening, Schedule
from .service import Service
from .witness import Witness

MINUTE_S = 60.0
SETTLE_S = 240.0  # after the last fault, until only connector has something to do


class WatchedPair(SimulatedPair):
    """The pair, with a witness of what happens by itself."""

    witness: Witness | None = None

    def happen(self, kind: str, resource: str) -> None:
        """As the pair does it, seen from both ends."""
        if self.witness is None:
            super().happen(kind, resource)
            return
        primaries = frozenset(
            node
            for node in NODES
            if any(volume.primary for volume in self.side(node, resource).volumes)
        )
        self.witness.step_began(kind, resource)
        super().happen(kind, resource)
        self.witness.step_ended(kind, resource, primaries)


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a schedule: how much was tried, and what is wrong, if something is."""

    passes: int
    commands: int
    handshakes: int
    healed: int
    lost: int
    ended: str
    violation: Violation | None = None


class Play:
    """One schedule being played in `folder`, which is empty."""

    def __init__(
        self,
        schedule: Schedule,
        folder: Path,
        *,
        witness: Witness | None = None,
        tell: Callable[[str, str], None] | None = None,
    ) -> None:
        """`tell` gets the node and a line for each thing that is worth a line."""
        setup = schedule.setup
        random.seed(setup.seed)  # tenacity's
        self.schedule = schedule
        self.tell = tell or (lambda _node, _text: None)
        self.witness = witness or Witness(setup.mode)
        self.pair = WatchedPair(setup.resources, seed=setup.seed)
        self.agents = {
            node: Agent(self.pair, node, folder / node, settings_of(folder / node, setup))
            for node in NODES
        }
        self.hub = Hub(self.pair, self._resumed)
        self.beats_arrive = dict.fromkeys(NODES, True)  # those that a node sends
        self.services = {node: Service(self.pair, node, setup, self.witness) for node in NODES}
        self.began_s = self.pair.state.now_s
        self.witness.watch(self.pair, self.agents)
        self.pair.witness = self.witness

    def run(self) -> Played:
        """Play it to its end."""
        violation, ended = None, ""
        try:
            self.begin()
            for item in self.schedule.happenings:
                self.arrange(item)
            quiet_s = self.began_s + self.schedule.setup.quiet_from_s
            self.hub.run(quiet_s)
            self.arrange(Happening(self.schedule.setup.quiet_from_s, "quiet"))
            self.hub.run(quiet_s + SETTLE_S)
            ended = progress(self)
            rules.disks(self.witness)
        except Violation as found:
            violation = found
        finally:
            self.hub.end()
        seen = self.witness
        return Played(
            len(seen.passes),
            seen.commands,
            seen.handshakes,
            seen.healed,
            len(seen.lost),
            ended,
            violation,
        )

    def begin(self) -> None:
        """What runs on both nodes from the beginning on."""
        for resource in self.schedule.setup.resources:
            self.pair.run_on("alpha")(("drbdadm", "secondary", resource.name), 15.0)
        for node in NODES:
            self.begin_node(node, first=True)

    def begin_node(self, node: str, *, first: bool = False) -> None:
        """What runs on a node from its boot on."""
        agent, service = self.agents[node], self.services[node]
        place = NODES.index(node)
        peer = self.services[NODES[1 - place]]
        agent.wall_offset_s = self.schedule.setup.skew_s[place]
        agent.shown.show(self.pair.state, node)
        into_minute_s = (self.pair.state.now_s - self.began_s) % MINUTE_S
        cron_s = (self.schedule.setup.cron_s[place] - into_minute_s) % MINUTE_S
        if first and node == "alpha":
            self.hub.begin("take over", node, service.take_over)
        self.hub.begin(f"heartbeat {node}", node, lambda: service.beat(peer, self.beats_arrive))
        self.hub.begin(f"service {node}", node, service.write)
        self.hub.begin(f"cron {node}", node, lambda: self._cron(node), in_s=cron_s)

    def lose_power(self, node: str) -> None:
        """Everything that runs on a node is gone."""
        self.hub.kill(node)
        self.agents[node].power_lost()
        self.services[node].member.active = False
        self.witness.gone(node)

    def run_pass(self, node: str) -> None:
        """One pass on the node, in a process of its own."""
        found = self.agents[node].run_pass(self.witness)
        for item in found.report.resources if found.report else ():
            if item.decision.name is not DecisionName.HEALTHY:
                commands = ", ".join(" ".join(one.argv[1:]) for one in item.outcome.commands)
                self.tell(node, f"{item.resource.name}: {item.decision.name} {commands}".strip())
        if found.error:
            self.tell(node, f"pass: {found.error}")

    def _cron(self, node: str) -> None:
        while True:
            self.hub.begin(f"pass {node}", node, lambda: self.run_pass(node), looks=True)
            self.pair.sleep(MINUTE_S)

    def arrange(self, item: Happening) -> None:
        """Have something happen at its time, or now where that has passed."""

        def happen() -> None:
            self.tell(item.node, " ".join(str(item).split()[1:]))
            HAPPENINGS[item.what](self, item)

        # What a person types on a node ends with the node; what befalls it does not.
        node = item.node if item.what.startswith("type ") else None
        in_s = max(0.0, item.at_s - self._played_s)
        self.hub.begin(item.what, node, happen, in_s=in_s, looks=node is not None)

    @property
    def _played_s(self) -> float:
        return self.pair.state.now_s - self.began_s

    def _resumed(self, process: Process) -> None:
        node = process.node
        if process.looks and node is not None and self.pair.state.nodes[node].up:
            self.agents[node].shown.show(self.pair.state, node)


def play(schedule: Schedule, folder: Path, **how: Any) -> Played:
    """Play a schedule in an empty folder."""
    return Play(schedule, folder, **how).run()
