"""One node of the simulated cluster in the words of stories, with the production code as agent."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from connector.config import load
from connector.errors import ConnectorError
from connector.observe.node import look
from connector.one_pass import one_pass
from connector.program import Completed
from connector.recover.rehearse import rehearse
from connector.report.as_json import to_json
from connector.report.passes import PassReport
from connector.report.text import pass_lines
from connector.settings import Settings
from connector.simulate.command import unwrapped
from connector.simulate.nine import Refused
from connector.world import World
from tests.lab.administration import Administered, default_mountpoint, volume_of
from tests.lab.connector_toml import connector_toml
from tests.lab.drbd_9_pair import read_status
from tests.lab.drbd_node import UNCONFIGURED, MinorState
from tests.lab.errors import CommandFailed
from tests.lab.passes import Pass

if TYPE_CHECKING:
    from .simulated import SimulatedPair9

# The simulated node has no program that copies a disk, so that nothing can be kept.
NO_RESCUE = '\n[rescue]\nkeep = "never"\n'
_LOOKS = re.compile(r"dump-xml|sh-")


class SimulatedNode9(Administered):
    """One node; what connector keeps is below `folder`."""

    _numbers = itertools.count(1)

    def __init__(self, pair: SimulatedPair9, name: str, folder: Path) -> None:
        """`pair` is the one that it belongs to."""
        self.name = name
        self._pair = pair
        self._folder = folder
        folder.mkdir()
        self._world = pair.cluster.world(name, folder / "root")
        self._mounted_at: dict[int, str] = {}
        self.ran: list[str] = []

    def configure(self, policy: Mapping[str, object] | None, run: Mapping[str, object]) -> None:
        """Write connector.toml."""
        here = {"state_dir": str(self._folder / "state"), "lock": str(self._folder / "lock")}
        text = connector_toml(policy, {**here, **run}, NO_RESCUE)
        (self._folder / "connector.toml").write_text(text, encoding="utf-8")

    # Looking

    def state(self, minor: int = 0) -> MinorState:
        """One minor's state now."""
        shown = read_status(self._pair.cluster.status(self.name))
        return shown.get(minor, UNCONFIGURED)

    def connection(self, minor: int = 0) -> str:
        """One minor's connection state now."""
        return self.state(minor).connection

    def wait_for_connection(self, *wanted: str, minor: int = 0) -> str:
        """Return the connection state once it is one of `wanted`."""
        return self._pair.wait_until(
            lambda: state if (state := self.connection(minor)) in wanted else None,
            f"{self.name}: minor {minor} in {' or '.join(wanted)}",
        )

    # What people do

    def drbdadm(self, arguments: str) -> None:
        """Run drbdadm as a person. Raises CommandFailed where it fails."""
        done = self._pair.cluster.drbdadm(self.name, *arguments.split())
        if done.exit_status != 0:
            raise CommandFailed(f"{self.name}: drbdadm {arguments}: {done.stderr}{done.error}")

    def mount(self, minor: int = 0) -> str:
        """Mount the minor and return the mount point."""
        return self._mounted(minor, default_mountpoint(minor), read_only=False)

    def mount_read_only(self, minor: int = 0) -> str:
        """Mount the minor for reading and return the mount point."""
        return self._mounted(minor, "/mnt/read-only", read_only=True)

    def _mounted(self, minor: int, where: str, *, read_only: bool) -> str:
        resource, volume = volume_of(minor)
        with _or_fail(self.name):
            self._pair.cluster.mount(self.name, resource, where, volume, read_only=read_only)
        self._mounted_at[minor] = where
        return where

    def umount(self, minor: int = 0) -> None:
        """Unmount the minor."""
        with _or_fail(self.name):
            self._pair.cluster.umount(self.name, volume_of(minor)[0], self._mounted_at.pop(minor))

    # Records

    def write(self, minor: int = 0, count: int = 3) -> tuple[str, ...]:
        """Write numbered records into blocks of their own; return their names."""
        resource, volume = volume_of(minor)
        names = []
        for _ in range(count):
            block = next(self._numbers)
            names.append(f"{self.name}-{block:05d}")
            with _or_fail(self.name):
                number = self._pair.cluster.write(self.name, resource, block, volume)
            self._pair.acknowledged[names[-1]] = (minor, number)
        return tuple(names)

    def on_disk(self, minor: int = 0) -> frozenset[str]:
        """The records on the minor's disk."""
        held = self._pair.cluster.held(self.name, *volume_of(minor))
        return frozenset(
            name
            for name, (of_minor, number) in self._pair.acknowledged.items()
            if of_minor == minor and number in held
        )

    def rescued(self, minor: int = 0) -> frozenset[str]:
        """None: nothing is kept here."""
        del minor
        return frozenset()

    # The program under test

    def run_pass(self) -> Pass:
        """One `connector reconcile --json` on the simulated clock."""
        ran: list[str] = []
        try:
            report = self._pass(ran)
        except ConnectorError as error:
            return Pass.read(error.exit_status, "", ran, str(error))
        return Pass.read(report.exit_status, json.dumps(to_json(report)), ran, "")

    def said_by_a_pass(self) -> str:
        """What `connector reconcile` prints where nobody looks on."""
        report = self._pass([])
        lines = list(pass_lines(report)) if report.eventful else []
        return "".join(f"{line}\n" for line in (*lines, *report.messages))

    def _pass(self, ran: list[str]) -> PassReport:
        return one_pass(self._noting(ran), self._settings())

    def rehearse(self) -> tuple[int, str]:
        """Ask for a rehearsal of giving `mail` up."""
        world, settings = self._noting([]), self._settings()
        mail = next(item for item in look(world, settings).resources if item.name == "mail")
        try:
            rehearse(world, settings, mail, discard=True)
        except ConnectorError as error:
            return error.exit_status, str(error)
        return 0, ""

    def remember(self, file: str, text: str) -> None:
        """Write a file of connector's state directory."""
        (self._folder / "state").mkdir(exist_ok=True)
        (self._folder / "state" / file).write_text(text, encoding="utf-8")

    def remembered(self, file: str) -> str:
        """A file of connector's state directory; empty where it is not there."""
        path = self._folder / "state" / file
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def _settings(self) -> Settings:
        return load(self._folder / "connector.toml", {})

    def _noting(self, ran: list[str]) -> World:
        run = self._world.run

        def noted(argv: Sequence[str], timeout_s: float) -> Completed:
            program, *words = unwrapped(argv)
            if program.rpartition("/")[2] == "drbdadm" and not _LOOKS.match(words[0]):
                ran.append(" ".join(words))
                self.ran.append(ran[-1])
            return run(argv, timeout_s)

        return replace(self._world, run=noted)


@contextmanager
def _or_fail(name: str) -> Iterator[None]:
    try:
        yield
    except Refused as error:
        raise CommandFailed(f"{name}: {error}") from error
