"""The states of DRBD 9 as the laboratory reads them, and the configuration that 9 gets."""

from __future__ import annotations

import pytest

from tests.captures_9 import FOLDER, STATUS_OF_UTILS

from .drbd_9_pair import read_status
from .drbd_conf import drbd_conf
from .drbd_node import MinorState


def shown(situation: str, node: str, utils: str) -> dict[int, MinorState]:
    """The states of a captured node."""
    return read_status((FOLDER / situation / node / STATUS_OF_UTILS[utils]).read_text())


@pytest.mark.parametrize("utils", STATUS_OF_UTILS)
@pytest.mark.parametrize(
    ("situation", "node", "state"),
    [
        (
            "2n-connected-healthy",
            "beta",
            MinorState("Connected", "Secondary", "Primary", "UpToDate", "UpToDate", 0),
        ),
        (
            "2n-link-cut",
            "beta",
            MinorState("Connecting", "Secondary", "Unknown", "UpToDate", "DUnknown", 0),
        ),
        (
            "2n-split-brain-both-standalone",
            "alpha",
            MinorState("StandAlone", "Primary", "Unknown", "UpToDate", "DUnknown", 1568),
        ),
        (
            "2n-operator-disconnect-standby",
            "beta",
            MinorState("StandAlone", "Secondary", "Unknown", "Outdated", "DUnknown", 0),
        ),
    ],
)
def test_a_captured_state_is_read(situation: str, node: str, state: MinorState, utils: str) -> None:
    assert shown(situation, node, utils) == {0: state}


def test_a_resync_is_no_connected_pair() -> None:
    state = shown("2n-resync-running", "beta", "9.22")[0]
    assert (state.connection, state.disk) == ("SyncTarget", "Inconsistent")


def test_two_volumes_are_two_minors() -> None:
    states = shown("2n-two-volumes-one-diverged", "alpha", "9.22")
    assert len(states) == 2
    assert {state.connection for state in states.values()} == {"StandAlone"}


@pytest.mark.parametrize("situation", ["2n-no-resources", "2n-mounted-read-only-disconnected"])
def test_what_is_not_up_has_no_state(situation: str) -> None:
    assert shown(situation, "beta", "9.22") == {}


def test_only_drbd_9_gets_numbers_of_nodes() -> None:
    conf = drbd_conf(node_ids=True)
    assert "on alpha { node-id 0; address 10.9.0.1:7788;" in conf
    assert "on beta { node-id 1; address 10.9.0.2:7789;" in conf
    assert "node-id" not in drbd_conf()
    assert conf.replace("node-id 0; ", "").replace("node-id 1; ", "") == drbd_conf()
