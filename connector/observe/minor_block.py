"""One minor's block of /proc/drbd: its line, its statistics, its progress.

Kernel sources: `drbd_seq_show` in drbd_proc.c prints the line and the statistics together, then
`drbd_syncer_progress` in the states that have one.
"""

from __future__ import annotations

import re

from connector.model import ConnectionState, Device, Problem, SyncProgress
from connector.observe import progress
from connector.observe.minor_line import MinorLine

MAX_PROBLEMS = 100
MAX_QUOTED_CHARS = 60

_KIND_OF_PROGRESS = {
    ConnectionState.SYNC_SOURCE: "resync",
    ConnectionState.SYNC_TARGET: "resync",
    ConnectionState.VERIFY_S: "verify",
    ConnectionState.VERIFY_T: "verify",
}

#     ns:0 nr:12406 dw:26560 dr:472 al:10 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:36
_USUAL_STATISTICS_LINE = re.compile(
    r"\s*+ns:([0-9]{1,20}) nr:([0-9]{1,20}) dw:([0-9]{1,20}) dr:([0-9]{1,20}) al:([0-9]{1,20}) "
    r"bm:([0-9]{1,20}) lo:([0-9]{1,20}) pe:([0-9]{1,20}) ua:([0-9]{1,20}) ap:([0-9]{1,20}) "
    r"ep:([0-9]{1,20}) wo:([a-z]) oos:([0-9]{1,20})",
    re.ASCII,
)
# Any set and order: 0.7 and 8.0 end with ap, 8.2.6 has oos without ep and wo, and debugfs has
# \tns:119876764 nr:0 dw:154278296 ... lo:0 pe:[0;0] ua:0 ap:[0;0] ep:1 wo:2 oos:0
STATISTICS_START = re.compile(r"\s*+ns:", re.ASCII)
_STATISTICS_LINE = re.compile(r"(?:\s*+[a-z]{1,20}+:[^\s:]++(?!\S))++\s*+", re.ASCII)
_STATISTIC = re.compile(r"([a-z]++):(\S++)", re.ASCII)
_INTEGER = re.compile(r"-?[0-9]{1,20}")


class Problems:
    """What could not be read for certain, as much of it as a person would read."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._more = 0

    def add(self, line: int | None, message: str, text: str | None = None) -> None:
        """`text` is quoted: escaped, so that any terminal survives it, and cut to a bound."""
        if len(self._problems) >= MAX_PROBLEMS:
            self._more += 1
            return
        if text is not None:
            cut = "..." if len(text) > MAX_QUOTED_CHARS else ""
            message = f"{message}: {text[:MAX_QUOTED_CHARS]!a}{cut}"
        self._problems.append(Problem(line, message))

    def in_order(self) -> tuple[Problem, ...]:
        """By line, those of the whole text first; last, how many more there are."""
        problems = sorted(self._problems, key=lambda problem: problem.line or 0)
        if self._more:
            problems.append(Problem(None, f"{self._more} more problems"))
        return tuple(problems)


class MinorBlock:
    """Takes the lines of one minor. Whatever it cannot read makes the device doubtful."""

    __slots__ = (
        "_problems",
        "_progress",
        "_progress_number",
        "doubtful",
        "minor",
        "minor_line",
        "number",
        "statistics",
        "sync",
    )

    def __init__(self, number: int, minor: int, minor_line: MinorLine, problems: Problems) -> None:
        self.number = number
        self.minor = minor
        self.minor_line = minor_line
        self.statistics: dict[str, int | str] | None = None
        self.sync: SyncProgress | None = None
        self.doubtful = False
        self._progress: list[str] | None = None
        self._progress_number = number
        self._problems = problems
        if minor_line.doubts or minor_line.notes:
            for message, text in minor_line.doubts:
                self.doubt(number, message, text)
            for message, text in minor_line.notes:
                self._note(number, message, text)

    def _note(self, number: int, message: str, text: str | None = None) -> None:
        self._problems.add(number, f"minor {self.minor}: {message}", text)

    def doubt(self, number: int, message: str, text: str | None = None) -> None:
        """Note a problem after which nothing may be done to this device."""
        self.doubtful = True
        self._note(number, message, text)

    @property
    def awaits_statistics(self) -> bool:
        """The kernel prints them once, and none for an unconfigured minor."""
        unconfigured = self.minor_line.connection is ConnectionState.UNCONFIGURED
        return self.statistics is None and not unconfigured

    def read_statistics(self, number: int, line: str, *, oos_is_printed: bool) -> None:
        """Pairs of any set and order. Only `oos`, which records rest upon, must be a number."""
        if usual := _USUAL_STATISTICS_LINE.fullmatch(line):
            # There may be thousands of these; the general way takes three times as long.
            *counters, write_ordering, oos_kib = usual.groups()
            ns, nr, dw, dr, al, bm, lo, pe, ua, ap, ep = map(int, counters)
            self.statistics = {
                "ns": ns, "nr": nr, "dw": dw, "dr": dr, "al": al, "bm": bm, "lo": lo, "pe": pe,
                "ua": ua, "ap": ap, "ep": ep, "wo": write_ordering, "oos": int(oos_kib),
            }  # fmt: skip
        else:
            self._read_unusual_statistics(number, line, oos_is_printed=oos_is_printed)

    def _read_unusual_statistics(self, number: int, line: str, *, oos_is_printed: bool) -> None:
        self.statistics = statistics = {}
        if not _STATISTICS_LINE.fullmatch(line):
            self.doubt(number, "statistics that cannot be read", line)
            return
        pairs = _STATISTIC.findall(line)
        for key, value in pairs:
            statistics[key] = int(value) if _INTEGER.fullmatch(value) else value
        if len(statistics) != len(pairs):
            self.doubt(number, "statistics that name one key twice", line)
        oos = statistics.get("oos")
        if oos is None:
            # `wo` is younger than `oos`, and stands before it.
            if oos_is_printed or "wo" in statistics:
                self.doubt(number, "statistics that are cut off", line)
        elif not isinstance(oos, int) or oos < 0:
            statistics["oos"] = str(oos)
            self.doubt(number, "oos is not a number of KiB", str(oos))

    def read_progress(self, number: int, line: str) -> None:
        """One line of `drbd_syncer_progress`; they are judged together."""
        if self._progress is None:
            self._progress, self._progress_number = [], number
        self._progress.append(line)

    def close(self) -> None:
        """Judge what only shows at the end of the block."""
        if self.awaits_statistics:
            self.doubt(self.number, "no statistics follow")
        # None in a state that has some is no fault: until 8.3 the kernel looked at the state twice.
        if self._progress is not None:
            self._judge_progress(self._progress)

    def _judge_progress(self, lines: list[str]) -> None:
        connection = self.minor_line.connection
        self.sync, fault = progress.parse(lines)
        if fault is not None:
            self.doubt(self._progress_number, fault, lines[0])
        if connection is None:
            return
        kind = _KIND_OF_PROGRESS.get(connection)
        if kind is None:
            self.doubt(self._progress_number, f"progress in state {connection}", lines[0])
        elif self.sync is not None and self.sync.kind != kind:
            self.doubt(self._progress_number, f"{self.sync.kind} in state {connection}", lines[0])

    def device(self) -> Device:
        """What the lines so far say."""
        states = self.minor_line
        return Device(
            self.minor,
            states.connection,
            states.role,
            states.peer_role,
            states.disk,
            states.peer_disk,
            states.protocol,
            states.flags,
            self.statistics or {},
            self.sync,
            self.doubtful,
        )
