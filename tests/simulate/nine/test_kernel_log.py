"""The simulated kernels say what real ones said: the same lines in the same order."""

from __future__ import annotations

import re

import pytest

from tests.simulate.nine import captured
from tests.simulate.nine.test_situations import STORIES, told

# What differs from node to node and from run to run.
_VALUES = (
    (r"([Ss]tate change) \d+", r"\1 N"),
    (r"\(\d+ms\)", "(Nms)"),
    (r"\b[0-9A-F]{16}\b", "UUID"),
    (r"bits:\d+ flags:\w+", "bits:N flags:F"),
    (r"(bitmap stats).*", r"\1"),
    (r"\b\d+ (KB|bits|K/sec)", r"N \1"),
    (r"\[([\w.]+):\d+ (auto-\w+)\]", r"[\1:PID \2]"),
    (r"found \d+ 4k blocks", "found N 4k blocks"),
    (r"\(slot \d\)", "(slot N)"),
    (r"\[(far-away|lost-peer)\]", "[lost-peer]"),
    (r"Held open by (\w+)\(\d+\)", r"Held open by \1"),
)
# Said by another thread, a little earlier or later each time; or of no use to anybody here.
_ELSEWHERE = re.compile(
    r"new current UUID|Consistent -> Outdated \) \[peer-state\]|local AL-updates|exposed data uuid|"
    r"quorum-lost|pri-on-incon-degr|sender thread|pdsk.*far-away|Upgrading|Skipped verify|"
    r"Out of sync: start|"
    r"meta-data IO|Maximum number|Method to ensure|bm_resize|resync bitmap|size = |persisting"
)

# Where the logs differ as a whole, and why.
DIFFERENT = {
    "2n-connected-healthy": "the real nodes have just made their meta-data",
    "3n-connected-healthy": "the real nodes have just made their meta-data",
    "2n-unrelated-data": "the real nodes have just made their meta-data, again",
    "3n-commands-per-peer": "many commands; they are replayed in test_commands.py",
    "3n-connection-mesh": "many commands; they are replayed in test_commands.py",
    "2n-commands-healthy-and-cut": "many commands; they are replayed in test_commands.py",
    "2n-commands-split-brain": "many commands; they are replayed in test_commands.py",
    "3n-one-link-cut-alpha-beta": "the failed promotions of a mount; replayed in test_commands.py",
}


def said(log: str, resource: str) -> list[str]:
    """The lines about a resource, without what differs from run to run."""
    lines = []
    for text in captured.messages(log):
        if re.match(rf"drbd {resource}[ :/]", text) and not _ELSEWHERE.search(text):
            for pattern, value in _VALUES:
                text = re.sub(pattern, value, text)
            lines.append(text)
    return lines


LOGS = [
    (situation, node, resource.name)
    for situation in STORIES
    if situation not in DIFFERENT
    for node in captured.nodes(situation)
    for resource in told(situation).state.resources
    if said(captured.text(situation, node, "dmesg_drbd"), resource.name)
]
# An agreement is told by everybody who hears of it, in the order in which links are noticed.
_AGREEMENT = re.compile(r"(Preparing|Committing|Aborting|State change) .*|Cluster is now split")


def streams(lines: list[str], nodes: list[str]) -> dict[str, list[str]]:
    """The lines about each peer and those about the node itself: each of them has its order."""
    found: dict[str, list[str]] = {}
    for line in lines:
        words = line.split(": ", 1)[0].split()
        peer = words[-1] if words[-1] in nodes else ""
        if not _AGREEMENT.search(line):
            found.setdefault(peer, []).append(line)
    return found


@pytest.mark.parametrize(("situation", "node", "resource"), LOGS)
def test_lines(situation: str, node: str, resource: str) -> None:
    real = said(captured.text(situation, node, "dmesg_drbd"), resource)
    ours = said(told(situation).kernel_log(node), resource)
    nodes = captured.nodes(situation)
    if len(nodes) == 2:
        # A capture begins with its situation.
        assert ours[-len(real) :] == real
        return
    theirs = streams(real, nodes)
    for peer, lines in streams(ours, nodes).items():
        wanted = theirs.get(peer, [])
        assert lines[len(lines) - len(wanted) :] == wanted, peer
