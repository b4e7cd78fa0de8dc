"""One schedule, told line by line and drawn, for whoever has to find out what went wrong."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.lab.recording import Event, Source, as_text
from tests.lab.timeline import draw as picture_of

from .agent import Pass
from .play import Play, Played
from .schedule import Schedule
from .witness import Witness

# The words that the pictures of the laboratory know.
_WORDS = {"cut": (Source.FAULT, "link cut"), "mend": (Source.STORY, "link restored")}


class Telling(Witness):
    """A witness that writes down what it sees, in the lines of the laboratory's recordings."""

    def __init__(self, mode: str) -> None:
        super().__init__(mode)
        self.events: list[Event] = []
        self._numbers: dict[int, int] = {}
        self._read: dict[tuple[str, int], int] = {}

    def note(self, node: str, source: Source, text: str) -> None:
        """One line now, after what the kernels have said by now."""
        self.kernels()
        self.events.append(Event(self.pair.state.now_s, node, source, text))

    def kernels(self) -> None:
        """What the kernels have said meanwhile."""
        for name, node in self.pair.state.nodes.items():
            key = name, node.boots
            read = self._read.get(key, 0)
            self._read[key] = len(node.log)
            self.events += [
                Event(node.booted_s + line.at_us / 1e6, name, Source.KERNEL, line.text)
                for line in node.log[read:]
            ]

    def told(self, node: str, text: str) -> None:
        """What the play says of itself."""
        source, words = _WORDS.get(text, (Source.STORY, text))
        self.note(node, source, words)

    def pass_began(self, found: Pass) -> None:
        super().pass_began(found)
        self._numbers[id(found)] = 1000 + len(self._numbers)
        what = "recover" if found.person else "reconcile"
        self.note(found.node, Source.NODE, f"pass {self._numbers[id(found)]} {what}")

    def pass_ended(self, found: Pass) -> None:
        status = found.report.exit_status if found.report else 137 if found.killed else 1
        took_s = self.pair.state.now_s - found.began_s
        number = self._numbers[id(found)]
        self.note(found.node, Source.NODE, f"ended {number} {status} {took_s:.3f}")
        super().pass_ended(found)

    def command_began(self, during: Pass, argv: Sequence[str]) -> None:
        number = self._numbers[id(during)]
        line = " ".join(argv[1:])
        self.note(during.node, Source.NODE, f"drbdadm {number}0 {number} {line}")
        super().command_began(during, argv)


def told(schedule: Schedule) -> tuple[list[str], str, Played]:
    """The lines, an SVG picture, and what came of it."""
    folder = Path(tempfile.mkdtemp(prefix="connector-schedule-"))
    seen = Telling(schedule.setup.mode)
    try:
        played = Play(schedule, folder, witness=seen, tell=seen.told).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    seen.kernels()
    events = sorted(seen.events, key=lambda event: event.at_s)
    minors = {
        minor: resource.name for resource in schedule.setup.resources for minor in resource.minors
    }
    title = f"schedule of seed {schedule.setup.seed}, mode {schedule.setup.mode}"
    drawn = picture_of(events, title=title, resource_of_minor=minors)
    # The folder's name is another one each time.
    return as_text(events).replace(f"{folder}/", "").splitlines(), drawn, played
