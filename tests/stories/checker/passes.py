"""The rules about passes: one at a time on a node, and each in time."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from .findings import about, say
from .journal import Command, Journal, Pass
from .reading import is_crash

EMULATION_ALLOWANCE_S = 10.0  # what an emulated node may take more than a real one, documented
ORPHAN_S = 1.0  # a command of a pass that has just been killed may still be on its way


def at_once(journal: Journal) -> Iterator[str]:
    """4: at most one pass acts at a time on a node, and none after its end."""
    acted: dict[Pass, list[Command]] = {}
    for command in journal.commands:
        if command.run_by is None:
            yield about(journal, "invariant 4", command, "was run by no pass on record")
            continue
        ended_at_s = command.run_by.ended_at_s
        if ended_at_s is not None and command.at_s > ended_at_s + ORPHAN_S:
            yield about(journal, "invariant 4", command, "was run after its pass had ended")
        acted.setdefault(command.run_by, []).append(command)
    for (one, its), (other, others) in itertools.combinations(acted.items(), 2):
        begin_s = max(its[0].at_s, others[0].at_s)
        if one.node == other.node and begin_s <= min(its[-1].at_s, others[-1].at_s):
            what = f"passes {one.pid} and {other.pid} ran commands at the same time"
            yield say(journal, "invariant 4", one.node, begin_s, what)


def too_long(journal: Journal, deadline_s: float) -> Iterator[str]:
    """5: a pass ends within its deadline, unless its node has lost its power meanwhile."""
    limit_s = deadline_s + EMULATION_ALLOWANCE_S
    recorded_until_s = journal.events[-1].at_s if journal.events else 0.0
    for one in journal.passes:
        crashed = any(
            is_crash(event) and event.node == one.node and event.at_s >= one.began_at_s
            for event in journal.told
        )
        name = f"pass {one.pid} ({' '.join(one.arguments)})"
        if one.duration_s is not None and one.duration_s > limit_s:
            what = f"{name} took {one.duration_s:.1f} s, more than {limit_s:g} s"
            yield say(journal, "invariant 5", one.node, one.began_at_s, what)
        elif (
            one.duration_s is None
            and not crashed
            and recorded_until_s > one.began_at_s + deadline_s
        ):
            yield say(journal, "invariant 5", one.node, one.began_at_s, f"{name} never ended")
