"""The captured commands, run one by one on the simulated cluster, with what happened in between."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from connector.program import Completed
from connector.simulate.nine import SimulatedCluster
from connector.simulate.state import Refused
from tests.simulate.nine import captured, more_stories, split_stories, stories, stories_of_three
from tests.simulate.nine.stories import WHERE, cut, give_up, mend, ok, take_over

Act = Callable[[SimulatedCluster], object]


def drbdadm(node: str, *words: str) -> Act:
    return lambda cluster: ok(cluster.drbdadm(node, *words))


def opens(*, read_only: bool) -> Act:
    return lambda cluster: cluster.open("alpha", "mail", "bash", read_only=read_only)


def closes(cluster: SimulatedCluster) -> None:
    cluster.close("alpha", "mail", "bash")


def racing(how: str) -> Act:
    def act(cluster: SimulatedCluster) -> None:
        cluster.state.race = how

    return act


def settles(cluster: SimulatedCluster) -> None:
    cluster.settle()


def alone_ahead() -> SimulatedCluster:
    """Only beta has written; it is StandAlone, and the link is back."""
    cluster = cut(stories.connected_secondary())
    take_over(cluster)
    ok(cluster.drbdadm("beta", "disconnect", "mail"))
    return mend(cluster)


def cut_and_alone() -> SimulatedCluster:
    cluster = cut(stories.connected_secondary())
    ok(cluster.drbdadm("beta", "disconnect", "mail"))
    return cluster


def comes_back_split(node: str, race: str) -> Act:
    """It gives up what it took over while it was cut off; its links come back one by one."""

    def act(cluster: SimulatedCluster) -> None:
        cluster.state.race = race
        give_up(cluster, node)
        cluster.write("alpha", "mail", 3)
        for peer in cluster.state.others(node):
            cluster.mend_link(node, peer)
            cluster.settle()

    return act


# Before the first line.
BEGINNINGS: dict[str, Callable[[], SimulatedCluster]] = {
    "2n-after-sb-1pri-discarded": split_stories.after_sb,
    "2n-auto-promote-link-cut": more_stories.auto_promoted,
    "2n-both-discard": split_stories.neither_in_use,
    "2n-both-discard-one-refused": lambda: split_stories.neither_in_use("one"),
    "2n-commands-healthy-and-cut": stories.active,
    "2n-commands-split-brain": lambda: split_stories.split(stay=True),
    "2n-discard-not-split": alone_ahead,
    "2n-discard-pending-then-primary": cut_and_alone,
    "2n-discard-pending-then-written": cut_and_alone,
    "2n-mounted-read-only-disconnected": more_stories.mounted_read_only,
    "2n-split-brain-healed": split_stories.split,
    "2n-split-brain-opened-not-mounted": split_stories.opened_not_mounted,
    "2n-standby-outdated": stories.active,
    "2n-suspended-by-operator": stories.active,
    "2n-tentative": lambda: split_stories.split(race="both"),
    "2n-verify-found-differences": stories.active,
    "2n-verify-running": stories.active,
    "3n-commands-per-peer": stories_of_three.three,
    "3n-connection-mesh": stories_of_three.three,
    "3n-gamma-split-brain-healed": lambda: stories_of_three.isolated_at_once("gamma"),
    "3n-one-link-cut-alpha-beta": lambda: stories_of_three.one_cut("alpha", "beta"),
    "3n-quorum-majority-one-lost": lambda: stories_of_three.gamma_isolated(
        stories_of_three.MAJORITY
    ),
    "3n-split-brain-healed": lambda: stories_of_three.isolated_at_once("beta"),
}

# Before a line, by its number: what people did outside of these commands, as the notes tell.
BETWEEN: dict[tuple[str, int], tuple[Act, ...]] = {
    ("2n-auto-promote-link-cut", 1): (cut,),
    ("2n-commands-healthy-and-cut", 28): (cut,),
    ("2n-commands-healthy-and-cut", 43): (mend,),
    ("2n-commands-healthy-and-cut", 46): (opens(read_only=True),),
    ("2n-commands-healthy-and-cut", 47): (
        closes,
        drbdadm("alpha", "primary", "mail"),
        opens(read_only=False),
    ),
    ("2n-commands-healthy-and-cut", 50): (closes,),
    ("2n-commands-healthy-and-cut", 51): (drbdadm("alpha", "primary", "mail"),),
    ("2n-commands-split-brain", 17): (racing("one"),),
    ("2n-commands-split-brain", 21): (drbdadm("beta", "disconnect", "mail"),),
    ("2n-commands-split-brain", 26): (
        drbdadm("beta", "disconnect", "mail"),
        drbdadm("alpha", "disconnect", "mail"),
    ),
    ("2n-discard-pending-then-primary", 3): (mend,),
    ("2n-discard-pending-then-written", 4): (mend,),
    ("2n-standby-outdated", 1): (cut,),
    ("2n-standby-outdated", 3): (mend,),
    ("2n-standby-outdated", 4): (cut,),
    ("2n-tentative", 0): (
        racing("one"),
        drbdadm("beta", "connect", "--tentative", "mail"),
        drbdadm("alpha", "connect", "mail"),
    ),
    ("2n-tentative", 3): (drbdadm("beta", "disconnect", "mail"),),
    ("3n-connection-mesh", 2): (settles,),
    ("3n-gamma-split-brain-healed", 2): (
        comes_back_split("gamma", "one"),
        drbdadm("gamma", "disconnect", "mail"),
    ),
    ("3n-split-brain-healed", 2): (comes_back_split("beta", "both"),),
}
# Lines that the simulator does not answer, by what they begin with, and why.
NOT_COVERED = {
    "ls ": "it has numbered writes, no files",
    "dd ": "reading of a device is an open of it here",
    "drbdadm wait-connect": "nothing runs it: on a real node it proves nothing, or never returns",
    "drbdadm wait-sync": "nothing runs it",
    "drbdsetup wait-connect": "nothing runs it",
    "drbdadm status": "read as JSON, from drbdsetup",
    "drbdadm cstate": "read as JSON, from drbdsetup",
    "drbdadm role": "read as JSON, from drbdsetup",
    "drbdadm dstate": "read as JSON, from drbdsetup",
    "drbdadm adjust": "the configuration does not change",
    "drbdadm -d up": "nothing runs it",
    "drbdsetup show": "nothing runs it",
    "drbdadm sh-dev": "nothing runs it",
}


def run(cluster: SimulatedCluster, node: str, command: str) -> tuple[int | None, str]:
    """Exit status and first line of stderr; the status is None where it is not simulated."""
    result: tuple[int | None, str] = (0, "")
    for part in re.split(r";|&&", command):
        words = part.replace("timeout 5 ", "").split()
        if words[0] in ("drbdadm", "drbdsetup"):
            result = _answer(cluster.run_on(node)(tuple(words), 15.0))
        else:
            result = _program(cluster, node, words)
        if result[0] != 0:
            break
    return result


def _answer(done: Completed) -> tuple[int | None, str]:
    return done.exit_status, (done.stderr.splitlines() or [""])[0]


def _program(cluster: SimulatedCluster, node: str, words: list[str]) -> tuple[int | None, str]:
    try:
        if words[0] == "mount":
            cluster.mount(node, "mail", WHERE, read_only="ro" in words)
        elif words[0] == "umount":
            cluster.umount(node, "mail", WHERE)
        elif words[0] == "swapon":
            cluster.swapon(node, "mail")
        elif words[0] == "swapoff":
            cluster.swapoff(node, "mail")
        elif words[0] not in ("mkswap", "ls"):
            return None, ""
    except Refused as refused:
        return 32, str(refused)
    return 0, ""


_NOTE = re.compile(r"(alpha|beta|gamma): mail:(\w+) (\w+)((?: \w+=[\w/:]+)*)")
_LINK = re.compile(r"(\w+)=(\w+)/(\w+)/(\w+):(\w+)")


def noted(note: str) -> dict[str, str]:
    """What a captured note says of the states of the nodes; nothing where it is about more."""
    found = {}
    for node, role, disk, links in _NOTE.findall(note.replace("[", "\n[").split("\n")[0]):
        found[node] = f"{role} {disk}"
        for peer, *states in _LINK.findall(links):
            found[f"{node} {peer}"] = "/".join(states)
    return found


def shown(cluster: SimulatedCluster, wanted: dict[str, str]) -> dict[str, str]:
    """The same of the simulated nodes."""
    found = {}
    for key in wanted:
        node, _, peer = key.partition(" ")
        side = cluster.side(node, "mail")
        if not peer:
            found[key] = f"{side.role} {side.volumes[0].disk}"
            continue
        towards, link = side.volumes[0].peers[peer], side.connections[peer]
        states = (link.connection, link.peer_role, towards.replication, towards.peer_disk)
        found[key] = "/".join(states)
    return found


def replay(situation: str) -> Iterator[tuple[SimulatedCluster, int, dict[str, Any]]]:
    """Each captured line with its number, and the cluster as it was before it."""
    cluster = BEGINNINGS[situation]()
    for number, line in enumerate(captured.commands(situation)):
        for act in BETWEEN.get((situation, number), ()):
            act(cluster)
        if not line.get("command"):
            cluster.settle()
        yield cluster, number, line


def played(situation: str) -> SimulatedCluster:
    """The cluster after the last line; `test_commands` looks at what they answer."""
    last: SimulatedCluster | None = None
    for cluster, _number, line in replay(situation):
        last = cluster
        if line.get("command") and not line["command"].startswith(tuple(NOT_COVERED)):
            run(cluster, line["node"], line["command"])
    assert last is not None, f"{situation} has no commands"
    last.settle()
    return last
