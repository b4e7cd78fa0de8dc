"""The states of a resource, as the kernels tell them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.lab.recording import Event

from .builders import CRASH, bands, end, kernel, story
from .reading import history
from .spans import Look

ROLE_THAT_NEVER_CHANGED = [
    kernel(0, "alpha", "drbd mail: peer( Primary -> Unknown ) conn( Connected -> TearDown )"),
    kernel(2, "beta", "drbd mail: conn( Connected -> NetworkFailure ) "),
    kernel(4, "beta", "block drbd0: disk( UpToDate -> Outdated ) "),
    end(5, "beta"),
]
MINORS_THAT_DIFFER = [
    kernel(0, "alpha", "drbd db: conn( WFConnection -> WFReportParams ) "),
    kernel(1, "alpha", "block drbd1: conn( WFReportParams -> Connected ) "),
    kernel(2, "alpha", "block drbd2: conn( WFReportParams -> SyncSource ) "),
    kernel(3, "alpha", "block drbd1: role( Secondary -> Primary ) "),
    kernel(4, "alpha", "EXT4-fs (drbd2): mounted filesystem 1234 r/w"),
    kernel(6, "alpha", "EXT4-fs (drbd2): unmounting filesystem."),
    end(8, "alpha"),
]
BOOT_WITHOUT_ITS_FIRST_LINE = [
    kernel(0, "beta", "drbd mail: conn( Connected -> NetworkFailure ) "),
    story(1, "beta", "crashed"),
    story(2, "beta", "booted"),
    kernel(3, "beta", "drbd mail: conn( StandAlone -> Unconnected ) "),
    end(4, "beta"),
]


@pytest.mark.parametrize(
    ("events", "node", "lane", "expected"),
    [
        pytest.param(
            ROLE_THAT_NEVER_CHANGED,
            "beta",
            "mail use",
            [
                (0, 4, "Primary", Look.PRIMARY),
                (4, 5, "Primary, Outdated", Look.PRIMARY),
            ],
            id="a role that never changed is told by the peer",
        ),
        pytest.param(
            ROLE_THAT_NEVER_CHANGED,
            "alpha",
            "mail use",
            [],
            id="a role that nobody told is left open",
        ),
        pytest.param(
            MINORS_THAT_DIFFER,
            "alpha",
            "db connection",
            [
                (0, 1, "WFReportParams", Look.WAITING),
                (1, 2, "Connected/WFReportParams", Look.WAITING),
                (2, 8, "Connected/SyncSource", Look.SYNCING),
            ],
            id="minors that differ are all named and the worst gives the colour",
        ),
        pytest.param(
            MINORS_THAT_DIFFER,
            "alpha",
            "db use",
            [
                (0, 3, "Secondary", Look.SECONDARY),
                (3, 4, "Primary", Look.PRIMARY),
                (4, 6, "Primary, 1 of 2 mounted", Look.MOUNTED),
                (6, 8, "Primary", Look.PRIMARY),
            ],
            id="a mount of some minors is counted",
        ),
        pytest.param(
            CRASH,
            "beta",
            "mail connection",
            [
                (0, 1, "Connected", Look.HEALTHY),
                (1, 2, "Ahead", Look.SYNCING),
                (2, 4, "off", Look.ABSENT),
                (4, 6, "not up", Look.ABSENT),
                (6, 8, "StandAlone", Look.STANDALONE),
                (8, 12, "Unconnected", Look.WAITING),
            ],
            id="a crash ends the connection until DRBD is up again",
        ),
        pytest.param(
            CRASH,
            "beta",
            "mail use",
            [
                (0, 1, "Secondary", Look.SECONDARY),
                (1, 2, "Primary", Look.PRIMARY),
                (2, 4, "off", Look.ABSENT),
                (4, 6, "not up", Look.ABSENT),
                (6, 7, "Secondary, Attaching", Look.SECONDARY),
                (7, 12, "Secondary", Look.SECONDARY),
            ],
            id="a crash ends the use until DRBD is up again",
        ),
        pytest.param(
            BOOT_WITHOUT_ITS_FIRST_LINE,
            "beta",
            "mail connection",
            [
                (0, 1, "NetworkFailure", Look.WAITING),
                (1, 2, "off", Look.ABSENT),
                (2, 3, "not up", Look.ABSENT),
                (3, 4, "Unconnected", Look.WAITING),
            ],
            id="a boot is seen without its first line",
        ),
    ],
)
def test_states_are_told_as_bands(
    events: Sequence[Event],
    node: str,
    lane: str,
    expected: Sequence[tuple[float, float, str, Look]],
) -> None:
    assert bands(history(events), node, lane) == expected
