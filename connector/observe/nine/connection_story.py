"""One connection of DRBD 9 as the kernel log tells it, read from old to new."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from connector.model import Cause, Evidence, Handshake
from connector.observe.evidence import MAX_LINES
from connector.observe.receiver_messages import cause_in, handshakes, is_solved, side_in

# Connections that a person takes down say so; the kernel's own reasons are [connect-failed],
# [receive-disconnect] or nothing.
_BY_HAND = "disconnect"
# `down` takes the resource away with its connections: there is no state left to explain.
_DOWN = "down"

_CONNECTION_CHANGE = re.compile(r"(?:^| )conn\( (\w+) -> (\w+) \)")
_REPLICATION_CHANGE = re.compile(r"(?:^| )repl\( (\w+) -> (\w+) \)")
# Handshake to peer 1 successful: Agreed network protocol version 122
# Starting sender thread (peer-node-id 1)
_NODE_ID = re.compile(
    r"(?:Handshake to peer |Starting (?:sender|receiver) thread \(peer-node-id )(\d{1,3})\b"
)
# helper command: /sbin/drbdadm before-resync-target exit code 1 (0x100)
_HANDLER_FAILED = re.compile(r"helper command: \S+ before-resync-target exit code [1-9]")
_HANDSHAKE_BEGINS = "drbd_sync_handshake:"
_AS_TARGET = frozenset(["WFBitMapT", "WFSyncUUID", "SyncTarget", "PausedSyncT"])


@dataclass(frozen=True, slots=True)
class Message:
    """One line of the log, taken apart. `number` is its place in the log."""

    number: int
    at_s: float
    line: str
    minor: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """The state changes of one message and why they happened (`[connect-failed]`), if it says."""

    states: str
    why: str | None


@dataclass(slots=True)
class OwnSide:
    """What all connections of a resource share: this node's role, as far as the log tells it."""

    primary: bool | None = None
    # Failed handlers of which no line said for which peer they ran.
    unclaimed_handlers: int = 0


@dataclass(slots=True)
class ConnectionStory:
    """One connection's log. Whatever is wrong is over as soon as it is Connected."""

    own: OwnSide
    node_id: int | None = None
    cause: Cause | None = None
    cause_at_s: float | None = None
    cause_minor: int | None = None
    cause_number: int = 0
    trouble_in_this_attempt: bool = False
    peer_primary: bool = False
    sides: dict[int | None, dict[str, tuple[int, int, int]]] = field(default_factory=dict)
    handshakes: tuple[Handshake, ...] = ()
    lines: list[str] = field(default_factory=list)
    solved: str | None = None
    resync_began: dict[int | None, int] = field(default_factory=dict)
    handler_failed: set[int | None] = field(default_factory=set)

    def tell(self, message: Message) -> None:
        """Take in one message that is no state change."""
        node_id = _NODE_ID.match(message.text)
        if node_id:
            self.node_id = int(node_id[1])
            return
        if message.text.startswith(_HANDSHAKE_BEGINS):
            self.sides.pop(message.minor, None)
            return
        side = side_in(message.text)
        if side:
            if side[0] == "self":
                self.sides.pop(message.minor, None)
            self.sides.setdefault(message.minor, {})[side[0]] = side[1]
        elif is_solved(message.text):
            self.solved = message.text.strip()
        elif _HANDLER_FAILED.match(message.text):
            self.handler_failed.add(message.minor)
        else:
            cause = cause_in(message.text)
            if cause is not None:
                self.trouble(message, cause)
            return
        self.keep(message)

    def trouble(self, message: Message, cause: Cause) -> None:
        """The kernel says why it is about to drop the connection.

        It refuses two sides that both want to throw their data away before it looks at the data
        (drbd_receiver.c `receive_protocol`): the split brain that made them do so is still there.
        """
        self.trouble_in_this_attempt = True
        self.keep(message)
        both_discard = message.text.startswith("incompatible discard-my-data")
        if both_discard and self.cause is Cause.SPLIT_BRAIN:
            return
        self._caused(message, cause)
        self.handshakes = tuple(self._with_roles(item) for item in handshakes(self.sides))

    def _caused(self, message: Message, cause: Cause) -> None:
        self.cause, self.cause_at_s = cause, message.at_s
        self.cause_minor, self.cause_number = message.minor, message.number

    def _with_roles(self, handshake: Handshake) -> Handshake:
        """The handshake, its lowest bits set for each side that was certainly Primary.

        8.4 sets that bit at every promotion. 9 clears it at a demotion (drbd_nl.c `drbd_set_role`)
        and sets it only with a new current identifier: measured, a node that was promoted for a
        second time is Primary and mounted with the bit cleared (2n-unrelated-data, alpha). The bit
        alone therefore proves a Primary, but no Secondary.
        """
        return replace(
            handshake,
            self_current=handshake.self_current | (self.own.primary is True),
            peer_current=handshake.peer_current | self.peer_primary,
        )

    def changed(self, message: Message, change: Change) -> bool:
        """Take state changes in; whether a resync with this node as target has just finished."""
        connection = _CONNECTION_CHANGE.search(change.states)
        if connection:
            self._connection_changed(message, connection[1], connection[2], change.why)
        replication = _REPLICATION_CHANGE.search(change.states)
        if not replication:
            return False
        before, after = replication[1], replication[2]
        if before == "Off" and self.cause is not None:
            self._connected(message)
        if after in _AS_TARGET and before not in _AS_TARGET:
            self.resync_began[message.minor] = message.number
        # Without [resync-finished] it was given up: this node has lost its disk, for instance.
        return before in _AS_TARGET and after == "Established" and change.why == "resync-finished"

    def _connection_changed(
        self, message: Message, before: str, after: str, why: str | None
    ) -> None:
        if after == "Connected":
            self._connected(message)
            return
        if after in ("Unconnected", "Connecting"):
            self.sides.clear()
            self.trouble_in_this_attempt, self.peer_primary = False, False
        elif after == "Disconnecting":
            self._disconnecting(message, before, why)
        self.handler_failed.clear()
        self.keep(message)

    def _connected(self, message: Message) -> None:
        """They have agreed on the data, or on leaving it to a third node: nothing is left to do."""
        self.forget(message)
        self.trouble_in_this_attempt = False

    def forget(self, message: Message) -> None:
        """Whatever was wrong before this message is over."""
        self.cause, self.cause_at_s, self.handshakes = None, None, ()
        self.lines.clear()
        self.keep(message)

    def _disconnecting(self, message: Message, before: str, why: str | None) -> None:
        """A disconnect by hand does not undo a split brain that is still unresolved."""
        if why is None and before == "Connected" and self.own.unclaimed_handlers:
            self.own.unclaimed_handlers -= 1
            cause = Cause.RESYNC_HANDLER
        elif self.trouble_in_this_attempt or self.cause is Cause.SPLIT_BRAIN or why == _DOWN:
            return
        else:
            cause = Cause.OPERATOR_DISCONNECT if why == _BY_HAND else Cause.UNRECOGNISED
        self._caused(message, cause)
        self.handshakes = ()

    def promoted(self, message: Message) -> None:
        """This node has been Primary since: what the handshake said of the sides is out of date."""
        self.handshakes = ()
        self.keep(message)

    def demoted(self) -> None:
        """This node was Primary until now, so at the handshake too: `promoted` would forget it."""
        self.handshakes = tuple(
            replace(item, self_current=item.self_current | 1) for item in self.handshakes
        )

    def data_replaced(self, message: Message, began: int) -> None:
        """A resync that `began` there has made this node's data of that volume another peer's.

        A split brain from before then is one of data that no longer exist.
        """
        if (
            self.cause is Cause.SPLIT_BRAIN
            and self.cause_minor in (None, message.minor)
            and self.cause_number < began
        ):
            self.forget(message)

    def keep(self, message: Message) -> None:
        """Keep the line as one that tells something of this connection."""
        self.lines.append(message.line)
        del self.lines[:-MAX_LINES]

    def evidence(self) -> Evidence:
        """What is known at the end of the log."""
        return Evidence(
            cause=self.cause,
            cause_at_s=self.cause_at_s,
            handshakes=self.handshakes,
            lines=tuple(self.lines),
            solved_by_policy=self.solved,
        )
