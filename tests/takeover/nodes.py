"""Two simulated nodes whose `mount`, `umount` and `fsck` work on the simulated pair."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from connector.model import Role
from connector.program import Completed
from connector.settings import MountSettings, Settings
from connector.simulate import SimulatedResource
from connector.simulate.state import Refused
from connector.takeover import release, run
from connector.takeover.run import Done
from connector.takeover.steps import printable
from tests.agents import NODES, Agents

DB = SimulatedResource("db", (0, 1))
Before = Callable[[tuple[str, ...]], Completed | None]


class Killed(BaseException):
    """SIGKILL: nothing of production's code sees it, and nothing tidies up after it."""


class Nodes(Agents):
    """The resource `db`, whose two file systems belong together: the second one is below the first.

    Nothing is mounted and nobody Primary at first.
    """

    def __init__(self, folder: Path, *, demote_grace_s: float = 90) -> None:
        folder = folder.resolve()
        super().__init__(folder, [DB], demote_grace_s=demote_grace_s)
        self.wheres = (str(folder / "srv"), str(folder / "srv" / "log"))
        Path(self.wheres[1]).mkdir(parents=True)
        self.mounts = tuple(
            MountSettings(volume, where, "ext4", "noatime")
            for volume, where in enumerate(self.wheres)
        )
        for node in NODES:
            self.settings[node] = replace(self.settings[node], mounts={"db": self.mounts})
        for volume in (1, 0):
            self.pair.umount("alpha", "db", f"/srv/db{volume}", volume)
        self.drbdadm("alpha", "secondary", "db")
        # By node: every command line but dump-xml; fsck's answer; mount points that are held.
        self.lines: dict[str, list[str]] = {node: [] for node in NODES}
        self.fsck_status: dict[str, int] = {}
        self.held: set[str] = set()
        self.before: Before = lambda _argv: None
        self.after: Before = lambda _argv: None
        self.said: list[str] = []
        self.timeouts_s: dict[str, float] = {}  # the last one of each program
        for node in NODES:
            self._play(node)

    def drbdadm(self, node: str, *words: str) -> None:
        """A command that somebody types, which must succeed."""
        done = self.pair.run_on(node)(("drbdadm", *words), 15.0)
        assert done.exit_status == 0, done.stderr

    def take_over(self, node: str, *names: str, peer_is_gone: bool = False) -> list[str]:
        """`connector takeover`; the commands that it says it ran."""
        done = run.take_over(
            self.worlds[node],
            self.settings[node],
            names,
            self.said.append,
            peer_is_gone=peer_is_gone,
        )
        return _commands(done)

    def release(self, node: str, *names: str) -> list[str]:
        """`connector release`; the commands that it says it ran."""
        done = release.release(self.worlds[node], self.settings[node], names, self.said.append)
        return _commands(done)

    def change(self, node: str, settings: Callable[[Settings], Settings]) -> None:
        """Other settings from now on."""
        self.settings[node] = settings(self.settings[node])

    def mounted(self, node: str) -> list[str]:
        """Where the node has something of `db` mounted, in the order of the volumes."""
        side = self.pair.side(node, "db")
        return [where for volume in side.volumes for where in volume.mount_points]

    def roles(self) -> tuple[str, str]:
        """The role on alpha and on beta."""
        first, second = (self.pair.role(node, "db").value for node in NODES)
        return first, second

    def is_active(self, node: str) -> bool:
        """Whether the node is Primary with all mounted."""
        primary = self.pair.role(node, "db") is Role.PRIMARY
        return primary and self.mounted(node) == list(self.wheres)

    def is_passive(self, node: str) -> bool:
        """Whether the node is Secondary with nothing mounted."""
        secondary = self.pair.role(node, "db") is Role.SECONDARY
        return secondary and not self.mounted(node)

    def _play(self, node: str) -> None:
        drbdadm = self.pair.run_on(node)

        def answer(argv: Sequence[str], timeout_s: float) -> Completed:
            line = tuple(argv)
            if "dump-xml" in line or line[0] == "drbdsetup":
                return drbdadm(argv, timeout_s)
            self.lines[node].append(" ".join(line))
            self.timeouts_s[line[0]] = timeout_s
            done = self.before(line) or self._program(node, line) or drbdadm(argv, timeout_s)
            return self.after(line) or done

        self.worlds[node] = replace(self.worlds[node], run=answer)

    def _program(self, node: str, line: tuple[str, ...]) -> Completed | None:
        try:
            if line[0] == "mount":
                self._mount(node, line[-2], line[-1])
            elif line[0] == "umount":
                self._umount(node, line[-1])
            elif line[0].startswith("fsck."):
                return Completed(line, self.fsck_status.get(line[-1], 0), stderr="fsck's words")
            else:
                return None
        except Refused as error:
            return Completed(line, 32, stderr=str(error))
        return Completed(line, 0)

    def _mount(self, node: str, device: str, where: str) -> None:
        if where in self.mounted(node):
            raise Refused(f"mount: {where}: {device} already mounted on {where}.")
        volume = DB.minors.index(int(device.removeprefix("/dev/drbd")))
        self.pair.mount(node, "db", where, volume)

    def _umount(self, node: str, where: str) -> None:
        below = [item for item in self.mounted(node) if item.startswith(f"{where}/")]
        if where in self.held or below:
            raise Refused(f"umount: {where}: target is busy.")
        for volume in self.pair.side(node, "db").volumes:
            if where in volume.mount_points:
                self.pair.umount(node, "db", where, volume.volume)
                return
        raise Refused(f"umount: {where}: not mounted.")


def _commands(done: tuple[Done, ...]) -> list[str]:
    return [printable(step) for item in done for step in item.steps]
