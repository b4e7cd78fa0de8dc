"""What was decided, what was done, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from connector.model.seen import Picture


class DecisionName(StrEnum):
    """The rows of the decision table."""

    RECONNECT_SURVIVOR = "reconnect-survivor"
    DEMOTE_AND_RECONNECT = "demote-and-reconnect"
    RECONNECT_STANDBY = "reconnect-standby"
    CONTRADICTION = "contradiction"
    HOLD = "hold"
    DEMOTE_AND_WAIT = "demote-and-wait"
    WAIT = "wait"
    DIVERGED = "diverged"
    HEALTHY = "healthy"
    SYNCING = "syncing"
    TRANSIENT = "transient"
    UNKNOWN = "unknown"


class ActionKind(StrEnum):
    """The commands that a pass may run; `disconnect` only to take a discard back (DRBD 9)."""

    SECONDARY = "secondary"
    CONNECT = "connect"
    CONNECT_DISCARD = "connect-discard-my-data"
    DISCONNECT = "disconnect"


class GateName(StrEnum):
    """Why a step of the table is not taken now."""

    MODE = "mode"
    PAUSE = "pause"
    MANAGED = "managed"
    OPERATOR_DISCONNECT = "operator-disconnect"
    EVIDENCE = "evidence"
    FORECAST = "forecast"
    DISK = "disk"
    ATTEMPTS = "attempts"
    GRACE = "grace"
    SUSPENDED = "suspended"
    VICTIM = "victim"


@dataclass(frozen=True, slots=True)
class Gate:
    """A named reason not to act. `operator` tells whether only a person can open it."""

    name: GateName
    reason: str
    operator: bool


@dataclass(frozen=True, slots=True)
class Action:
    """One command for one resource, and the picture that must still hold when it is run.

    `peer` is the one that it is about on DRBD 9; None is for the whole resource.
    """

    kind: ActionKind
    resource: str
    requires: Picture
    peer: str | None = None

    @property
    def target(self) -> str:
        """RESOURCE or RESOURCE:PEER, as drbdadm takes it."""
        return self.resource if self.peer is None else f"{self.resource}:{self.peer}"


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about one resource, and why, in one plain sentence.

    `actions` is what this pass does; `would` what it would do if no gate stood in the way.
    """

    resource: str
    name: DecisionName
    reason: str
    actions: tuple[Action, ...] = ()
    would: tuple[Action, ...] = ()
    gates: tuple[Gate, ...] = ()
    needs_operator: bool = False
    watch: bool = False
    may_discard: bool = False  # keep a record of what may be given up before the first command
    peer: str | None = None
    connections: tuple[Decision, ...] = ()  # DRBD 9: towards each peer


class OutcomeKind(StrEnum):
    """What came of a decision."""

    NOTHING = "nothing-done"
    WOULD_ACT = "would-act"
    RECONNECTED = "reconnected"
    WAITING = "waiting"
    DROPPED = "dropped"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    OUT_OF_TIME = "out-of-time"


@dataclass(frozen=True, slots=True)
class CommandResult:
    """One command that was run, and what came of it."""

    argv: tuple[str, ...]
    outcome: str
    exit_status: int | None = None
    stderr: str = ""
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done for one resource, in one sentence, and every command."""

    kind: OutcomeKind
    detail: str = ""
    commands: tuple[CommandResult, ...] = ()
    rescue: str | None = None  # the name of what was kept before changes were given up
