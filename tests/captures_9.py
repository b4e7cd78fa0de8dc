"""The nodes that were captured on DRBD 9: as a root to look at, and their kernel logs.

A log goes on where an earlier situation's ended, and does not repeat it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from connector.observe.kernel_log import LogRecord
from connector.program import Completed
from connector.world import World

FOLDER = Path(__file__).parent / "fixtures" / "drbd-9"

# Which situation goes on from which: its log does not repeat the other's lines. In quotes is what
# its SITUATION.md says. The clock of every node goes on, too.
CONTINUES = {
    # "After 2n-after-sb-2pri"; alpha's identifier is 41A50DD813A5611F in both.
    "2n-after-sb-1pri-discarded": "2n-after-sb-2pri",
    # "After 2n-split-brain-neither-in-use"; refused before any handshake of its own.
    "2n-both-discard": "2n-split-brain-neither-in-use",
    # "The split brain of 2n-split-brain-both-in-use, then unmounted and made Secondary".
    "2n-split-brain-neither-in-use": "2n-split-brain-both-in-use",
    # "The split brain of 2n-split-brain-both-standalone, then a plain connect on beta only".
    "2n-split-brain-one-connecting": "2n-split-brain-both-standalone",
    # "The split brain again"; beta is Connecting already; alpha has 6251243FF3A872BF in both.
    "2n-split-brain-reconnected": "2n-split-brain-one-connecting",
    # "The split brain healed by hand", out of StandAlone on both; 6251243FF3A872BF again.
    "2n-split-brain-healed": "2n-split-brain-reconnected",
    # "The link is still cut".
    "2n-link-cut-both-primary": "2n-link-cut",
    # "As 2n-primary-diskless […], then the link is cut".
    "2n-no-data-suspended": "2n-primary-diskless",
    # "As 2n-resync-running, then the link is cut in mid-resync".
    "2n-resync-interrupted": "2n-resync-running",
    # "The resync of 2n-resync-running goes on", after it was interrupted by the clock.
    "2n-resync-paused": "2n-resync-interrupted",
    # "As 2n-connected-healthy, then unmounted".
    "2n-connected-secondary": "2n-connected-healthy",
    # "As 3n-gamma-diskless-client, but the client gamma itself has mounted the device".
    "3n-diskless-client-mounted": "3n-gamma-diskless-client",
    # "As 3n-diskless-client-mounted, then both links of gamma are cut".
    "3n-diskless-client-cut-off": "3n-diskless-client-mounted",
    # "As 3n-split-brain-alpha-beta, then the link beta-gamma came back too".
    "3n-split-brain-beta-against-both": "3n-split-brain-alpha-beta",
    # "The split brain of 3n-split-brain-beta-against-both healed".
    "3n-split-brain-healed": "3n-split-brain-beta-against-both",
    # "3n-gamma-split-brain healed".
    "3n-gamma-split-brain-healed": "3n-gamma-split-brain",
}

_LINE = re.compile(r"\[ *(\d+)\.(\d{6})\] (.*)")


def situations() -> list[str]:
    """All of them, sorted."""
    return sorted(path.parent.name for path in FOLDER.glob("*/expected.json"))


def nodes(situation: str) -> list[str]:
    """The nodes of a situation, sorted."""
    return sorted(expected(situation))


def expected(situation: str) -> dict[str, dict[str, dict[str, bool | None]]]:
    """By node and resource: `in_use`, `split_brain`, `healthy`; None where it was not judged."""
    found: dict[str, dict[str, dict[str, bool | None]]] = json.loads(
        (FOLDER / situation / "expected.json").read_text()
    )
    return found


def chain(situation: str) -> list[str]:
    """The situation and those that it continues, oldest first."""
    earlier = CONTINUES.get(situation)
    return [*(chain(earlier) if earlier else []), situation]


def _lines(situation: str, node: str) -> list[tuple[int, str]]:
    """Microseconds and text of every line, from the oldest on."""
    found = []
    for part in chain(situation):
        for line in (FOLDER / part / node / "dmesg_drbd").read_text().splitlines():
            match = _LINE.fullmatch(line)
            assert match, f"{part}/{node}: {line!r} is no line of dmesg"
            found.append((int(match[1]) * 1_000_000 + int(match[2]), match[3]))
    return found


def records(situation: str, node: str) -> list[LogRecord]:
    """The log of a node in a situation, with the lines of those that it continues."""
    return [LogRecord(at_us / 1e6, text) for at_us, text in _lines(situation, node)]


def log_of(situation: str, node: str) -> str:
    """The same log as /dev/kmsg gives it: `6,SEQUENCE,MICROSECONDS,-;TEXT`, one record a line.

    The kernel escapes whatever is not printable ASCII there (printk.c `msg_add_ext_text`).
    """
    return "".join(
        f"6,{sequence},{at_us},-;{_escaped(text)}\n"
        for sequence, (at_us, text) in enumerate(_lines(situation, node), 1)
    )


def _escaped(text: str) -> str:
    return "".join(
        chr(byte) if 32 <= byte < 127 and byte != 92 else f"\\x{byte:02x}" for byte in text.encode()
    )


# The two drbdsetups that saw each moment; only the newer one says `open`.
STATUS_OF_UTILS = {
    "9.22": "drbdsetup_status.json",
    "9.34": "drbdsetup_status_utils-9.34.json",
}


@dataclass
class StoppedClock:
    """A clock that stands still, a few seconds after the log's last line."""

    log_end_s: float

    def wall_s(self) -> float:
        """Some day."""
        return 1_700_000_000.0

    def boot_s(self) -> float:
        """The same as the log's clock: nobody slept."""
        return self.log_s()

    def log_s(self) -> float:
        """When the picture was taken."""
        return self.log_end_s + 5.0

    def sleep(self, seconds: float) -> None:
        """Nobody waits for a picture."""
        raise AssertionError(f"a captured node was waited for {seconds} s")


def world_of(root: Path, situation: str, node: str, utils: str = "9.22") -> World:
    """The captured node as a world: its files below `root`, and what its programs printed."""
    folder = FOLDER / situation / node
    for process in ("self", "1"):
        (root / f"proc/{process}/fd").mkdir(parents=True)
        (root / f"proc/{process}/comm").write_text("init\n")
        (root / f"proc/{process}/mountinfo").write_bytes((folder / "mountinfo").read_bytes())
    (root / "proc/swaps").write_bytes((folder / "swaps").read_bytes())
    (root / "proc/drbd").write_bytes((folder / "proc_drbd").read_bytes())
    (root / "dev").mkdir()
    (root / "dev/kmsg").write_text(log_of(situation, node))
    _put_openers(root, (folder / "debugfs_openers").read_text())
    status = (folder / STATUS_OF_UTILS[utils]).read_text()
    configuration = (folder / "drbdadm_dump-xml").read_text()

    def run(argv: Sequence[str], timeout_s: float) -> Completed:
        assert timeout_s > 0
        printed = {("drbdadm", "dump-xml"): configuration, ("drbdsetup", "status"): status}
        program, command = argv[0].rpartition("/")[2], argv[1]
        return Completed(tuple(argv), 0, printed[program, command])

    clock = StoppedClock(max((at_us for at_us, _ in _lines(situation, node)), default=0) / 1e6)
    return World(root=root, run=run, clock=clock, host=node, configuration=root / "etc")


def _put_openers(root: Path, captured: str) -> None:
    """The lists of debugfs, which were captured one after the other, each below its name."""
    for part in captured.split("== ")[1:]:
        name, _, openers = part.partition("\n")
        path = root / "sys/kernel/debug/drbd/resources" / name.strip()
        path.parent.mkdir(parents=True)
        path.write_text(openers)
