"""The connection in words, and the form that it is drawn in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.decide.table import SYNCING, TRANSIENT
from connector.model import (
    HEALTHY,
    WAITING,
    Cause,
    ConnectionState,
    DiskState,
    Evidence,
    Generation,
    SyncProgress,
)
from connector.report.page.link import WORDS, Flow, Form, Link, link_of
from tests import builders

C = ConnectionState
SPLIT = Evidence(cause=Cause.SPLIT_BRAIN)


def syncing(percents: list[tuple[int, int]], state: ConnectionState = C.SYNC_SOURCE) -> Link:
    """A resource with a volume for each (KiB left, KiB in all)."""
    volumes = [
        builders.volume(
            builders.device(
                number,
                connection=state,
                peer_disk=DiskState.INCONSISTENT,
                sync=SyncProgress("resync", None, left, total),
            ),
            number=number,
        )
        for number, (left, total) in enumerate(percents)
    ]
    return link_of(builders.resource(connection=state, volumes=volumes))


def test_every_state_has_words_and_a_form() -> None:
    assert set(WORDS) == set(ConnectionState)
    for state in ConnectionState:
        link = link_of(builders.resource(connection=state))
        assert (link.state, link.words) == (state, WORDS[state][1])
        assert link.words


def test_the_forms_are_those_of_the_decision_table() -> None:
    def states(form: Form) -> set[ConnectionState]:
        return {state for state, (its, _) in WORDS.items() if its is form}

    assert states(Form.SOLID) == HEALTHY
    assert states(Form.SYNCING) == SYNCING
    assert states(Form.BETWEEN) == TRANSIENT
    assert states(Form.BROKEN) == {C.STANDALONE}
    assert states(Form.WAITING) == WAITING


def test_a_state_that_is_not_known() -> None:
    link = link_of(builders.resource(connection=None))
    assert (link.form, link.state, link.words) == (Form.UNKNOWN, "not known", "it cannot be told")


@pytest.mark.parametrize("state", [C.STANDALONE, C.WF_CONNECTION, C.UNCONNECTED])
def test_a_split_brain_is_said_first_and_drawn_as_one(state: ConnectionState) -> None:
    link = link_of(builders.resource(connection=state, evidence=SPLIT))
    assert link.form is Form.SPLIT
    assert link.words.startswith("split brain: ")
    assert link.words.endswith(WORDS[state][1])


@pytest.mark.parametrize("state", [C.CONNECTED, C.SYNC_TARGET])
def test_a_split_brain_that_is_over_is_not(state: ConnectionState) -> None:
    link = link_of(builders.resource(connection=state, evidence=SPLIT))
    assert link.form is WORDS[state][0]
    assert "split" not in link.words


@pytest.mark.parametrize("state", sorted(HEALTHY))
def test_copies_that_differ_without_a_resync_are_said(state: ConnectionState) -> None:
    seen = builders.resource(connection=state, out_of_sync_kib=4)
    nine = link_of(replace(seen, generation=Generation.NINE))
    # A verify is still at it; 8.4 counts differences there, too, and does not tell what they are.
    assert (nine.form is Form.DIVERGED) is (state is C.CONNECTED)
    assert link_of(seen).form is Form.SOLID


@pytest.mark.parametrize(
    ("volumes", "percent"),
    [
        ([(60, 100)], 40),
        ([(10, 100), (60, 100)], 40),
        ([(1, 1_000_000)], 99),
        ([(100, 100)], 0),
        ([(0, 100)], 100),
        ([(43, 100)], 57),
    ],
)
def test_the_percentage_is_that_of_the_slowest_volume_rounded_down(
    volumes: list[tuple[int, int]], percent: int
) -> None:
    link = syncing(volumes)
    assert link == replace(
        link_of(builders.resource(connection=C.SYNC_SOURCE)),
        percent=percent,
        words=f"syncing: this node sends to the peer, {percent}% done",
    )


def test_a_percentage_as_the_kernel_prints_it_stays_as_it_is() -> None:
    # 29 / 100 * 100 is a little less than 29 to a computer.
    device = builders.device(connection=C.SYNC_TARGET, sync=SyncProgress("resync", 29.0))
    seen = builders.resource(connection=C.SYNC_TARGET, volumes=[builders.volume(device)])
    assert link_of(seen).percent == 29


def test_without_progress_there_is_no_percentage() -> None:
    link = link_of(builders.resource(connection=C.WF_BITMAP_T))
    assert (link.percent, link.flow) == (None, None)
    assert "%" not in link.words


def test_which_way_the_data_goes() -> None:
    ways = {state: link_of(builders.resource(connection=state)).flow for state in SYNCING}
    assert {state for state, way in ways.items() if way is Flow.TO_PEER} == {
        C.SYNC_SOURCE,
        C.PAUSED_SYNC_S,
        C.AHEAD,
    }
    assert {state for state, way in ways.items() if way is Flow.TO_HERE} == {
        C.SYNC_TARGET,
        C.PAUSED_SYNC_T,
        C.BEHIND,
    }


def test_a_verify_says_how_far_it_is_and_is_drawn_as_connected() -> None:
    shown = builders.device(connection=C.VERIFY_S, sync=SyncProgress("verify", 12.9))
    link = link_of(builders.resource(connection=C.VERIFY_S, volumes=[builders.volume(shown)]))
    assert (link.form, link.percent) == (Form.SOLID, None)
    assert link.words == "connected; the disks are being compared, 12% done"
