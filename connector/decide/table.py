"""The decision table as data: first match wins, the last row catches everything else.

docs/decision-table.md and `connector table` are rendered from here.
"""

from __future__ import annotations

from dataclasses import dataclass

from connector.model import (
    ESTABLISHED,
    HEALTHY,
    WAITING,
    ActionKind,
    ConnectionState,
    DecisionName,
    Generation,
    Picture,
    Role,
)

C = ConnectionState
_PRIMARY = frozenset({Role.PRIMARY})
SECONDARY = frozenset({Role.SECONDARY})


@dataclass(frozen=True, slots=True)
class Row:
    """One row; None in a column means "any".

    On DRBD 9 a row is about one connection: `alone` whether no other peer is connected, `diverged`
    whether the copies differ all the same. `generation` is for rows that only one kernel can meet.
    `steps` are the commands in their order, `watch` says that the state is watched for a bounded
    time although nothing is done, `escalate` that a person is needed, `lasting` that one is needed
    once the picture lasts.
    """

    name: DecisionName
    connections: frozenset[ConnectionState] | None
    roles: frozenset[Role] | None
    in_use: bool | None
    sentence: str
    steps: tuple[ActionKind, ...] = ()
    watch: bool = False
    escalate: bool = False
    lasting: bool = False
    generation: Generation | None = None
    alone: bool | None = None
    diverged: bool | None = None

    def matches(self, picture: Picture) -> bool:
        """Whether this row is about such a picture."""
        return (
            (self.connections is None or picture.connection in self.connections)
            and (self.roles is None or picture.role in self.roles)
            and (self.in_use is None or picture.in_use is self.in_use)
            and (self.generation is None or picture.generation is self.generation)
            and (self.alone is None or picture.alone is self.alone)
            and (self.diverged is None or picture.diverged is self.diverged)
        )


_STANDALONE = frozenset({C.STANDALONE})
SYNCING = ESTABLISHED - HEALTHY
TRANSIENT = frozenset(
    {
        C.DISCONNECTING,
        C.UNCONNECTED,
        C.TIMEOUT,
        C.BROKEN_PIPE,
        C.NETWORK_FAILURE,
        C.PROTOCOL_ERROR,
        C.TEAR_DOWN,
        C.WF_REPORT_PARAMS,
    }
)

TABLE: tuple[Row, ...] = (
    Row(
        DecisionName.RECONNECT_SURVIVOR,
        _STANDALONE,
        _PRIMARY,
        True,
        "StandAlone, Primary and in use: the active node, cut off from its peer",
        steps=(ActionKind.CONNECT,),
    ),
    Row(
        DecisionName.DEMOTE_AND_RECONNECT,
        _STANDALONE,
        _PRIMARY,
        False,
        "StandAlone and Primary, but nothing uses it here: a standby left over from a take-over",
        steps=(ActionKind.SECONDARY, ActionKind.CONNECT),
        watch=True,
        alone=True,
    ),
    # With another peer connected it is no left-over: DRBD 9 lets nobody else be Primary beside it.
    Row(
        DecisionName.RECONNECT_SURVIVOR,
        _STANDALONE,
        _PRIMARY,
        False,
        "StandAlone and Primary while another peer is connected: it keeps its role",
        steps=(ActionKind.CONNECT,),
        watch=True,
        alone=False,
    ),
    Row(
        DecisionName.RECONNECT_STANDBY,
        _STANDALONE,
        SECONDARY,
        False,
        "StandAlone, Secondary and not in use: the standby, cut off from its peer",
        steps=(ActionKind.CONNECT,),
        watch=True,
    ),
    Row(
        DecisionName.CONTRADICTION,
        _STANDALONE,
        SECONDARY,
        True,
        "StandAlone and Secondary, yet in use: DRBD 8.4 does not allow that",
        escalate=True,
        generation=Generation.EIGHT,
    ),
    # On DRBD 9 a Secondary may be read (measured); what a resync would change is being read.
    Row(
        DecisionName.HOLD,
        _STANDALONE,
        SECONDARY,
        True,
        "StandAlone and Secondary, and held open for reading: it is let be until that ends",
        escalate=True,
        generation=Generation.NINE,
    ),
    Row(
        DecisionName.HOLD,
        WAITING,
        _PRIMARY,
        True,
        "the active node waits for its peer",
    ),
    Row(
        DecisionName.DEMOTE_AND_WAIT,
        WAITING,
        _PRIMARY,
        False,
        "waiting for the peer as Primary, but nothing uses it here",
        steps=(ActionKind.SECONDARY,),
        watch=True,
        alone=True,
    ),
    Row(
        DecisionName.HOLD,
        WAITING,
        _PRIMARY,
        False,
        "waiting for this peer as Primary while another one is connected: it keeps its role",
        alone=False,
    ),
    Row(
        DecisionName.WAIT,
        WAITING,
        SECONDARY,
        False,
        "the standby waits for its peer",
        watch=True,
    ),
    Row(
        DecisionName.CONTRADICTION,
        WAITING,
        SECONDARY,
        True,
        "waiting for the peer as Secondary, yet in use: DRBD 8.4 does not allow that",
        escalate=True,
        generation=Generation.EIGHT,
    ),
    Row(
        DecisionName.HOLD,
        WAITING,
        SECONDARY,
        True,
        "the standby waits for its peer, and is held open for reading",
        generation=Generation.NINE,
    ),
    Row(
        DecisionName.DIVERGED,
        frozenset({C.CONNECTED}),
        None,
        None,
        "connected, but the copies differ and no resync is under way",
        escalate=True,
        generation=Generation.NINE,
        diverged=True,
    ),
    Row(DecisionName.HEALTHY, HEALTHY, None, None, "connected"),
    Row(
        DecisionName.SYNCING,
        SYNCING,
        None,
        None,
        "connected, and the disks are being brought into agreement",
    ),
    Row(
        DecisionName.TRANSIENT,
        TRANSIENT,
        None,
        None,
        "between two states; DRBD moves on by itself",
        lasting=True,
    ),
    Row(
        DecisionName.UNKNOWN,
        None,
        None,
        None,
        "the state is missing, unconfigured or cannot be told for certain",
        escalate=True,
    ),
)


def row_for(picture: Picture) -> Row:
    """The one row for a picture: the first that matches; the last matches everything."""
    return next(row for row in TABLE if row.matches(picture))
