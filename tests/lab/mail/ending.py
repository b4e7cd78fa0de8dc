"""What has become of the mail in the end: read off the disks, where no mount has a say in it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.lab.disks import files_on, rescued_on
from tests.lab.pair import Pair
from tests.lab.two_nodes import STATE_DISK

from .maildir import HEADER
from .service import Acknowledged

_NUMBER = re.compile(rf"^{HEADER}: (\S+)$", re.MULTILINE)


def mail_on(image: Path) -> frozenset[str]:
    """Return the numbers of the messages in the Maildir on a disk, after a power cut now.

    A file without a number is no message: it has been torn. Raises LabError where the file system
    is broken.
    """
    texts = files_on(image, "/Maildir/new").values()
    return frozenset(found[1] for text in texts if (found := _NUMBER.search(text)))


@dataclass(frozen=True)
class Kept:
    """The numbers on each node's disk, and in the rescues of each node, by the node's name.

    `together`: the two disks are one, so both must have a message. While they are apart it is kept
    if either has it.
    """

    together: bool
    disks: dict[str, frozenset[str]]
    rescues: dict[str, frozenset[str]]

    @classmethod
    def of(cls, pair: Pair) -> Self:
        """Read it off the disks of both nodes."""
        states = []
        for node in pair.nodes:
            if node.running:
                node.run("sync")
                states.append(node.state())
        return cls(
            [(one.connection, one.disk) for one in states] == [("Connected", "UpToDate")] * 2,
            {node.name: mail_on(node.disks[0]) for node in pair.nodes},
            {
                node.name: rescued_on(node.disks[STATE_DISK], mail_on).get(0, frozenset())
                for node in pair.nodes
            },
        )

    def given_up(self, acknowledged: Iterable[Acknowledged]) -> list[Acknowledged]:
        """Return what was acknowledged and is on no disk, but in a rescue of the node it was on."""
        return [one for one in acknowledged if not self._on_disk(one) and self._rescued(one)]

    def lost(self, acknowledged: Iterable[Acknowledged]) -> list[Acknowledged]:
        """Return what was acknowledged, and is neither on the disk nor in such a rescue."""
        return [one for one in acknowledged if not self._on_disk(one) and not self._rescued(one)]

    def _on_disk(self, one: Acknowledged) -> bool:
        enough = all if self.together else any
        return enough(one.number in numbers for numbers in self.disks.values())

    def _rescued(self, one: Acknowledged) -> bool:
        return one.number in self.rescues.get(one.kept_by, frozenset())
