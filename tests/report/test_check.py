"""The Nagios line."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.decide.context import Context, Policy
from connector.decide.policy import decide
from connector.errors import (
    ConfigurationError,
    ConnectorError,
    NoDrbd,
    NotPermitted,
    OperatorNeeded,
)
from connector.model import (
    Cause,
    ConnectionState,
    DiskState,
    Evidence,
    Mode,
    Problem,
    Resource,
    Role,
)
from connector.report.check import check
from tests import builders

C = ConnectionState
WARNING, CRITICAL, UNKNOWN = 1, 2, 3


def judged(
    seen: Resource, context: Context | None = None, *, paused: bool = False
) -> tuple[int, str]:
    decision = decide(seen, context or Context(picture_age_s=30))
    return check(builders.report(builders.resource_report(seen, decision=decision, paused=paused)))


def with_disks(
    disk: DiskState | None, peer_disk: DiskState | None, connection: ConnectionState = C.CONNECTED
) -> Resource:
    shown = builders.device(connection=connection, disk=disk, peer_disk=peer_disk)
    return builders.resource(connection=connection, volumes=[builders.volume(shown)])


def test_healthy() -> None:
    assert check(builders.report()) == (
        0,
        "DRBD OK: mail: Connected Primary UpToDate/UpToDate | 'mail_out_of_sync'=0KB;;;0",
    )


@pytest.mark.parametrize(
    ("seen", "status", "line"),
    [
        (
            builders.resource(connection=C.SYNC_SOURCE, out_of_sync_kib=20),
            WARNING,
            "DRBD WARNING: mail: SyncSource Primary UpToDate/UpToDate, the disks are being brought"
            " into agreement | 'mail_out_of_sync'=20KB;;;0",
        ),
        (
            builders.resource(connection=C.WF_CONNECTION),
            WARNING,
            "DRBD WARNING: mail: WFConnection Primary UpToDate/DUnknown, the peer is away"
            " | 'mail_out_of_sync'=0KB;;;0",
        ),
        (
            builders.resource(connection=C.WF_CONNECTION, role=Role.SECONDARY),
            WARNING,
            "DRBD WARNING: mail: WFConnection Secondary UpToDate/DUnknown, the peer is away"
            " | 'mail_out_of_sync'=0KB;;;0",
        ),
        (
            builders.resource(connection=C.WF_CONNECTION, in_use=False),
            WARNING,
            "DRBD WARNING: mail: WFConnection Primary UpToDate/DUnknown, waiting for the peer as"
            " Primary, but nothing uses it here; a take-over may be under way; demoted if it lasts"
            " another 60 s | 'mail_out_of_sync'=0KB;;;0",
        ),
        (
            builders.resource(connection=C.NETWORK_FAILURE),
            WARNING,
            "DRBD WARNING: mail: NetworkFailure Primary UpToDate/UpToDate, between two states"
            " | 'mail_out_of_sync'=0KB;;;0",
        ),
        (
            builders.resource(connection=C.STANDALONE),
            CRITICAL,
            "DRBD CRITICAL: mail: StandAlone Primary UpToDate/DUnknown, cut off from its peer,"
            " an action is due | 'mail_out_of_sync'=0KB;;;0",
        ),
        (
            with_disks(DiskState.INCONSISTENT, DiskState.UP_TO_DATE, C.SYNC_TARGET),
            WARNING,
            "DRBD WARNING: mail: SyncTarget Primary Inconsistent/UpToDate, the disks are being"
            " brought into agreement | 'mail_out_of_sync'=0KB;;;0",
        ),
        (
            with_disks(DiskState.DISKLESS, DiskState.UP_TO_DATE),
            CRITICAL,
            "DRBD CRITICAL: mail: Connected Primary Diskless/UpToDate, volume 0 has no good local"
            " copy, an operator is needed (connected; the local disk of volume 0 is Diskless),"
            " not both disks are UpToDate | 'mail_out_of_sync'=0KB;;;0",
        ),
        (
            with_disks(DiskState.UP_TO_DATE, DiskState.CONSISTENT),
            WARNING,
            "DRBD WARNING: mail: Connected Primary UpToDate/Consistent, not both disks are UpToDate"
            " | 'mail_out_of_sync'=0KB;;;0",
        ),
    ],
)
def test_what_is_not_well(seen: Resource, status: int, line: str) -> None:
    assert judged(seen) == (status, line)


@pytest.mark.parametrize("disk", [DiskState.FAILED, DiskState.DETACHING, DiskState.INCONSISTENT])
def test_no_good_local_copy_is_critical(disk: DiskState) -> None:
    assert judged(with_disks(disk, DiskState.DUNKNOWN, C.WF_CONNECTION))[0] == CRITICAL


def test_a_transient_state_that_lasts_needs_somebody() -> None:
    seen = builders.resource(connection=C.NETWORK_FAILURE)
    assert judged(seen, Context(picture_age_s=500))[0] == CRITICAL


@pytest.mark.parametrize("mode", list(Mode))
def test_a_split_brain_is_critical_in_every_mode(mode: Mode) -> None:
    seen = builders.resource(connection=C.WF_CONNECTION, evidence=Evidence(cause=Cause.SPLIT_BRAIN))
    status, line = judged(seen, Context(policy=Policy(mode=mode)))
    assert status == CRITICAL
    assert "split brain" in line


def test_a_pause_is_a_warning_but_does_not_hide_the_disks() -> None:
    assert judged(builders.resource(), paused=True)[:1] == (WARNING,)
    apart = builders.resource(connection=C.STANDALONE)
    assert judged(apart, Context(paused="work on the switch"), paused=True)[0] == CRITICAL


def test_what_cannot_be_read_is_unknown_unless_something_worse_is_known() -> None:
    problem = Problem(None, "the kernel log cannot be read: Permission denied")
    assert check(builders.report(problems=[problem])) == (
        UNKNOWN,
        "DRBD UNKNOWN: the kernel log cannot be read: Permission denied"
        " | 'mail_out_of_sync'=0KB;;;0",
    )
    apart = builders.resource(connection=C.STANDALONE)
    item = builders.resource_report(apart, decision=decide(apart, Context()))
    status, line = check(builders.report(item, problems=[problem]))
    assert status == CRITICAL
    assert line.index("StandAlone") < line.index("kernel log")


def test_a_state_that_cannot_be_told() -> None:
    missing = builders.volume(minor=0)
    seen = builders.resource(connection=None, role=None, volumes=[missing], doubts=["not up"])
    assert judged(seen) == (
        CRITICAL,
        "DRBD CRITICAL: mail: unknown unknown, an operator is needed (not up), not up"
        " | 'mail_out_of_sync'=U;;;0",
    )


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (NoDrbd("no DRBD here"), (UNKNOWN, "DRBD UNKNOWN: no DRBD here")),
        (NotPermitted("run it as root"), (UNKNOWN, "DRBD UNKNOWN: run it as root")),
        (ConfigurationError("a\nb | c"), (UNKNOWN, "DRBD UNKNOWN: a b c")),
        (ConnectorError(""), (UNKNOWN, "DRBD UNKNOWN: ")),
        (OperatorNeeded("look at it"), (CRITICAL, "DRBD CRITICAL: look at it")),
    ],
)
def test_errors(error: ConnectorError, expected: tuple[int, str]) -> None:
    assert check(error) == expected


def test_no_resource_is_not_healthy() -> None:
    nothing = builders.report()
    empty = type(nothing)(
        observation=nothing.observation, resources=(), started_wall_s=0, duration_s=0
    )
    assert check(empty) == (UNKNOWN, "DRBD UNKNOWN: no resource is configured here")


def test_the_worst_speaks_first_and_the_healthy_are_silent() -> None:
    items = []
    for name, state in (("a", C.CONNECTED), ("b", C.SYNC_SOURCE), ("c", C.STANDALONE)):
        seen = builders.resource(name, connection=state)
        items.append(builders.resource_report(seen, decision=decide(seen, Context())))
    status, line = check(builders.report(*items))
    assert status == CRITICAL
    assert re.findall(r"\b([abc]): ", line.split("|", maxsplit=1)[0]) == ["c", "b"]
    assert re.findall(r"'([abc])_out_of_sync'", line) == ["a", "b", "c"]


@settings(deadline=None)
@given(name=st.text(min_size=1, max_size=2000))
def test_no_name_breaks_the_line(name: str) -> None:
    _, line = check(builders.report(builders.resource_report(builders.resource(name))))
    text, data = line.split("|")
    assert line.isprintable()
    assert text.startswith("DRBD OK: ")
    assert len(text) < 800
    assert re.fullmatch(r" '[\w .:/-]+_out_of_sync'=0KB;;;0", data, re.ASCII)
