"""Whether a story on DRBD 9 was sound: what is on the disks, and what was really run. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

Place = tuple[str, int]  # a node and a minor
FORBIDDEN = ("--force", "--tentative", "--overwrite-data-of-peer")
DISCARD = "--discard-my-data"


@dataclass(frozen=True)
class Played:
    """What is left of a story: acknowledged records with their minor, and where records are.

    `commands` are the words of each drbdadm that connector ran.
    """

    acknowledged: Mapping[str, int]
    disks: Mapping[Place, frozenset[str]]
    rescued: Mapping[Place, frozenset[str]]
    commands: tuple[str, ...]
    keeps_rescues: bool = True


def broken(played: Played) -> list[str]:
    """Return a sentence for each thing that must never be; none where the story was sound."""
    return [*_wrong_commands(played), *_lost(played)]


def _wrong_commands(played: Played) -> Iterator[str]:
    for command in played.commands:
        name, *words = command.split()
        if any(word.startswith(FORBIDDEN) for word in words):
            yield f"`drbdadm {command}` has an option that no pass may use"
        elif name not in ("connect", "secondary"):
            yield f"`drbdadm {command}` is no command of a pass"
        elif name == "connect" and not all(":" in word or word == DISCARD for word in words):
            yield f"`drbdadm {command}` names no peer"


def _lost(played: Played) -> Iterator[str]:
    gave_up = any(DISCARD in command for command in played.commands)
    if gave_up and not played.keeps_rescues:
        return
    for record, minor in played.acknowledged.items():
        if not any(
            record in found
            for kept in (played.disks, played.rescued)
            for (_, of_minor), found in kept.items()
            if of_minor == minor
        ):
            yield f"{record} was acknowledged on minor {minor}, and is on no disk and in no rescue"
