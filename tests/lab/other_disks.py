"""DRBD on other disks than the three that every story begins with: volume groups, and xfs."""

from __future__ import annotations

from collections.abc import Mapping

from .administration import MINORS
from .drbd_conf import PATH, drbd_conf
from .pair import Pair

MAKING_TIMEOUT_S = 300.0
SPARE_DISK = "/dev/vde"
# mkfs.xfs takes less than 300 MiB only where xfs' own tests run (mkfs/xfs_mkfs.c,
# `validate_supported`).
MKFS = {
    "ext4": "mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0",
    "xfs": "env TEST_DIR=/ TEST_DEV=/ QA_CHECK_FS=1 mkfs.xfs -q -f",
}


def parts_of_the_spare_disk(number: int, size_mib: int) -> str:
    """The shell lines that make /dev/mapper/part0 and so on of it."""
    sectors = size_mib * 2048
    return "\n".join(
        f'dmsetup create part{part} --table "0 {sectors} linear {SPARE_DISK} {part * sectors}"'
        for part in range(number)
    )


def volume_group(*sizes_mib: int) -> str:
    """The shell lines that make the group `pair` of it, with /dev/pair/data0 and so on."""
    make = "\n".join(
        f"lvcreate -y -q -n data{number} -L {size}m pair" for number, size in enumerate(sizes_mib)
    )
    # No udev is there to make the device nodes, whatever the caller's environment says.
    no_udev = "echo 'activation { udev_sync = 0 udev_rules = 0 }' >/etc/lvm/lvmlocal.conf"
    physical = f"{no_udev}\nwipefs -a -q {SPARE_DISK}\npvcreate -q -y {SPARE_DISK}"
    return f"{physical}\nvgcreate -q pair {SPARE_DISK}\n{make}"


def on_other_disks(
    pair: Pair, resource: str, make: str, disks: Mapping[int, str], filesystem: str
) -> None:
    """Put the resource's minors on `disks`, which the shell lines `make` bring about on each node.

    They are in sync and hold an empty file system of that kind; until the next reset.
    Raises LabError.
    """
    conf = drbd_conf()
    for minor, disk in disks.items():
        conf = conf.replace(
            f"minor {minor}; disk /dev/vd{'abc'[minor]};", f"minor {minor}; disk {disk};"
        )
    for node in pair.nodes:
        node.filesystem = filesystem
    pair.on_both(
        lambda node: node.run(f"set -e\ndrbdadm down {resource}\n{make}", MAKING_TIMEOUT_S)
    )
    for node in pair.nodes:
        node.install(PATH, conf)
    pair.on_both(
        lambda node: node.run(
            f"drbdadm create-md --force {resource} && drbdadm up {resource}", MAKING_TIMEOUT_S
        )
    )
    minors = MINORS[resource]
    pair.wait_all("Connected", disks=None, minors=minors)
    volumes = " ".join(f"{resource}/{number}" for number in range(len(minors)))
    pair.alpha.run(
        f"for v in {volumes}; do drbdadm new-current-uuid --clear-bitmap $v || exit 1; done"
    )
    pair.wait_all("Connected", minors=minors)
    devices = " ".join(f"/dev/drbd{minor}" for minor in minors)
    pair.alpha.run(
        f"drbdadm primary {resource} || exit 1\n"
        f"for d in {devices}; do {MKFS[filesystem]} $d || exit 1; done\n"
        f"drbdadm secondary {resource}",
        MAKING_TIMEOUT_S,
    )
