"""connector on one node of the pair: production's pass, in a world that may fail it anywhere."""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from connector.errors import ConnectorError, LockHeld
from connector.one_pass import one_pass
from connector.program import Completed, Run
from connector.report.passes import PassReport
from connector.settings import RunSettings, Settings
from connector.simulate import SimulatedPair
from connector.world import World

from .hub import Killed
from .shown import Shown

if TYPE_CHECKING:
    from connector.clock import Clock

    from .schedule import Setup
    from .witness import Witness

_TRANSIENT = "State change failed: (-18) In transient state, retry after next state change\n"
NEVER = 10**9


@dataclass(eq=False)
class Pass:
    """One pass: when it began and ended, and what came of it. Times are the simulation's."""

    node: str
    began_s: float
    dies_at: int = NEVER  # which of its touches of the world it does not survive
    touches: int = 0
    ended_s: float | None = None
    report: PassReport | None = None
    error: ConnectorError | None = None
    killed: bool = False
    commands: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    person: bool = False  # not cron's: `connector recover`

    @property
    def locked_out(self) -> bool:
        """Whether another pass held the lock."""
        return isinstance(self.error, LockHeld)


@dataclass(slots=True)
class Trouble:
    """What the next commands meet: `slow`, `busy`, `hang`, `late` or `crash`; seconds of it."""

    kind: str
    seconds: float


class Agent:
    """A node's connector: what it keeps on its disk, and its passes."""

    def __init__(self, pair: SimulatedPair, node: str, folder: Path, settings: Settings) -> None:
        self.node = node
        self.pair = pair
        self.folder = folder
        self.shown = Shown(folder / "root")
        self._etc = self.shown.root / "etc"
        self.settings = settings
        self.troubles: deque[Trouble] = deque()
        self.dies_at: int = NEVER
        self.wall_offset_s = 0.0
        self.no_state_since_s = 0.0  # the last time that its folder was put aside
        self._drbdadm = pair.run_on(node)

    def world(self, during: Pass, witness: Witness) -> World:
        """What a pass touches: each touch may be its last."""
        clock = _MortalClock(self, during)
        run = _mortal(self._drbdadm, self, during, witness)
        return World(self.shown.root, run, clock, self.node, self._etc)

    def run_pass(self, witness: Witness) -> Pass:
        """One pass as cron starts it; it ends with the node, or where it is to be killed."""
        found = Pass(self.node, self.pair.state.now_s, dies_at=self.dies_at)
        self.dies_at = NEVER
        witness.pass_began(found)
        try:
            world = self.world(found, witness)
            found.report = one_pass(world, self.settings, warn=found.warnings.append)
        except ConnectorError as error:
            found.error = error
        except Killed:
            found.killed = True
            raise
        finally:
            found.ended_s = self.pair.state.now_s
            witness.pass_ended(found)
        return found

    def power_lost(self) -> None:
        """What is in memory only is gone: the lock's folder, and a log that could not be read."""
        shutil.rmtree(self.settings.run.lock.parent, ignore_errors=True)
        self.troubles.clear()
        self.dies_at = NEVER


def settings_of(folder: Path, setup: Setup) -> Settings:
    """A node's settings, with their files below its folder."""
    run = RunSettings(
        state_dir=folder / "state",
        lock=folder / "run" / "lock",
        stays_while_waiting=not setup.eager,
        looks_before_locking=not setup.eager,
    )
    return Settings(policy=setup.policy, run=run)


@dataclass(slots=True)
class _MortalClock:
    """The node's clocks, wrong by its offset; to look at one is a moment in which to be killed."""

    agent: Agent
    during: Pass

    def _clock(self) -> Clock:
        _touch(self.during)
        return self.agent.pair.clock(self.agent.node)

    def wall_s(self) -> float:
        return self._clock().wall_s() + self.agent.wall_offset_s

    def boot_s(self) -> float:
        return self._clock().boot_s()

    def log_s(self) -> float:
        return self._clock().log_s()

    def sleep(self, seconds: float) -> None:
        self._clock().sleep(seconds)
        _touch(self.during)


def _touch(during: Pass) -> None:
    during.touches += 1
    if during.touches >= during.dies_at:
        raise Killed


def _mortal(drbdadm: Run, agent: Agent, during: Pass, witness: Witness) -> Run:
    def run(argv: Sequence[str], timeout_s: float) -> Completed:
        if "dump-xml" in argv:
            return drbdadm(argv, timeout_s)
        _touch(during)
        if argv[0] != "drbdadm":
            # What keeps a copy changes nothing of DRBD's, and may be its last, too.
            done = drbdadm(argv, timeout_s)
            _touch(during)
            return done
        during.commands.append(" ".join(argv))
        witness.command_began(during, argv)
        done = _troubled(agent, drbdadm, argv, timeout_s)
        _touch(during)
        return done

    return run


def _troubled(agent: Agent, drbdadm: Run, argv: Sequence[str], timeout_s: float) -> Completed:
    """What drbdadm does when it is in trouble: takes long, is refused, hangs before or after."""
    if not agent.troubles:
        return drbdadm(argv, timeout_s)
    trouble = agent.troubles.popleft()
    wait = agent.pair.sleep
    if trouble.kind == "slow" and trouble.seconds < timeout_s:
        wait(trouble.seconds)
        return drbdadm(argv, timeout_s - trouble.seconds)
    if trouble.kind == "busy":
        wait(0.1)
        return Completed(tuple(argv), 11, stderr=_TRANSIENT, duration_s=0.1)
    if trouble.kind == "crash":
        return Completed(tuple(argv), -9, duration_s=0.0)
    left_s = timeout_s
    if trouble.kind == "late":
        left_s -= drbdadm(argv, timeout_s).duration_s
    wait(max(0.0, left_s))
    return Completed(tuple(argv), None, duration_s=timeout_s)
