"""The value of each series, for what is certain and for what is not."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.decide.table import TABLE
from connector.model import (
    Action,
    ActionKind,
    CommandResult,
    ConnectionState,
    Decision,
    DecisionName,
    Device,
    DiskState,
    Outcome,
    OutcomeKind,
    Role,
    SyncProgress,
)
from connector.report.series import sync_ratio
from tests import builders
from tests.report.reading import ones, samples, value

C = ConnectionState


@pytest.mark.parametrize("state", [*C, None])
def test_connection_state_set(state: ConnectionState | None) -> None:
    item = builders.resource_report(builders.resource(connection=state))
    other_kernels = {
        C.SKIPPED_SYNC_S,
        C.SKIPPED_SYNC_T,
        C.DISKLESS_CLIENT,
        C.SERVER_FOR_DISKLESS,
        C.OFF,
        C.ESTABLISHED,
    }
    expected = "unknown" if state is None or state in other_kernels else state.value
    assert ones(samples([item]), "connection_state", "state") == [(expected, 1)]


@pytest.mark.parametrize(("role", "peer_role"), list(product([*Role, None], repeat=2)))
def test_role_sets(role: Role | None, peer_role: Role | None) -> None:
    seen = replace(builders.resource(), role=role, peer_role=peer_role)
    expected = [(role or Role.UNKNOWN, 1), (peer_role or Role.UNKNOWN, 1)]
    assert ones(samples([builders.resource_report(seen)]), "role", "role") == expected


@pytest.mark.parametrize(("disk", "peer_disk"), list(product([*DiskState, None], repeat=2)))
def test_disk_state_sets(disk: DiskState | None, peer_disk: DiskState | None) -> None:
    shown = builders.device(disk=disk, peer_disk=peer_disk)
    seen = builders.resource(volumes=[builders.volume(shown)])
    expected = [(disk or "unknown", 1), (peer_disk or "unknown", 1)]
    assert ones(samples([builders.resource_report(seen)]), "disk_state", "state") == expected


@pytest.mark.parametrize("name", list(DecisionName))
def test_decision_set(name: DecisionName) -> None:
    item = builders.resource_report(decision=Decision("mail", name, "why"))
    assert ones(samples([item]), "decision", "decision") == [(name, 1)]


def test_the_decision_set_has_every_row_of_the_table() -> None:
    assert {row.name for row in TABLE} == set(DecisionName)


@settings(deadline=None)
@given(
    connection=st.none() | st.sampled_from(C),
    role=st.none() | st.sampled_from(Role),
    disks=st.lists(st.none() | st.sampled_from(DiskState), min_size=1, max_size=3),
    in_use=st.booleans(),
)
def test_any_picture_gives_as_many_ones_as_sets(
    connection: ConnectionState | None,
    role: Role | None,
    disks: list[DiskState | None],
    in_use: bool,
) -> None:
    volumes = [
        builders.volume(
            builders.device(number, connection=connection, role=role, disk=disk),
            number=number,
            used_by=() if not in_use else None,
        )
        for number, disk in enumerate(disks)
    ]
    seen = builders.resource(connection=connection, role=role, volumes=volumes)
    read = samples([builders.resource_report(seen)])
    sums: Counter[str] = Counter()
    for (name, _), found in read.items():
        sums[name] += int(found)
    assert sums["connection_state"] == sums["decision"] == 1
    assert sums["role"] == 2
    assert sums["disk_state"] == 2 * len(disks)


def test_a_volume_that_drbd_does_not_show() -> None:
    seen = builders.resource(connection=None, volumes=[builders.volume(minor=7, used_by=None)])
    read = samples([builders.resource_report(seen)])
    labels = {"resource": "mail", "volume": "0", "minor": "7"}
    assert ones(read, "disk_state", "state") == [("unknown", 1), ("unknown", 1)]
    assert value(read, "out_of_sync_bytes", **labels) == -1
    assert value(read, "sync_ratio", **labels) == -1
    assert value(read, "in_use", resource="mail") == 1


@pytest.mark.parametrize(("used_by", "expected"), [((), 0), (None, 1)])
def test_in_use(used_by: tuple[()] | None, expected: int) -> None:
    seen = builders.resource(volumes=[builders.volume(used_by=used_by)])
    assert value(samples([builders.resource_report(seen)]), "in_use", resource="mail") == expected


def resync(**progress: float) -> Device:
    return builders.device(
        connection=C.SYNC_SOURCE,
        sync=SyncProgress("resync", **progress),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("shown", "ratio"),
    [
        (None, -1),
        (builders.device(connection=None), -1),
        (builders.device(), 1),
        (builders.device(connection=C.STANDALONE, out_of_sync_kib=20), 1),
        (builders.device(connection=C.VERIFY_S, sync=SyncProgress("verify", percent=10)), 1),
        (builders.device(connection=C.PAUSED_SYNC_T), 0),
        (builders.device(connection=C.WF_BITMAP_S), 0),
        (resync(), 0),
        (resync(percent=34.9), 0.349),
        (resync(percent=0, left_kib=25, total_kib=100), 0.75),
        (resync(percent=50, left_kib=0, total_kib=0), 0.5),
        (resync(left_kib=0, total_kib=100), 1),
        (resync(left_kib=-5, total_kib=100), 1),
        (resync(left_kib=2**64 - 4, total_kib=100), 0),
    ],
)
def test_sync_ratio(shown: Device | None, ratio: float) -> None:
    assert sync_ratio(shown) == pytest.approx(ratio)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome(OutcomeKind.NOTHING), 1),
        (Outcome(OutcomeKind.WOULD_ACT, commands=(CommandResult(("drbdadm",), "not-run"),)), 1),
        (Outcome(OutcomeKind.WAITING, commands=(CommandResult(("drbdadm",), "done", 0),)), 0),
        (Outcome(OutcomeKind.FAILED, commands=(CommandResult(("drbdadm",), "timed-out"),)), 0),
    ],
)
def test_would_act(outcome: Outcome, expected: int) -> None:
    seen = builders.resource(connection=C.STANDALONE)
    would = (Action(ActionKind.CONNECT, "mail", seen.picture),)
    decision = Decision("mail", DecisionName.RECONNECT_SURVIVOR, "why", would=would)
    item = builders.resource_report(seen, decision=decision, outcome=outcome)
    assert value(samples([item]), "would_act", resource="mail") == expected


def test_states_are_those_after_the_pass_and_the_decision_that_of_before() -> None:
    before = builders.resource(connection=C.STANDALONE)
    item = builders.resource_report(
        before,
        after=builders.resource(),
        decision=Decision("mail", DecisionName.RECONNECT_SURVIVOR, "why"),
    )
    read = samples([item])
    assert ones(read, "connection_state", "state") == [("Connected", 1)]
    assert ones(read, "decision", "decision") == [("reconnect-survivor", 1)]
