"""A schedule from a seed. The same seed gives the same schedule, today and in five years.

Python promises that of `random.Random(seed).random()` and its kin as far as they are built on it
(random, "Notes on Reproducibility"); `choice` and `shuffle` are not, so they are not used.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

from .facts import NODES
from .schedule import Happening, Schedule, Setup

One = TypeVar("One")
PLAYED_S = 1080.0
_FIRST_S = 45.0
POLICIES = (
    ("disconnect", "disconnect", "disconnect"),
    ("disconnect", "disconnect", "disconnect"),
    ("disconnect", "disconnect", "disconnect"),
    ("discard-zero-changes", "discard-secondary", "disconnect"),
    ("discard-zero-changes", "consensus", "disconnect"),
    ("discard-younger-primary", "violently-as0p", "disconnect"),
)


class Dice:
    """Draws of one seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def below(self, limit: float) -> float:
        """A number from 0 to below `limit`, to the hundredth."""
        return round(self._random.random() * limit, 2)

    def chance(self, probability: float) -> bool:
        """Whether it happens."""
        return self._random.random() < probability

    def one_of(self, ones: Sequence[One]) -> One:
        """One of them."""
        return ones[int(self._random.random() * len(ones))]


def draw(seed: int, mode: str | None = None) -> Schedule:
    """The schedule of a seed; in a mode of its own unless one is named."""
    dice = Dice(seed)
    setup = Setup(
        seed=seed,
        mode=mode or dice.one_of(("discard", "discard", "reconnect", "reconnect", "observe")),
        volumes=dice.one_of(((1,), (1,), (1,), (2,), (1, 1))),
        after_sb=dice.one_of(POLICIES),
        demote_grace_s=dice.one_of((0, 60, 90)),
        max_attempts=dice.one_of((2, 3, 5)),
        respect_disconnect_s=dice.one_of((0, 120, 300)),
        cron_s=(dice.below(60), dice.below(60)),
        skew_s=(0.0, dice.one_of((0.0, 0.0, -90.0, 4000.0))),
        eager=dice.chance(0.5),
        gives_up=dice.one_of(NODES),
        quiet_from_s=PLAYED_S,
    )
    names = [resource.name for resource in setup.resources]
    found: list[Happening] = []
    for _ in range(1 + int(dice.below(4))):
        scene = dice.one_of(_SCENES)
        scene(dice, found, names, _FIRST_S + dice.below(700))
    for _ in range(int(dice.below(5))):
        _noise(dice, found, names, _FIRST_S + dice.below(900))
    happenings = sorted(found, key=lambda item: item.at_s)
    return Schedule(setup, tuple(item for item in happenings if item.at_s < PLAYED_S))


# Scenes: what belongs together


def _cut(dice: Dice, found: list[Happening], _names: list[str], at_s: float) -> None:
    """The replication link is away for a while; or comes and goes."""
    if dice.chance(0.3):
        found.append(Happening(at_s, "flap", number=2 + int(dice.below(6))))
        return
    found.append(Happening(at_s, "cut", _silent(dice)))
    found.append(Happening(round(at_s + 1 + dice.below(240), 2), "mend"))


def _silent(dice: Dice) -> str:
    """The node whose frames alone are lost, in one cut of four; else both's are."""
    return dice.one_of(NODES) if dice.chance(0.25) else ""


def _split(dice: Dice, found: list[Happening], names: list[str], at_s: float) -> None:
    """Both links are cut: both nodes become active, and write; one may see it, one way."""
    apart_s = 14 + dice.below(200)
    silent = _silent(dice)
    found.append(Happening(at_s, "cut", silent))
    found.append(Happening(round(at_s + dice.below(3), 2), "cut beats", silent))
    mended_s = round(at_s + apart_s, 2)
    found.append(Happening(mended_s, "mend"))
    found.append(Happening(round(mended_s + dice.below(60), 2), "mend beats"))
    if dice.chance(0.2):
        found.append(Happening(round(mended_s - 1, 2), "sloppy", dice.one_of(NODES)))
    if dice.chance(0.1):
        # Nobody is active when they meet again.
        for node in NODES:
            found.append(Happening(round(mended_s - 0.5, 2), "stop", node))
            found.append(Happening(round(mended_s + 30 + dice.below(200), 2), "start", node))
    if dice.chance(0.2):
        found.append(Happening(round(mended_s + dice.below(5), 2), "cut"))
        found.append(Happening(round(mended_s + 5 + dice.below(100), 2), "mend"))


def _crash(dice: Dice, found: list[Happening], _names: list[str], at_s: float) -> None:
    """A node is away for a while, perhaps after the link; perhaps both, one after the other."""
    node = dice.one_of(NODES)
    if dice.chance(0.3):
        found.append(Happening(round(at_s - dice.below(20), 2), "cut"))
        found.append(Happening(round(at_s + dice.below(300), 2), "mend"))
    back_s = round(at_s + 2 + dice.below(300), 2)
    found.append(Happening(at_s, "crash", node))
    found.append(Happening(back_s, "boot", node))
    if dice.chance(0.25):
        peer = NODES[node == NODES[0]]
        found.append(Happening(round(at_s + dice.below(200), 2), "crash", peer))
        found.append(Happening(round(back_s + dice.below(200), 2), "boot", peer))


def _move(dice: Dice, found: list[Happening], _names: list[str], at_s: float) -> None:
    """The service moves on purpose, sometimes without demoting."""
    node = dice.one_of(NODES)
    if dice.chance(0.4):
        found.append(Happening(round(at_s - 0.5, 2), "sloppy", NODES[node == NODES[0]]))
    found.append(Happening(at_s, dice.one_of(("switch", "release")), node))


def _maintenance(dice: Dice, found: list[Happening], names: list[str], at_s: float) -> None:
    """An operator disconnects, perhaps works on the other side, perhaps forgets to connect."""
    node, name = dice.one_of(NODES), dice.one_of(names)
    found.append(Happening(at_s, "type disconnect", node, name))
    if dice.chance(0.3):
        peer = NODES[node == NODES[0]]
        found.append(Happening(round(at_s + 2 + dice.below(20), 2), "type primary", peer, name))
        found.append(Happening(round(at_s + 25 + dice.below(9), 2), "type mount", peer, name))
    if dice.chance(0.5):
        found.append(Happening(round(at_s + dice.below(300), 2), "type connect", node, name))


def _agents_fail(dice: Dice, found: list[Happening], names: list[str], at_s: float) -> None:
    """A split, and what could go wrong with connector while it ends it."""
    _split(dice, found, names, at_s)
    if dice.chance(0.3):
        # Two passes of one node, the first of which takes its time.
        node, near_s = dice.one_of(NODES), round(at_s + 60 + dice.below(120), 2)
        found += [Happening(near_s, "drbdadm slow", node, number=12.0)] * 3
        found += [
            Happening(round(near_s + later_s, 2), "second pass", node)
            for later_s in range(0, 60, 6)
        ]
    for _ in range(1 + int(dice.below(3))):
        late_s = round(at_s + 15 + dice.below(260), 2)
        node = dice.one_of(NODES)
        what, most = dice.one_of(_FAULTS)
        found.append(Happening(late_s, what, node, number=round(1 + dice.below(most), 2)))


_FAULTS = (
    ("drbdadm slow", 13),
    ("drbdadm busy", 1),
    ("drbdadm hangs", 1),
    ("drbdadm late", 1),
    ("drbdadm crashes", 1),
    ("pass dies", 30),
    ("pass dies", 60),
    ("no log", 150),
    ("garbled", 150),
    ("no state", 150),
    ("clock jumps", 4000),
)
_SCENES = (_cut, _split, _split, _crash, _move, _maintenance, _agents_fail)


def _noise(dice: Dice, found: list[Happening], names: list[str], at_s: float) -> None:
    """One thing by itself."""
    node, name = dice.one_of(NODES), dice.one_of(names)
    if dice.chance(0.4):
        what, most = dice.one_of(_FAULTS)
        sign = -1 if what == "clock jumps" and dice.chance(0.5) else 1
        found.append(Happening(at_s, what, node, number=sign * round(1 + dice.below(most), 2)))
        return
    what = dice.one_of(_TYPED)
    number = round(30 + dice.below(200), 2) if what == "type pause" else 0.0
    found.append(Happening(at_s, what, node, name, number))


_TYPED = (
    "second pass",
    "second pass",
    "type connect",
    "type primary",
    "type secondary",
    "type umount",
    "type pause",
    "type recover",
    "type recover",
    "type discard",
)
