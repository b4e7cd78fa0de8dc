"""Why is it StandAlone? What the kernel log says of each resource since it was last connected.

/proc/drbd shows the same line for a split brain, an operator's disconnect, a failed
authentication and unrelated data; only the log tells them apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from connector.model import ESTABLISHED, Cause, Evidence, Handshake
from connector.observe.kernel_log import LogRecord
from connector.observe.receiver_messages import cause_in, handshakes, is_solved, side_in

MAX_LINES = 24

# block drbd0: Split-Brain detected but unresolved, dropping connection!         (8.3, 8.4)
# drbd mail: conn( Connected -> Disconnecting )                                  (8.4)
# drbd mail/0 drbd0: ...                                                         (late 8.4)
# A program chooses its own name, and the kernel begins lines with it: `NAME[280]: segfault at …`.
# Every message is therefore matched from its beginning, never looked for in the middle.
_PREFIX = re.compile(r"(?:block drbd(\d{1,7})|drbd ([^\s:/]+)(?:/\d+ drbd(\d{1,7}))?): (.*)")
# peer( Primary -> Unknown ) conn( Connected -> TearDown ) pdsk( UpToDate -> DUnknown )
_CHANGES = re.compile(r"(?:[a-z_]+\( \w+ -> \w+ \) ?)+")
_CONNECTION_CHANGE = re.compile(r"\bconn\( (\w+) -> (\w+) \)")
# role( Secondary -> Primary )
_PROMOTED = re.compile(r"\brole\( Secondary -> Primary \)")

# States out of which the kernel itself disconnects; measured: the slower side of a split brain
# goes NetworkFailure -> Disconnecting without anybody having typed a word.
_ON_THE_WAY = frozenset(
    ["WFReportParams", "Timeout", "BrokenPipe", "NetworkFailure", "ProtocolError", "TearDown"]
)


@dataclass(slots=True)
class _Story:
    """One resource's log, read from old to new."""

    cause: Cause | None = None
    cause_at_s: float | None = None
    trouble_in_this_attempt: bool = False
    sides: dict[int | None, dict[str, tuple[int, int, int]]] = field(default_factory=dict)
    handshakes: tuple[Handshake, ...] = ()
    lines: list[str] = field(default_factory=list)
    solved: str | None = None

    def tell(self, record: LogRecord, minor: int | None, message: str) -> None:
        """Take one message in."""
        if _CHANGES.fullmatch(message):
            self._changed(record, message)
            return
        side = side_in(message)
        if side:
            self.sides.setdefault(minor, {})[side[0]] = side[1]
            self._keep(record)
            return
        if is_solved(message):
            self.solved = message.strip()
            self._keep(record)
            return
        cause = cause_in(message)
        if cause is not None:
            self._trouble(record, cause)

    def _trouble(self, record: LogRecord, cause: Cause) -> None:
        self.trouble_in_this_attempt = True
        self.cause, self.cause_at_s = cause, record.at_s
        self.handshakes = handshakes(self.sides)
        self._keep(record)

    def _changed(self, record: LogRecord, message: str) -> None:
        """Take a line of state changes in."""
        if _PROMOTED.search(message):
            self._promoted(record)
        change = _CONNECTION_CHANGE.search(message)
        if change:
            self._connection_changed(record, change[1], change[2])

    def _promoted(self, record: LogRecord) -> None:
        """This node has been Primary since: what the handshake said of the sides is out of date.

        Were it kept, a node that took over after the handshake and served for hours could still
        be taken for the one whose changes count for nothing.
        """
        self.handshakes = ()
        self._keep(record)

    def _connection_changed(self, record: LogRecord, before: str, after: str) -> None:
        if after in ESTABLISHED:
            # Whatever was wrong before is over: they have agreed on the data.
            self.cause, self.cause_at_s, self.handshakes = None, None, ()
            self.trouble_in_this_attempt = False
            self.lines.clear()
        elif after == "WFReportParams":
            self.sides.clear()
            self.trouble_in_this_attempt = False
        elif after == "Disconnecting" and not self.trouble_in_this_attempt:
            self._disconnected(record, before)
        self._keep(record)

    def _disconnected(self, record: LogRecord, before: str) -> None:
        """Nothing explains it: out of a handshake or a failure that is trouble, else a person.

        A disconnect by hand does not undo a split brain that is still unresolved.
        """
        if self.cause is Cause.SPLIT_BRAIN:
            return
        trouble = before in _ON_THE_WAY
        self.cause = Cause.UNRECOGNISED if trouble else Cause.OPERATOR_DISCONNECT
        self.cause_at_s = record.at_s

    def _keep(self, record: LogRecord) -> None:
        self.lines.append(record.text.strip())
        del self.lines[:-MAX_LINES]


def gather(
    records: Sequence[LogRecord], resource_of_minor: Mapping[int, str]
) -> dict[str, Evidence]:
    """Evidence by resource name, for every resource that the log speaks of.

    Lines of a minor that `resource_of_minor` does not know are left out. `handshakes` are those
    that belong to the cause, so that an older or newer handshake can never be taken for it.
    """
    stories: dict[str, _Story] = {}
    for record in records:
        if "drbd" not in record.text:
            continue
        match = _PREFIX.match(record.text)
        if not match:
            continue
        digits = match[1] or match[3]
        minor = int(digits) if digits else None
        name = match[2] or (resource_of_minor.get(minor) if minor is not None else None)
        if name is not None:
            stories.setdefault(name, _Story()).tell(record, minor, match[4])
    return {
        name: Evidence(
            cause=story.cause,
            cause_at_s=story.cause_at_s,
            handshakes=story.handshakes,
            lines=tuple(story.lines),
            solved_by_policy=story.solved,
        )
        for name, story in stories.items()
    }
