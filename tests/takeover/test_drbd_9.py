"""The same on a simulated DRBD 9: the role is the resource's, a connection is each peer's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from connector.errors import OperatorNeeded
from connector.program import Completed
from connector.settings import MountSettings, RescueSettings, RunSettings, Settings
from connector.simulate.nine import Refused, SimulatedCluster
from connector.takeover import plan, release, run
from connector.takeover.seen import see
from connector.takeover.steps import printable
from connector.world import World
from tests.takeover.nodes import Killed


class Cluster:
    """Nodes of a DRBD 9 cluster that may mount `mail`; nobody is active at first."""

    def __init__(self, folder: Path, nodes: int = 2) -> None:
        folder = folder.resolve()
        self.cluster = SimulatedCluster(nodes)
        self.where = str(folder / "srv")
        Path(self.where).mkdir()
        self.names = self.cluster.state.names
        self.lines: list[str] = []
        self.dies_at: int | None = None
        self.worlds = {node: self._world(node, folder / node / "root") for node in self.names}
        self.settings = {
            node: Settings(
                run=RunSettings(
                    state_dir=folder / node / "state", lock=folder / node / "run" / "lock"
                ),
                rescue=RescueSettings(keep=False),
                mounts={"mail": (MountSettings(0, self.where, "ext4"),)},
            )
            for node in self.names
        }

    def _world(self, node: str, root: Path) -> World:
        world = self.cluster.world(node, root)

        def answer(argv: Sequence[str], timeout_s: float) -> Completed:
            if "dump-xml" in argv or argv[0] == "drbdsetup":
                return world.run(argv, timeout_s)
            self.lines.append(" ".join(argv))
            if len(self.lines) - 1 == self.dies_at:
                raise Killed
            try:
                if argv[0] == "mount":
                    self.cluster.mount(node, "mail", argv[-1])
                elif argv[0] == "umount":
                    self.cluster.umount(node, "mail", argv[-1])
                elif not argv[0].startswith("fsck."):
                    return world.run(argv, timeout_s)
            except Refused as error:
                return Completed(tuple(argv), 32, stderr=str(error))
            return Completed(tuple(argv), 0)

        return replace(world, run=answer)

    def take_over(self, node: str, *, peer_is_gone: bool = False) -> list[str]:
        """`connector takeover mail`; the commands that it says it ran."""
        done = run.take_over(
            self.worlds[node],
            self.settings[node],
            ["mail"],
            lambda _line: None,
            peer_is_gone=peer_is_gone,
        )
        return [printable(step) for step in done[0].steps]

    def release(self, node: str) -> list[str]:
        """`connector release mail`; the commands that it says it ran."""
        settings = self.settings[node]
        done = release.release(self.worlds[node], settings, ["mail"], lambda _line: None)
        return [printable(step) for step in done[0].steps]

    def role(self, node: str) -> str:
        """Its role, and whether it has the file system mounted."""
        seen = see(self.worlds[node], self.settings[node], ["mail"])[0]
        return f"{seen.resource.role}{' mounted' if seen.mine else ''}"


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """Two nodes."""
    return Cluster(tmp_path)


def whole(cluster: Cluster) -> list[str]:
    """All commands of a take-over."""
    return [
        "drbdadm primary mail",
        "fsck.ext4 -p /dev/drbd0",
        f"mount -t ext4 /dev/drbd0 {cluster.where}",
    ]


def test_there_and_back(cluster: Cluster) -> None:
    assert cluster.take_over("beta") == whole(cluster)
    assert cluster.role("beta") == "Primary mounted"
    assert cluster.take_over("beta") == []
    # An explicit `primary` stays after the last umount: it takes a `secondary`.
    assert cluster.release("beta") == [f"umount {cluster.where}", "drbdadm secondary mail"]
    assert cluster.role("beta") == "Secondary"
    assert cluster.release("beta") == []


@pytest.mark.parametrize("again", ["take_over", "release"])
@pytest.mark.parametrize("step", range(3))
def test_killed_at_any_step(cluster: Cluster, step: int, again: str) -> None:
    cluster.dies_at = step
    with pytest.raises(Killed):
        cluster.take_over("beta")
    cluster.dies_at = None

    getattr(cluster, again)("beta")

    assert cluster.role("beta") == ("Primary mounted" if again == "take_over" else "Secondary")


def test_a_primary_peer_is_waited_for_and_refused(cluster: Cluster) -> None:
    cluster.take_over("alpha")
    with pytest.raises(OperatorNeeded, match="mail is Primary on alpha: release it there first"):
        cluster.take_over("beta")
    assert cluster.role("beta") == "Secondary"


def test_the_peer_that_is_gone_is_named(tmp_path: Path) -> None:
    """Of three nodes only the connection to the Primary is cut."""
    cluster = Cluster(tmp_path, nodes=3)
    cluster.take_over("alpha")
    seen = see(cluster.worlds["beta"], cluster.settings["beta"], ["mail"])[0]
    steps = plan.take_over(seen, (), leaving_peers=True)
    assert [printable(step) for step in steps] == [
        "drbdadm disconnect --force mail:alpha",
        "drbdadm primary mail",
        "drbdadm connect mail:alpha",
    ]


def test_an_opener_of_a_moment_is_no_user(cluster: Cluster) -> None:
    """udev opens every device that has become Primary, and lets go of it."""
    cluster.take_over("beta")
    cluster.release("beta")
    cluster.cluster.open("beta", "mail", "udev")
    seen = see(cluster.worlds["beta"], cluster.settings["beta"], ["mail"])[0]
    assert [use.kind for use in seen.resource.volumes[0].used_by or ()] == ["opener"]
    assert seen.users(0) == ()
