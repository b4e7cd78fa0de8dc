"""What a pass sees in the situations that were captured on DRBD 9, through the real look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from connector.decide.context import Context, Policy
from connector.decide.policy import decide
from connector.model import Mode, Observation, Outcome, OutcomeKind
from connector.observe.node import look
from connector.program import Completed
from connector.report.passes import PassReport, ResourceReport
from connector.settings import RunSettings, Settings
from connector.world import World
from tests.captures_9 import FOLDER, log_of, records

LASTED_S = 1000.0  # long enough for every grace
_NODE_FILES = {"proc_drbd": "proc/drbd", "swaps": "proc/swaps"}


@dataclass(frozen=True)
class _AfterTheLog:
    """A clock that stands still, a little after the last line of the kernel log."""

    log_now_s: float

    def wall_s(self) -> float:
        return 1e9

    def boot_s(self) -> float:
        return self.log_now_s

    def log_s(self) -> float:
        return self.log_now_s

    def sleep(self, seconds: float) -> None:
        raise AssertionError(f"a look does not sleep for {seconds} s")


def seen(situation: str, node: str, root: Path) -> tuple[Observation, float]:
    """What one look shows, and the present on the kernel log's clock; `root` is an empty folder."""
    kept = FOLDER / situation / node
    _build(kept, root)
    (root / "dev").mkdir()
    (root / "dev/kmsg").write_text(log_of(situation, node))
    answers = {
        "dump-xml": (kept / "drbdadm_dump-xml").read_text(),
        "status": (kept / "drbdsetup_status.json").read_text(),
    }

    def run(argv: Sequence[str], timeout_s: float) -> Completed:
        return Completed(tuple(argv), 0, answers[argv[1]])

    clock = _AfterTheLog(max((one.at_s for one in records(situation, node)), default=0.0) + 5)
    world = World(root=root, run=run, clock=clock, host=node, configuration=root / "etc")
    return look(world, Settings(run=RunSettings(state_dir=root / "state"))), clock.log_now_s


def report_of(situation: str, node: str, root: Path, mode: Mode = Mode.RECONNECT) -> PassReport:
    """A pass that only looks and decides, after the same picture has lasted for long."""
    found, now_s = seen(situation, node, root)
    context = Context(policy=Policy(mode=mode), picture_age_s=LASTED_S, log_now_s=now_s)
    items = []
    for resource in found.resources:
        decision = decide(resource, context)
        nothing = Outcome(OutcomeKind.NOTHING)
        items.append(ResourceReport(resource, decision, nothing, resource, decision.needs_operator))
    return PassReport(found, tuple(items), started_wall_s=1e9, duration_s=0.25)


def _build(kept: Path, root: Path) -> None:
    """Of one process, the first, which holds nothing open."""
    for process in ("self", "1"):
        folder = root / "proc" / process
        (folder / "fd").mkdir(parents=True)
        (folder / "comm").write_text("init\n")
        (folder / "mountinfo").write_bytes((kept / "mountinfo").read_bytes())
    for name, place in _NODE_FILES.items():
        (root / place).write_bytes((kept / name).read_bytes())
    for section in (kept / "debugfs_openers").read_text().split("== ")[1:]:
        place, _, text = section.partition("\n")
        path = root / "sys/kernel/debug/drbd/resources" / place.strip()
        path.parent.mkdir(parents=True)
        path.write_text(text)
