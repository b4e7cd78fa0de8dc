"""The end of a schedule: nothing is broken any more, and connector has had its time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from connector.memory.files import MAX_BYTES
from connector.observe.reading import read_at_most
from connector.report.passes import PassReport

from . import rules
from .facts import NODES, Violation

if TYPE_CHECKING:
    from .agent import Pass
    from .play import Play

MINUTE_S = 60.0
SPARE_MINUTES = 6
STILL_MINUTES = 2


def progress(play: Play) -> str:
    """What became of the resources, as words.

    The pair is connected, or one of the nodes has said that a person is needed; then it stays so,
    with no command more. Violation where that is not so.
    """
    setup = play.schedule.setup
    patience_s = setup.respect_disconnect_s + setup.demote_grace_s
    minutes = int(patience_s / MINUTE_S) + 2 * setup.max_attempts + SPARE_MINUTES
    for _ in range(minutes):
        play.hub.run(play.hub.now_s + MINUTE_S)
        if _settled(play):
            break
    if setup.mode == "observe":
        return "observed"
    words = [_end_of(play, resource.name) for resource in setup.resources]
    before = play.witness.commands
    play.hub.run(play.hub.now_s + STILL_MINUTES * MINUTE_S)
    if play.witness.commands != before:
        raise Violation("endless", f"commands go on after {minutes} quiet minutes")
    for node in NODES:
        _twice(play, node)
    return ", ".join(sorted(set(words)))


def _settled(play: Play) -> bool:
    return all(
        _connected(play, resource.name) or _person_needed(play, resource.name)
        for resource in play.schedule.setup.resources
    )


def _connected(play: Play, resource: str) -> bool:
    return all(
        volume.connection.value == "Connected"
        for node in NODES
        for volume in play.pair.side(node, resource).volumes
    )


def _person_needed(play: Play, resource: str) -> bool:
    reports = [_last_report(play, node) for node in NODES]
    return any(
        item.needs_operator
        for report in reports
        if report is not None
        for item in report.resources
        if item.resource.name == resource
    )


def _last_report(play: Play, node: str) -> PassReport | None:
    found = (one.report for one in reversed(play.witness.passes) if one.node == node)
    return next((report for report in found if report is not None), None)


def _end_of(play: Play, resource: str) -> str:
    if _connected(play, resource):
        return "connected"
    if _person_needed(play, resource):
        return "operator needed"
    states = ", ".join(
        f"{node} {play.pair.connection(node, resource)} {play.pair.role(node, resource)}"
        for node in NODES
    )
    raise Violation("progress", f"{resource} is apart ({states}), and nobody is told")


def _twice(play: Play, node: str) -> None:
    """Two passes with nothing between: the second decides as the first, and leaves no trace."""
    found: list[Pass] = []
    kept: list[dict[str, bytes]] = []
    agent = play.agents[node]

    def work() -> None:
        for _ in range(2):
            found.append(agent.run_pass(play.witness))
            kept.append(_traces(agent.settings.run.state_dir))

    play.hub.begin(f"twice {node}", node, work, looks=True)
    play.hub.run(play.hub.now_s + MINUTE_S)
    first, second = found
    rules.steady(play.witness, first, second)
    healthy = first.report is not None and not first.report.eventful
    if healthy and kept[0] != kept[1]:
        raise Violation("no trace", f"{node}: a pass with nothing to do has changed its memory")


def _traces(folder: Path) -> dict[str, bytes]:
    """Everything below the folder but when the last pass was."""
    return {
        f"{place}/{name}": read_at_most(f"{place}/{name}", MAX_BYTES)
        for place, _, names in os.walk(folder)
        for name in names
        if name != "last-pass.json"
    }
