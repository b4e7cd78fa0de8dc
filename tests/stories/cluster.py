"""What a cluster manager does, as Heartbeat did it: one node is active, and it never fails back."""

from __future__ import annotations

from tests.lab.administration import MINORS
from tests.lab.errors import CommandFailed

from .vocabulary import StoryNode, StoryPair

# A take-over in the moment of a handshake is refused; Heartbeat's resource script tries again.
TRIES = 8
PAUSE_S = 1.5
WRITTEN = (0, 1)  # a minor of each resource


class Cluster:
    """Starts and stops the service on the nodes: every resource, and a writer on each."""

    def __init__(self, pair: StoryPair) -> None:
        """Start the service on alpha."""
        self._pair = pair
        self.active = pair.alpha
        self.start(self.active)

    @property
    def standby(self) -> StoryNode:
        """The node that is not the active one."""
        return next(node for node in self._pair.nodes if node.name != self.active.name)

    def start(self, node: StoryNode) -> None:
        """Take everything over on a node, which is the active one from now on."""
        self.active = node
        for resource, minors in MINORS.items():
            self._become_primary(node, resource)
            for minor in minors:
                node.mount(minor)
        for minor in WRITTEN:
            node.start_writer(minor)

    def stop(self, node: StoryNode) -> None:
        """Let everything go on a node."""
        for minor in WRITTEN:
            node.stop_writer(minor)
        for resource in MINORS:
            node.let_go(resource)

    def switch(self) -> None:
        """Stop it on the active node and start it on the other one."""
        to = self.standby
        self.stop(self.active)
        self.start(to)

    def _become_primary(self, node: StoryNode, resource: str) -> None:
        for _ in range(TRIES - 1):
            try:
                return node.primary(resource)
            except CommandFailed:
                self._pair.let_time_pass(PAUSE_S)
        return node.primary(resource)
