"""The rules about several commands, and about what DRBD made of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from .commands import may_discard, refusals
from .findings import about
from .journal import DISCARD, DOWN, ORDER_S, Command, Ending, Handshake, Journal

OWN_ROLE_CHANGE_S = 15.0  # after our `secondary`; the time-out of one drbdadm

_AGREED = frozenset({"Connected", "WFBitMapS", "WFBitMapT"})  # what a handshake may lead to


def two_victims(journal: Journal) -> Iterator[str]:
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
        since_s = journal.last_connected_s(journal.nodes, second.resource, second.at_s)
        if since_s < first.at_s and not refusals(journal, second, first.at_s):
            yield about(
                journal,
                "invariant 8",
                second,
                f"was run although {first.node} was giving its changes up already",
            )


def policy_losses(journal: Journal) -> Iterator[str]:
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
                    yield about(journal, "invariant 3", command, what)


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
    if command.discards or may_discard(journal, command):
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
