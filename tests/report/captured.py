"""What a pass sees in the situations that were captured on DRBD 9, through the real look."""

from __future__ import annotations

from pathlib import Path

from connector.decide.context import Context, Policy
from connector.decide.policy import decide
from connector.model import Mode, Outcome, OutcomeKind
from connector.observe.node import look
from connector.report.passes import PassReport, ResourceReport
from connector.settings import RunSettings, Settings
from tests.captures_9 import world_of

LASTED_S = 1000.0  # long enough for every grace


def report_of(situation: str, node: str, root: Path, mode: Mode = Mode.RECONNECT) -> PassReport:
    """A pass that only looks and decides, after the same picture has lasted for long."""
    world = world_of(root, situation, node)
    found = look(world, Settings(run=RunSettings(state_dir=root / "state")))
    context = Context(
        policy=Policy(mode=mode), picture_age_s=LASTED_S, log_now_s=world.clock.log_s()
    )
    items = []
    for resource in found.resources:
        decision = decide(resource, context)
        nothing = Outcome(OutcomeKind.NOTHING)
        items.append(ResourceReport(resource, decision, nothing, resource, decision.needs_operator))
    return PassReport(found, tuple(items), started_wall_s=1e9, duration_s=0.25)
