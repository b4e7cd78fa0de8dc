"""Two agents on a simulated pair: the production code on both nodes, on a simulated clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from connector.decide.context import Policy
from connector.model import Mode, OutcomeKind
from connector.program import Completed
from connector.reconcile import reconcile
from connector.report.passes import PassReport
from connector.settings import RunSettings, Settings
from connector.simulate import SimulatedPair, SimulatedResource
from connector.world import World

NODES = ("alpha", "beta")
MAIL = (SimulatedResource("mail", (0,)),)
MINUTE_S = 60.0
Answer = Callable[[Sequence[str], float], Completed | None]


class Agents:
    """A pair whose alpha is active on every resource, with an agent on each node."""

    def __init__(
        self,
        folder: Path,
        resources: Sequence[SimulatedResource] = MAIL,
        *,
        mode: Mode = Mode.RECONNECT,
        demote_grace_s: float = 0,
        respect_disconnect_s: float = 0,
        max_attempts: int = 3,
    ) -> None:
        self.pair = SimulatedPair(resources)
        self.worlds = {node: self.pair.world(node, folder / node / "root") for node in NODES}
        policy = Policy(mode, demote_grace_s, max_attempts, respect_disconnect_s)
        self.settings = {
            node: Settings(
                policy=policy,
                run=RunSettings(
                    state_dir=folder / node / "state", lock=folder / node / "run" / "lock"
                ),
            )
            for node in NODES
        }
        self.commands: dict[str, list[str]] = {node: [] for node in NODES}
        for node in NODES:
            self.answer_first(node, lambda _argv, _timeout_s: None)
        for resource in resources:
            for volume in range(len(resource.minors)):
                self.pair.mount("alpha", resource.name, f"/srv/{resource.name}{volume}", volume)

    def answer_first(self, node: str, answer: Answer) -> None:
        """Let `answer` take commands of the node; what it leaves (None) goes to drbdadm."""
        drbdadm = self.pair.run_on(node)

        def run(argv: Sequence[str], timeout_s: float) -> Completed:
            if argv[0] == "drbdadm" and "dump-xml" not in argv:
                self.commands[node].append(" ".join(argv))
            return answer(argv, timeout_s) or drbdadm(argv, timeout_s)

        self.worlds[node] = replace(self.worlds[node], run=run)

    def world(self, node: str) -> World:
        """What the node's agent touches."""
        return self.worlds[node]

    def run_pass(self, node: str) -> PassReport:
        """One pass now."""
        return reconcile(self.worlds[node], self.settings[node])

    def minutes(self, number: int, nodes: Sequence[str] = ("beta", "alpha")) -> list[PassReport]:
        """Cron's passes on the nodes, once a minute."""
        reports = []
        for _ in range(number):
            began_s = self.pair.state.now_s
            reports += [self.run_pass(node) for node in nodes]
            self.pair.sleep(max(1.0, MINUTE_S - (self.pair.state.now_s - began_s)))
        return reports

    def split(self, resource: str = "mail", *, volume: int = 0) -> None:
        """Both nodes take it over behind a cut link and write; then the link comes back."""
        where = f"/srv/{resource}{volume}"
        self.pair.cut_link()
        self.pair.sleep(10)
        done = self.pair.run_on("beta")(("drbdadm", "primary", resource), 15)
        assert done.exit_status == 0, done.stderr
        self.pair.mount("beta", resource, where, volume)
        self.pair.write("alpha", resource, volume, 1, "written on alpha")
        self.pair.write("beta", resource, volume, 2, "written on beta")
        self.pair.restore_link()
        self.pair.sleep(10)

    def stop_service(self, node: str, resource: str = "mail", *, volume: int = 0) -> None:
        """The service on the node ends: unmounted, still Primary."""
        self.pair.umount(node, resource, f"/srv/{resource}{volume}", volume)

    def connections(self, resource: str = "mail") -> tuple[str, str]:
        """The connection state on alpha and on beta."""
        first, second = (self.pair.connection(node, resource) for node in NODES)
        return first.value, second.value


def outcomes(report: PassReport) -> dict[str, OutcomeKind]:
    """What came of each resource."""
    return {item.resource.name: item.outcome.kind for item in report.resources}
