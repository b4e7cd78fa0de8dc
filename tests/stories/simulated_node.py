"""One node of a simulated pair in the words of stories, with the production code as its agent."""

from __future__ import annotations

import itertools
import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from connector.config import load
from connector.errors import ConnectorError
from connector.one_pass import one_pass
from connector.program import Completed
from connector.report.as_json import to_json
from connector.simulate import Refused, SimulatedPair
from connector.simulate.command import unwrapped
from connector.world import World
from tests.lab.administration import Administered, default_mountpoint, volume_of
from tests.lab.connector_toml import connector_toml
from tests.lab.drbd_node import KMSG_PATTERN, UNCONFIGURED, MinorState, read_states
from tests.lab.errors import CommandFailed, NodeDied
from tests.lab.passes import Pass
from tests.lab.recording import Source
from tests.stories.ending import resources_of

if TYPE_CHECKING:
    from tests.stories.simulated import SimulatedStories

COMMAND_TIMEOUT_S = 30.0
# What things take that the simulation would do in no time; where two things happen in the same
# moment, nobody can say which came first.
START_S = 0.2  # of a pass
ACT_S = 0.02
_SUPERBLOCK = 0  # the records' blocks have their numbers, which begin with 1
_RECORD = re.compile(r"(?:alpha|beta)-\d{5,}")
_SAW = re.compile(r"^ *(\d+): (cs:.*)", re.MULTILINE)
_USED = re.compile(r"^\S+ \S+ 147:(\d+) ", re.MULTILINE)


class SimulatedStoryNode(Administered):
    """One node of a simulated pair, in a story's words. What is on its disk is in `folder`."""

    # Of the whole process: no record has the name of another one, in whatever story.
    _numbers = itertools.count(1)

    def __init__(self, stories: SimulatedStories, name: str) -> None:
        """`stories` is the pair that it belongs to."""
        self.name = name
        self.folder = stories.folder / name
        self._stories = stories
        self._world: World | None = None

    # What it keeps on its disk, and what its kernel shows

    @property
    def root(self) -> Path:
        """Where its /proc, /sys and /dev are."""
        return self.folder / "root"

    @property
    def state_dir(self) -> Path:
        """connector's, unless a story has configured another one."""
        return self.folder / "state"

    @property
    def run_dir(self) -> Path:
        """Where the lock is; empty after each boot."""
        return self.folder / "run"

    @property
    def configuration(self) -> Path:
        """connector.toml."""
        return self.folder / "connector.toml"

    @property
    def up(self) -> bool:
        """Whether it has power."""
        return self._pair.state.nodes[self.name].up

    @property
    def _pair(self) -> SimulatedPair:
        return self._stories.pair

    def begin(self) -> None:
        """Forget everything of the last story; the pair is a new one."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self._world = self._pair.world(self.name, self.root)
        self.write_defaults()

    def write_defaults(self) -> None:
        """Write a connector.toml that says only where connector keeps things."""
        self.configuration.write_text(
            f"[run]\nstate_dir = {json.dumps(str(self.state_dir))}\n"
            f"lock = {json.dumps(str(self.run_dir / 'lock'))}\n",
            encoding="utf-8",
        )

    def configure(
        self,
        policy: Mapping[str, object] | None,
        run: Mapping[str, object] | None,
        more: str,
    ) -> None:
        """Write connector.toml; where connector keeps things is below `folder`, unless told."""
        here = {"state_dir": str(self.state_dir), "lock": str(self.run_dir / "lock")}
        if "[metrics]" not in more:
            textfile = json.dumps(str(self.folder / "connector.prom"))
            more += f"\n[metrics]\ntextfile = {textfile}\n"
        text = connector_toml(policy, {**here, **(run or {})}, more)
        self.configuration.write_text(text, encoding="utf-8")

    # Looking

    def state(self, minor: int = 0) -> MinorState:
        """One minor's state, as the tests' own reading of /proc/drbd has it."""
        return self.states().get(minor, UNCONFIGURED)

    def states(self) -> dict[int, MinorState]:
        """The state of every configured minor."""
        return read_states(self._shown("proc/drbd"))

    def connection(self, minor: int = 0) -> str:
        """One minor's connection state, in DRBD's word."""
        return self.state(minor).connection

    def wait_for_connection(self, *wanted: str, minor: int = 0) -> str:
        """Return the connection state once it is one of `wanted`. Raises AssertionError."""
        return self._stories.wait_until(
            lambda: state if (state := self.connection(minor)) in wanted else None,
            f"{self.name}: minor {minor} in {' or '.join(wanted)}",
        )

    def mounted(self, minor: int = 0) -> bool:
        """Whether the minor is mounted."""
        return minor in self._used()

    def saw_in_kernel_log(self, text: str) -> bool:
        """Whether a message in /dev/kmsg contains `text`."""
        return any(text in message for _, message in KMSG_PATTERN.findall(self._shown("dev/kmsg")))

    def identifiers(self, resource: str = "mail") -> str:
        """The generation identifiers, without the bit in which the kernel keeps the role."""
        self._need_power()
        shown = []
        for volume in self._pair.side(self.name, resource).volumes:
            values = volume.identifiers.copy()
            values.mark_role(primary=False)
            shown.append(str(values))
        return "\n".join(shown)

    def records(self, minor: int = 0) -> frozenset[str]:
        """The records in the minor's blocks, whether it is mounted or not."""
        self._need_power()
        return self.on_disk(minor)

    def on_disk(self, minor: int = 0) -> frozenset[str]:
        """The same, read off the disk: it needs no power."""
        blocks = self._pair.blocks(self.name, *volume_of(minor))
        return frozenset(text for text in blocks.values() if _RECORD.fullmatch(text))

    def given_up(self) -> list[str]:
        """The resources of which connector has kept a record of what was given up."""
        folder = self.state_dir / "given-up"
        return resources_of(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def rescued(self, minor: int) -> frozenset[str]:
        """The records in the copies that connector has kept of the minor."""
        _, volume = volume_of(minor)
        records: set[str] = set()
        for path in self.state_dir.glob(f"rescues/*/volume-{volume}.img"):
            record = json.loads((path.parent / "rescue.json").read_text(encoding="utf-8"))
            if any(item["minor"] == minor for item in record["volumes"]):
                blocks = json.loads(path.read_text(encoding="utf-8"))
                records |= {text for text in blocks.values() if _RECORD.fullmatch(text)}
        return frozenset(records)

    def _shown(self, path: str) -> str:
        self._need_power()
        return (self.root / path).read_text(encoding="utf-8")

    def _used(self) -> list[int]:
        """The mounted minors."""
        return [int(minor) for minor in _USED.findall(self._shown("proc/self/mountinfo"))]

    def _need_power(self) -> None:
        if not self.up:
            raise NodeDied(f"{self.name} is not running")

    # What an operator or a cluster manager types

    def drbdadm(self, arguments: str) -> None:
        """Run drbdadm as a person. Raises CommandFailed where it fails."""
        self._need_power()
        self._stories.note(self.name, Source.STORY, f"drbdadm {arguments}")
        argv = ("drbdadm", *arguments.split())
        done = self._pair.run_on(self.name)(argv, COMMAND_TIMEOUT_S)
        if done.exit_status != 0:
            raise CommandFailed(
                f"{self.name}: exit status {done.exit_status} from: drbdadm {arguments}\n"
                f"{done.stdout}{done.stderr}{done.error or ''}"
            )

    def mount(self, minor: int = 0) -> str:
        """Mount the minor and return the mount point. That writes, as mounting ext4 does."""
        self._need_power()
        resource, volume = volume_of(minor)
        where = default_mountpoint(minor)
        with self._or_fail():
            self._pair.mount(self.name, resource, where, volume)
            self._pair.write(self.name, resource, volume, _SUPERBLOCK, f"mounted on {self.name}")
        self._pair.sleep(ACT_S)
        return where

    def umount(self, minor: int = 0) -> None:
        """Unmount the minor. That writes, too."""
        self._need_power()
        resource, volume = volume_of(minor)
        with self._or_fail():
            self._pair.umount(self.name, resource, default_mountpoint(minor), volume)
            self._pair.write(self.name, resource, volume, _SUPERBLOCK, f"left on {self.name}")
        self._pair.sleep(ACT_S)

    @contextmanager
    def _or_fail(self) -> Iterator[None]:
        try:
            yield
        except Refused as error:
            raise CommandFailed(f"{self.name}: {error}") from error

    # Records

    def write(self, minor: int = 0, count: int = 3) -> tuple[str, ...]:
        """Write numbered records into blocks of their own; return their names."""
        if not self.mounted(minor):
            raise CommandFailed(f"{self.name}: {default_mountpoint(minor)} is not mounted")
        resource, volume = volume_of(minor)
        names = []
        for number in itertools.islice(self._numbers, count):
            name = f"{self.name}-{number:05d}"
            with self._or_fail():
                self._pair.write(self.name, resource, volume, number, name)
            self._stories.note(self.name, Source.NODE, f"wrote {minor} {name}")
            self._pair.sleep(ACT_S)
            names.append(name)
        return tuple(names)

    def start_writer(self, minor: int = 0) -> None:
        """Write a record about twice a second until `stop_writer`, or until that fails."""
        self._stories.goings_on.start_writer(self.name, minor)

    def stop_writer(self, minor: int = 0) -> None:
        """End the writer, if there is one."""
        self._stories.goings_on.stop_writer(self.name, minor)

    # Accidents

    def crash(self) -> None:
        """Cut the power."""
        self._need_power()
        self._stories.note(self.name, Source.FAULT, "node crashed")
        self._pair.crash(self.name)
        self._stories.note(self.name, Source.STORY, "crashed")

    def boot(self) -> None:
        """Bring it up with its disks as they were; DRBD connects as the init script has it."""
        if self.up:
            raise CommandFailed(f"{self.name} is running already")
        self._stories.note(self.name, Source.STORY, "booted")
        shutil.rmtree(self.run_dir, ignore_errors=True)
        self._pair.boot(self.name)

    # The program under test

    def run_pass(self) -> Pass:
        """One `connector reconcile --json` on the simulated clock, which knows no deadline."""
        self._need_power()
        stories, pid = self._stories, self._stories.fresh_pid()
        stories.note(self.name, Source.NODE, f"pass {pid} reconcile --json")
        began_s = self._pair.state.now_s
        self._pair.sleep(START_S)
        ran: list[str] = []
        status, shown, stderr = 0, "", ""
        try:
            settings = load(self.configuration, {})
            report = one_pass(self._world_of(pid, ran), settings)
            status, shown = report.exit_status, json.dumps(to_json(report))
        except ConnectorError as error:
            status, stderr = error.exit_status, str(error)
        took_s = self._pair.state.now_s - began_s
        stories.note(self.name, Source.NODE, f"ended {pid} {status} {took_s:.3f}")
        done = Pass.read(status, shown, ran, stderr)
        for line in done.decided:
            stories.note(self.name, Source.NODE, line)
        return done

    def _world_of(self, pid: int, ran: list[str]) -> World:
        """What a pass touches; `ran` takes the commands that change something."""
        assert self._world is not None
        drbdadm = self._world.run

        def run(argv: Sequence[str], timeout_s: float) -> Completed:
            program, *words = unwrapped(argv)
            if program != "drbdadm":
                return drbdadm(argv, timeout_s)  # what keeps a copy; the lab notes drbdadm's only
            if words and words[0] != "dump-xml" and not words[0].startswith("sh-"):
                self._note_command(pid, words)
                ran.append(" ".join(words))
            return drbdadm(argv, timeout_s)

        return replace(self._world, run=run)

    def _note_command(self, parent: int, words: Sequence[str]) -> None:
        """The lines of the laboratory's drbdadm (tests/lab/guest/drbdadm)."""
        pid = self._stories.fresh_pid()
        lines = [
            f"saw {pid} {minor} {rest}" for minor, rest in _SAW.findall(self._shown("proc/drbd"))
        ]
        lines += [f"used {pid} {minor} mount" for minor in self._used()]
        for line in (*lines, f"drbdadm {pid} {parent} {' '.join(words)}"):
            self._stories.note(self.name, Source.NODE, line)
