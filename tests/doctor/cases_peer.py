"""In comparison with the other node."""

from __future__ import annotations

from connector.doctor.finding import FindingId
from tests.doctor.builders import (
    NOW_S,
    manifest,
    peer,
)
from tests.doctor.cases import (
    CRITICAL,
    FILE_THERE,
    WARNING,
    Case,
    Id,
    only,
    owner,
    volume,
)

CASES: dict[FindingId, list[Case]] = {
    Id.PEER_IS_THIS_NODE: [
        Case(
            WARNING,
            {"peer": peer(host="alpha", boot_id="a")},
            {},
            "written on alpha, which is this node's name",
        ),
        Case(WARNING, {"peer": peer(host="alpha", boot_id="z")}, {}, "ssh:beta was written on"),
    ],
    Id.PEER_IS_NO_PEER: [
        Case(
            WARNING,
            {"peer": peer(host="gamma")},
            {"peer": peer(host="beta")},
            "no resource here has a section for gamma; there are sections for alpha, beta",
        )
    ],
    Id.PEER_LACKS_RESOURCE: [
        Case(CRITICAL, {"peer": peer(resources=[])}, {}, "alpha has it, beta does not"),
        Case(
            CRITICAL,
            {"own": manifest(host="alpha", resources=[], owners=[])},
            {"peer": peer(**only({}))},
            "beta has it, alpha does not",
        ),
    ],
    Id.PEER_CONFIGURES_OTHERWISE: [
        Case(
            CRITICAL,
            {"peer": peer(**only({"beta": volume(minor="7", device="/dev/drbd7")}))},
            {"peer": peer(**only({"beta": volume()}))},
            "on beta: volume 0 minor 0 says alpha, 7 says beta",
        ),
        Case(
            CRITICAL,
            {"peer": peer(**only({"alpha": volume(device="/dev/drbd_mail")}))},
            {},
            "on alpha: volume 0 device /dev/drbd0 says alpha, /dev/drbd_mail says beta",
        ),
        Case(
            CRITICAL,
            {"peer": peer(**only({"alpha": volume(disk="/dev/vdb")}))},
            {},
            "volume 0 disk /dev/vda says alpha, /dev/vdb says beta",
        ),
        Case(
            CRITICAL,
            {"peer": peer(**only({"alpha": {"addresses": []}}))},
            {},
            "address ipv4 10.9.0.1:7788 says alpha, none says beta",
        ),
        Case(
            CRITICAL,
            {"peer": peer(**only({"alpha": volume(volume="1")}))},
            {},
            "volume 0 is not in the configuration of beta",
        ),
        Case(
            CRITICAL,
            {"peer": peer(**only({"alpha": {"name": "alfa"}}))},
            {"peer": peer(resources=manifest().model_dump()["resources"])},
            "on alpha: no section in the configuration of beta",
        ),
    ],
    Id.PEER_VERSIONS_DIFFER: [
        Case(
            WARNING,
            {"peer": peer(module_version="8.4.10")},
            {"peer": peer(module_version="8.4.11")},
            "kernel module: 8.4.11 on alpha, 8.4.10 on beta",
        ),
        Case(WARNING, {"peer": peer(utils_version="9.15.0")}, {}, "drbd-utils: 9.22.0 on alpha"),
    ],
    Id.PEER_FILE_DIFFERS: [
        Case(WARNING, {"peer": peer(files=FILE_THERE)}, {}, "something else", "/etc/drbd.conf"),
        Case(WARNING, {"peer": peer(files=[])}, {}, "not there on beta", "/etc/drbd.conf"),
    ],
    Id.PEER_OWNER_DIFFERS: [
        Case(
            CRITICAL,
            {
                "own": manifest(
                    host="alpha", users={"root": 0, "vmail": 5001, "web": 5000}, owners=[]
                )
            },
            {"own": manifest(host="alpha", users={"vmail": 5000, "web": 5001}, owners=[])},
            "uid 5000 is vmail on beta; on alpha vmail is 5001, and 5000 is web",
            "beta:/mnt/mail",
        ),
        Case(
            CRITICAL,
            {"peer": peer(owners=[owner("postfix", 105, "group")])},
            {"peer": peer(owners=[owner("vmail", 5000, "group")])},
            "gid 105 is postfix on beta; on alpha there is no postfix",
        ),
        Case(
            CRITICAL,
            {"peer": peer(owners=[owner(None, 5000)], users={"root": 0})},
            {"peer": peer(owners=[owner(None, 6000)])},
            "uid 5000 is no name on beta; vmail on alpha",
        ),
    ],
    Id.PEER_CLOCK_DIFFERS: [
        Case(
            WARNING,
            {"peer": peer(wall_s=NOW_S + 10)},
            {"peer": peer(wall_s=NOW_S + 2)},
            "the clock of beta is 10.0 to 10.5 s ahead",
        ),
        Case(
            WARNING,
            {"peer": peer(wall_s=NOW_S - 10)},
            {"peer": peer(wall_s=NOW_S - 2.5)},
            "the clock of beta is 9.5 to 10.0 s behind",
        ),
        Case(
            WARNING,
            {"peer": peer(None, wall_s=NOW_S + 10)},
            {"peer": peer(None, wall_s=NOW_S - 86400)},
            "at least 10.0 s ahead",
        ),
    ],
}
