"""The simulated cluster of two nodes in the words of stories on DRBD 9."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from connector.simulate.nine import ClusterResource, SimulatedCluster
from tests.lab.administration import MINORS
from tests.lab.split_brains import Seen, Splittable

from .simulated_node import SimulatedNode9

WAIT_S = 60.0
STEP_S = 0.5


class SimulatedPair9(Splittable):
    """Two simulated nodes with the resources of the laboratory, in sync and Secondary."""

    rescues = False

    def __init__(self, folder: Path, seed: int = 0) -> None:
        """`folder` takes what the nodes show and keep, by their names."""
        resources = [ClusterResource(name, minors) for name, minors in MINORS.items()]
        self.cluster = SimulatedCluster(2, resources, seed=seed)
        self.acknowledged: dict[str, tuple[int, int]] = {}
        self.alpha = SimulatedNode9(self, "alpha", folder / "alpha")
        self.beta = SimulatedNode9(self, "beta", folder / "beta")

    @property
    def nodes(self) -> tuple[SimulatedNode9, SimulatedNode9]:
        """Both nodes, alpha first."""
        return self.alpha, self.beta

    def configure(
        self,
        policy: Mapping[str, object] | None = None,
        *,
        run: Mapping[str, object] | None = None,
    ) -> None:
        """Give both nodes the same connector.toml."""
        for node in self.nodes:
            node.configure(policy, run or {})

    def cut_link(self) -> None:
        """Nothing gets through any more."""
        self.cluster.cut_link("alpha", "beta")

    def restore_link(self) -> None:
        """Everything gets through again."""
        self.cluster.mend_link("alpha", "beta")

    def let_time_pass(self, seconds: float) -> None:
        """Wait."""
        self.cluster.sleep(seconds)

    def wait_until(self, seen: Callable[[], Seen | None], what: str) -> Seen:
        """Let time pass until what `seen` returns is true. Raises AssertionError."""
        end_s = self.cluster.state.now_s + WAIT_S
        while not (found := seen()):
            if self.cluster.state.now_s >= end_s:
                shown = "\n".join(self.cluster.status(node.name) for node in self.nodes)
                raise AssertionError(f"not within {WAIT_S:g} s: {what}; at the end:\n{shown}")
            self.cluster.sleep(STEP_S)
        return found

    def wait_all(self, connection: str = "Connected", *, minors: Iterable[int] = (0, 1, 2)) -> None:
        """Return when both nodes show it, with both disks UpToDate."""
        wanted = sorted(minors)
        self.wait_until(
            lambda: all(
                (state.connection, state.disk, state.peer_disk)
                == (connection, "UpToDate", "UpToDate")
                for node in self.nodes
                for state in map(node.state, wanted)
            ),
            f"minors {wanted} {connection}",
        )

    def diverge(
        self,
        resource: str = "mail",
        *,
        still_active: Iterable[str] = ("alpha", "beta"),
        written: Iterable[int] | None = None,
    ) -> None:
        """Cut the link and have both nodes take the resource over and write a record."""
        active, first = tuple(still_active), MINORS[resource][0]
        self.cut_link()
        for node in self.nodes:
            node.wait_for_connection("Connecting", minor=first)
        for node in self.nodes:
            node.take_over(resource)
            for minor in written or MINORS[resource]:
                node.write(minor, 1)
            if node.name not in active:
                node.let_go(resource)
