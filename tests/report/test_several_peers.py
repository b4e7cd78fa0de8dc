"""What is told of a pass on DRBD 9: every connection, in each way that a pass is shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connector.model import Mode, Source
from connector.report.as_json import to_json
from connector.report.check import check
from connector.report.connections import each, row_of
from connector.report.passes import PassReport
from connector.report.series import MetricsMemory
from connector.report.tables import console, status_table
from tests import builders
from tests.captures_9 import nodes, situations
from tests.report.captured import report_of
from tests.report.reading import Read, samples, value

SPLIT = "3n-split-brain-alpha-beta"
EVERY = [(situation, node) for situation in situations() for node in nodes(situation)]


def of_json(report: PassReport) -> dict[str, Any]:
    (resource,) = to_json(report)["resources"]
    assert isinstance(resource, dict)
    return resource


# As JSON


def volume(**told: Any) -> list[dict[str, Any]]:
    return [{"volume": 0, "minor": 0, "peer_client": False, "out_of_sync_kib": 0, **told}]


def test_each_connection_has_its_own_decision(tmp_path: Path) -> None:
    """beta is to give its changes up to alpha, and waits for gamma."""
    report = report_of(SPLIT, "beta", tmp_path, Mode.DISCARD)
    assert of_json(report)["connections"] == [
        {
            "peer": "alpha",
            "connection": "StandAlone",
            "peer_role": "Unknown",
            "volumes": volume(connection="StandAlone", peer_disk="DUnknown", out_of_sync_kib=36),
            "evidence": [
                {
                    "kind": "split-brain",
                    "at_s": 45.939262,
                    "self_was_primary": False,
                    "peer_was_primary": True,
                    "minors_compared": [0],
                    "self_changes_kib": 36,
                    "peer_changes_kib": 1564,
                }
            ],
            "decision": "reconnect-standby",
            "gates": [],
            "reason": "StandAlone, Secondary and not in use: the standby, cut off from its peer; "
            "split brain",
            "actions": ["drbdadm connect --discard-my-data mail:alpha"],
        },
        {
            "peer": "gamma",
            "connection": "Connecting",
            "peer_role": "Unknown",
            "volumes": volume(connection="Connecting", peer_disk="DUnknown", out_of_sync_kib=36),
            "evidence": [],
            "decision": "wait",
            "gates": [],
            "reason": "the standby waits for its peer",
            "actions": [],
        },
    ]


def connected(peer: str, peer_role: str, **told: Any) -> dict[str, Any]:
    return {
        "peer": peer,
        "connection": "Connected",
        "peer_role": peer_role,
        "volumes": volume(connection="Connected", **{"peer_disk": "UpToDate", **told}),
        "evidence": [],
        "decision": "healthy",
        "gates": [],
        "reason": "connected",
        "actions": [],
    }


def test_three_that_are_connected(tmp_path: Path) -> None:
    report = report_of("3n-connected-healthy", "beta", tmp_path)
    whole = to_json(report)
    assert whole["source"] == "drbdsetup"
    assert whole["driver"] == {"version": "9.2.12", "api": 2}
    assert of_json(report)["generation"] == "9"
    assert of_json(report)["connections"] == [
        connected("alpha", "Primary"),
        connected("gamma", "Secondary"),
    ]


def test_a_peer_without_a_disk_on_purpose(tmp_path: Path) -> None:
    report = report_of("3n-gamma-diskless-client", "alpha", tmp_path / "alpha")
    assert of_json(report)["connections"] == [
        connected("beta", "Secondary"),
        connected("gamma", "Secondary", peer_disk="Diskless", peer_client=True),
    ]
    client = report_of("3n-gamma-diskless-client", "gamma", tmp_path / "gamma")
    assert [one["client"] for one in of_json(client)["volumes"]] == [True]


def test_copies_that_differ(tmp_path: Path) -> None:
    report = report_of("2n-tentative", "alpha", tmp_path)
    reason = "connected, but the copies differ and no resync is under way"
    assert of_json(report)["connections"] == [
        connected("beta", "Secondary", out_of_sync_kib=1568)
        | {"decision": "diverged", "reason": reason}
    ]
    assert report.exit_status == 3


def test_suspended_and_without_quorum(tmp_path: Path) -> None:
    told = of_json(report_of("2n-quorum-lost-suspended", "alpha", tmp_path))
    assert (told["suspended"], told["without_quorum"]) == (["quorum"], True)
    assert told["force_io_failures"] is False
    (connection,) = told["connections"]
    assert (connection["peer"], connection["connection"]) == ("beta", "Connecting")
    assert connection["reason"] == told["reason"]


def test_a_resource_that_is_not_up_has_no_connection(tmp_path: Path) -> None:
    told = of_json(report_of("2n-resource-down-on-standby", "beta", tmp_path))
    assert (told["connection"], told["connections"]) == (None, [])


def test_drbd_8_4_has_one_connection_that_says_the_same() -> None:
    told = of_json(builders.report())
    (connection,) = told["connections"]
    assert connection["peer"] is None
    for key in ("connection", "peer_role", "evidence", "decision", "gates", "reason", "actions"):
        assert connection[key] == told[key]
    assert connection["volumes"] == volume(connection="Connected", peer_disk="UpToDate")


@pytest.mark.parametrize(("situation", "node"), EVERY)
def test_the_worst_connection_speaks_for_the_resource(
    situation: str, node: str, tmp_path: Path
) -> None:
    report = report_of(situation, node, tmp_path)
    for item in report.resources:
        pairs = each(item.resource, item.decision)
        assert item.decision.name in {decision.name for _, decision in pairs}
        assert row_of(item.resource, item.decision).name is item.decision.name
    for told in to_json(report)["resources"]:
        if told["connections"]:
            states = [one["connection"] for one in told["connections"]]
            assert told["connection"] in states
            if "StandAlone" in states:
                assert told["connection"] in ("StandAlone", None)


# For Nagios

OOS = " | 'mail_out_of_sync'={}KB;;;0"


@pytest.mark.parametrize(
    ("situation", "node", "status", "line"),
    [
        (
            "3n-connected-healthy",
            "gamma",
            0,
            "DRBD OK: mail: Secondary UpToDate, alpha Connected UpToDate, beta Connected UpToDate"
            + OOS.format(0),
        ),
        (
            "3n-gamma-diskless-client",
            "gamma",
            0,
            "DRBD OK: mail: Secondary Diskless, alpha Connected UpToDate, beta Connected UpToDate"
            + OOS.format(0),
        ),
        (
            "3n-gamma-diskless-client",
            "alpha",
            0,
            "DRBD OK: mail: Primary UpToDate, beta Connected UpToDate, gamma Connected Diskless"
            + OOS.format(0),
        ),
        (
            "3n-diskless-client-cut-off",
            "gamma",
            2,
            "DRBD CRITICAL: mail: Primary Diskless, alpha Connecting Outdated, beta Connecting "
            "DUnknown, no good copy of volume 0 is in reach, the peer is away (alpha, beta)"
            + OOS.format(0),
        ),
        (
            "2n-tentative",
            "alpha",
            2,
            "DRBD CRITICAL: mail: Connected Primary UpToDate/UpToDate, an operator is needed "
            "(connected, but the copies differ and no resync is under way)" + OOS.format(1568),
        ),
        (
            "2n-quorum-lost-suspended",
            "alpha",
            2,
            "DRBD CRITICAL: mail: Connecting Primary UpToDate/DUnknown, I/O is suspended (quorum), "
            "quorum is lost, the peer is away" + OOS.format(0),
        ),
        (
            "2n-quorum-lost-suspended",
            "beta",
            1,
            "DRBD WARNING: mail: Connecting Secondary UpToDate/DUnknown, the peer is away, "
            "I/O is suspended (quorum), quorum is lost" + OOS.format(0),
        ),
        (
            "3n-gamma-isolated",
            "alpha",
            1,
            "DRBD WARNING: mail: Primary UpToDate, beta Connected UpToDate, gamma Connecting "
            "Outdated, the peer is away (gamma)" + OOS.format(36),
        ),
    ],
)
def test_the_line_for_nagios(
    situation: str, node: str, status: int, line: str, tmp_path: Path
) -> None:
    assert check(report_of(situation, node, tmp_path)) == (status, line)


def test_a_split_brain_with_one_of_two_peers_names_it(tmp_path: Path) -> None:
    status, line = check(report_of(SPLIT, "alpha", tmp_path))
    assert status == 2
    assert line.startswith(
        "DRBD CRITICAL: mail: Primary UpToDate, beta StandAlone DUnknown, gamma Connected "
        "UpToDate, split brain (beta), cut off from its peer (beta), an operator is needed (beta: "
    )
    assert line.endswith(", an action is due" + OOS.format(1568))


def test_io_that_is_made_to_fail_is_critical(tmp_path: Path) -> None:
    report = report_of("3n-connected-healthy", "beta", tmp_path)
    (item,) = report.resources
    failing = replace(item.resource, force_io_failures=True)
    item = replace(item, resource=failing, after=failing)
    status, line = check(replace(report, resources=(item,)))
    assert status == 2
    assert "its I/O is made to fail (force-io-failures)" in line


# For Prometheus


def read(situation: str, node: str, root: Path) -> Read:
    report = report_of(situation, node, root)
    return samples(report.resources, MetricsMemory(source=report.observation.source))


def peers(found: Read) -> dict[str, float]:
    return {
        dict(labels)["peer"]: number
        for (name, labels), number in found.items()
        if name == "peer_connected"
    }


def test_the_metrics_of_a_split(tmp_path: Path) -> None:
    found = read(SPLIT, "alpha", tmp_path)
    assert peers(found) == {"beta": 0, "gamma": 1}
    assert value(found, "source_info", source=Source.DRBDSETUP) == 1
    assert value(found, "split_brain", resource="mail") == 1
    assert value(found, "connection_state", resource="mail", state="StandAlone") == 1
    assert value(found, "diverged", resource="mail") == 0
    volume_of = {"resource": "mail", "volume": "0", "minor": "0"}
    assert value(found, "out_of_sync_bytes", **volume_of) == 1568 * 1024


def test_a_split_brain_that_is_not_with_the_worst_counts_too(tmp_path: Path) -> None:
    """gamma is split from nobody; beta waits for gamma and is split from alpha."""
    assert value(read(SPLIT, "beta", tmp_path / "b"), "split_brain", resource="mail") == 1
    assert value(read(SPLIT, "gamma", tmp_path / "g"), "split_brain", resource="mail") == 0


def test_the_metrics_of_copies_that_differ(tmp_path: Path) -> None:
    found = read("2n-tentative", "beta", tmp_path)
    assert peers(found) == {"alpha": 1}
    assert value(found, "diverged", resource="mail") == 1
    assert value(found, "decision", resource="mail", decision="diverged") == 1
    assert value(found, "connection_state", resource="mail", state="Connected") == 1


def test_the_metrics_of_suspended_io(tmp_path: Path) -> None:
    found = read("2n-quorum-lost-suspended", "alpha", tmp_path / "lost")
    assert value(found, "io_suspended", resource="mail") == 1
    assert value(found, "connection_state", resource="mail", state="Connecting") == 1
    healthy = read("3n-connected-healthy", "alpha", tmp_path / "healthy")
    assert value(healthy, "io_suspended", resource="mail") == 0
    assert peers(healthy) == {"beta": 1, "gamma": 1}


def test_the_metrics_of_drbd_8_4() -> None:
    found = samples([builders.resource_report()], MetricsMemory())
    assert peers(found) == {"": 1}
    assert value(found, "source_info", source=Source.PROC) == 1
    assert value(found, "diverged", resource="mail") == 0


# For a terminal


def table(
    report: PassReport, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> list[str]:
    monkeypatch.setenv("COLUMNS", "80")
    console(color=False).print(status_table(report))
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 80 for line in lines)
    return [" ".join(line.split()) for line in lines]


def test_a_line_for_each_peer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = table(report_of(SPLIT, "alpha", tmp_path), monkeypatch, capsys)
    assert shown[0] == "DRBD 9.2.12, from drbdsetup"
    assert shown[1] == "resource peer connection role disk oos"
    assert shown[3:5] == [
        "mail beta StandAlone Primary/Unknown UpToDate/DUnknown 1568 KiB",
        "gamma Connected Primary/Secondary UpToDate/UpToDate 0 KiB",
    ]
    assert "used by /mnt/mail" in shown
    assert "→ drbdadm connect mail:beta" in shown


def test_one_peer_is_shown_as_on_drbd_8_4(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = table(report_of("2n-connected-healthy", "beta", tmp_path), monkeypatch, capsys)
    assert shown[1] == "resource connection role disk oos used by"
    assert shown[3] == "mail Connected Secondary/Primary UpToDate/UpToDate 0 KiB -"


@pytest.mark.parametrize(("situation", "node"), EVERY)
def test_every_situation_fits_on_a_terminal(
    situation: str,
    node: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = report_of(situation, node, tmp_path)
    shown = table(report, monkeypatch, capsys)
    for item in report.resources:
        assert any(line.startswith(f"{item.resource.name}: ") for line in shown)
