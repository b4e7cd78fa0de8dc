"""The kernels' messages that connector takes for evidence, in words that two pairs can share.

This reading is the tests' own. What differs from run to run on real DRBD is left out, each with its
reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.lab.administration import volume_of
from tests.lab.recording import Event, Source

_PREFIX = re.compile(r"(?:block drbd(\d+)|drbd ([^\s:/]+)): (.*?) *")
_CHANGES = re.compile(r"(?:[a-z_]+\( \w+ -> \w+ \) ?)+")
_CHANGE = re.compile(r"\b(conn|role)\( (\w+) -> (\w+) \)")
_SIDE = re.compile(r"(self|peer) [0-9A-F]{15}([0-9A-F])(?::[0-9A-F]{16}){3} bits:(\d+) flags:(\S+)")
_TROUBLE = re.compile(
    r"Split-Brain detected|Unrelated data|Authentication of peer failed|I shall become Sync"
    r"|incompatible .*(?:settings|setting|dialects)|.*handler returned \d+, dropping"
)
# Where the kernel is when it gives a connection up by itself. Which of them is a race: the side
# that refuses later has often been hung up on by then, and goes by NetworkFailure or BrokenPipe.
_FAILING = frozenset(
    ["WFReportParams", "Timeout", "BrokenPipe", "NetworkFailure", "ProtocolError", "TearDown"]
)
MEETS, LOSES, CONNECTED = "meets its peer", "loses its peer", "becomes Connected"
PROMOTED, GIVES_UP = "becomes Primary", "gives up"
_AGREED = ("Connected", "SyncSource", "SyncTarget")


@dataclass(frozen=True)
class Message:
    """One message of a node's kernel; `of` is a resource, or a resource and a volume."""

    node: str
    of: str
    text: str

    @property
    def link(self) -> tuple[str, str]:
        """The end of the connection that it belongs to."""
        return self.node, self.of.partition("/")[0]


def told(events: Iterable[Event], *, breaks_link: bool) -> list[str]:
    """One line for each message, by node and by what it speaks of; in order for each of those.

    What is said of two devices, or on two nodes, at the same moment comes in any order.
    `breaks_link` is whether what was done meanwhile takes the peer out of reach.
    """
    messages = [
        Message(event.node, found[2] or _volume(int(found[1])), text)
        for event in events
        if event.source is Source.KERNEL and (found := _PREFIX.fullmatch(event.text))
        for text in _texts(found[3])
    ]
    messages = _without(messages, MEETS, MEETS)
    if not breaks_link:
        messages = _without(messages, LOSES, CONNECTED, including=True)
    ordered = sorted(messages, key=lambda message: (message.node, message.of))
    return [f"said   {message.node} {message.of}: {message.text}" for message in ordered]


def _volume(minor: int) -> str:
    try:
        resource, volume = volume_of(minor)
    except ValueError:
        return f"minor {minor}"
    return f"{resource}/{volume}"


def _without(
    messages: list[Message], first: str, last: str, *, including: bool = False
) -> list[Message]:
    """The messages without those of an outage that nobody has made, each end for itself.

    On a busy host an emulated node may take longer than its peer's ping time-out to answer; then
    both meet anew. So a handshake that was cut off counts for nothing beside the one that came
    after it, and no more does a connection that is lost and there again before anybody looks. What
    DRBD refuses is none of those: nobody tries that again by himself.
    """
    ends: dict[tuple[str, str], list[int]] = {}
    for place, message in enumerate(messages):
        begun = message.link in ends
        if message.text == first and not begun:
            ends[message.link] = [place, place]
        elif message.text == last and begun:
            ends[message.link][1] = place + including
    return [
        message
        for place, message in enumerate(messages)
        if message.link not in ends
        or not ends[message.link][0] <= place < ends[message.link][1]
        or message.text in (PROMOTED, GIVES_UP)
    ]


def _texts(message: str) -> Iterator[str]:
    if side := _SIDE.match(message):
        role = "Primary" if int(side[2], 16) & 1 else "not Primary"
        yield f"{side[1]} {role}, bits: {'none' if side[3] == '0' else 'some'}, flags: {side[4]}"
    elif _CHANGES.fullmatch(message):
        for word, before, after in _CHANGE.findall(message):
            if word == "role" and after == "Primary":
                yield PROMOTED
            elif word == "conn":
                yield from _connection(before, after)
    elif _TROUBLE.match(message):
        yield message


def _connection(before: str, after: str) -> Iterator[str]:
    """What a change of the connection state tells.

    What is left out is on the way (Unconnected, WFBitMapS, WFSyncUUID and their kin), or a state
    that lasts and is shown (StandAlone, WFConnection).
    """
    if after == "WFReportParams":
        yield MEETS
    elif after in _AGREED:
        yield f"becomes {after}"
    elif after == "Disconnecting":
        yield GIVES_UP if before in _FAILING else f"is disconnected from {before}"
    elif after == "TearDown":
        yield "is left by its peer"
    elif after in _FAILING and before not in _FAILING:
        yield LOSES
