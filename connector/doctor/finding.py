"""The words of the doctor: what it finds, how bad that is, and what it could not look at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """As the levels of `connector check`."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


class Area(StrEnum):
    """What is looked at, in the order of the report."""

    KERNEL_MODULE = "kernel-module"
    DRBD_CONF = "drbd-conf"
    DRBD_SETTINGS = "drbd-settings"
    CONNECTOR_TOML = "connector-toml"
    PASSES = "passes"
    TEXTFILE = "textfile"
    CLUSTER_MANAGER = "cluster-manager"
    HEARTBEAT = "heartbeat"
    PEER = "peer"


class FindingId(StrEnum):
    """Every finding that there is; docs/doctor.md tells what each means."""

    MODULE_NOT_LOADED = "module-not-loaded"
    MODULE_UNSUPPORTED = "module-unsupported"
    UTILS_MISSING = "utils-missing"
    UTILS_DO_NOT_FIT = "utils-do-not-fit"

    DRBD_CONF_REFUSED = "drbd-conf-refused"
    NO_RESOURCE_HERE = "no-resource-here"
    USAGE_COUNT_ASKS = "usage-count-asks"

    WFC_TIMEOUT_INFINITE = "wfc-timeout-infinite"
    DEGR_WFC_TIMEOUT_INFINITE = "degr-wfc-timeout-infinite"
    AFTER_SB_DISCARDS = "after-sb-discards"
    RR_CONFLICT_VIOLENTLY = "rr-conflict-violently"
    BECOME_PRIMARY_ON = "become-primary-on"
    TWO_PRIMARIES = "two-primaries"
    PROTOCOL_NOT_C = "protocol-not-c"
    NO_FENCING = "no-fencing"
    SPLIT_BRAIN_HANDLER_MISSING = "split-brain-handler-missing"
    FENCE_PEER_HANDLER_MISSING = "fence-peer-handler-missing"
    HANDLER_PROGRAM_MISSING = "handler-program-missing"
    MINORS_DIFFER = "minors-differ"
    DEVICES_DIFFER = "devices-differ"

    CONNECTOR_TOML_REFUSED = "connector-toml-refused"
    UNKNOWN_RESOURCE_SECTION = "unknown-resource-section"
    SETTLE_BELOW_CONNECT_INT = "settle-below-connect-int"

    NOTHING_RUNS_PASSES = "nothing-runs-passes"
    SCHEDULED_TWICE = "scheduled-twice"
    CRON_FILE_IGNORED = "cron-file-ignored"
    CRON_NOT_RUNNING = "cron-not-running"
    PASSES_STOPPED = "passes-stopped"
    CLOCK_SET_BACK = "clock-set-back"

    TEXTFILE_FOLDER_MISSING = "textfile-folder-missing"
    TEXTFILE_WRONG_NAME = "textfile-wrong-name"
    TEXTFILE_NOT_COLLECTED = "textfile-not-collected"
    NODE_EXPORTER_NOT_RUNNING = "node-exporter-not-running"

    MANAGED_OBSERVE = "managed-observe"
    MANAGED_ACT = "managed-act"

    DEADTIME_BELOW_DRBD = "deadtime-below-drbd"
    INITDEAD_SHORT = "initdead-short"
    DEMOTE_GRACE_BELOW_DEADTIME = "demote-grace-below-deadtime"

    PEER_IS_THIS_NODE = "peer-is-this-node"
    PEER_IS_NO_PEER = "peer-is-no-peer"
    PEER_LACKS_RESOURCE = "peer-lacks-resource"
    PEER_CONFIGURES_OTHERWISE = "peer-configures-otherwise"
    PEER_VERSIONS_DIFFER = "peer-versions-differ"
    PEER_FILE_DIFFERS = "peer-file-differs"
    PEER_OWNER_DIFFERS = "peer-owner-differs"
    PEER_CLOCK_DIFFERS = "peer-clock-differs"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong, as a person is told of it.

    `resources` are those that it is about, empty where it is about the node. `where` is FILE:LINE
    or FILE where that can be said. `fix` is a command, or a line to change.
    """

    id: FindingId
    severity: Severity
    seen: str
    why: str
    fix: str
    where: str | None = None
    resources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NotLookedAt:
    """What could not be looked at, and why; never to be taken for healthy.

    `counts` is False where nobody asked for it, or where there is nothing of that kind here.
    """

    what: str
    why: str
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of one area."""

    area: Area
    findings: tuple[Finding, ...]
    not_looked_at: tuple[NotLookedAt, ...]

    @property
    def severity(self) -> Severity:
        """The worst of it; what could not be looked at may hide anything but a known disaster."""
        levels = {item.severity for item in self.findings}
        if any(item.counts for item in self.not_looked_at):
            levels.add(Severity.UNKNOWN)
        return worst(levels)

    @property
    def status(self) -> Severity | None:
        """The same; None where there was nothing to look at, or nobody asked for it."""
        return None if self.not_looked_at and self.severity is Severity.OK else self.severity


_RISING = (Severity.OK, Severity.WARNING, Severity.UNKNOWN, Severity.CRITICAL)


def worst(levels: set[Severity]) -> Severity:
    """The worst of them, in the order of `connector check`; OK where there is none."""
    return max(levels, key=_RISING.index, default=Severity.OK)
