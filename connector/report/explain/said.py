"""What a person may say of a saved state, and the evidence that is made of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from connector.model import Cause, Evidence, Handshake, Role
from connector.report.explain.log import SavedLog

NONE, UNREADABLE = "none", "unreadable"
# What may be said of the kernel log: nothing in it, not to be read, or why the connection ended.
KINDS = (NONE, UNREADABLE, *map(str, Cause))


class UseSaid(StrEnum):
    """What may be said of the use: the last one is for what could not be found out."""

    IN_USE = "in-use"
    NOT_IN_USE = "not-in-use"
    UNKNOWN = "use-unknown"


@dataclass(frozen=True, slots=True)
class Said:
    """What a person said on the command line; None: nothing.

    `kind` is one of KINDS. `handshake` are the roles of this node and of the peer at a split
    brain's handshake. `after_sb` has the policies that were named, by field of AfterSplitBrain.
    """

    use: UseSaid | None = None
    kind: str | None = None
    handshake: tuple[Role, Role] | None = None
    log: SavedLog | None = None
    lasted_s: float | None = None
    after_sb: Mapping[str, str] = field(default_factory=dict)
    attempts: int | None = None
    paused: bool = False
    managed: bool = False
    discard_pending: bool = False


def handshakes(roles: tuple[Role, Role] | None) -> tuple[Handshake, ...]:
    """Handshakes that show these roles; two that do not agree where a role is Unknown."""
    if roles is None:
        return ()
    bits = [{Role.PRIMARY: (1, 1), Role.SECONDARY: (0, 0), Role.UNKNOWN: (0, 1)}[r] for r in roles]
    return tuple(Handshake(None, own, peer, 0, 0, 0, 0) for own, peer in zip(*bits, strict=True))


def evidence_of(kind: str, roles: tuple[Role, Role] | None = None) -> Evidence:
    """Evidence of one of KINDS, at the beginning of its clock."""
    if kind == NONE:
        return Evidence()
    if kind == UNREADABLE:
        return Evidence(readable=False)
    return Evidence(cause=Cause(kind), cause_at_s=0.0, handshakes=handshakes(roles))


def kind_of(evidence: Evidence) -> str:
    """Which of KINDS it is."""
    if not evidence.readable:
        return UNREADABLE
    return NONE if evidence.cause is None else evidence.cause.value


def evidence_words(evidence: Evidence) -> str:
    """The evidence in a few words."""
    if not evidence.readable:
        return "the kernel log cannot be read"
    if evidence.cause is None:
        return "the kernel log says nothing of it"
    words = f"the kernel log says why: {evidence.cause}"
    if evidence.handshakes:
        own, peer = evidence.self_was_primary, evidence.peer_was_primary
        words += f"; at the handshake this node {_role(own)}, the peer {_role(peer)}"
    return words


def _role(primary: bool | None) -> str:
    return {True: "Primary", False: "Secondary", None: "of uncertain role"}[primary]
