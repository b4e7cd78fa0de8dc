"""The rule about data: what is missing of the acknowledged records, and who may have lost it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from .commands import may_discard
from .findings import Lost
from .journal import DISCARD, ORDER_S, Acknowledged, Ending, Handshake, Journal

Disks = Mapping[tuple[str, int], frozenset[str]]
GivenUp = Mapping[str, Sequence[str]]


def lost_records(
    journal: Journal,
    disks: Disks,
    given_up: GivenUp,
    connected: frozenset[str],
    allow_policy_losses: bool,
    rescued: Disks,
) -> Iterator[Lost]:
    """The acknowledged records that are missing, and whether they may be.

    What connector gave up has to be in a rescue on that node: `rescued` has the records that are
    in one, by node and minor, and no key for what was not read.
    """
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
                _gave_up(
                    journal,
                    handshake,
                    given_up,
                    allow_policy_losses,
                    kept=written.record
                    in rescued.get((written.node, written.minor), {written.record}),
                )
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
    journal: Journal,
    handshake: Handshake,
    given_up: GivenUp,
    allow_policy_losses: bool,
    *,
    kept: bool,
) -> bool:
    """Whether what this node lost at the handshake was given up by somebody who may.

    That the record of what was given up is this incident's cannot be told by its name.
    """
    if handshake.ending is Ending.AUTOMATICALLY and allow_policy_losses:
        return True
    node, resource = handshake.node, journal.resource_of_minor[handshake.minor]
    since_s = journal.last_connected_s((node,), resource, handshake.at_s)
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
        and may_discard(journal, command)
        for command in journal.commands
    )
    on_record = kept and resource in given_up.get(node, (resource,))
    return by_a_person or (by_connector and on_record)
