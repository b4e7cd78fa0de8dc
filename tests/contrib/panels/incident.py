"""An hour of three pairs, as their exporters show it minute by minute.

Simulated pairs, and everything else real: each node's cron runs the real pass every minute, and
what is scraped is what `connector exporter` would show at that moment.

- north, mode discard: the link is cut, and beta takes mail over while alpha goes on. beta's service
  is stopped, the link comes back, and DRBD refuses: a split brain. The agents end it, and a resync
  brings the nodes together. Later an operator pauses db for some minutes.
- south, mode reconnect: the same, but nobody gives anything up: it waits for a person.
- west: nothing happens, but for a pause that nobody has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from connector.decide.context import Policy
from connector.memory import last_pass, pauses
from connector.memory.pauses import Pause
from connector.memory.store import moment
from connector.model import DiskState, Mode
from connector.reconcile import reconcile
from connector.report.metrics import metrics_memory
from connector.report.publish import publish
from connector.settings import RunSettings, Settings
from connector.simulate import SimulatedPair, story
from connector.simulate.configuration import NODES
from connector.survey import survey
from tests.report.reading import Read, samples

from .resync import SlowResyncs

MINUTES = 60
MINUTE_S = 60.0
SCRAPE_AT_S = 50.0  # in each minute: after both nodes' passes
_BLOCKS_PER_MINUTE = 8192  # 32 MiB that a service writes to each of its volumes


@dataclass(frozen=True, slots=True)
class Scrape:
    """What one node showed at one moment; `at_s` is on the simulated nodes' wall clock."""

    at_s: float
    pair: str
    node: str
    read: Read

    @property
    def instance(self) -> str:
        """How Prometheus names the node."""
        return f"{self.pair}-{self.node}"


class PairInTime:
    """One simulated pair with both nodes' agents."""

    def __init__(self, name: str, folder: Path, mode: Mode) -> None:
        self.name = name
        self.pair = SimulatedPair()
        self.worlds = {node: self.pair.world(node, folder / node / "root") for node in NODES}
        self.settings = {
            node: Settings(
                policy=Policy(mode=mode),
                run=RunSettings(
                    state_dir=folder / node / "state", lock=folder / node / "run" / "lock"
                ),
            )
            for node in NODES
        }
        self.resyncs = SlowResyncs(self.pair)
        self._written = 1000
        self._began_s = self.pair.clock("alpha").wall_s()

    def pause(self, resource: str) -> None:
        """An operator pauses a resource on both nodes."""
        for node in NODES:
            now = moment(self.worlds[node])
            pause = Pause(
                reason="maintenance",
                since_wall_s=now.wall_s,
                until_wall_s=None,
                until_boot_s=None,
                boot_id=now.boot_id,
            )
            pauses.save(self.settings[node].pauses_file, {resource: pause})

    def resume(self) -> None:
        """The operator ends all pauses."""
        for node in NODES:
            pauses.save(self.settings[node].pauses_file, {})

    def minute(self, number: int) -> Iterator[Scrape]:
        """Let the services write, run both nodes' passes, and scrape both."""
        self._write()
        for node in NODES:
            world, settings = self.worlds[node], self.settings[node]
            publish(reconcile(world, settings), world, settings)
            self.resyncs.catch()
        self._sleep_until(number * MINUTE_S + SCRAPE_AT_S)
        for node in NODES:
            yield self._scraped(node)
        self._sleep_until((number + 1) * MINUTE_S)

    def _sleep_until(self, since_start_s: float) -> None:
        now_s = self.pair.clock("alpha").wall_s() - self._began_s
        self.pair.sleep(max(0.0, since_start_s - now_s))

    def _scraped(self, node: str) -> Scrape:
        world, settings = self.worlds[node], self.settings[node]
        report, memory = survey(world, settings)
        known = metrics_memory(settings, memory.counters, last_pass.load(settings.last_pass_file))
        items = [replace(item, after=self.resyncs.shown(item.after)) for item in report.resources]
        return Scrape(world.clock.wall_s(), self.name, node, samples(items, known))

    def _write(self) -> None:
        """What is written while the nodes are apart counts in the bitmap of whoever wrote it."""
        for node in NODES:
            for item in self.pair.state.resources:
                for volume in self.pair.side(node, item.name).volumes:
                    if volume.held_open and volume.peer_disk is DiskState.DUNKNOWN:
                        first = self._written
                        self._written += _BLOCKS_PER_MINUTE
                        volume.changed.update(range(first, self._written))


def _link_cut(one: PairInTime) -> None:
    story.link_cut(one.pair)


def _take_over(one: PairInTime) -> None:
    story.both_write(one.pair, "mail")


def _link_back(one: PairInTime) -> None:
    one.pair.restore_link()
    one.resyncs.catch()


def _service_stops(one: PairInTime) -> None:
    story.service_stops(one.pair, story.STANDBY, "mail")


EVENTS: dict[str, dict[int, Callable[[PairInTime], None]]] = {
    "north": {
        12: _link_cut,
        14: _take_over,
        17: _service_stops,
        18: _link_back,
        46: lambda one: one.pause("db"),
        52: lambda one: one.resume(),
    },
    "south": {26: _link_cut, 28: _take_over, 31: _service_stops, 32: _link_back},
    "west": {40: lambda one: one.pause("db")},
}
MODES = {"north": Mode.DISCARD, "south": Mode.RECONNECT, "west": Mode.RECONNECT}


def hour(folder: Path, minutes: int = MINUTES) -> list[Scrape]:
    """Every scrape of its first minutes; the same each time.

    The folder takes what the nodes keep.
    """
    pairs = [PairInTime(name, folder / name, mode) for name, mode in MODES.items()]
    for one in pairs:
        story.serving(one.pair)
    found: list[Scrape] = []
    for number in range(minutes):
        for one in pairs:
            event = EVENTS[one.name].get(number)
            if event is not None:
                event(one)
            found += one.minute(number)
    return found
