"""What could not be looked at is said, counts, and is never taken for healthy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connector.doctor.drbd_conf import DrbdConf
from connector.doctor.finding import Area, Severity
from connector.doctor.findings.all_areas import examine
from connector.doctor.ha_cf import HaCf
from connector.doctor.owners import Owners
from connector.doctor.reading import Unseen
from connector.doctor.report import exit_status
from connector.doctor.schedule import Schedule
from connector.doctor.textfile import Textfile
from connector.model import ProcDrbd
from tests.doctor.builders import (
    conf,
    cron,
    dumped,
    findings,
    manifest,
    peer,
    resource,
    running,
    surroundings,
)

WHY = Unseen("a reason")
NO_HASH = [{"path": "/etc/drbd.conf", "sha256": None}]
CASES: list[tuple[dict[str, Any], set[Area], str]] = [
    ({"proc": WHY}, {Area.KERNEL_MODULE}, "a reason"),
    ({"proc": ProcDrbd(None, None, None, (), ())}, {Area.KERNEL_MODULE}, "first line"),
    (
        {"proc": ProcDrbd("x", 1, None, (), ())},
        {Area.KERNEL_MODULE},
        "'x' or '9.22.0' is no version",
    ),
    ({"utils": WHY}, {Area.KERNEL_MODULE}, "a reason"),
    (
        {"drbd": WHY},
        {
            Area.DRBD_CONF,
            Area.DRBD_SETTINGS,
            Area.CONNECTOR_TOML,
            Area.CLUSTER_MANAGER,
            Area.HEARTBEAT,
        },
        "a reason",
    ),
    ({"conf": WHY}, {Area.DRBD_CONF}, "a reason"),
    ({"conf": DrbdConf(conf().files, (WHY,))}, {Area.DRBD_CONF}, "a reason"),
    ({"conf": DrbdConf(conf("common { }").files, (WHY,))}, {Area.DRBD_CONF}, "a reason"),
    (
        {"running": WHY},
        {Area.DRBD_SETTINGS, Area.PASSES, Area.TEXTFILE, Area.CLUSTER_MANAGER},
        "a reason",
    ),
    ({"schedule": Schedule((cron(),), unseen=(WHY,))}, {Area.PASSES}, "a reason"),
    ({"schedule": Schedule(unseen=(WHY,))}, {Area.PASSES}, "a reason"),
    ({"last_pass": WHY}, {Area.PASSES}, "a reason"),
    ({"ha_cf": WHY}, {Area.HEARTBEAT}, "a reason"),
    ({"ha_cf": HaCf("/etc/ha.d/ha.cf", damaged=(3,))}, {Area.HEARTBEAT}, "ha.cf:3 holds no time"),
    ({"mounts_unseen": (WHY,)}, {Area.DRBD_SETTINGS}, "a reason"),
    ({"peer": WHY}, {Area.PEER}, "a reason"),
    ({"owners": Owners({}, {}, (), (WHY,))}, {Area.PEER}, "a reason"),
    ({"peer": peer(not_looked_at=["a reason"])}, {Area.PEER}, "a reason"),
    ({"peer": peer(resources=None)}, {Area.PEER}, "beta does not know its own"),
    ({"peer": peer(files=None)}, {Area.PEER}, "beta cannot read its drbd.conf"),
    ({"peer": peer(files=NO_HASH)}, {Area.PEER}, "it cannot be read on beta"),
    ({"peer": peer(module_version=None)}, {Area.PEER}, "beta has none"),
    (
        {"own": manifest(host="alpha", owners=[], users={})},
        {Area.PEER},
        "its list is empty",
    ),
    ({"peer": peer(60.0, wall_s=manifest().wall_s - 30)}, {Area.PEER}, "which says little"),
]


@pytest.mark.parametrize(("change", "areas", "words"), CASES)
def test_it_is_said_and_counts(change: dict[str, Any], areas: set[Area], words: str) -> None:
    seen = surroundings(**change)
    looked = examine(seen)
    unknown = {one.area for one in looked if one.severity is Severity.UNKNOWN}
    assert unknown == areas
    told = [item for one in looked for item in one.not_looked_at if item.counts]
    assert any(words in f"{item.what}: {item.why}" for item in told)
    assert exit_status(looked) == 3
    assert findings(seen) == []


@pytest.mark.parametrize(
    ("change", "area"),
    [
        ({"peer": None}, Area.PEER),
        ({"ha_cf": None}, Area.HEARTBEAT),
        ({"textfile": None}, Area.TEXTFILE),
        ({"last_pass": None, "boot_s": 30.0}, Area.PASSES),
        ({"peer": peer(None)}, Area.PEER),
    ],
)
def test_what_nobody_asked_for_does_not_count_and_is_not_called_healthy(
    change: dict[str, Any], area: Area
) -> None:
    looked = examine(surroundings(**change))
    (told,) = [item for one in looked for item in one.not_looked_at]
    assert not told.counts
    assert {one.area for one in looked if one.status is None} == {area}
    assert exit_status(looked) == 0


def test_unknown_goes_before_a_warning_and_after_what_is_critical() -> None:
    assert exit_status(examine(surroundings(utils=WHY, ha_cf=None))) == 3
    assert exit_status(examine(surroundings(utils=WHY, settings_error="wrong"))) == 2


def test_where_is_the_resource_where_its_files_cannot_be_read() -> None:
    sick = resource({("net", "rr-conflict"): "violently", ("startup", "wfc-timeout"): "0"})
    wheres = {one.where for one in findings(surroundings(conf=WHY, drbd=dumped(sick)))}
    assert wheres == {"/etc/drbd.d/mail.res:1"}
    unset = resource({("startup", "wfc-timeout"): None})
    assert [one.where for one in findings(surroundings(conf=WHY, drbd=dumped(unset)))] == [None]


def test_node_exporter_is_down_and_its_defaults_say_where_it_would_look() -> None:
    file = Textfile(Path("/srv/c.prom"), True, "/srv", ("/srv",))
    (one,) = findings(surroundings(textfile=file, running=running(exporters=())))
    assert "(/etc/default/prometheus-node-exporter names /srv)" in one.seen
