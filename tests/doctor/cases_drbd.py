"""The module, the utils, drbd.conf and DRBD's settings."""

from __future__ import annotations

from dataclasses import replace

from connector.doctor.asked import Refused
from connector.doctor.finding import FindingId
from connector.model import AfterSplitBrain
from tests.doctor.builders import (
    CONF,
    FENCER,
    conf,
    dumped,
    host,
    mount,
    peer,
    resource,
)
from tests.doctor.cases import (
    CRITICAL,
    NO_FENCING,
    NO_TAKE_OVER,
    WARNING,
    Case,
    Id,
    options,
    proc,
)

CASES: dict[FindingId, list[Case]] = {
    Id.MODULE_NOT_LOADED: [Case(CRITICAL, {"proc": None}, {}, "no /proc/drbd")],
    Id.MODULE_UNSUPPORTED: [
        Case(
            CRITICAL,
            {"proc": proc("10.0.1", 3), "peer": peer(module_version="8.4.11")},
            {"proc": proc("9.2.12", 2)},
            "DRBD 10.0.1, api:3",
            "/proc/drbd:1",
        )
    ],
    Id.UTILS_MISSING: [Case(CRITICAL, {"utils": None}, {}, "drbdadm was not found")],
    Id.UTILS_DO_NOT_FIT: [
        Case(CRITICAL, {"utils": "8.3.16"}, {"utils": "8.4.4"}, "drbd-utils 8.3.16"),
        Case(
            CRITICAL,
            {"proc": proc("8.0.16"), "utils": "9.22.0"},
            {"proc": proc("8.3.11")},
            "module 8.0.16",
        ),
        Case(
            CRITICAL,
            {"proc": proc("9.2.12", 2), "utils": "8.4.4"},
            {"proc": proc("9.2.12", 2), "utils": "9.22.0"},
            "module 9.2.12, drbd-utils 8.4.4",
        ),
    ],
    Id.DRBD_CONF_REFUSED: [
        Case(
            CRITICAL,
            {"drbd": Refused("a.res:8: Parse error", "a.res:8")},
            {},
            "drbdadm dump-xml says: a.res:8: Parse error",
            "a.res:8",
        )
    ],
    Id.NO_RESOURCE_HERE: [
        Case(WARNING, {"drbd": replace(dumped(), resources=())}, {}, "no resource has a section")
    ],
    Id.USAGE_COUNT_ASKS: [
        Case(
            WARNING,
            {"conf": conf("global {\n usage-count ask; }")},
            {"conf": conf("global { usage-count no; }")},
            "usage-count ask",
            "/etc/drbd.conf:2",
        ),
        Case(
            WARNING,
            {"conf": conf("common { }")},
            {"conf": conf("global { usage-count yes; }")},
            "usage-count is not set",
            "/etc/drbd.conf",
        ),
    ],
    Id.WFC_TIMEOUT_INFINITE: [
        Case(
            WARNING,
            {
                **options("wfc-timeout", "0", section="startup"),
                "conf": conf(CONF.replace("wfc-timeout 120", "wfc-timeout 0")),
            },
            options("wfc-timeout", "1", section="startup"),
            "wfc-timeout 0",
            "/etc/drbd.conf:3",
        ),
        Case(
            WARNING,
            options("wfc-timeout", None, section="startup"),
            {},
            "wfc-timeout is not set (0, its default): it waits for ever",
            "/etc/drbd.conf:3",
        ),
    ],
    Id.DEGR_WFC_TIMEOUT_INFINITE: [
        Case(
            WARNING,
            options("degr-wfc-timeout", "0", section="startup"),
            options("degr-wfc-timeout", "1", section="startup"),
            "degr-wfc-timeout 0",
        ),
        Case(
            WARNING,
            options("outdated-wfc-timeout", None, section="startup"),
            options("outdated-wfc-timeout", "1", section="startup"),
            "outdated-wfc-timeout is not set (0",
        ),
    ],
    Id.AFTER_SB_DISCARDS: [
        Case(
            WARNING,
            {"drbd": dumped(resource(after_sb=AfterSplitBrain(one_primary="discard-secondary")))},
            {"drbd": dumped(resource(after_sb=AfterSplitBrain("discard-zero-changes")))},
            "after-sb-1pri discard-secondary",
            "/etc/drbd.d/mail.res:1",
        ),
        Case(
            CRITICAL,
            {"drbd": dumped(resource(after_sb=AfterSplitBrain("discard-least-changes")))},
            {"drbd": dumped(resource(after_sb=AfterSplitBrain()))},
            "after-sb-0pri discard-least-changes",
        ),
        Case(
            CRITICAL,
            {"drbd": dumped(resource(after_sb=AfterSplitBrain(two_primaries="a word of 2040")))},
            {"drbd": dumped(resource(after_sb=AfterSplitBrain(one_primary="consensus")))},
            "after-sb-2pri a word of 2040",
        ),
    ],
    Id.RR_CONFLICT_VIOLENTLY: [
        Case(
            CRITICAL,
            options("rr-conflict", "violently"),
            options("rr-conflict", "disconnect"),
            "rr-conflict violently",
        )
    ],
    Id.BECOME_PRIMARY_ON: [
        Case(
            WARNING,
            options("become-primary-on", "both", section="startup"),
            options("become-primary-on", None, section="startup"),
            "become-primary-on both",
        )
    ],
    Id.TWO_PRIMARIES: [
        Case(
            CRITICAL,
            options("allow-two-primaries", "yes"),
            options("allow-two-primaries", "no"),
            "ext4 on /mnt/mail",
        ),
        Case(
            WARNING,
            {**options("allow-two-primaries", ""), "mounts": ()},
            {**options("allow-two-primaries", "yes"), "mounts": (mount("ocfs2"),)},
            "nothing of it is mounted here",
        ),
    ],
    Id.PROTOCOL_NOT_C: [
        Case(
            CRITICAL,
            {**options("protocol", "A"), "conf": conf(CONF.replace("protocol C", "protocol A"))},
            {**options("protocol", "A"), "running": NO_TAKE_OVER},
            "protocol A, and Heartbeat runs",
            "/etc/drbd.conf:4",
        ),
        Case(CRITICAL, options("protocol", "B"), options("protocol", None), "protocol B"),
    ],
    Id.NO_FENCING: [
        Case(
            WARNING,
            {"drbd": NO_FENCING},
            {"drbd": NO_FENCING, "running": NO_TAKE_OVER},
            "fencing dont-care (the default), and Heartbeat runs",
        ),
        Case(
            WARNING,
            options("fencing", "dont-care", section="disk"),
            {
                "drbd": dumped(
                    resource({("disk", "fencing"): None, ("net", "fencing"): "resource-only"})
                )
            },
            "fencing dont-care",
        ),
    ],
    Id.SPLIT_BRAIN_HANDLER_MISSING: [
        Case(
            WARNING,
            options("split-brain", None, section="handlers"),
            options("split-brain", "/bin/true", section="handlers"),
            "no split-brain handler",
            "/etc/drbd.conf",
        )
    ],
    Id.FENCE_PEER_HANDLER_MISSING: [
        Case(
            CRITICAL,
            options("fence-peer", None, section="handlers"),
            {
                "drbd": dumped(
                    resource({("handlers", "fence-peer"): None, ("disk", "fencing"): None})
                ),
                "running": NO_TAKE_OVER,
            },
            "fencing resource-only, and no fence-peer handler",
        )
    ],
    Id.HANDLER_PROGRAM_MISSING: [
        Case(
            CRITICAL,
            {"programs": {FENCER: False}},
            {"programs": {FENCER: True}},
            f"handler fence-peer: {FENCER} is no program",
        ),
        Case(
            WARNING,
            {"programs": {"/usr/local/sbin/connector": False}},
            {"programs": {"/another": False}},
            "handler split-brain",
        ),
    ],
    Id.MINORS_DIFFER: [
        Case(
            WARNING,
            {"drbd": dumped(resource(hosts=(host("alpha", 1), host("beta", 9))))},
            {"drbd": dumped(resource(hosts=(host("alpha", 9), host("beta", 9))))},
            "volume 0: minor 1 on alpha, minor 9 on beta",
            "/etc/drbd.d/mail.res:1",
        )
    ],
    Id.DEVICES_DIFFER: [
        Case(
            WARNING,
            {"drbd": dumped(resource(hosts=(host("alpha", 1, "/dev/drbd_mail"), host("beta", 1))))},
            {"drbd": dumped(resource(hosts=(host("alpha"), host(""))))},
            "volume 0: /dev/drbd_mail on alpha, /dev/drbd1 on beta",
        )
    ],
}
