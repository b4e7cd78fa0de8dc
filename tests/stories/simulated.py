"""The pair that stories are played on, simulated: the production code on both nodes, and on a
clock that goes as fast as it is told.

What happens is recorded in the lines in which the real laboratory records it, stamped with the
simulated time, so that the same checker reads both. What a real node refuses raises what the
laboratory raises there: CommandFailed, and NodeDied on a node without power.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import TypeVar
from unittest.mock import patch

import connector.cli.commands
import connector.cli.reconcile
from connector.model import AfterSplitBrain
from connector.program import Completed
from connector.simulate import Refused, SimulatedPair, SimulatedResource
from connector.simulate.command import unwrapped
from connector.world import World
from tests.lab.drbd_node import (
    KMSG_PATTERN,
    MINORS,
    UNCONFIGURED,
    MinorState,
    default_mountpoint,
    read_states,
)
from tests.lab.errors import CommandFailed, NodeDied
from tests.lab.passes import Pass
from tests.lab.recording import Recording, Source

COMMAND_TIMEOUT_S = 30.0
WAIT_S = 60.0
STEP_S = 0.5
# How long one side may still be on its way to StandAlone after the other has got there.
RACE_S = 3.0
# What things take that the simulation would do in no time; where two things happen in the same
# moment, nobody can say which came first.
START_S = 0.2  # of a pass
ACT_S = 0.02
_SUPERBLOCK = 0  # the records' blocks have their numbers, which begin with 1

_AFTER_SB = {
    "after-sb-0pri": "zero_primaries",
    "after-sb-1pri": "one_primary",
    "after-sb-2pri": "two_primaries",
}
_RECORD = re.compile(r"(?:alpha|beta)-\d{5,}")
_GIVEN_UP = re.compile(r"\d{8}T\d{6}Z-(.+?)(?:-\d+)?\.json")
_SAW = re.compile(r"^ *(\d+): (cs:.*)", re.MULTILINE)
_USED = re.compile(r"^\S+ \S+ 147:(\d+) ", re.MULTILINE)

Seen = TypeVar("Seen")


class SimulatedStoryNode:
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
        self.configure("", "", "")

    def configure(self, policy: str, run: str, more: str) -> None:
        """Write connector.toml: the lines of [policy] and of [run], and more of them.

        Where connector keeps things is put below `folder`, unless the lines say where.
        """
        here = {"state_dir": self.state_dir, "lock": self.run_dir / "lock"}
        for key, path in here.items():
            if not re.search(rf"^{key} *=", run + more, re.MULTILINE):
                run += _line(key, str(path))
        text = f"[policy]\n{policy}[run]\n{run}{more}"
        if "[metrics]" not in more:
            text += f"\n[metrics]\n{_line('textfile', str(self.folder / 'connector.prom'))}"
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
        blocks = self._pair.blocks(self.name, *_volume(minor))
        return frozenset(text for text in blocks.values() if _RECORD.fullmatch(text))

    def given_up(self) -> list[str]:
        """The resources of which connector has kept a record of what was given up."""
        folder = self.state_dir / "given-up"
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        return [found[1] for name in names if (found := _GIVEN_UP.fullmatch(name))]

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

    def primary(self, resource: str = "mail") -> None:
        """Make the resource Primary here."""
        self.drbdadm(f"primary {resource}")

    def secondary(self, resource: str = "mail") -> None:
        """Make the resource Secondary here."""
        self.drbdadm(f"secondary {resource}")

    def connect(self, resource: str = "mail", *, discard_my_data: bool = False) -> None:
        """Connect the resource; the handshake comes later."""
        option = "--discard-my-data " if discard_my_data else ""
        self.drbdadm(f"connect {option}{resource}")

    def disconnect(self, resource: str = "mail") -> None:
        """Disconnect the resource, as an operator would."""
        self.drbdadm(f"disconnect {resource}")

    def mount(self, minor: int = 0) -> str:
        """Mount the minor and return the mount point. That writes, as mounting ext4 does."""
        self._need_power()
        resource, volume = _volume(minor)
        where = default_mountpoint(minor)
        with self._or_fail():
            self._pair.mount(self.name, resource, where, volume)
            self._pair.write(self.name, resource, volume, _SUPERBLOCK, f"mounted on {self.name}")
        self._pair.sleep(ACT_S)
        return where

    def umount(self, minor: int = 0) -> None:
        """Unmount the minor."""
        self._need_power()
        resource, volume = _volume(minor)
        with self._or_fail():
            self._pair.umount(self.name, resource, default_mountpoint(minor), volume)
        self._pair.sleep(ACT_S)

    def take_over(self, resource: str = "mail") -> None:
        """Become Primary and mount every volume, as a cluster manager does."""
        self.primary(resource)
        for minor in MINORS[resource]:
            self.mount(minor)

    def let_go(self, resource: str = "mail") -> None:
        """Unmount every volume and become Secondary; the reverse of `take_over`."""
        for minor in MINORS[resource]:
            self.umount(minor)
        self.secondary(resource)

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
        resource, volume = _volume(minor)
        names = []
        for number in itertools.islice(self._numbers, count):
            name = f"{self.name}-{number:05d}"
            with self._or_fail():
                self._pair.write(self.name, resource, volume, number, name)
            self._stories.note(self.name, Source.NODE, f"wrote {minor} {name}")
            self._pair.sleep(ACT_S)
            names.append(name)
        return tuple(names)

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

    def run_pass(self, *arguments: str) -> Pass:
        """One `connector reconcile --json` through the command line, in this process."""
        self._need_power()
        stories, pid = self._stories, self._stories.fresh_pid()
        words = ["reconcile", "--json", *arguments]
        stories.note(self.name, Source.NODE, f"pass {pid} {' '.join(words)}")
        began_s = self._pair.state.now_s
        self._pair.sleep(START_S)
        ran: list[str] = []
        out, err = io.StringIO(), io.StringIO()
        with self._as_the_machine(pid, ran), redirect_stdout(out), redirect_stderr(err):
            # -v: what goes wrong inside is raised here, where it is seen.
            status = connector.cli.commands.run(["-v", "--config", str(self.configuration), *words])
        took_s = self._pair.state.now_s - began_s
        stories.note(self.name, Source.NODE, f"ended {pid} {status} {took_s:.3f}")
        text = out.getvalue()
        report = json.loads(text) if text.startswith("{") else {"resources": []}
        for item in report["resources"]:
            said = " ".join([item["name"], item["decision"], *item["gates"]])
            stories.note(self.name, Source.NODE, f"decided {said}")
        return Pass(status, report, tuple(ran), err.getvalue())

    @contextmanager
    def _as_the_machine(self, pid: int, ran: list[str]) -> Iterator[None]:
        """This node in the place of this machine, for the command line; `ran` takes commands.

        The deadline's timer goes by this machine's clock, and ends a test's own: without it a
        pass ends by the simulated clock alone.
        """
        assert self._world is not None
        drbdadm = self._world.run

        def run(argv: Sequence[str], timeout_s: float) -> Completed:
            words = list(unwrapped(argv))[1:]
            if words and words[0] != "dump-xml" and not words[0].startswith("sh-"):
                self._note_command(pid, words)
                ran.append(" ".join(words))
            return drbdadm(argv, timeout_s)

        world = replace(self._world, run=run)
        settings = [name for name in os.environ if name.startswith("CONNECTOR_")]
        with (
            patch.object(connector.cli.reconcile, "this_world", lambda _root: world),
            patch.object(connector.cli.reconcile, "deadline", nullcontext),
            patch.dict(os.environ),
        ):
            for name in settings:
                del os.environ[name]
            yield

    def _note_command(self, parent: int, words: Sequence[str]) -> None:
        """The lines of the laboratory's drbdadm (tests/lab/guest/drbdadm)."""
        pid = self._stories.fresh_pid()
        lines = [
            f"saw {pid} {minor} {rest}" for minor, rest in _SAW.findall(self._shown("proc/drbd"))
        ]
        lines += [f"used {pid} {minor} mount" for minor in self._used()]
        for line in (*lines, f"drbdadm {pid} {parent} {' '.join(words)}"):
            self._stories.note(self.name, Source.NODE, line)


class SimulatedStories:
    """A simulated pair that understands the words of stories (vocabulary.py)."""

    is_real = False

    def __init__(self, folder: Path) -> None:
        """Begin with a clean pair; `folder` takes what the nodes show and keep, by their names."""
        self.folder = folder
        # Whether this story lets DRBD's own policies throw data away, on purpose.
        self.allow_policy_losses = False
        self.alpha = SimulatedStoryNode(self, "alpha")
        self.beta = SimulatedStoryNode(self, "beta")
        self.pair: SimulatedPair
        self._pids = itertools.count(1000)
        self._recording = Recording(lambda: self._newest_s)
        self._newest_s = 0.0
        self._taken: dict[tuple[str, int], int] = {}
        self.begin()

    @property
    def nodes(self) -> tuple[SimulatedStoryNode, SimulatedStoryNode]:
        """Both nodes, alpha first."""
        return self.alpha, self.beta

    # A clean state

    def begin(self, after_sb: Mapping[str, str] | None = None) -> None:
        """Make a new pair with DRBD's after-sb policies, and forget the old one."""
        policies = AfterSplitBrain(
            **{_AFTER_SB[key]: policy for key, policy in (after_sb or {}).items()}
        )
        self.pair = SimulatedPair(
            [SimulatedResource(name, minors, policies) for name, minors in MINORS.items()]
        )
        self.allow_policy_losses = False
        self._taken.clear()
        for node in self.nodes:
            node.begin()
        for resource in MINORS:
            self.alpha.secondary(resource)
        self.pair.settle()
        self._new_kernel_lines()  # of a time before the story
        self._newest_s = self.pair.state.now_s
        self._recording.clear()

    def configure(
        self,
        policy: Mapping[str, object] | None = None,
        *,
        run: Mapping[str, object] | None = None,
        more: str = "",
    ) -> None:
        """Give both nodes the same connector.toml: keys of [policy], of [run], and more lines.

        What a story does not say is as on the real pair.
        """
        policy = {"demote_grace": 0, "respect_disconnect": 0, **(policy or {})}
        for node in self.nodes:
            node.configure(_lines(policy), _lines({"settle": 3, **(run or {})}), more)
            self.note(node.name, Source.STORY, f"mode {policy.get('mode', 'reconnect')}")
        self.pair.sleep(ACT_S)

    # The link, and time

    def cut_link(self) -> None:
        """Nothing gets through any more; DRBD notices within about 2 s."""
        self.note("", Source.FAULT, "link cut")
        self.pair.cut_link()

    def restore_link(self) -> None:
        """Everything gets through again."""
        self.note("", Source.STORY, "link restored")
        self.pair.restore_link()

    def let_time_pass(self, seconds: float) -> None:
        """Wait."""
        self.pair.sleep(seconds)

    def wait_until(self, seen: Callable[[], Seen | None], what: str) -> Seen:
        """Let time pass until what `seen` returns is true, and return that.

        Raises AssertionError with what both nodes show, when it takes longer than WAIT_S.
        """
        end_s = self.pair.state.now_s + WAIT_S
        while not (found := seen()):
            if self.pair.state.now_s >= end_s:
                raise AssertionError(
                    f"not within {WAIT_S:g} s: {what}; at the end:\n{self.shown()}"
                )
            self.pair.sleep(STEP_S)
        return found

    def wait_all(self, connection: str = "Connected", *, minors: Iterable[int] = (0, 1, 2)) -> None:
        """Return when both nodes show `connection`, and both disks UpToDate, for every minor."""
        wanted = sorted(set(minors))
        self.wait_until(
            lambda: self._settled(wanted, connection),
            f"minors {wanted} {connection} with disks UpToDate",
        )

    def _settled(self, minors: Sequence[int], connection: str = "Connected") -> bool:
        return all(
            (state.connection, state.disk, state.peer_disk) == (connection, "UpToDate", "UpToDate")
            for node in self.nodes
            for state in map(node.state, minors)
        )

    def shown(self) -> str:
        """/proc/drbd of both nodes, as text for a person."""
        return "\n".join(
            f"-- {node.name}\n"
            + ((node.root / "proc/drbd").read_text(encoding="utf-8") if node.up else "is down\n")
            for node in self.nodes
        )

    # Trouble

    def split_brain(
        self,
        resource: str = "mail",
        *,
        still_active: Iterable[str] = ("alpha", "beta"),
        written: Iterable[int] | None = None,
    ) -> dict[str, str]:
        """Make a split brain and return each node's connection state by its name."""
        self.diverge(resource, still_active=still_active, written=written)
        self.restore_link()
        return self.wait_for_refusal(resource)

    def diverge(
        self,
        resource: str = "mail",
        *,
        still_active: Iterable[str] = ("alpha", "beta"),
        written: Iterable[int] | None = None,
    ) -> None:
        """Cut the link and have both nodes take the resource over, or go on, and write a record.

        On the minors in `written` (default: all of the resource). Then those not in
        `still_active` let go of it.
        """
        first = MINORS[resource][0]
        minors = tuple(written) if written is not None else MINORS[resource]
        active = tuple(still_active)
        self.cut_link()
        for node in self.nodes:
            node.wait_for_connection("WFConnection", minor=first)
        for node in self.nodes:
            if not node.mounted(first):
                node.take_over(resource)
            for minor in minors:
                node.write(minor, 1)
            if node.name not in active:
                node.let_go(resource)

    def wait_for_refusal(self, resource: str = "mail") -> dict[str, str]:
        """Return both connection states, by node, when a handshake has ended in StandAlone."""
        minor = MINORS[resource][0]

        def seen() -> dict[str, str]:
            return {node.name: node.connection(minor) for node in self.nodes}

        def refused() -> dict[str, str] | None:
            states = seen()
            known = set(states.values()) <= {"StandAlone", "WFConnection"}
            return states if known and "StandAlone" in states.values() else None

        self.wait_until(refused, f"a refused handshake of {resource}")
        # One that waits in WFConnection for good is how this race may end, too.
        end_s = self.pair.state.now_s + RACE_S
        while set(seen().values()) != {"StandAlone"} and self.pair.state.now_s < end_s:
            self.pair.sleep(STEP_S)
        return seen()

    # What was recorded

    @property
    def recording(self) -> Recording:
        """Everything that has happened since the story began."""
        self._catch_up()
        return self._recording

    def note(self, node: str, source: Source, text: str) -> None:
        """Record a line now, after everything that the kernels have said by now."""
        self._catch_up()
        self._recording.add(node, source, text)

    def fresh_pid(self) -> int:
        """The number of one more process; no two are the same, on whatever node."""
        return next(self._pids)

    def _catch_up(self) -> None:
        """Record what the kernels have said meanwhile, each line at its time."""
        for at_s, node, text in self._new_kernel_lines():
            self._newest_s = max(self._newest_s, at_s)
            self._recording.add(node, Source.KERNEL, text)
        self._newest_s = max(self._newest_s, self.pair.state.now_s)

    def _new_kernel_lines(self) -> list[tuple[float, str, str]]:
        """The simulated time, the node and the message of each, in order. A boot begins anew."""
        found = []
        for name, node in self.pair.state.nodes.items():
            key = name, node.boots
            found += [
                (node.booted_s + line.at_us / 1e6, name, line.text)
                for line in node.log[self._taken.get(key, 0) :]
            ]
            self._taken[key] = len(node.log)
        return sorted(found, key=lambda line: line[0])

    # The end

    def disks(self) -> dict[tuple[str, int], frozenset[str]]:
        """The records on every disk, by node and minor."""
        return {
            (node.name, minor): node.on_disk(minor)
            for node in self.nodes
            for minors in MINORS.values()
            for minor in minors
        }

    def connected(self) -> frozenset[str]:
        """The resources that are Connected and UpToDate on both nodes."""
        if not all(node.up for node in self.nodes):
            return frozenset()
        return frozenset(name for name, minors in MINORS.items() if self._settled(minors))

    def check(self) -> None:
        """Hold the whole story against the invariants. Raises AssertionError with what broke."""
        from tests.stories.checker import violations

        found = violations(
            self.recording.events(),
            self.disks(),
            {node.name: node.given_up() for node in self.nodes},
            connected=self.connected(),
            allow_policy_losses=self.allow_policy_losses,
        )
        if found:
            raise AssertionError("\n".join(found))


def _volume(minor: int) -> tuple[str, int]:
    """The resource that a minor belongs to, and its place there."""
    for resource, minors in MINORS.items():
        if minor in minors:
            return resource, minors.index(minor)
    raise ValueError(f"no resource has minor {minor}")


def _lines(keys: Mapping[str, object]) -> str:
    return "".join(_line(key, value) for key, value in keys.items())


def _line(key: str, value: object) -> str:
    return f"{key} = {json.dumps(value)}\n"
