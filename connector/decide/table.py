"""The decision table as data: first match wins, the last row catches everything else.

docs/decision-table.md and `connector table` are rendered from here.
"""

from __future__ import annotations

from dataclasses import dataclass

from connector.model import (
    ESTABLISHED,
    HEALTHY,
    ActionKind,
    ConnectionState,
    DecisionName,
    Picture,
    Role,
)

C = ConnectionState
_PRIMARY = frozenset({Role.PRIMARY})
_SECONDARY = frozenset({Role.SECONDARY})


@dataclass(frozen=True, slots=True)
class Row:
    """One row; None in a column means "any".

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

    def matches(self, picture: Picture) -> bool:
        """Whether this row is about such a picture."""
        return (
            (self.connections is None or picture.connection in self.connections)
            and (self.roles is None or picture.role in self.roles)
            and (self.in_use is None or picture.in_use is self.in_use)
        )


_STANDALONE = frozenset({C.STANDALONE})
_WAITING = frozenset({C.WF_CONNECTION})
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
    ),
    Row(
        DecisionName.RECONNECT_STANDBY,
        _STANDALONE,
        _SECONDARY,
        False,
        "StandAlone, Secondary and not in use: the standby, cut off from its peer",
        steps=(ActionKind.CONNECT,),
        watch=True,
    ),
    Row(
        DecisionName.CONTRADICTION,
        _STANDALONE,
        _SECONDARY,
        True,
        "StandAlone and Secondary, yet in use: DRBD 8.4 does not allow that",
        escalate=True,
    ),
    Row(
        DecisionName.HOLD,
        _WAITING,
        _PRIMARY,
        True,
        "the active node waits for its peer",
    ),
    Row(
        DecisionName.DEMOTE_AND_WAIT,
        _WAITING,
        _PRIMARY,
        False,
        "waiting for the peer as Primary, but nothing uses it here",
        steps=(ActionKind.SECONDARY,),
        watch=True,
    ),
    Row(
        DecisionName.WAIT,
        _WAITING,
        _SECONDARY,
        False,
        "the standby waits for its peer",
        watch=True,
    ),
    Row(
        DecisionName.CONTRADICTION,
        _WAITING,
        _SECONDARY,
        True,
        "waiting for the peer as Secondary, yet in use: DRBD 8.4 does not allow that",
        escalate=True,
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
