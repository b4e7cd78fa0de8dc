"""Agents on a simulated DRBD 9 cluster: the production code on each node, on a simulated clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from connector.decide.context import Policy
from connector.model import Mode
from connector.program import Completed
from connector.reconcile import reconcile
from connector.report.passes import PassReport
from connector.settings import RescueSettings, RunSettings, Settings
from connector.simulate.nine import SimulatedCluster
from connector.simulate.nine.configuration import ClusterResource
from connector.world import World

MINUTE_S = 60.0
WHERE = "/srv/mail"
_LOOKS = (("drbdadm", "dump-xml"), ("drbdsetup", "status"))


class Agents9:
    """A cluster whose alpha is active, with an agent on each node; nothing is kept by a rescue.

    `commands` are those that changed something, as (node, line), in their order.
    """

    def __init__(
        self,
        folder: Path,
        nodes: int = 2,
        *,
        mode: Mode = Mode.RECONNECT,
        seed: int = 0,
        race: str = "",
        resource: ClusterResource | None = None,
        demote_grace_s: float = 0,
        respect_disconnect_s: float = 0,
    ) -> None:
        resources = (resource or ClusterResource("mail"),)
        self.cluster = SimulatedCluster(nodes, resources, seed=seed, race=race)
        self.names: tuple[str, ...] = self.cluster.state.names
        self.commands: list[tuple[str, str]] = []
        policy = Policy(mode, demote_grace_s, 3, respect_disconnect_s)
        self.settings = {
            node: Settings(
                policy=policy,
                run=RunSettings(
                    state_dir=folder / node / "state", lock=folder / node / "run" / "lock"
                ),
                rescue=RescueSettings(keep=False),
            )
            for node in self.names
        }
        self.worlds = {node: self._world(node, folder / node / "root") for node in self.names}
        self.cluster.drbdadm("alpha", "primary", "mail")
        self.cluster.mount("alpha", "mail", WHERE)
        self.cluster.settle()

    def _world(self, node: str, root: Path) -> World:
        world = self.cluster.world(node, root)

        def run(argv: Sequence[str], timeout_s: float) -> Completed:
            if tuple(argv[:2]) not in _LOOKS:
                self.about_to(node, argv)
                self.commands.append((node, " ".join(argv[1:])))
            return world.run(argv, timeout_s)

        return replace(world, run=run)

    def about_to(self, node: str, argv: Sequence[str]) -> None:
        """What must hold right before each command of an agent."""
        side = self.cluster.side(node, "mail")
        words = list(argv[1:])
        assert "--force" not in words
        assert "--tentative" not in words
        assert words[-1] == "mail" if words[0] == "secondary" else words[-1].startswith("mail:")
        opened = any(volume.openers for volume in side.volumes)
        if words[0] == "secondary":
            assert not opened, "demoted while it is in use"
        if "--discard-my-data" in words:
            assert self.settings[node].policy.mode is Mode.DISCARD
            assert not side.primary, "a Primary gives its changes up"
            assert not opened, "given up while it is in use"
        if words[0] == "disconnect":
            peer = words[-1].partition(":")[2]
            state = self.cluster.connection(node, "mail", peer)
            assert state.value == "Connecting", f"{state} is taken away"

    def one_pass(self, node: str) -> PassReport:
        """A pass on a node that is up."""
        return reconcile(self.worlds[node], self.settings[node])

    def minutes(self, number: int) -> list[PassReport]:
        """So many minutes of cron on every node that is up; the passes of the last minute."""
        reports: list[PassReport] = []
        for _ in range(number):
            began_s = self.cluster.state.now_s
            up = [node for node in self.names if self.cluster.state.nodes[node].up]
            reports = [self.one_pass(node) for node in up]
            self.cluster.sleep(max(0.0, began_s + MINUTE_S - self.cluster.state.now_s))
        return reports

    def discards(self) -> list[tuple[str, str]]:
        """The commands that gave something up."""
        return [item for item in self.commands if "--discard-my-data" in item[1]]

    def states(self) -> dict[str, str]:
        """Every connection as `alpha>beta: Connected`, in words."""
        return {
            f"{node}>{peer}": self.cluster.connection(node, "mail", peer).value
            for node in self.names
            for peer in self.names
            if node != peer
        }

    def all_connected(self) -> bool:
        """Whether everybody is with everybody, and everything is UpToDate."""
        disks = {self.cluster.disk(node, "mail").value for node in self.names}
        return set(self.states().values()) == {"Connected"} and disks == {"UpToDate"}
