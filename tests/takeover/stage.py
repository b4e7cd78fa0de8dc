"""A stage whose beta can be made active by real processes."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from connector.model import Role
from connector.simulate.story import service_stops
from tests.cli.stage import PROJECT, Done, Stage, wait_for
from tests.takeover.programs import BLOCK, BLOCKED, LINES, RESOURCE

_SCRIPT = """\
#!{python} -IS
import sys
sys.path.insert(0, {project!r})
from tests.takeover.programs import main
main({folder!r}, {node!r}, sys.argv)
"""
PROGRAMS = ("mount", "umount", "fsck.ext4")


class TakeoverStage(Stage):
    """Node beta; nobody is active for `db`, of which two file systems are in the configuration."""

    def __init__(self, folder: Path) -> None:
        folder = folder.resolve()
        super().__init__(folder)
        for name in PROGRAMS:
            script = _SCRIPT.format(
                python=sys.executable,
                project=str(PROJECT),
                folder=str(self.pair.folder),
                node=self.node,
            )
            self.program(name, script)
        self.wheres = (str(folder / "srv"), str(folder / "srv/log"))
        Path(self.wheres[1]).mkdir(parents=True)
        self.config(
            "".join(
                f'[[resource.db.mount]]\nvolume = {volume}\nwhere = "{where}"\ntype = "ext4"\n'
                for volume, where in enumerate(self.wheres)
            )
        )
        self.environment["CONNECTOR_CONFIG"] = str(folder / "connector.toml")
        with self.pair.changing() as pair:
            service_stops(pair, "alpha", RESOURCE)
            pair.run_on("alpha")(("drbdadm", "secondary", RESOURCE), 15.0)

    @property
    def take_over_lines(self) -> list[str]:
        """The commands of a whole take-over."""
        first, second = self.wheres
        return [
            f"drbdadm primary {RESOURCE}",
            "fsck.ext4 -p /dev/drbd1",
            f"mount -t ext4 /dev/drbd1 {first}",
            "fsck.ext4 -p /dev/drbd2",
            f"mount -t ext4 /dev/drbd2 {second}",
        ]

    @property
    def release_lines(self) -> list[str]:
        """The commands of a whole release."""
        first, second = self.wheres
        return [f"umount {second}", f"umount {first}", f"drbdadm secondary {RESOURCE}"]

    def killed_at(self, line: str, when: str, *words: str) -> Done:
        """Run `connector WORDS`, and kill it while that command is at work, or has just worked."""
        if line.startswith("drbdadm"):
            word = line.split()[1]
            self.pair.set_fault(self.node, f"{'hang' if when == 'before' else 'late'}:{word}")
        else:
            (self.pair.folder / BLOCK).write_text(f"{when} {line}", encoding="utf-8")
        with self.start(*words) as running:
            wait_for(lambda: self._reached(line, when))
            running.send(signal.SIGKILL)
            done = running.end()
        self.pair.set_fault(self.node, None)
        (self.pair.folder / BLOCK).unlink(missing_ok=True)
        # What it had started is killed by the kernel; nothing may go on behind our back.
        wait_for(lambda: not self.processes())
        return done

    def _reached(self, line: str, when: str) -> bool:
        if not line.startswith("drbdadm"):
            return (self.pair.folder / BLOCKED).exists()
        if when == "before":
            return line.removeprefix("drbdadm ") in self.calls()
        wanted = Role.PRIMARY if "primary" in line else Role.SECONDARY
        return self.pair.look().role(self.node, RESOURCE) is wanted

    def lines(self) -> list[str]:
        """What mount, umount and fsck were called with."""
        path = self.pair.folder / LINES
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def mounted(self) -> list[str]:
        """Where beta has something mounted, in the order of the volumes."""
        side = self.pair.look().side(self.node, RESOURCE)
        return [where for volume in side.volumes for where in volume.mount_points]

    def active(self) -> bool:
        """Whether beta is Primary with all mounted."""
        primary = self.pair.look().role(self.node, RESOURCE) is Role.PRIMARY
        return primary and self.mounted() == list(self.wheres)

    def passive(self) -> bool:
        """Whether beta is Secondary with nothing mounted."""
        secondary = self.pair.look().role(self.node, RESOURCE) is Role.SECONDARY
        return secondary and not self.mounted()
