"""The lines of `drbdsetup events2`: which of them may mean that there is something to do.

Nothing of a line is kept. A connection that is StandAlone is *destroyed* in the stream of the 8.4
kernel (drbdsetup(8), `events2`; measured), so a reader that remembers states would go on showing
the last one: here an event only says that it is time to look at /proc/drbd again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MAX_LINE_CHARACTERS = 4096
_ACTIONS = frozenset({"exists", "create", "change", "destroy", "rename", "call", "response"})
_OBJECTS = frozenset({"resource", "device", "connection", "peer-device", "path", "helper", "-"})
# Keys that say which object it is; everything else is its state.
_NAMES = frozenset(
    {"name", "new_name", "peer-node-id", "conn-name", "local", "peer", "volume", "minor"}
)
# States in which no row of the table is decided.
_INDIFFERENT = frozenset({"may_promote", "promotion_score", "congested", "open", "done"})


@dataclass(frozen=True, slots=True)
class Event:
    """One line. `fields` has the key:value words in their order."""

    action: str
    kind: str
    fields: Mapping[str, str]


def parse(line: str) -> Event | None:
    """The event of a line; None where it is none, such as a complaint of drbdsetup's.

    The first word may be a time (`--timestamps`). A value may hold colons: the first one counts.
    """
    words = line[:MAX_LINE_CHARACTERS].split()
    if words and words[0][:1].isdigit():
        words = words[1:]
    if len(words) < 2 or words[0] not in _ACTIONS or words[1] not in _OBJECTS:
        return None
    pairs = (word.partition(":") for word in words[2:])
    return Event(words[0], words[1], {key: value for key, colon, value in pairs if colon})


def ends_dump(event: Event) -> bool:
    """Whether it is `exists -`: from here on, whatever happens is told."""
    return (event.action, event.kind) == ("exists", "-")


def is_news(event: Event) -> bool:
    """Whether a pass should look: not at what was there before, and not at what decides nothing."""
    if event.action in ("exists", "response"):
        return False
    changed = event.fields.keys() - _NAMES
    return event.action != "change" or bool(changed - _INDIFFERENT)


def is_final(event: Event) -> bool:
    """Whether a connection has ended, and only a command makes another one: StandAlone.

    The 8.4 kernel destroys it, with no event of the state before.
    """
    return event.kind == "connection" and (
        event.action == "destroy" or event.fields.get("connection") == "StandAlone"
    )


def describe(event: Event) -> str:
    """What happened, for a log: `mail: change connection StandAlone`."""
    states = [value for key, value in event.fields.items() if key not in _NAMES | _INDIFFERENT]
    name = event.fields.get("name", "?")
    return " ".join([f"{name}:", event.action, event.kind, *states[:4]])
