"""Whose changes should go, and why, in words. A recommendation is never a decision; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from connector.model import Resource
from connector.report.page.words import amount
from connector.report.past_incidents import plain

# One side has changed so many times more than the other: only then its amount speaks for it.
CLEARLY_MORE = 10


class Victim(StrEnum):
    """The node that gives its changes up, seen from this one."""

    HERE = "here"
    PEER = "peer"


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The node that should give its changes up, or None where that cannot be said; and why."""

    victim: Victim | None
    reasons: tuple[str, ...]


def recommend(resource: Resource, peer: Resource | None = None) -> Recommendation | None:
    """The victim of a split brain; None where there is no split brain.

    What is in use counts most, then the roles at the handshake, then the amounts. A node that is
    in use, or may be, is never recommended. `peer` is the other node's own view, where it is known.
    """
    if not resource.evidence.split_brain:
        return None
    there = peer.in_use if peer else None
    by_use = _by_use(resource, peer)
    if by_use is not None:
        return by_use
    if resource.in_use is None:
        return Recommendation(None, ("whether it is in use here could not be found out",))
    evidence = resource.evidence
    roles = (evidence.self_was_primary, evidence.peer_was_primary)
    if roles == (False, True):
        return _victim(
            Victim.HERE, there, "at the last handshake the other node was Primary and this was not"
        )
    if roles == (True, False):
        return _victim(
            Victim.PEER, there, "at the last handshake this node was Primary and the other was not"
        )
    if roles[1] and there is None:
        who = "both nodes were" if roles[0] else "the other node was"
        why = f"{who} Primary at the last handshake, and this one is not in use any more"
        return Recommendation(Victim.HERE, (why, "the other one may be in use: look there first"))
    return _by_amounts(resource, peer, _roles_in_words(roles))


def _by_use(resource: Resource, peer: Resource | None) -> Recommendation | None:
    """Where the use alone decides; None where it does not."""
    here, there = resource.in_use, peer.in_use if peer else None
    if here and there:
        return Recommendation(
            None,
            (
                f"it is in use on both nodes: here by {users(resource)}, there by "
                f"{users(peer)}. Stop the service on one of them first",
            ),
        )
    if there and here is False:
        return Recommendation(
            Victim.HERE, (f"the other node is in use, by {users(peer)}; this one is not",)
        )
    if here and there is False:
        return Recommendation(
            Victim.PEER, (f"this node is in use, by {users(resource)}; the other one is not",)
        )
    if here:
        return _beside_one_in_use(resource)
    return None


def _beside_one_in_use(resource: Resource) -> Recommendation:
    """In use here, and nobody knows about the other node."""
    mine = f"this node is in use, by {users(resource)}"
    if resource.evidence.peer_was_primary is False:
        reasons = (mine, "the other node was not Primary at the last handshake")
        return Recommendation(Victim.PEER, (*reasons, _LOOK_THERE))
    return Recommendation(
        None,
        (
            f"{mine}, and the other node may be in use as well: look there, or give its view "
            "with --peer",
        ),
    )


_LOOK_THERE = "whether it is in use there is not known: look there first, or use --peer"


def _victim(victim: Victim, peer_in_use: bool | None, why: str) -> Recommendation:
    """By the roles; the other node's use is False or not known."""
    reasons = [why]
    if victim is Victim.HERE:
        reasons.append("this node is not in use")
    elif peer_in_use is None:
        reasons.append(_LOOK_THERE)
    else:
        reasons.append("the other node is not in use")
    return Recommendation(victim, tuple(reasons))


def _roles_in_words(roles: tuple[bool | None, bool | None]) -> str:
    if roles == (True, True):
        return "both nodes were Primary at the last handshake"
    if roles == (False, False):
        return "neither node was Primary at the last handshake"
    return "the kernel log does not say for certain who was Primary"


def _by_amounts(resource: Resource, peer: Resource | None, why: str) -> Recommendation:
    """The one that changed next to nothing, where neither use nor roles tell."""
    evidence = resource.evidence
    mine, theirs = evidence.self_changes_kib, evidence.peer_changes_kib
    if mine is None or theirs is None:
        return Recommendation(None, (why,))
    if len(evidence.handshakes) < len(resource.volumes):
        return Recommendation(None, (why, "and the amounts are known of some volumes only"))
    amounts = f"changed here: {amount(mine)}; on the other node: {amount(theirs)}"
    if mine != theirs and mine * CLEARLY_MORE <= theirs:
        return Recommendation(Victim.HERE, (why, amounts, "this node is not in use"))
    if mine != theirs and theirs * CLEARLY_MORE <= mine and peer and peer.in_use is False:
        return Recommendation(Victim.PEER, (why, amounts, "the other node is not in use"))
    return Recommendation(None, (why, f"{amounts}: that does not decide it"))


def users(resource: Resource | None) -> str:
    """What uses the resource, on one line."""
    uses = resource.volumes if resource else ()
    names = sorted({use.where for volume in uses for use in volume.used_by or ()})
    return plain(", ".join(names)) or "nothing"


def lines(found: Recommendation | None) -> Iterator[str]:
    """The recommendation as text; nothing where there is no split brain."""
    if found is None:
        return
    word = {
        Victim.HERE: "this node (--victim here)",
        Victim.PEER: "the other node (--victim peer here, --victim here there)",
        None: "cannot say",
    }[found.victim]
    yield f"who should give its changes up: {word}"
    for reason in found.reasons:
        yield f"  - {reason}"


def against(found: Recommendation | None, discard: bool | None) -> str | None:
    """A warning where a person's word is against the recommendation."""
    if found is None or found.victim is None or discard is None:
        return None
    said = Victim.HERE if discard else Victim.PEER
    if said is found.victim:
        return None
    return f"CAREFUL: you say --victim {said}, and what is known speaks for --victim {found.victim}"
