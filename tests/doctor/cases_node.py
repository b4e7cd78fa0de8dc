"""connector.toml, passes, metrics, cluster managers."""

from __future__ import annotations

from pathlib import Path

from connector.decide.context import Policy
from connector.doctor.finding import FindingId
from connector.doctor.schedule import Schedule
from connector.doctor.textfile import Textfile
from connector.memory.last_pass import LastPass
from tests.doctor.builders import (
    FOLDER,
    NOW_S,
    cron,
    dumped,
    ha,
    policies,
    resource,
    running,
    settings,
)
from tests.doctor.cases import (
    CRITICAL,
    WARNING,
    Case,
    Id,
    options,
)

CASES: dict[FindingId, list[Case]] = {
    Id.CONNECTOR_TOML_REFUSED: [
        Case(
            CRITICAL,
            {"settings_error": "connector.toml:3: policy.mode: a wrong word"},
            {},
            "connector.toml:3: policy.mode",
        )
    ],
    Id.UNKNOWN_RESOURCE_SECTION: [
        Case(
            WARNING,
            {"settings": policies(mial=Policy())},
            {"settings": policies(mail=Policy())},
            "[resource.mial]",
        )
    ],
    Id.SETTLE_BELOW_CONNECT_INT: [
        Case(
            WARNING,
            {"settings": settings(settle_s=9.0)},
            {"settings": settings(settle_s=10.0)},
            "settle is 9 s, and connect-int 10 s",
        ),
        Case(WARNING, options("connect-int", "11"), options("connect-int", "many"), "11 s"),
    ],
    Id.NOTHING_RUNS_PASSES: [
        Case(
            WARNING,
            {"schedule": Schedule()},
            {"schedule": Schedule(watch="/etc/x.wants/connector-watch.service")},
            "no crontab, timer or watch",
        ),
    ],
    Id.SCHEDULED_TWICE: [
        Case(
            WARNING,
            {"schedule": Schedule(cron=(cron(guarded=False),), timer="/etc/connector.timer")},
            {"schedule": Schedule(cron=(cron(),), timer="/etc/connector.timer")},
            "passes are run by /etc/cron.d/connector:24 and by /etc/connector.timer",
            "/etc/cron.d/connector:24",
        ),
        Case(
            WARNING,
            {"schedule": Schedule(cron=(cron(), cron(file="/etc/crontab")))},
            {"schedule": Schedule(cron=(cron(),), watch="/etc/x.wants/connector-watch.service")},
            "and by /etc/crontab:24",
        ),
    ],
    Id.CRON_FILE_IGNORED: [
        Case(
            CRITICAL,
            {"schedule": Schedule((cron(ignored="its name has a dot"),), watch="/etc/w")},
            {"schedule": Schedule((cron(),), watch="/etc/w")},
            "cron does not take /etc/cron.d/connector: its name has a dot",
        )
    ],
    Id.CRON_NOT_RUNNING: [
        Case(
            WARNING,
            {"running": running(cron=False)},
            {
                "running": running(cron=False),
                "schedule": Schedule(cron=(cron(),), timer="/etc/connector.timer"),
            },
            "but no cron runs",
        )
    ],
    Id.PASSES_STOPPED: [
        Case(
            CRITICAL,
            {"last_pass": LastPass(NOW_S - 601, None, 1.0)},
            {"last_pass": LastPass(NOW_S - 599, None, 1.0)},
            "the last pass ended 10 minutes ago",
            "/var/lib/connector/last-pass.json",
        ),
        Case(
            CRITICAL,
            {"last_pass": None, "boot_s": 601.0},
            {"last_pass": None, "boot_s": 599.0},
            "no pass has ended here yet",
        ),
    ],
    Id.CLOCK_SET_BACK: [
        Case(
            WARNING,
            {"last_pass": LastPass(NOW_S + 60, None, 1.0)},
            {"last_pass": LastPass(NOW_S + 1, None, 1.0)},
            "60 s in the future",
        )
    ],
    Id.TEXTFILE_FOLDER_MISSING: [
        Case(
            CRITICAL,
            {"textfile": Textfile(Path(FOLDER, "c.prom"), False, FOLDER)},
            {"textfile": Textfile(Path(FOLDER, "c.prom"), True, FOLDER)},
            f"{FOLDER} is no folder",
        )
    ],
    Id.TEXTFILE_WRONG_NAME: [
        Case(
            WARNING,
            {"textfile": Textfile(Path(FOLDER, "connector.txt"), True, FOLDER)},
            {"textfile": Textfile(Path(FOLDER, "other.prom"), True, FOLDER)},
            "connector.txt does not end with .prom",
        )
    ],
    Id.TEXTFILE_NOT_COLLECTED: [
        Case(
            WARNING,
            {"running": running(exporters=(("node_exporter",),))},
            {"running": running(exporters=(("/usr/bin/prometheus-node-exporter", "--x"),))},
            "collects no folder",
        ),
        Case(
            WARNING,
            {"running": running(exporters=(("e", "--collector.textfile.directory", "/srv"),))},
            {"textfile": Textfile(Path("/srv/x/c.prom"), True, FOLDER)},
            "collects /srv",
        ),
        Case(
            WARNING,
            {"running": running(exporters=((*running().exporters[0], "--no-collector.textfile"),))},
            {"running": running(exporters=(("e", "--collector.textfile.directory=/var/lib/*/*"),))},
            "collects no folder",
        ),
    ],
    Id.NODE_EXPORTER_NOT_RUNNING: [
        Case(
            WARNING,
            {"running": running(exporters=())},
            {"running": running(exporters=()), "textfile": None},
            "no node_exporter runs",
        )
    ],
    Id.MANAGED_OBSERVE: [
        Case(
            WARNING,
            {"running": running(owner="Pacemaker")},
            {"running": running(owner=None)},
            "Pacemaker owns it, and managed is observe",
        ),
        Case(
            WARNING,
            {"drbd": dumped(resource(file="/var/lib/linstor.d/mail.res"))},
            {"drbd": dumped(resource(file="/etc/drbd.d/linstor.res"))},
            "LINSTOR owns it",
        ),
    ],
    Id.MANAGED_ACT: [
        Case(
            CRITICAL,
            {
                "running": running(owner="Pacemaker"),
                "settings": policies(common=Policy(act_if_managed=True)),
            },
            {"settings": policies(common=Policy(act_if_managed=True))},
            "Pacemaker owns it, and managed is act",
        )
    ],
    Id.DEADTIME_BELOW_DRBD: [
        Case(
            WARNING,
            {"ha_cf": ha(deadtime=10.5, initdead=60)},
            {"ha_cf": ha(deadtime=10.6, initdead=60)},
            "deadtime 10.5 s; DRBD misses its peer after 10.5 s (ping-int 10 s, ping-timeout 0.5 s",
            "/etc/ha.d/ha.cf:1",
        ),
        Case(WARNING, options("ping-int", "30"), options("ping-int", "29"), "after 30.5 s"),
    ],
    Id.INITDEAD_SHORT: [
        Case(
            WARNING,
            {"ha_cf": ha(deadtime=30, initdead=59)},
            {"ha_cf": ha(deadtime=30, initdead=60)},
            "initdead 59 s, deadtime 30 s",
            "/etc/ha.d/ha.cf:2",
        )
    ],
    Id.DEMOTE_GRACE_BELOW_DEADTIME: [
        Case(
            WARNING,
            {"ha_cf": ha(deadtime=90, initdead=180)},
            {"ha_cf": ha(deadtime=89, initdead=180)},
            "demote_grace 90 s, deadtime 90 s",
        ),
        Case(
            WARNING,
            {"settings": policies(mail=Policy(demote_grace_s=0))},
            {"settings": policies(mail=Policy(demote_grace_s=31))},
            "demote_grace 0 s",
        ),
    ],
}
