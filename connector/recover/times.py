"""When did the nodes part, and since when may each have written? From the kernel log; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from connector.model import ESTABLISHED
from connector.observe.kernel_log import LogRecord
from connector.report.past_incidents import Ending, Incident, clock

# block drbd0: new current UUID 2B8C5F1E0A7D3C45:9F…      drbd mail: conn( Connected -> TearDown )
# drbd mail/0 drbd0: new current UUID: F6F735RB weak: …    drbd mail beta: conn( … ) [disconnect]
_LINE = re.compile(
    r"(?:block drbd(\d{1,7})|drbd ([^\s:/]+)(?:/\d+ drbd(\d{1,7}))?(?: ([^\s:]+))?): (.*)", re.ASCII
)
_CHANGES = re.compile(r"(?:[a-z_]+\( \w+ -> \w+ \) ?)+(?:\[[a-z-]+\])?", re.ASCII)
_CONNECTION = re.compile(r"\bconn\( (\w+) -> (\w+) \)", re.ASCII)
_ROLE = re.compile(r"\brole\( (\w+) -> (\w+) \)", re.ASCII)
_OWN_GENERATION = "new current UUID"
_REFUSED = "Split-Brain detected but unresolved"


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds on the kernel log's clock since the last agreement; None: the log does not say.

    `alone_s`: from then on this node's data went their own way. `primary_s` and `secondary_s`: when
    its role last changed. `refused_s`: when DRBD last found the split brain.
    """

    apart_s: float | None = None
    alone_s: float | None = None
    primary_s: float | None = None
    secondary_s: float | None = None
    refused_s: float | None = None


def times(
    records: Sequence[LogRecord],
    name: str,
    of_minor: Mapping[int, str],
    peer: str | None = None,
) -> Times:
    """The times of one resource, out of the records of the kernel log.

    On DRBD 9 the lines about another peer than `peer` do not count.
    """
    found = Times()
    for record in records:
        match = _LINE.match(record.text)
        if not match:
            continue
        digits = match[1] or match[3]
        about = match[2] or of_minor.get(int(digits or -1))
        if about == name and match[4] in (None, peer):
            found = _told(found, match[5], record.at_s)
    return found


def _told(found: Times, message: str, at_s: float) -> Times:
    if message.startswith(_OWN_GENERATION):
        return replace(found, alone_s=at_s)
    if message.startswith(_REFUSED):
        return replace(found, refused_s=at_s)
    if not _CHANGES.fullmatch(message):
        return found
    if change := _CONNECTION.search(message):
        if change[2] in ESTABLISHED:
            return Times()
        if change[1] in ESTABLISHED:
            found = replace(found, apart_s=at_s)
    if change := _ROLE.search(message):
        became = {"Primary": "primary_s", "Secondary": "secondary_s"}.get(change[2])
        if became == "primary_s":
            found = replace(found, primary_s=at_s)
        elif became == "secondary_s":
            found = replace(found, secondary_s=at_s)
    return found


def lines(found: Times, ahead_s: float, past: Incident | None = None) -> Iterator[str]:
    """The times in words, in UTC; `ahead_s` takes the log's clock to the wall's.

    `past` is the newest incident of the journal.
    """
    events = (
        (found.apart_s, "the nodes parted"),
        (found.primary_s, "this node became Primary"),
        (found.alone_s, "from here on this node may have written on its own"),
        (found.secondary_s, "this node became Secondary"),
        (found.refused_s, "DRBD last found the split brain"),
    )
    known = sorted((at_s, what) for at_s, what in events if at_s is not None)
    if known:
        yield "  when, says the kernel log here (UTC, give or take a second):"
        for at_s, what in known:
            yield f"    {clock(at_s + ahead_s)}  {what}"
    if past is not None and past.ending is Ending.OPEN:
        yield f"  when, says connector's journal here: trouble seen since {clock(past.from_s)} UTC"
