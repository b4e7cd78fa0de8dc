"""A saved kernel log as records: what `dmesg` printed, or what was read from /dev/kmsg. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from connector.model import Evidence
from connector.observe.evidence import gather
from connector.observe.kernel_log import LogRecord, parse_records

# 6,1204,71271348,-;block drbd0: ...                                         /dev/kmsg
_RECORD = re.compile(r"\d{1,9},\d{1,20},\d{1,20},[^;]{0,200};", re.ASCII)
# [    5.231779] drbd: initialized. Version: 8.4.11 (api:1/proto:86-101)     dmesg
# <6>[    5.231779] drbd: ...                                                dmesg --raw
# kern  :info  : [    5.231779] drbd: ...                                    dmesg --decode
# [Sat Nov 28 08:00:59 2026] drbd: ...                                       dmesg --ctime
# 2026-11-28T08:00:59,123456+00:00 drbd: ...                                 dmesg --time-format iso
_LINE = re.compile(
    r"(?:<(?P<priority>\d{1,4})>)?(?:(?P<facility>[a-z0-9]{1,12}) *:[a-z]{1,8} *: )?"
    r"(?:\[ {0,11}(?P<seconds>\d{1,10}\.\d{1,9})\]"
    r"|\[(?P<date>\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4})\]"
    r"|(?P<iso>\d{4}-\d\d-\d\dT[\d:,]{8,15}[+-]\d\d:\d\d)) (?P<text>.*)",
    re.ASCII,
)
_DATE = "%a %b %d %H:%M:%S %Y"


@dataclass(frozen=True, slots=True)
class SavedLog:
    """The kernel's records in a saved log.

    `certain` is False for a form that does not tell the kernel's own lines from those that
    programs wrote into its log.
    """

    records: tuple[LogRecord, ...] = ()
    certain: bool = True

    @property
    def end_s(self) -> float:
        """The time of its last record, on its own clock; 0 where it has none."""
        return self.records[-1].at_s if self.records else 0.0

    def evidence(self, resource_of_minor: Mapping[int, str], resource: str) -> Evidence:
        """What it says of a resource since it was last connected."""
        return gather(self.records, resource_of_minor).get(resource, Evidence())


def parse(text: str) -> SavedLog | None:
    """The log; None where the text is in none of the forms that are known."""
    lines = text.split("\n")
    if any(map(_RECORD.match, lines)):
        return SavedLog(parse_records(lines))
    return _from_dmesg([line.rstrip("\r") for line in lines])


def _from_dmesg(lines: Sequence[str]) -> SavedLog | None:
    found = [match for match in map(_LINE.fullmatch, lines) if match]
    if not found:
        return None
    records = []
    for match in found:
        at_s = _at_s(match)
        if at_s is not None and _is_the_kernels(match):
            records.append(LogRecord(at_s, match["text"]))
    certain = all(match["priority"] or match["facility"] for match in found)
    return SavedLog(tuple(records), certain)


def _is_the_kernels(match: re.Match[str]) -> bool:
    """As in /dev/kmsg: a priority of 8 and more carries a facility, which the kernel's has not."""
    if match["priority"]:
        return int(match["priority"]) < 8
    return match["facility"] in (None, "kern")


def _at_s(match: re.Match[str]) -> float | None:
    if match["seconds"]:
        return float(match["seconds"])
    try:
        if match["iso"]:
            return datetime.fromisoformat(match["iso"]).timestamp()
        return datetime.strptime(match["date"], _DATE).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
