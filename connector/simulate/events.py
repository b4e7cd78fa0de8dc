"""What happens in a story: what people type, services, accidents; each with its words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from connector.simulate.configuration import NODES, SimulatedResource
from connector.simulate.pair import SimulatedPair
from connector.simulate.story import drbdadm

ALPHA, BETA = NODES
_NOTICED_S = 10.0  # after that DRBD has noticed a cut or met its peer, and a resync is over
_HOUR_S = 3600.0


class Stage(Protocol):
    """What events act upon: the pair, and the agents that a person has a word for."""

    @property
    def pair(self) -> SimulatedPair:
        """The pair of the story."""
        ...

    def pause(self, node: str, resource: str, *, for_s: float, reason: str) -> None:
        """`connector pause RESOURCE --for TIME --reason TEXT`."""
        ...

    def resume(self, node: str, resource: str) -> None:
        """`connector resume RESOURCE`."""
        ...

    def recover(self, node: str, resource: str, *, discard: bool) -> None:
        """`connector recover RESOURCE` with a person's word, who types the name when asked."""
        ...


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens, and the words for it."""

    words: str
    happen: Callable[[Stage], None]


# What a person types


def typed(node: str, line: str) -> Event:
    """A `drbdadm` command, which succeeds."""

    def happen(stage: Stage) -> None:
        drbdadm(stage.pair, node, *line.split()[1:])
        stage.pair.settle()

    return Event(f"{node}# {line}", happen)


def pauses(node: str, resource: str, *, hours: int, reason: str) -> Event:
    """`connector pause` for so many hours."""
    return Event(
        f'{node}# connector pause {resource} --for {hours}h --reason "{reason}"',
        lambda stage: stage.pause(node, resource, for_s=hours * _HOUR_S, reason=reason),
    )


def resumes(node: str, resource: str) -> Event:
    """`connector resume`."""
    words = f"{node}# connector resume {resource}"
    return Event(words, lambda stage: stage.resume(node, resource))


def recovers(node: str, resource: str, *, discard: bool) -> Event:
    """`connector recover`, with a word on whose changes go."""
    word = "--discard-my-data" if discard else "--keep-my-data"
    return Event(
        f"{node}# connector recover {resource} {word}",
        lambda stage: stage.recover(node, resource, discard=discard),
    )


# Services


def mounts(node: str, resource: SimulatedResource) -> Event:
    """The service of a resource starts: its volumes are mounted."""

    def happen(stage: Stage) -> None:
        for volume, _ in enumerate(resource.minors):
            stage.pair.mount(node, resource.name, _mount_point(resource, volume), volume)

    return Event(f"{node}: {resource.name} is mounted, its service starts", happen)


def unmounts(node: str, resource: SimulatedResource) -> Event:
    """The service stops. The node stays Primary: to demote it takes another command."""

    def happen(stage: Stage) -> None:
        for volume, _ in enumerate(resource.minors):
            stage.pair.umount(node, resource.name, _mount_point(resource, volume), volume)

    return Event(f"{node}: the service of {resource.name} stops, it is unmounted", happen)


def writes(node: str, resource: str, block: int, text: str, *, volume: int = 0) -> Event:
    """The service writes a block, which holds `text` from then on."""
    return Event(
        f"{node}: writes to {resource}: {text}",
        lambda stage: stage.pair.write(node, resource, volume, block, text),
    )


def _mount_point(resource: SimulatedResource, volume: int) -> str:
    return f"/srv/{resource.name}{volume}"


# Accidents


def _cut(stage: Stage) -> None:
    stage.pair.cut_link()
    stage.pair.sleep(_NOTICED_S)


def _mend(stage: Stage) -> None:
    stage.pair.restore_link()
    stage.pair.sleep(_NOTICED_S)


LINK_CUT = Event("the link is cut", _cut)
LINK_BACK = Event("the link is there again", _mend)


def loses_power(node: str) -> Event:
    """The node is gone at once."""

    def happen(stage: Stage) -> None:
        stage.pair.crash(node)
        stage.pair.sleep(_NOTICED_S)

    return Event(f"{node}: the power is gone", happen)


def boots(node: str, *, connecting: bool) -> Event:
    """The node is back, Secondary, its disks attached; `connecting` as the init script does."""

    def happen(stage: Stage) -> None:
        stage.pair.boot(node, connecting=connecting)
        stage.pair.sleep(_NOTICED_S)

    told = "DRBD is told to connect" if connecting else "DRBD is not told to connect"
    return Event(f"{node}: up again, {told}", happen)
