"""The story of the captures, played on the simulated pair, and what makes the two comparable.

captures/SITUATION/NODE/ holds what two real nodes (Debian 12, DRBD 8.4.11, drbd-utils 9.22)
showed: `proc_drbd`, `mountinfo`, `get-gi`, and for some `dmesg`, `swaps` and `dump-xml`. `one_way`
is no part of that story: beta's frames are lost, and it has a `dmesg` only.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from pathlib import Path

from connector.simulate import SimulatedPair
from connector.simulate.story import drbdadm

CAPTURES = Path(__file__).parent / "captures"
NODES = ("alpha", "beta")

# With this seed the first identifiers have the lowest bits of the captured ones.
SEED = 5

# In the order in which they were captured.
SITUATIONS = (
    "healthy",
    "one_standalone",
    "link_down",
    "diverged_both_mounted",
    "split_brain_both_mounted",
    "split_brain_victim_unmounted",
    "split_brain_victim_secondary",
    "both_discard",
    "survivor_mounted_victim_secondary",
    "victim_waiting",
    "healed",
)


def replay() -> dict[str, SimulatedPair]:
    """A copy of the pair in each of the SITUATIONS.

    Which blocks are written follows from the captured `bits:` and `oos:`.
    """
    seen: dict[str, SimulatedPair] = {}
    pair = SimulatedPair(seed=SEED)

    def capture(situation: str) -> None:
        seen[situation] = copy.deepcopy(pair)

    def write(node: str, resource: str, volume: int, blocks: Iterable[int]) -> None:
        for block in blocks:
            pair.write(node, resource, volume, block, f"{node} {block}")

    pair.mount("alpha", "mail", "/mnt/mail")
    pair.mount("alpha", "db", "/mnt/db")
    pair.swapon("alpha", "db", 1)
    capture("healthy")
    drbdadm(pair, "alpha", "disconnect", "mail")
    pair.settle()
    capture("one_standalone")
    drbdadm(pair, "alpha", "connect", "mail")
    pair.settle()
    pair.cut_link()
    pair.settle()
    write("alpha", "mail", 0, [0])
    capture("link_down")
    drbdadm(pair, "beta", "primary", "mail", "db")
    pair.mount("beta", "mail", "/mnt/mail")
    pair.mount("beta", "db", "/mnt/db")
    write("alpha", "mail", 0, [1, 2, 3])
    write("alpha", "db", 0, [0, 1, 2])
    write("beta", "mail", 0, [0, 1, 2, 3, 5, 6, 7, 8, 9])
    write("beta", "db", 0, range(9))
    write("beta", "db", 1, range(4))
    capture("diverged_both_mounted")
    pair.restore_link()
    pair.settle()
    capture("split_brain_both_mounted")
    for node in NODES:
        drbdadm(pair, node, "connect", "mail")
    pair.settle()
    pair.umount("beta", "mail", "/mnt/mail")
    pair.umount("beta", "db", "/mnt/db")
    capture("split_brain_victim_unmounted")
    drbdadm(pair, "beta", "secondary", "mail")
    capture("split_brain_victim_secondary")
    pair.umount("alpha", "mail", "/mnt/mail")
    write("alpha", "mail", 0, [4])
    drbdadm(pair, "alpha", "secondary", "mail")
    for node in NODES:
        drbdadm(pair, node, "connect", "--discard-my-data", "mail")
    pair.settle()
    capture("both_discard")
    drbdadm(pair, "alpha", "primary", "mail")
    pair.mount("alpha", "mail", "/mnt/mail")
    capture("survivor_mounted_victim_secondary")
    drbdadm(pair, "beta", "connect", "--discard-my-data", "mail")
    capture("victim_waiting")
    drbdadm(pair, "alpha", "connect", "mail")
    pair.settle()
    capture("healed")
    return seen


def captured(situation: str, node: str, name: str) -> str:
    """The text of a captured file."""
    return (CAPTURES / situation / node / name).read_text(encoding="utf-8")


_COUNTERS = re.compile(r"\b(?:ns|nr|dw|dr|al|bm):\d+ ")


def without_counters(proc_drbd: str) -> str:
    """/proc/drbd without what grows with use; `oos:` stays."""
    return _COUNTERS.sub("", proc_drbd)


class Names:
    """Names for the identifiers in the order in which they are met; the lowest bit stays."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}

    def of(self, identifier: int) -> str:
        """A, B, C, ...; the two values that mean something are kept."""
        if identifier in (0, 4):
            return str(identifier)
        name = self._names.setdefault(identifier & ~1, f"I{len(self._names)}")
        return f"{name}{'+' if identifier & 1 else ''}"

    def in_text(self, text: str) -> str:
        """The text with names in place of identifiers."""
        return re.sub(r"\b[0-9A-F]{16}\b", lambda found: self.of(int(found[0], 16)), text)


_RECORD = re.compile(r"\[ *\d+\.\d+\] (.*)|\d+,\d+,\d+,-;(.*)")


def texts(log: str, resource: str, *minors: int) -> list[str]:
    """The messages of one resource and its minors in their order, without times and numbers.

    Process numbers and sizes of packed bitmaps are of no interest here. The order of the lines of
    a resource is a matter of a race in one place: the worker says `new current UUID` while the
    receiver says that it ends. They are put after `Terminating drbd_a_`, where most are.
    """
    prefixes = (f"drbd {resource}: ", *(f"block drbd{minor}: " for minor in minors))
    messages = []
    for line in log.splitlines():
        found = _RECORD.fullmatch(line)
        assert found is not None, line
        text = found[1] if found[1] is not None else found[2]
        if text.startswith(prefixes):
            text = re.sub(r"\[\d+\]", "[PID]", text)
            messages.append(re.sub(r"(bitmap stats).*", r"\1 ...", text))
    return _after_terminating(messages)


def _after_terminating(messages: list[str]) -> list[str]:
    ordered: list[str] = []
    waiting: list[str] = []
    for text in messages:
        if "new current UUID" in text and "-> Unknown" in ordered[-1]:
            waiting.append(text)
            continue
        ordered.append(text)
        if "Terminating drbd_a_" in text:
            ordered += waiting
            waiting = []
    return ordered


def since(messages: list[str], first: str) -> list[str]:
    """The messages from the last one that starts with `first`."""
    places = [place for place, text in enumerate(messages) if text.startswith(first)]
    return messages[places[-1] :]
