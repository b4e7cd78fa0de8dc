"""What a pass of the watch does, and what it tells of it."""

from __future__ import annotations

import gc
import importlib
from dataclasses import replace
from typing import Any

from connector.act.deadline import deadline
from connector.errors import ConnectorError, LockHeld
from connector.model import DecisionName, GateName
from connector.one_pass import one_pass
from connector.report.passes import PassReport, ResourceReport
from connector.settings import Settings
from connector.watch.pass_process import Told
from connector.watch.schedule import Ended
from connector.world import World

# What a pass imports only when it acts. A watch has it loaded before it forks, once for all passes.
_WHEN_ACTING = (
    "connector.act.carry_out",
    "connector.act.execute",
    "connector.act.lock",
    "connector.act.subprocess_runner",
    "connector.memory.counters",
    "connector.memory.given_up",
    "connector.memory.journal",
    "connector.memory.store",
    "connector.observe.dump_xml",
    "connector.observe.evidence",
    "connector.observe.kernel_log",
    "connector.observe.nine.node",
    "connector.reconcile",
    "connector.report.as_json",
    "connector.report.exposition",
    "connector.report.metrics",
    "connector.report.publish",
    "connector.rescue.attend",
    "connector.rescue.before_discard",
    # What these import only where they need it.
    "encodings.ascii",
    "filelock",
    "prometheus_client.core",
    "tenacity",
    "xml.etree.ElementTree",
)


def load_all() -> None:
    """Import whatever a pass may need."""
    for name in _WHEN_ACTING:
        importlib.import_module(name)
    # Looked through in a pass's process, all of it would have to be copied there.
    gc.freeze()


def work(world: World, settings: Settings) -> Told:
    """One pass, as cron's: under the same lock, with the same deadline and the same traces."""
    try:
        with deadline(settings.run.deadline_s):
            return told(one_pass(world, _for_a_watch(settings)))
    except LockHeld as error:
        return Told(exit_status=error.exit_status, ended=Ended(healthy=False, look_again=True))
    except ConnectorError as error:
        return Told(
            exit_status=error.exit_status,
            ended=Ended(healthy=False),
            eventful=True,
            messages=[str(error)],
        )


def _for_a_watch(settings: Settings) -> Settings:
    """The same without what would only make it slower.

    A pass that stays to see the peer come would keep the next one waiting; and one that was woken
    has something to look at under the lock, so that a look before it is one too many.
    """
    run = replace(settings.run, stays_while_waiting=False, looks_before_locking=False)
    return replace(settings, run=run)


def told(report: PassReport) -> Told:
    """What the schedule and the log need of a pass."""
    gates = {gate.name for item in report.resources for gate in item.decision.gates}
    acted = any(item.outcome.commands for item in report.resources)
    return Told(
        exit_status=report.exit_status,
        ended=Ended(
            acted=acted,
            healthy=not report.eventful,
            look_again=GateName.GRACE in gates,
        ),
        duration_s=round(report.duration_s, 3),
        eventful=report.eventful,
        resources=[_line(item) for item in report.resources if _speaks(item)],
        messages=list(report.messages),
    )


def _speaks(item: ResourceReport) -> bool:
    return item.needs_operator or item.decision.name is not DecisionName.HEALTHY


def _line(item: ResourceReport) -> dict[str, Any]:
    return {
        "name": item.resource.name,
        "was": item.resource.connection,
        "is": item.after.connection,
        "decision": item.decision.name,
        "gates": [gate.name for gate in item.decision.gates],
        "commands": [" ".join(command.argv) for command in item.outcome.commands],
        "outcome": item.outcome.kind,
        "needs_operator": item.needs_operator,
    }
