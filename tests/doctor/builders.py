"""Surroundings in which nothing is wrong, one word per change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from connector.decide.context import Policy
from connector.doctor import drbd_conf
from connector.doctor.asked import Dumped
from connector.doctor.drbd_conf import DrbdConf
from connector.doctor.drbd_settings import HostSection, HostVolume, ResourceSettings
from connector.doctor.finding import Finding, NotLookedAt
from connector.doctor.findings.all_areas import examine
from connector.doctor.ha_cf import HaCf, Told
from connector.doctor.manifest import Manifest, parse
from connector.doctor.owners import Owners
from connector.doctor.peer import Peer
from connector.doctor.running import Running
from connector.doctor.schedule import CronLine, Schedule
from connector.doctor.surroundings import Surroundings
from connector.doctor.textfile import Textfile
from connector.memory.last_pass import LastPass
from connector.model import AfterSplitBrain, ConfiguredResource, ConfiguredVolume, ProcDrbd
from connector.observe.mounts import Mount
from connector.settings import RunSettings, Settings

NOW_S = 1_700_000_000.0
FOLDER = "/var/lib/prometheus/node-exporter"
FENCER = "/usr/lib/drbd/crm-fence-peer.sh"

Options = Mapping[tuple[str, str], str | None]

OPTIONS: Mapping[tuple[str, str], str] = {
    ("net", "protocol"): "C",
    ("disk", "fencing"): "resource-only",
    ("startup", "wfc-timeout"): "120",
    ("startup", "degr-wfc-timeout"): "60",
    ("startup", "outdated-wfc-timeout"): "60",
    ("handlers", "fence-peer"): FENCER,
    ("handlers", "split-brain"): "/usr/local/sbin/connector handler split-brain",
}
CONF = """\
global { usage-count no; }
common {
    startup { wfc-timeout 120; degr-wfc-timeout 60; outdated-wfc-timeout 60; }
    net { protocol C; }
}
"""


def host(name: str, minor: int = 0, device: str | None = None) -> HostSection:
    """A host section with one volume."""
    volume = HostVolume("0", str(minor), device or f"/dev/drbd{minor}", "/dev/vda")
    return HostSection(name, (volume,), (f"ipv4 10.9.0.{1 if name == 'alpha' else 2}:7788",))


def resource(
    options: Options | None = None,
    *,
    name: str = "mail",
    after_sb: AfterSplitBrain | None = None,
    hosts: tuple[HostSection, ...] | None = None,
    file: str = "/etc/drbd.d/mail.res",
) -> ResourceSettings:
    """A healthy resource; an option that is None is taken away."""
    merged = {**OPTIONS, **(options or {})}
    return ResourceSettings(
        configured=ConfiguredResource(
            name, (ConfiguredVolume(0, 0),), after_sb or AfterSplitBrain(), file
        ),
        hosts=hosts or (host("alpha"), host("beta")),
        options={key: value for key, value in merged.items() if value is not None},
        place=f"{file}:1",
    )


def dumped(*resources: ResourceSettings) -> Dumped:
    """What drbdadm says."""
    return Dumped(resources or (resource(),))


def conf(text: str = CONF) -> DrbdConf:
    """drbd.conf with this text."""
    return DrbdConf((drbd_conf.parse(text, "/etc/drbd.conf"),))


def settings(**run: Any) -> Settings:
    """The defaults, with a metrics file."""
    run_settings = replace(RunSettings(), **run)
    return Settings(run=run_settings, textfile=Path(FOLDER, "connector.prom"))


def policies(**named: Policy) -> Settings:
    """Settings with policies of resources; `common` is that of all."""
    common = named.pop("common", Policy())
    return replace(settings(), policy=common, by_resource=named)


def mount(fstype: str = "ext4") -> Mount:
    """What is mounted from minor 0."""
    return Mount(147, 0, "/mnt/mail", fstype, "/dev/drbd0")


def running(**changes: Any) -> Running:
    """cron, Heartbeat and node_exporter."""
    argv = ("/usr/bin/prometheus-node-exporter", f"--collector.textfile.directory={FOLDER}")
    base = Running(owner=None, take_over="Heartbeat", cron=True, exporters=(argv,))
    return replace(base, **changes)


def cron(**changes: Any) -> CronLine:
    """The line of contrib/cron/connector."""
    return replace(CronLine("/etc/cron.d/connector", 24, guarded=True), **changes)


def ha(**seconds: float) -> HaCf:
    """ha.cf with these time-outs."""
    lines = {name: Told(value, number) for number, (name, value) in enumerate(seconds.items(), 1)}
    return HaCf("/etc/ha.d/ha.cf", **lines)  # type: ignore[arg-type]


def manifest(**changes: Any) -> Manifest:
    """beta's, or that of another host."""
    hosts = [
        {
            "name": name,
            "volumes": [{"volume": "0", "minor": "0", "device": "/dev/drbd0", "disk": "/dev/vda"}],
            "addresses": [f"ipv4 10.9.0.{number}:7788"],
        }
        for number, name in enumerate(("alpha", "beta"), 1)
    ]
    base: dict[str, Any] = {
        "connector_version": "0.1.0",
        "host": "beta",
        "boot_id": "b",
        "booted_wall_s": NOW_S - 86400,
        "wall_s": NOW_S,
        "module_version": "8.4.11",
        "utils_version": "9.22.0",
        "resources": [{"name": "mail", "hosts": hosts}],
        "files": [{"path": "/etc/drbd.conf", "sha256": "0" * 64}],
        "owners": [{"kind": "user", "id": 5000, "name": "vmail", "where": "/mnt/mail"}],
        "users": {"root": 0, "vmail": 5000},
        "groups": {"root": 0, "vmail": 5000},
        "not_looked_at": [],
    }
    return Manifest.model_validate({**base, **changes})


def again(one: Manifest) -> Manifest:
    """The same after its way over the wire."""
    return parse(one.model_dump_json().encode())


def peer(asked_before_s: float | None = 0.5, **changes: Any) -> Peer:
    """beta, asked by ssh, half a second ago; None: from a file."""
    asked = None if asked_before_s is None else NOW_S - asked_before_s
    return Peer(manifest(**changes), "ssh:beta", NOW_S, asked)


def surroundings(**changes: Any) -> Surroundings:
    """alpha, where nothing is wrong."""
    base = Surroundings(
        host="alpha",
        wall_s=NOW_S,
        boot_s=86400.0,
        settings=settings(),
        settings_error=None,
        proc=ProcDrbd("8.4.11", 1, (86, 101), (), ()),
        utils="9.22.0",
        drbd=dumped(),
        conf=conf(),
        mounts=(mount(),),
        mounts_unseen=(),
        running=running(),
        schedule=Schedule(cron=(cron(),)),
        last_pass=LastPass(NOW_S - 40, NOW_S - 40, 0.2),
        textfile=Textfile(Path(FOLDER, "connector.prom"), True, FOLDER),
        ha_cf=ha(keepalive=2, deadtime=30, initdead=120),
        owners=Owners({"root": 0}, {"root": 0}),
        own=manifest(host="alpha", boot_id="a", owners=[]),
        peer=peer(),
    )
    return replace(base, **changes)


def findings(seen: Surroundings) -> list[Finding]:
    """All that is wrong, area by area."""
    return [item for area in examine(seen) for item in area.findings]


def unseen(seen: Surroundings) -> list[NotLookedAt]:
    """All that could not be looked at, and counts."""
    return [item for area in examine(seen) for item in area.not_looked_at if item.counts]
