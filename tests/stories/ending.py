"""The end of a story: what is on the disks, and whether all was as it must be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from tests.lab.administration import MINORS
from tests.lab.disks import records_on, rescued_on
from tests.lab.drbd_node import DrbdNode
from tests.lab.errors import LabError
from tests.lab.pair import Pair
from tests.lab.recording import Event
from tests.lab.two_nodes import STATE_DISK
from tests.stories import checker

_RECORD_NAME = re.compile(r"\d{8}T\d{6}Z-(.+?)(?:-\d+)?\.json")


@dataclass(frozen=True)
class Ending:
    """All that the checker looks at."""

    events: Sequence[Event]
    disks: dict[tuple[str, int], frozenset[str]]
    given_up: dict[str, list[str]]
    connected: frozenset[str]
    allow_policy_losses: bool
    rescued: dict[tuple[str, int], frozenset[str]]

    @classmethod
    def of(cls, pair: Pair) -> Self:
        """Read it off both nodes and off their disks."""
        for node in pair.nodes:
            node.catch_up()
        connected = _connected(pair)
        return cls(
            events=pair.recording.events(),
            disks={
                (node.name, minor): records_on(node.disks[minor])
                for node in pair.nodes
                for minors in MINORS.values()
                for minor in minors
            },
            given_up={node.name: _given_up(node) for node in pair.nodes if node.running},
            connected=connected,
            allow_policy_losses=pair.allow_policy_losses,
            rescued={
                (node.name, minor): records
                for node in pair.nodes
                for minor, records in _rescued(node).items()
            },
        )

    def violations(self) -> list[str]:
        """Return a sentence for each thing that must never be; none where the story is sound."""
        return checker.violations(
            self.events,
            self.disks,
            self.given_up,
            connected=self.connected,
            allow_policy_losses=self.allow_policy_losses,
            rescued=self.rescued,
        )

    def lost(self) -> tuple[checker.Lost, ...]:
        """Return the acknowledged records that are on no disk on which they should be."""
        return checker.lost(
            self.events,
            self.disks,
            self.given_up,
            connected=self.connected,
            allow_policy_losses=self.allow_policy_losses,
            rescued=self.rescued,
        )


def _rescued(node: DrbdNode) -> dict[int, frozenset[str]]:
    """The records in the copies on the node's own disk, by minor; snapshots are none."""
    with suppress(LabError):
        node.run("sync")  # the state disk is read below the node's mount
    kept = rescued_on(node.disks[STATE_DISK])
    return {minor: kept.get(minor, frozenset()) for minors in MINORS.values() for minor in minors}


def _given_up(node: DrbdNode) -> list[str]:
    try:
        listed = node.run("ls /var/lib/connector/given-up 2>/dev/null; true").stdout
    except LabError:
        return []
    return resources_of(listed.split())


def resources_of(names: Iterable[str]) -> list[str]:
    """Return the resources whose records of what was given up have these file names."""
    return [found[1] for name in sorted(names) if (found := _RECORD_NAME.fullmatch(name))]


def _connected(pair: Pair) -> frozenset[str]:
    try:
        states = [node.states() for node in pair.nodes]
    except LabError:
        return frozenset()  # a node that is down is connected to nobody
    return frozenset(
        resource
        for resource, minors in MINORS.items()
        if all(
            minor in seen
            and (seen[minor].connection, seen[minor].disk, seen[minor].peer_disk)
            == ("Connected", "UpToDate", "UpToDate")
            for seen in states
            for minor in minors
        )
    )
