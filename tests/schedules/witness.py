"""What sees everything that happens in a schedule, and knows what really is; it says what is wrong.

It stands apart from what it watches: of connector it uses nothing that decides. What is on the
disks, who is Primary and what a handshake came to it takes from the simulated kernel itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from connector.simulate import SimulatedPair

from . import rules
from .facts import BY_POLICY, BY_WORD, NODES, REFUSED, Link, Refusal

if TYPE_CHECKING:
    from .agent import Agent, Pass


class Witness:
    """Told of every command, step, pass and acknowledgement; raises Violation."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.pair: SimulatedPair
        self.agents: dict[str, Agent] = {}
        self.passes: list[Pass] = []
        self.running: dict[str, list[Pass]] = {node: [] for node in NODES}
        self.acting: dict[str, Pass | None] = dict.fromkeys(NODES)
        self.links: dict[str, Link] = {}
        self.acked: dict[tuple[str, str, int], dict[int, str]] = {}
        self.lost: set[str] = set()
        self.commands = 0
        self.handshakes = 0
        self.healed = 0
        self.records: dict[tuple[str, str], set[str]] = {}
        self._log_read: dict[str, int] = {}

    def watch(self, pair: SimulatedPair, agents: dict[str, Agent]) -> None:
        """Begin."""
        self.pair, self.agents = pair, agents
        self.links = {resource.name: Link() for resource in pair.state.resources}

    # Passes

    def pass_began(self, found: Pass) -> None:
        """A pass has begun."""
        self.running[found.node].append(found)

    def pass_ended(self, found: Pass) -> None:
        """A pass has ended, or was killed."""
        self.running[found.node].remove(found)
        if self.acting[found.node] is found:
            self.acting[found.node] = None
        self.passes.append(found)
        if found.person and found.error is None:
            # Attempts count anew after a person's word.
            for link in self.links.values():
                link.acted.pop(found.node, None)
        rules.pass_ended(self, found)

    # Commands

    def command_began(self, during: Pass, argv: Sequence[str]) -> None:
        """A pass, or a person through connector, is about to run a command."""
        self.commands += 1
        rules.command(self, during, argv)
        self.acting[during.node] = during
        who = "person" if during.person else "agent"
        link = self.links[argv[-1]]
        if during.person:
            link.acted.pop(during.node, None)
        if argv[1] == "connect":
            if who == "agent":
                link.connected_by_agent[during.node] = self._primary(during.node, argv[-1])
            if "--discard-my-data" in argv:
                link.discarded_by[during.node] = who

    def typed(self, node: str, argv: Sequence[str]) -> None:
        """A person has typed a command without connector."""
        link = self.links.get(argv[-1])
        if link is None or argv[1] != "connect":
            return
        link.connected_by_agent.pop(node, None)
        if "--discard-my-data" in argv:
            link.discarded_by[node] = "person"

    def _primary(self, node: str, resource: str) -> bool:
        return any(volume.primary for volume in self.pair.side(node, resource).volumes)

    # The kernels

    def step_began(self, kind: str, resource: str) -> None:
        """Something is about to happen to a resource by itself."""
        self._log_read = {node: len(self.pair.state.nodes[node].log) for node in NODES}
        if kind == "finish-resync":
            rules.resync(self, resource)
        if kind == "agree":
            link = self.links[resource]
            sides = {node: self.pair.side(node, resource).volumes for node in NODES}
            link.changed = {
                (node, volume.volume): len(volume.changed)
                for node, volumes in sides.items()
                for volume in volumes
            }
            link.unfinished = any(
                volume.disk.value != "UpToDate" for volumes in sides.values() for volume in volumes
            )

    def step_ended(self, kind: str, resource: str, primaries: frozenset[str]) -> None:
        """It has happened; `primaries` were so before it."""
        if kind != "agree":
            return
        self.handshakes += 1
        said = "\n".join(
            line.text
            for node, read in self._log_read.items()
            for line in self.pair.state.nodes[node].log[read:]
        )
        link = self.links[resource]
        if REFUSED in said:
            link.refusal, link.solved = Refusal(self.handshakes, primaries), ""
        else:
            solved = next((how for how in (BY_WORD, BY_POLICY) if how in said), "")
            # A resync that was cut off goes on for the reason that it was begun for.
            link.solved = link.solved if link.unfinished and not solved else solved
            rules.agreed(self, resource)
            self.healed += bool(link.solved)
            link.refusal = None
            link.acted.clear()
        link.connected_by_agent.clear()
        if not link.solved:
            link.discarded_by.clear()

    # Data

    def acknowledged(self, node: str, resource: str, volume: int, block: int, text: str) -> None:
        """A write of the service was acknowledged."""
        self.acked.setdefault((node, resource, volume), {})[block] = text

    def gone(self, node: str) -> None:
        """A node has lost its power: what it was going to ask for is forgotten."""
        for link in self.links.values():
            link.connected_by_agent.pop(node, None)
            link.discarded_by.pop(node, None)
            link.acted.pop(node, None)
