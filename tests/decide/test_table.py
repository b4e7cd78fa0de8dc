"""The table itself: every picture has its one row, and every row is reached."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from connector.decide.table import SYNCING, TABLE, TRANSIENT, row_for
from connector.model import (
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
D = DecisionName
EVERY_CONNECTION: tuple[ConnectionState | None, ...] = (None, *ConnectionState)
EVERY_ROLE: tuple[Role | None, ...] = (None, *Role)
BOOLEANS = (True, False)
PICTURES = [
    Picture(*values)
    for values in itertools.product(
        EVERY_CONNECTION, EVERY_ROLE, (None, True, False), Generation, BOOLEANS, BOOLEANS
    )
    # An 8.4 has no other peer, and its kernel is not asked whether the copies differ.
    if values[3] is Generation.NINE or values[4:] == (True, False)
]

# The first eight rows, written out again from the design and not from the code.
EIGHT = {
    (C.STANDALONE, Role.PRIMARY, True): (D.RECONNECT_SURVIVOR, "connect"),
    (C.STANDALONE, Role.PRIMARY, False): (D.DEMOTE_AND_RECONNECT, "secondary connect"),
    (C.STANDALONE, Role.SECONDARY, False): (D.RECONNECT_STANDBY, "connect"),
    (C.STANDALONE, Role.SECONDARY, True): (D.CONTRADICTION, ""),
    (C.WF_CONNECTION, Role.PRIMARY, True): (D.HOLD, ""),
    (C.WF_CONNECTION, Role.PRIMARY, False): (D.DEMOTE_AND_WAIT, "secondary"),
    (C.WF_CONNECTION, Role.SECONDARY, False): (D.WAIT, ""),
    (C.WF_CONNECTION, Role.SECONDARY, True): (D.CONTRADICTION, ""),
}


@pytest.mark.parametrize(("picture", "expected"), EIGHT.items())
def test_the_first_eight_rows_are_those_of_the_design(
    picture: tuple[ConnectionState, Role, bool], expected: tuple[DecisionName, str]
) -> None:
    row = row_for(Picture(*picture))
    assert (row.name, " ".join(row.steps)) == expected


def test_every_picture_has_exactly_one_answer_and_every_row_is_reached() -> None:
    reached = [row_for(picture) for picture in PICTURES]
    assert len(reached) == len(PICTURES)
    assert {id(row) for row in reached} == {id(row) for row in TABLE}


# The same of DRBD 9: of one connection, with another peer connected or not.
NINE = {
    (C.STANDALONE, Role.PRIMARY, True, True): (D.RECONNECT_SURVIVOR, "connect"),
    (C.STANDALONE, Role.PRIMARY, True, False): (D.RECONNECT_SURVIVOR, "connect"),
    (C.STANDALONE, Role.PRIMARY, False, True): (D.DEMOTE_AND_RECONNECT, "secondary connect"),
    (C.STANDALONE, Role.PRIMARY, False, False): (D.RECONNECT_SURVIVOR, "connect"),
    (C.STANDALONE, Role.SECONDARY, False, True): (D.RECONNECT_STANDBY, "connect"),
    (C.STANDALONE, Role.SECONDARY, False, False): (D.RECONNECT_STANDBY, "connect"),
    (C.STANDALONE, Role.SECONDARY, True, True): (D.HOLD, ""),
    (C.STANDALONE, Role.SECONDARY, True, False): (D.HOLD, ""),
    (C.CONNECTING, Role.PRIMARY, True, True): (D.HOLD, ""),
    (C.CONNECTING, Role.PRIMARY, True, False): (D.HOLD, ""),
    (C.CONNECTING, Role.PRIMARY, False, True): (D.DEMOTE_AND_WAIT, "secondary"),
    (C.CONNECTING, Role.PRIMARY, False, False): (D.HOLD, ""),
    (C.CONNECTING, Role.SECONDARY, False, True): (D.WAIT, ""),
    (C.CONNECTING, Role.SECONDARY, False, False): (D.WAIT, ""),
    (C.CONNECTING, Role.SECONDARY, True, True): (D.HOLD, ""),
    (C.CONNECTING, Role.SECONDARY, True, False): (D.HOLD, ""),
}


@pytest.mark.parametrize(("picture", "expected"), NINE.items())
def test_the_rows_of_drbd_9(
    picture: tuple[ConnectionState, Role, bool, bool], expected: tuple[DecisionName, str]
) -> None:
    state, role, in_use, alone = picture
    row = row_for(Picture(state, role, in_use, Generation.NINE, alone))
    assert (row.name, " ".join(row.steps)) == expected


def test_copies_that_differ_although_connected_need_a_person_on_drbd_9_only() -> None:
    differing = Picture(C.CONNECTED, Role.PRIMARY, True, Generation.NINE, diverged=True)
    assert (row_for(differing).name, row_for(differing).escalate) == (D.DIVERGED, True)
    for state in (C.VERIFY_S, C.SYNC_SOURCE):
        busy = replace(differing, connection=state)
        assert row_for(busy).name in (D.HEALTHY, D.SYNCING)


def test_only_the_first_of_two_and_the_last_row_overlap_with_others() -> None:
    for picture in PICTURES:
        found = [row.name for row in TABLE[:-1] if row.matches(picture)]
        assert len(found) <= 1 or found == [D.DIVERGED, D.HEALTHY]
        assert TABLE[-1].matches(picture)


def test_whatever_is_not_certain_is_never_acted_upon() -> None:
    for picture in PICTURES:
        uncertain = (
            picture.connection is None
            or picture.role in (None, Role.UNKNOWN)
            or picture.in_use is None
        )
        if uncertain:
            assert row_for(picture).steps == ()
        if picture.connection is None:
            assert row_for(picture).escalate


def test_nothing_connected_is_acted_upon_and_healthy_means_connected() -> None:
    for picture in PICTURES:
        row = row_for(picture)
        if picture.connection not in {C.STANDALONE, *WAITING}:
            assert row.steps == ()
        assert (row.name in (D.HEALTHY, D.DIVERGED)) == (picture.connection in HEALTHY)
        assert (row.name is D.SYNCING) == (picture.connection in SYNCING)
        assert (row.name is D.TRANSIENT) == (picture.connection in TRANSIENT)


def test_no_row_gives_anything_up_or_demotes_what_is_in_use() -> None:
    for row in TABLE:
        assert ActionKind.CONNECT_DISCARD not in row.steps
        if ActionKind.SECONDARY in row.steps:
            assert row.in_use is False
