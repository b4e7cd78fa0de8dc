"""Was a story sound? What really ran and what is on the disks, against design.md's invariants.

Pure, and apart from the program under test: what checks must not share the mistakes of what is
checked. Each rule is a function that gives a sentence for each thing that must never be.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.lab.recording import Event

from .journal import (
    DISCARD,
    DOWN,
    RESOURCE_OF_MINOR,
    Acknowledged,
    Command,
    Ending,
    Handshake,
    Journal,
    Pass,
    is_crash,
    read,
)

EMULATION_ALLOWANCE_S = 10.0  # what an emulated node may take more than a real one, documented
ORPHAN_S = 1.0  # a command of a pass that has just been killed may still be on its way
OWN_ROLE_CHANGE_S = 15.0  # after our `secondary`; the time-out of one drbdadm
# Kernel and programs write on two ports; their lines are in order only as well as this.
ORDER_S = 0.5
FORBIDDEN = ("--force", "--tentative", "--overwrite-data-of-peer")

_AGREED = frozenset({"Connected", "WFBitMapS", "WFBitMapT"})  # what a handshake may lead to

Disks = Mapping[tuple[str, int], frozenset[str]]
GivenUp = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Lost:
    """An acknowledged record that is not where it should be; `allowed` where a victim's."""

    node: str
    minor: int
    resource: str
    record: str
    acknowledged_at_s: float
    missing_on: tuple[str, ...]
    allowed: bool


def violations(
    events: Sequence[Event],
    disks: Disks,
    given_up: GivenUp,
    *,
    deadline_s: float = 50.0,
    resource_of_minor: Mapping[int, str] = RESOURCE_OF_MINOR,
    connected: frozenset[str] = frozenset(),
    allow_policy_losses: bool = False,
) -> list[str]:
    """Return a sentence for each thing that must never be; nothing where the story is sound.

    Args:
        events: the whole story.
        disks: the records found at the end, by node and minor; what was not read has no key.
        given_up: by node, the resources of which it keeps a record of what was given up; a node
            that could not be asked has no key.
        deadline_s: a pass's.
        resource_of_minor: the pair's.
        connected: the resources that are Connected and UpToDate on both nodes at the end.
        allow_policy_losses: the story has DRBD's own after-sb policies give records up.
    """
    journal = read(events, resource_of_minor)
    found = [sentence for rule in _RULES for sentence in rule(journal)]
    found += _too_long(journal, deadline_s + EMULATION_ALLOWANCE_S, deadline_s)
    missing = tuple(_lost(journal, disks, given_up, connected, allow_policy_losses))
    return [*found, *_data(journal, missing)]


def lost(
    events: Sequence[Event],
    disks: Disks,
    given_up: GivenUp,
    *,
    resource_of_minor: Mapping[int, str] = RESOURCE_OF_MINOR,
    connected: frozenset[str] = frozenset(),
    allow_policy_losses: bool = False,
) -> tuple[Lost, ...]:
    """Return the acknowledged records that are missing at the end; see `violations`."""
    journal = read(events, resource_of_minor)
    return tuple(_lost(journal, disks, given_up, connected, allow_policy_losses))


def _say(journal: Journal, rule: str, node: str, at_s: float, what: str) -> str:
    return f"{rule}: {node} at {at_s - journal.events[0].at_s:.2f} s: {what}"


def _about(journal: Journal, rule: str, command: Command, what: str) -> str:
    run = f"`drbdadm {' '.join(command.arguments)}` {what}"
    return _say(journal, rule, command.node, command.at_s, run)


# -- one command ------------------------------------------------------------------------------


def _discards_in_use(journal: Journal) -> Iterator[str]:
    """1: nothing is discarded where the resource is Primary or in use."""
    for command in journal.commands:
        for minor in journal.minors_of(command.resource) if command.discards else ():
            seen = command.states.get(minor)
            if seen is None:
                what = "was run, and nothing was noted of its state"
            elif seen.role != "Secondary" and seen.connection != "Unconfigured":
                what = f"was run while it was {seen.role}"
            elif minor in command.used:
                what = "was run while it was in use"
            else:
                continue
            yield _about(journal, "invariant 1", command, f"{what} (minor {minor})")


def _may_discard(journal: Journal, command: Command) -> bool:
    """Whether a person or the mode allowed to give this node's changes up.

    When a pass has read its configuration is not on record, so that each mode counts that was in
    force from its beginning on.
    """
    since_s = command.run_by.began_at_s if command.run_by else command.at_s
    modes = journal.modes(command.node, command.resource, since_s, command.at_s)
    return command.recovers or "discard" in modes


def _discards_unasked(journal: Journal) -> Iterator[str]:
    """2: nothing is discarded without mode `discard` or a person's word."""
    for command in journal.commands:
        if command.discards and not _may_discard(journal, command):
            yield _about(
                journal, "invariant 2", command, "was run in neither mode discard nor `recover`"
            )


def _last_connected_s(
    journal: Journal, nodes: Sequence[str], resource: str, before_s: float
) -> float:
    """The last moment before that one at which the resource was Connected on all these nodes."""
    spans = journal.connected(nodes, journal.minors_of(resource))
    moments = (min(to_s, before_s) for from_s, to_s in spans if from_s < before_s)
    return max(moments, default=float("-inf"))


def _refusals(journal: Journal, command: Command, since_s: float) -> list[Handshake]:
    minors = journal.minors_of(command.resource)
    return [
        handshake
        for handshake in journal.handshakes
        if handshake.ending is Ending.REFUSED
        and handshake.node == command.node
        and handshake.minor in minors
        and since_s < handshake.at_s <= command.at_s
    ]


def _discards_unnamed(journal: Journal) -> Iterator[str]:
    """8: no node discards by itself unless the handshake showed the other one as Primary."""
    for command in journal.commands:
        if not command.discards or command.recovers:
            continue
        since_s = _last_connected_s(journal, (command.node,), command.resource, command.at_s)
        refused = _refusals(journal, command, since_s)
        if not refused:
            what = "was run, and no handshake since it was last Connected had been refused"
            yield _about(journal, "invariant 8", command, what)
        elif (refused[-1].self_primary, refused[-1].peer_primary) != (False, True):
            roles = {True: "Primary", False: "Secondary", None: "unknown"}
            yield _about(
                journal,
                "invariant 8",
                command,
                f"was run after a handshake with this node {roles[refused[-1].self_primary]} "
                f"and its peer {roles[refused[-1].peer_primary]}",
            )


def _forbidden_words(journal: Journal) -> Iterator[str]:
    """9: none of the options that lie to DRBD, and only the three commands for one resource."""
    for command in journal.commands:
        forms = {
            form
            for name in set(journal.resource_of_minor.values())
            for form in (("secondary", name), ("connect", name), ("connect", DISCARD, name))
        }
        if any(word.startswith(FORBIDDEN) for word in command.arguments):
            yield _about(journal, "invariant 9", command, "has an option that no pass may use")
        elif command.arguments not in forms:
            yield _about(journal, "invariant 9", command, "is no command of a pass")


def _demotes_in_use(journal: Journal) -> Iterator[str]:
    """A resource in use is never demoted; that the kernel would refuse it is no excuse."""
    for command in journal.commands:
        used = command.used.intersection(journal.minors_of(command.resource))
        if command.arguments[:1] == ("secondary",) and used:
            minors = ", ".join(map(str, sorted(used)))
            yield _about(journal, "demotion", command, f"was run while minor {minors} was in use")


# -- several commands -------------------------------------------------------------------------


def _two_victims(journal: Journal) -> Iterator[str]:
    """8: between two times of being Connected at most one node discards.

    A refusal on this node after the other one's discard has ended that discard, and named the
    roles anew. Where a person has said --discard-my-data to `recover`, a person chose this node.
    """
    discarding = [
        command
        for command in journal.commands
        if command.discards
        and not (command.recovers and command.run_by and DISCARD in command.run_by.arguments)
    ]
    for first, second in itertools.combinations(discarding, 2):
        if first.resource != second.resource or first.node == second.node:
            continue
        since_s = _last_connected_s(journal, journal.nodes, second.resource, second.at_s)
        if since_s < first.at_s and not _refusals(journal, second, first.at_s):
            yield _about(
                journal,
                "invariant 8",
                second,
                f"was run although {first.node} was giving its changes up already",
            )


def _policy_losses(journal: Journal) -> Iterator[str]:
    """3: in mode `reconnect` no sequence of our commands has DRBD discard by its own policies.

    A node that had nothing to give up (`self … bits:0`) discards nothing, whatever DRBD says.
    """
    for handshake in journal.handshakes:
        if (
            handshake.ending is Ending.AUTOMATICALLY
            and handshake.victim
            and handshake.self_bits != 0
        ):
            for command in journal.commands:
                if _led_to(journal, command, handshake):
                    what = f"had DRBD give up the changes of {handshake.node} by its own policy"
                    yield _about(journal, "invariant 3", command, what)


def _led_to(journal: Journal, command: Command, handshake: Handshake) -> bool:
    """Whether DRBD's choice at the handshake was of this command's making.

    A `connect` was, if it took the node out of the StandAlone in which it would have stayed. What
    would have become of it without a `secondary` is not to be had from the lines, for they do not
    tell the policies: it was if the demotion still held and one Primary was missing by it. Where
    others changed a role afterwards the picture was no longer the one that the pass could see,
    and nobody can tell from the lines whose doing it was; then it is not held against connector.
    Neither is what a person has `recover` do, which shows whose changes would be lost.
    """
    minors = journal.minors_of(command.resource)
    if handshake.minor not in minors or not command.at_s < handshake.at_s:
        return False
    if command.discards or _may_discard(journal, command):
        return False
    states = [command.states[minor] for minor in minors if minor in command.states]
    if command.arguments[:1] == ("connect",):
        undone = {DOWN, "StandAlone"}
        had_effect = not states or any(seen.connection == "StandAlone" for seen in states)
    else:
        undone = {DOWN}
        had_effect = not states or any(seen.role == "Primary" for seen in states)
    return (
        had_effect
        and not any(
            change.after in undone | _AGREED
            for change in journal.connections
            if (change.node, change.minor) == (command.node, handshake.minor)
            and command.at_s < change.at_s < handshake.at_s
        )
        and not _roles_changed_by_others(journal, minors, command.at_s, handshake.at_s)
    )


def _roles_changed_by_others(
    journal: Journal, minors: Sequence[int], from_s: float, to_s: float
) -> bool:
    """Whether a role became another one that no `secondary` of connector explains."""
    demotions = [c for c in journal.commands if c.arguments[:1] == ("secondary",)]
    return any(
        from_s < change.at_s < to_s
        and not any(
            change.after == "Secondary"
            and change.node == demotion.node
            and change.minor in journal.minors_of(demotion.resource)
            and -ORDER_S <= change.at_s - demotion.at_s <= OWN_ROLE_CHANGE_S
            for demotion in demotions
        )
        for change in journal.roles
        if change.minor in minors
    )


# -- passes -----------------------------------------------------------------------------------


def _at_once(journal: Journal) -> Iterator[str]:
    """4: at most one pass acts at a time on a node, and none after its end."""
    acted: dict[Pass, list[Command]] = {}
    for command in journal.commands:
        if command.run_by is None:
            yield _about(journal, "invariant 4", command, "was run by no pass on record")
            continue
        ended_at_s = command.run_by.ended_at_s
        if ended_at_s is not None and command.at_s > ended_at_s + ORPHAN_S:
            yield _about(journal, "invariant 4", command, "was run after its pass had ended")
        acted.setdefault(command.run_by, []).append(command)
    for (one, its), (other, others) in itertools.combinations(acted.items(), 2):
        begin_s = max(its[0].at_s, others[0].at_s)
        if one.node == other.node and begin_s <= min(its[-1].at_s, others[-1].at_s):
            what = f"passes {one.pid} and {other.pid} ran commands at the same time"
            yield _say(journal, "invariant 4", one.node, begin_s, what)


def _too_long(journal: Journal, limit_s: float, deadline_s: float) -> Iterator[str]:
    """5: a pass ends within its deadline, unless its node has lost its power meanwhile."""
    recorded_until_s = journal.events[-1].at_s if journal.events else 0.0
    for one in journal.passes:
        crashed = any(
            is_crash(event) and event.node == one.node and event.at_s >= one.began_at_s
            for event in journal.told
        )
        name = f"pass {one.pid} ({' '.join(one.arguments)})"
        if one.duration_s is not None and one.duration_s > limit_s:
            what = f"{name} took {one.duration_s:.1f} s, more than {limit_s:g} s"
            yield _say(journal, "invariant 5", one.node, one.began_at_s, what)
        elif (
            one.duration_s is None
            and not crashed
            and recorded_until_s > one.began_at_s + deadline_s
        ):
            yield _say(journal, "invariant 5", one.node, one.began_at_s, f"{name} never ended")


_RULES: tuple[Callable[[Journal], Iterator[str]], ...] = (
    _discards_in_use,
    _discards_unasked,
    _policy_losses,
    _at_once,
    _discards_unnamed,
    _two_victims,
    _forbidden_words,
    _demotes_in_use,
)


# -- data -------------------------------------------------------------------------------------


def _lost(
    journal: Journal,
    disks: Disks,
    given_up: GivenUp,
    connected: frozenset[str],
    allow_policy_losses: bool,
) -> Iterator[Lost]:
    for written in journal.acknowledged:
        resource = journal.resource_of_minor[written.minor]
        holders = journal.nodes if resource in connected else (written.node,)
        missing_on = tuple(
            node
            for node in holders
            if written.record not in disks.get((node, written.minor), {written.record})
        )
        if missing_on:
            allowed = written.node in missing_on and any(
                _gave_up(journal, handshake, given_up, allow_policy_losses)
                for handshake in journal.handshakes
                if handshake.victim
                and (handshake.node, handshake.minor) == (written.node, written.minor)
                and written.at_s < handshake.at_s <= _on_both_s(journal, written)
            )
            yield Lost(
                written.node,
                written.minor,
                resource,
                written.record,
                written.at_s,
                missing_on,
                allowed,
            )


def _on_both_s(journal: Journal, written: Acknowledged) -> float:
    """When the record was on both disks: the moment of its writing, or the next Connected.

    A connection that was lost right after the writing may have been lost before it.
    """
    for from_s, to_s in journal.connected((written.node,), (written.minor,)):
        if to_s - written.at_s >= ORDER_S:
            return max(from_s, written.at_s)
    return float("inf")


def _gave_up(
    journal: Journal, handshake: Handshake, given_up: GivenUp, allow_policy_losses: bool
) -> bool:
    """Whether what this node lost at the handshake was given up by somebody who may.

    That the record of what was given up is this incident's cannot be told by its name.
    """
    if handshake.ending is Ending.AUTOMATICALLY and allow_policy_losses:
        return True
    node, resource = handshake.node, journal.resource_of_minor[handshake.minor]
    since_s = _last_connected_s(journal, (node,), resource, handshake.at_s)
    by_a_person = any(
        event.node == node
        and since_s < event.at_s < handshake.at_s
        and {"drbdadm", "connect", DISCARD, resource} <= set(event.text.split())
        for event in journal.told
    )
    by_connector = any(
        command.node == node
        and since_s < command.at_s < handshake.at_s
        and command.resource == resource
        and command.discards
        and _may_discard(journal, command)
        for command in journal.commands
    )
    return by_a_person or (by_connector and resource in given_up.get(node, (resource,)))


def _data(journal: Journal, missing: Sequence[Lost]) -> Iterator[str]:
    """No acknowledged record is lost but by a victim that was allowed to give it up."""
    groups: dict[tuple[str, int, tuple[str, ...]], list[Lost]] = {}
    for one in missing:
        if not one.allowed:
            groups.setdefault((one.node, one.minor, one.missing_on), []).append(one)
    for (node, minor, missing_on), ones in groups.items():
        first = ones[0]
        many = f"records ({len(ones)}, the first is {first.record})"
        what = f"{many} acknowledged on minor {minor} ({first.resource}) are missing on "
        what += " and ".join(missing_on) + ", and nobody who may had given them up"
        yield _say(journal, "data", node, first.acknowledged_at_s, what)
