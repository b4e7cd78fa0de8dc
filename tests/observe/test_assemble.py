"""From minors to resources: what speaks for a resource whose volumes differ."""

from __future__ import annotations

import pytest

from connector.model import (
    ConfiguredResource,
    ConfiguredVolume,
    ConnectionState,
    Device,
    ProcDrbd,
    Resource,
    Role,
)
from connector.observe.assemble import connection_of, resources_of
from tests.builders import device

C = ConnectionState
DB = ConfiguredResource("db", (ConfiguredVolume(0, 1), ConfiguredVolume(1, 2)))


def proc(*devices: Device) -> ProcDrbd:
    """A /proc/drbd with these devices."""
    return ProcDrbd("8.4.11", 1, (86, 101), devices, ())


def db(*connections: ConnectionState | None) -> Resource:
    """The resource db whose volumes show these connections."""
    shown = [device(minor, connection=state) for minor, state in enumerate(connections, 1)]
    return resources_of(proc(*shown), [DB], {1: (), 2: ()})[0]


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        (C.CONNECTED, C.CONNECTED, C.CONNECTED),
        (C.CONNECTED, C.SYNC_TARGET, C.SYNC_TARGET),
        (C.VERIFY_S, C.CONNECTED, C.VERIFY_S),
        (C.VERIFY_S, C.PAUSED_SYNC_T, C.PAUSED_SYNC_T),
        (C.STANDALONE, C.STANDALONE, C.STANDALONE),
        # Read while a state changes: on the way, not yet there.
        (C.CONNECTED, C.NETWORK_FAILURE, C.NETWORK_FAILURE),
        (C.WF_CONNECTION, C.WF_REPORT_PARAMS, C.WF_REPORT_PARAMS),
    ],
)
def test_volumes_that_go_together(
    first: ConnectionState, second: ConnectionState, together: ConnectionState
) -> None:
    for states in ((first, second), (second, first)):
        assert db(*states).picture.connection is together
        assert db(*states).doubts == ()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (C.STANDALONE, C.CONNECTED),
        (C.STANDALONE, C.WF_CONNECTION),
        (C.WF_CONNECTION, C.SYNC_TARGET),
        (C.UNCONFIGURED, C.STANDALONE),
        (C.UNCONFIGURED, C.CONNECTED),
        (C.UNCONFIGURED, C.NETWORK_FAILURE),
        (None, C.CONNECTED),
        (None, C.STANDALONE),
    ],
)
def test_volumes_that_contradict_each_other_are_doubted(
    first: ConnectionState | None, second: ConnectionState
) -> None:
    for states in ((first, second), (second, first)):
        assert db(*states).doubts
        assert db(*states).picture.connection is None


def test_a_missing_minor_and_a_block_that_cannot_be_read_are_doubted() -> None:
    assert "minor 2 is not in /proc/drbd" in db(C.CONNECTED).doubts[0]
    shown = [device(1), device(2, doubtful=True)]
    (found,) = resources_of(proc(*shown), [DB], {1: (), 2: ()})
    assert "minor 2" in found.doubts[0]


def test_volumes_of_different_roles_are_doubted() -> None:
    shown = [device(1, role=Role.PRIMARY), device(2, role=Role.SECONDARY)]
    (found,) = resources_of(proc(*shown), [DB], {1: (), 2: ()})
    assert found.role is None
    assert found.doubts == ("its volumes do not agree on the role",)


def test_a_minor_that_nobody_claims() -> None:
    shown = [device(1), device(2), device(7), device(8, connection=C.UNCONFIGURED)]
    found = resources_of(proc(*shown), [DB], {1: (), 2: (), 7: ()})
    assert [resource.name for resource in found] == ["db", "minor 7"]
    assert not found[1].claimed
    assert found[1].picture.connection is None


@pytest.mark.parametrize("name", ["all", "minor-0", "a b", "--force"])
def test_a_resource_whose_name_means_something_else_is_doubted(name: str) -> None:
    item = ConfiguredResource(name, (ConfiguredVolume(0, 0),))
    (found,) = resources_of(proc(device(0)), [item], {0: ()})
    assert "is not handed to drbdadm" in found.doubts[0]


def test_a_volume_whose_use_is_unknown_makes_the_resources_use_unknown() -> None:
    (found,) = resources_of(proc(device(1), device(2)), [DB], {1: (), 2: None})
    assert found.in_use is None


def test_the_quick_look_agrees_with_the_whole_one() -> None:
    shown = proc(device(1), device(2, connection=C.SYNC_SOURCE))
    assert connection_of(shown, [1, 2]) is C.SYNC_SOURCE
    assert connection_of(shown, [1, 3]) is None
