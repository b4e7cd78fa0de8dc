"""What must never happen, one function for each invariant; each raises Violation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .facts import BY_POLICY, BY_WORD, NODES, Violation

if TYPE_CHECKING:
    from .agent import Pass
    from .witness import Witness

DEADLINE_S = 50.0
_WORDS = (("secondary",), ("connect",), ("connect", "--discard-my-data"))


def command(seen: Witness, during: Pass, argv: Sequence[str]) -> None:
    """Before each command of a pass or of a person's `connector recover`."""
    node, resource = during.node, argv[-1]
    what = f"{node}: {' '.join(argv)}"
    if tuple(argv[1:-1]) not in _WORDS:
        raise Violation("words", f"{what} is no command of a pass")
    volumes = seen.pair.side(node, resource).volumes
    in_use = any(volume.held_open for volume in volumes)
    if argv[1] == "secondary" and in_use:
        raise Violation("in use", f"{what}, which is in use")
    _alone(seen, during, what)
    if during.person:
        return
    _no_doubt(seen, during, resource, what)
    _bounded(seen, during, resource, what)
    if seen.mode == "observe":
        raise Violation("mode", f"{what} in mode observe")
    if "--discard-my-data" in argv:
        if in_use or any(volume.primary for volume in volumes):
            raise Violation("in use", f"{what}, which is Primary or in use")
        _victim(seen, node, resource, what)
        if len(during.commands) == 1:  # a second try has the record of the first
            _recorded(seen, node, resource, what)


def _alone(seen: Witness, during: Pass, what: str) -> None:
    other = seen.acting[during.node]
    if other is not None and other is not during:
        raise Violation("one pass", f"{what} while another pass acts")


def _bounded(seen: Witness, during: Pass, resource: str, what: str) -> None:
    """No more acting passes than attempts are allowed, until the pair has agreed again."""
    acted = seen.links[resource].acted.setdefault(during.node, set())
    acted.add(id(during))
    most = seen.agents[during.node].settings.policy.max_attempts
    if len(acted) > most:
        raise Violation("endless", f"{what} in the {len(acted)}th acting pass of {most}")


def _no_doubt(seen: Witness, during: Pass, resource: str, what: str) -> None:
    node = during.node
    agent = seen.agents[node]
    shown = agent.shown
    if not shown.log_readable:
        raise Violation("doubt", f"{what} with a kernel log that cannot be read")
    if shown.garbled and 0 in {v.minor for v in seen.pair.side(node, resource).volumes}:
        raise Violation("doubt", f"{what} in a state that nobody knows")
    # Attempts are counted before the first command: what goes away after that is too late.
    gone = not agent.settings.run.state_dir.is_dir() and agent.no_state_since_s <= during.began_s
    if gone:
        raise Violation("doubt", f"{what} with attempts that cannot be counted")


def _victim(seen: Witness, node: str, resource: str, what: str) -> None:
    """Who gives its changes up by itself: in mode discard, refused, against a Primary, alone."""
    link, peer = seen.links[resource], NODES[node == NODES[0]]
    if seen.mode != "discard":
        raise Violation("mode", f"{what} in mode {seen.mode}")
    if link.refusal is None:
        raise Violation("victim", f"{what}, and no split brain was refused since they last agreed")
    if peer not in link.refusal.primaries:
        raise Violation("victim", f"{what}, and {peer} was not Primary when it was refused")
    victims = link.victims.setdefault(link.refusal.number, set())
    victims.add(node)
    if len(victims) > 1:
        raise Violation("victim", f"{what}, and so did {peer} after the same handshake")


def _recorded(seen: Witness, node: str, resource: str, what: str) -> None:
    """What is about to be given up was written down before."""
    folder = seen.agents[node].settings.given_up_dir
    names = {path.name for path in folder.glob(f"*-{resource}*.json")} if folder.is_dir() else set()
    if not names - seen.records.get((node, resource), set()):
        raise Violation("record", f"{what} with no record of what is given up")
    seen.records[node, resource] = names


def agreed(seen: Witness, resource: str) -> None:
    """A handshake has led to a connection: in mode reconnect no policy may take changes away.

    A node that has taken over or let go since a pass connected it met its peer in a role that the
    pass could not know: as any pair that waits for its link would have.
    """
    link = seen.links[resource]
    connected = {
        node
        for node, primary in link.connected_by_agent.items()
        if primary == any(item.primary for item in seen.pair.side(node, resource).volumes)
    }
    if link.solved != BY_POLICY or seen.mode != "reconnect" or not connected:
        return
    for node in NODES:
        for volume in seen.pair.side(node, resource).volumes:
            changed = link.changed[node, volume.volume]
            if volume.connection.value == "WFBitMapT" and changed:
                who = ", ".join(sorted(connected))
                raise Violation(
                    "policy",
                    f"{resource}/{volume.volume}: DRBD's own policy takes {changed} blocks of "
                    f"{node} after a pass on {who}",
                )


def resync(seen: Witness, resource: str) -> None:
    """The disks are about to be made equal: what only the target has will be gone."""
    for node in NODES:
        for volume in seen.pair.side(node, resource).volumes:
            if volume.connection.value != "SyncTarget":
                continue
            source = seen.pair.side(NODES[node == NODES[0]], resource).volumes[volume.volume]
            lost = {
                text
                for writer in NODES
                for block, text in seen.acked.get((writer, resource, volume.volume), {}).items()
                if volume.blocks.get(block) == text and source.blocks.get(block) != text
            }
            if lost:
                _may_be_lost(seen, node, resource, lost)
                seen.lost |= lost


def _may_be_lost(seen: Witness, node: str, resource: str, lost: set[str]) -> None:
    link = seen.links[resource]
    some = ", ".join(sorted(lost)[:3])
    what = f"{resource}: {node} loses {len(lost)} acknowledged records ({some})"
    if link.solved == BY_WORD:
        if node not in link.discarded_by:
            raise Violation("lost", f"{what}, and it was not the one to give up")
        if link.discarded_by[node] == "agent":
            _rescued(seen, node, resource, lost, what)
    elif link.solved != BY_POLICY:
        raise Violation("lost", f"{what}, and there was no split brain to end")


def _rescued(seen: Witness, node: str, resource: str, lost: set[str], what: str) -> None:
    """What a pass gives up was kept whole before; its disk may have gone since, for a while."""
    kept: set[str] = set()
    node_folder = seen.agents[node].settings.run.state_dir.parent
    for path in node_folder.glob(f"state*/rescues/[0-9]*-{resource}/volume-*.img"):
        kept |= set(json.loads(path.read_text(encoding="utf-8")).values())
    if lost - kept:
        raise Violation("rescue", f"{what}, and {len(lost - kept)} are in no rescue")


def pass_ended(seen: Witness, found: Pass) -> None:
    """After each pass."""
    assert found.ended_s is not None
    took_s = found.ended_s - found.began_s
    if took_s > DEADLINE_S and not found.person:
        raise Violation("deadline", f"{found.node}: a pass took {took_s:.1f} s")
    if found.locked_out and not seen.running[found.node]:
        raise Violation("one pass", f"{found.node}: the lock is held, and nobody is at work")
    report = found.report
    if report is None or found.person:
        return
    if report.exit_status == 0 and not report.eventful and found.commands:
        raise Violation("silent", f"{found.node}: {found.commands} in a pass that says nothing")


def disks(seen: Witness) -> None:
    """At the end: whoever was told that a record is safe finds it where it was written."""
    for (node, resource, volume), records in seen.acked.items():
        side = seen.pair.side(node, resource).volumes[volume]
        for block, text in records.items():
            if text not in seen.lost and side.blocks.get(block) != text:
                raise Violation("lost", f"{resource}/{volume}: {node} has lost {text}")
    for resource, link in seen.links.items():
        both = [seen.pair.side(node, resource) for node in NODES]
        if all(side.connection.value == "Connected" for side in both):
            contents = [[volume.blocks for volume in side.volumes] for side in both]
            if contents[0] != contents[1]:
                raise Violation("lost", f"{resource}: Connected, and the disks differ {link}")


def steady(seen: Witness, first: Pass, second: Pass) -> None:
    """Two passes with nothing between them decide the same."""
    if first.report is None or second.report is None:
        return
    for before, after in zip(first.report.resources, second.report.resources, strict=True):
        if (before.after, before.decision.name) == (after.resource, after.decision.name):
            continue
        if before.after == after.resource and not first.commands:
            raise Violation(
                "same again",
                f"{first.node}: {before.decision.name}, then {after.decision.name} for the same",
            )
