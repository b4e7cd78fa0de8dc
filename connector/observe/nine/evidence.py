"""Why is it StandAlone, on DRBD 9? What the kernel log says of each connection.

DRBD 9 has a connection per peer, and each has a story of its own: a Connected link beside a
StandAlone one does not end a split brain. evidence.py does the same for 8.4.

`flags` are hexadecimal and have more bits than in 8.4 (drbd_protocol.h, UUID_FLAG_*): bit 0
DISCARD_MY_DATA and bit 1 CRASHED_PRIMARY as there; measured were also STABLE (20), RECONNECT
(100), PRIMARY_LOST_QUORUM (400) and HAS_UNALLOC (1000).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from connector.model import Cause, Evidence
from connector.observe.kernel_log import LogRecord
from connector.observe.nine.connection_story import Change, ConnectionStory, Message, OwnSide
from connector.observe.receiver_messages import cause_in

# drbd mail: role( Secondary -> Primary ) [primary]
# drbd mail beta: conn( Connecting -> Disconnecting ) [connect-failed]
# drbd mail/0 drbd0: before-resync-target handler returned 1, dropping connection.
# drbd mail/0 drbd0 beta: Split-Brain detected but unresolved, dropping connection!
# Matched from the beginning only, and so is every message: see evidence.py.
_PREFIX = re.compile(r"drbd ([^\s:/]+)(?:/\d{1,7} drbd(\d{1,7}))?(?: ([^\s:/]+))?: (.*)")
# The reason in brackets may hold a program's name: role( Secondary -> Primary ) [NAME:253 auto-…]
_CHANGES = re.compile(r"((?:[a-z-]{1,40}\( [^()<>]{1,40} -> [^()<>]{1,40} \) ?)+)(?:\[(.*)\])?\s*")
_ROLE_CHANGE = re.compile(r"(?:^| )role\( (\w+) -> (\w+) \)")
# Preparing cluster-wide state change 3052649760: 0->1 role( Primary ) conn( Connected )
# Preparing remote state change 3052649760: 0->1 role( Primary ) conn( Connected )
_INTRODUCTION = re.compile(
    r"Preparing (cluster-wide|remote) state change \d{1,20}: (\d{1,3})->\d{1,3} "
    r"role\( (Primary|Secondary) \) conn\( Connected \)"
)
# The kernel writes bytes that are not ASCII, and the backslash itself, as \xNN into /dev/kmsg.
_ESCAPED = re.compile(r"(?:\\x[0-9a-f]{2})+")


@dataclass(slots=True)
class _Resource:
    own: OwnSide = field(default_factory=OwnSide)
    connections: dict[str, ConnectionStory] = field(default_factory=dict)

    def tell(self, message: Message, peer: str | None) -> None:
        changes = _CHANGES.fullmatch(message.text)
        change = Change(changes[1], changes[2]) if changes else None
        if peer is not None:
            self._tell_of(peer, message, change)
        elif change is not None:
            self._role_changed(message, change)
        elif message.minor is None:
            self._introduced(message.text)
        elif cause_in(message.text) is Cause.RESYNC_HANDLER:
            self._handler_failed(message)

    def _tell_of(self, peer: str, message: Message, change: Change | None) -> None:
        connection = self.connections.setdefault(peer, ConnectionStory(self.own))
        if change is None:
            connection.tell(message)
        elif connection.changed(message, change):
            began = connection.resync_began.pop(message.minor, 0)
            for other in self.connections.values():
                other.data_replaced(message, began)

    def _role_changed(self, message: Message, change: Change) -> None:
        role = _ROLE_CHANGE.search(change.states)
        if not role:
            return
        self.own.primary = role[2] == "Primary"
        for connection in self.connections.values():
            if self.own.primary:
                connection.promoted(message)
            else:
                connection.demoted()

    def _introduced(self, text: str) -> None:
        """A node says its role as it begins a handshake: this one, or a peer."""
        said = _INTRODUCTION.match(text)
        if not said:
            return
        primary = said[3] == "Primary"
        if said[1] == "cluster-wide":
            self.own.primary = primary
            return
        for connection in self.connections.values():
            if connection.node_id == int(said[2]):
                connection.peer_primary = primary

    def _handler_failed(self, message: Message) -> None:
        """The line names no peer: it is that for which the handler has just failed.

        Where it failed for several peers at once, all their connections are about to be dropped.
        Where the log no longer says for whom it ran, it is whose connection goes down next.
        """
        affected = [c for c in self.connections.values() if message.minor in c.handler_failed]
        for connection in affected:
            connection.trouble(message, Cause.RESYNC_HANDLER)
        if not affected:
            self.own.unclaimed_handlers += 1


def _name(logged: str) -> str:
    """A name as it is configured."""
    return _ESCAPED.sub(
        lambda match: bytes.fromhex(match[0].replace("\\x", "")).decode("utf-8", "replace"), logged
    )


def gather(records: Sequence[LogRecord]) -> dict[tuple[str, str], Evidence]:
    """Evidence by resource and peer, for every connection that the log tells something of.

    `handshakes` are those that belong to the cause. The lowest bit of their identifiers is set
    for a side of which the log proves otherwise that it was Primary. What is seen of a connection
    that is Connecting counts as well: which side of a split brain ends as StandAlone is a race.
    """
    resources: dict[str, _Resource] = {}
    for number, record in enumerate(records, 1):
        if not record.text.startswith("drbd "):
            continue
        match = _PREFIX.match(record.text)
        if not match:
            continue
        minor = int(match[2]) if match[2] else None
        message = Message(number, record.at_s, record.text.strip(), minor, match[4])
        peer = _name(match[3]) if match[3] else None
        resources.setdefault(_name(match[1]), _Resource()).tell(message, peer)
    found = {
        (name, peer): connection.evidence()
        for name, resource in resources.items()
        for peer, connection in resource.connections.items()
    }
    return {key: evidence for key, evidence in found.items() if evidence != Evidence()}
