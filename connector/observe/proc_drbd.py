"""/proc/drbd of DRBD 0.7 to 9, from text to typed values.

Kernel sources: `drbd_seq_show` in drbd_proc.c prints header and minors; `drbd_buildtag` the second
line; DRBD 9 prints minors only from drbd_legacy_84.c (`seq_print_device_proc_drbd`, for resources
made with the 8.4 tools) and, one file per peer, from drbd_debugfs.c (`peer_device_proc_drbd_show`).

The reader is strict. A word that is not in `connector.model` is never guessed at: the field stays
None, a problem names the line, and the device is doubtful, which means: never act upon it. Every
problem in a minor's block makes that device doubtful, with two exceptions that no decision rests
on: an unknown protocol letter, and an unknown flag letter other than the first (I/O suspended).
Lines whose minor's line is lost are given to nobody: the minor before them keeps what it has.
"""

from __future__ import annotations

import re

from connector.model import ProcDrbd
from connector.observe import minor_line
from connector.observe.minor_block import MAX_PROBLEMS, STATISTICS_START, MinorBlock, Problems
from connector.observe.progress import PROGRESS_LINE
from connector.observe.reading import read_at_most

# Not `typing.TYPE_CHECKING`: cron pays for every import, once a minute.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["MAX_BYTES", "MAX_DEVICES", "MAX_PROBLEMS", "parse", "read"]

MAX_BYTES = 4 * 1024 * 1024
MAX_DEVICES = 4096

# `oos:` is printed since 8.2.6 (drbd_seq_show); from there on, a line without it was cut off.
_OOS_SINCE = (8, 2, 6)

# version: 8.4.11-1 (api:1/proto:86-101)
# version: 0.7.25 (api:79/proto:74)
# version: 9.2.15 (api:2/proto:118-123) (compat 8.4)
_VERSION_LINE = re.compile(
    r"\s*+version: (?P<version>\S{1,100}) \(api:(?P<api>[0-9]{1,9})"
    r"/proto:(?P<least>[0-9]{1,9})(?:-(?P<most>[0-9]{1,9}))?\)(?: \(compat 8\.4\))?\s*+"
    r"(?P<rest>.*)",
    re.ASCII,
)
_VERSION_NUMBER = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})\.([0-9]{1,4})")

# GIT-hash: 9976da086367a2476503ef7f6b13d4567327a280 build by mockbuild@, 2016-12-13 18:38:15
# GIT-hash: 2da6f528dc4ab3fd25c511f7b03531100e54ab08 reproducible build, 2024-11-18 09:16:58
# SVN Revision: 2947 build by root@drbd-one, 2007-07-30 16:43:05
# srcversion: F73C670A7EC572DB9CF3E5B        (with one trailing blank)
# built-in
# Transports (api:21): tcp (9.2.12)          (drbd_print_transports_loaded in drbd_transport.c)
_HEADER_LINE = re.compile(
    r"\s*+(?:(?P<is_version>version:)|GIT-hash: |SVN Revision: |srcversion: |built-in\s*+$"
    r"|Transports \(api:[0-9]{1,9}\):)",
    re.ASCII,
)
# A line break was lost between such a line and the first minor's.
_GLUED_MINOR_LINE = re.compile(r"[0-9]:\s*+cs:", re.ASCII)

# \tresync: used:0/61 hits:25566 misses:719 starving:0 locked:0 changed:485   (lc_seq_printf_stats)
# \tact_log: used:0/1237 hits:13318630 misses:41690 starving:0 dirty:0 changed:12063
# \tblocked on activity log: 0/0/0
# \tnn: lc_number refcnt rs_left              (lc_seq_dump_details; its first row starts " \t 0:")
# \t 0: FREE
# \t 1:    5    2        12 NO_WRITES LOCKED
# Any other line behind a tab is one that we do not know yet. Published texts have blanks instead
# of the tab; there, only the lines above are known by their looks.
_DEBUG_LINE = re.compile(
    r"\t|\s++(?:resync: used:|act_log: used:|blocked on activity log:|nn: lc_number "
    r"|[0-9]{1,9}: (?:FREE| *+[0-9]{1,10} ++[0-9]{1,10} ))",
    re.ASCII,
)


def read(root: Path) -> bytes:
    """The bytes of ROOT/proc/drbd, at most one more than `parse` looks at.

    Raises FileNotFoundError where the drbd module is not loaded, PermissionError where the file
    may not be read, and any other OSError as it comes.
    """
    return read_at_most(f"{root}/proc/drbd", MAX_BYTES + 1)


def parse(text: str | bytes) -> ProcDrbd:
    """What this text of /proc/drbd says, and what in it could not be read for certain.

    Opens nothing, and gives a result for any text whatsoever.
    """
    problems = Problems()
    lines, is_cut_off = _lines_of(text, problems)
    reader = _Reader(problems)
    for number, line in enumerate(lines, 1):
        if not reader.take(number, line):
            break
    if lines:
        reader.end(is_cut_off=is_cut_off)
    return reader.result()


def _lines_of(text: str | bytes, problems: Problems) -> tuple[list[str], bool]:
    """The lines, and whether the last of them may lack a part of what it belongs to."""
    is_too_long = len(text) > MAX_BYTES
    if is_too_long:
        problems.add(None, f"longer than {MAX_BYTES} bytes: the rest is not read")
        text = text[:MAX_BYTES]
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    # 8.3.1 prints a NUL where no congestion flag is set (mended in 706b35dc7).
    text = text.replace("\0", "")
    if not text or text.isspace():
        problems.add(None, "empty")
        return [], is_too_long
    lines = text.split("\n")
    if lines[-1] and not is_too_long:
        problems.add(len(lines), "the last line has no end: the text may have been cut off")
    # Blanks alone are what the next minor's line begins with, not a part of the open one.
    return lines, is_too_long or bool(lines[-1].strip(" "))


class _Reader:
    """Takes the lines in order. At most one block is open, the one begun last."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._version: re.Match[str] | None = None
        self._has_version_line = False
        self._prints_oos = False
        self._blocks: list[MinorBlock] = []
        self._open: MinorBlock | None = None
        self._lines_read: dict[str, minor_line.MinorLine] = {}

    def take(self, number: int, line: str) -> bool:
        """False when there are more minors than are read."""
        if "cs:" in line and (found := minor_line.MINOR_NUMBER.match(line)):
            return self._begin(number, int(found["minor"]), line[found.end() :])
        if STATISTICS_START.match(line):
            self._take_statistics(number, line)
        elif line and not line.isspace():
            self._take_other(number, line)
        # Else the blank line before a minor whose predecessor does not exist.
        return True

    def _begin(self, number: int, minor: int, text: str) -> bool:
        self._close()
        if len(self._blocks) >= MAX_DEVICES:
            self._problems.add(number, f"more than {MAX_DEVICES} minors: the rest is not read")
            return False
        # Most minors of a node look alike.
        states = self._lines_read.get(text)
        if states is None:
            states = self._lines_read[text] = minor_line.read(text)
        self._open = MinorBlock(number, minor, states, self._problems)
        self._blocks.append(self._open)
        return True

    def _close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def _take_statistics(self, number: int, line: str) -> None:
        if self._open is not None and self._open.awaits_statistics:
            self._open.read_statistics(number, line, oos_is_printed=self._prints_oos)
        else:
            # The line of their minor is lost, so the lines that follow are not the open one's.
            self._close()
            self._problems.add(number, "statistics that belong to no minor", line)

    def _take_other(self, number: int, line: str) -> None:
        if header := _HEADER_LINE.match(line):
            self._close()
            if header["is_version"]:
                self._take_version(number, line)
            elif _GLUED_MINOR_LINE.search(line):
                self._problems.add(number, "a minor line glued to another line", line)
        elif "cs:" in line:
            # Never to be taken for a line of the minor before it, whatever it begins with.
            self._close()
            self._problems.add(number, "a minor line that cannot be read", line)
        elif PROGRESS_LINE.match(line):
            if self._open is not None:
                self._open.read_progress(number, line)
            else:
                self._problems.add(number, "progress that belongs to no minor", line)
        elif not _DEBUG_LINE.match(line):
            self._close()
            self._problems.add(number, "unknown line", line)

    def _take_version(self, number: int, line: str) -> None:
        if self._has_version_line:
            self._problems.add(number, "a second version line", line)
            return
        self._has_version_line = True
        self._version = _VERSION_LINE.fullmatch(line)
        if self._version is None:
            self._problems.add(number, "a version line that cannot be read", line)
            return
        if self._version["rest"]:
            self._problems.add(number, "a version line that says more", self._version["rest"])
        if numbers := _VERSION_NUMBER.match(self._version["version"]):
            self._prints_oos = tuple(map(int, numbers.groups())) >= _OOS_SINCE

    def end(self, *, is_cut_off: bool) -> None:
        if not self._has_version_line:
            self._problems.add(None, "no version line")
        if is_cut_off and self._open is not None:
            self._open.doubtful = True
        self._close()
        self._doubt_repeats()

    def _doubt_repeats(self) -> None:
        """One minor prints one block. (Files of debugfs put together repeat it once per peer.)"""
        repeats: dict[int, list[MinorBlock]] = {}
        for block in self._blocks:
            repeats.setdefault(block.minor, []).append(block)
        for blocks in repeats.values():
            devices = [block.device() for block in blocks[1:]]
            if devices and devices.count(blocks[0].device()) != len(devices):
                for block in blocks:
                    block.doubt(block.number, "printed more than once, and not the same")

    def result(self) -> ProcDrbd:
        found = self._version
        return ProcDrbd(
            version=found["version"] if found else None,
            api=int(found["api"]) if found else None,
            proto=(int(found["least"]), int(found["most"] or found["least"])) if found else None,
            devices=tuple(block.device() for block in self._blocks),
            problems=self._problems.in_order(),
        )
