"""The rules about one command: what it gives up, demotes or says."""

from __future__ import annotations

from collections.abc import Iterator

from .findings import about
from .journal import DISCARD, Command, Ending, Handshake, Journal

FORBIDDEN = ("--force", "--tentative", "--overwrite-data-of-peer")


def discards_in_use(journal: Journal) -> Iterator[str]:
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
            yield about(journal, "invariant 1", command, f"{what} (minor {minor})")


def discards_unasked(journal: Journal) -> Iterator[str]:
    """2: nothing is discarded without mode `discard` or a person's word."""
    for command in journal.commands:
        if command.discards and not may_discard(journal, command):
            yield about(
                journal, "invariant 2", command, "was run in neither mode discard nor `recover`"
            )


def discards_unnamed(journal: Journal) -> Iterator[str]:
    """8: no node discards by itself unless the handshake showed the other one as Primary."""
    for command in journal.commands:
        if not command.discards or command.recovers:
            continue
        since_s = journal.last_connected_s((command.node,), command.resource, command.at_s)
        refused = refusals(journal, command, since_s)
        if not refused:
            what = "was run, and no handshake since it was last Connected had been refused"
            yield about(journal, "invariant 8", command, what)
        elif (refused[-1].self_primary, refused[-1].peer_primary) != (False, True):
            roles = {True: "Primary", False: "Secondary", None: "unknown"}
            yield about(
                journal,
                "invariant 8",
                command,
                f"was run after a handshake with this node {roles[refused[-1].self_primary]} "
                f"and its peer {roles[refused[-1].peer_primary]}",
            )


def forbidden_words(journal: Journal) -> Iterator[str]:
    """9: none of the options that lie to DRBD, and only the three commands for one resource."""
    for command in journal.commands:
        forms = {
            form
            for name in set(journal.resource_of_minor.values())
            for form in (("secondary", name), ("connect", name), ("connect", DISCARD, name))
        }
        if any(word.startswith(FORBIDDEN) for word in command.arguments):
            yield about(journal, "invariant 9", command, "has an option that no pass may use")
        elif command.arguments not in forms:
            yield about(journal, "invariant 9", command, "is no command of a pass")


def demotes_in_use(journal: Journal) -> Iterator[str]:
    """A resource in use is never demoted; that the kernel would refuse it is no excuse."""
    for command in journal.commands:
        used = command.used.intersection(journal.minors_of(command.resource))
        if command.arguments[:1] == ("secondary",) and used:
            minors = ", ".join(map(str, sorted(used)))
            yield about(journal, "demotion", command, f"was run while minor {minors} was in use")


def may_discard(journal: Journal, command: Command) -> bool:
    """Whether a person or the mode allowed to give this node's changes up.

    When a pass has read its configuration is not on record, so that each mode counts that was in
    force from its beginning on.
    """
    since_s = command.run_by.began_at_s if command.run_by else command.at_s
    modes = journal.modes(command.node, command.resource, since_s, command.at_s)
    return command.recovers or "discard" in modes


def refusals(journal: Journal, command: Command, since_s: float) -> list[Handshake]:
    minors = journal.minors_of(command.resource)
    return [
        handshake
        for handshake in journal.handshakes
        if handshake.ending is Ending.REFUSED
        and handshake.node == command.node
        and handshake.minor in minors
        and since_s < handshake.at_s <= command.at_s
    ]
