"""What a node's kernel shows, as files below a folder that stands for its root.

Kernel sources: drbd_proc.c (`drbd_seq_show`), drbd_debugfs.c (`device_openers_show`),
fs/proc_namespace.c (`show_mountinfo`).
"""

from __future__ import annotations

import shutil
from pathlib import Path

from connector.simulate.kernel_files import DRBD_MAJOR, boot_id, kmsg, octal, swaps_of, write
from connector.simulate.nine.configuration import drbd_conf
from connector.simulate.nine.state import ClusterState, NodeState, Opener, VolumeSide

PROC_DRBD = """\
version: 9.2.12 (api:2/proto:118-122)
GIT-hash: 2da6f528dc4ab3fd25c511f7b03531100e54ab08 reproducible build, 2024-11-18 09:16:58
Transports (api:21): tcp (9.2.12)
"""
_SYSTEM_MOUNTS = """\
24 29 0:5 / /dev rw,relatime - devtmpfs dev rw,size=216368k,nr_inodes=54092,mode=755,inode64
29 1 0:24 / / rw,relatime - overlay ov rw,lowerdir=/lower,upperdir=/ov/u,workdir=/ov/w
30 29 0:27 / /proc rw,relatime - proc proc rw
31 29 0:21 / /sys rw,relatime - sysfs sys rw
32 31 0:7 / /sys/kernel/debug rw,relatime - debugfs dbg rw
33 29 0:28 / /run rw,relatime - tmpfs run rw,inode64
34 29 0:29 / /tmp rw,relatime - tmpfs tmp rw,inode64
"""
_SWAP_KIB = 24_532
SWAPON = "swapon"


def render(state: ClusterState, node: str, root: Path) -> None:
    """Write everything below `root` that may have changed."""
    shown = state.nodes[node]
    write(root / "proc/drbd", PROC_DRBD)
    write(root / "proc/self/mountinfo", mountinfo(shown))
    write(root / "proc/mounts", mounts(shown))
    write(root / "proc/swaps", swaps_of(_swapped(shown), _SWAP_KIB))
    write(root / "dev/kmsg", kmsg(shown.log))
    write(root / "proc/sys/kernel/random/boot_id", boot_id(state.seed, node, shown.boots))
    write(root / "etc/drbd.conf", drbd_conf(state.resources, state.names))
    for name, side in shown.resources.items():
        resource = root / f"sys/kernel/debug/drbd/resources/{name}"
        if not side.up:
            shutil.rmtree(resource, ignore_errors=True)
            continue
        for volume in side.volumes:
            path = resource / f"volumes/{volume.volume}/openers"
            write(path, openers(volume, side.promoter, state.now_s))
            holders = root / f"sys/block/drbd{volume.minor}/holders"
            holders.mkdir(parents=True, exist_ok=True)


def openers(volume: VolumeSide, promoter: Opener | None, now_s: float) -> str:
    """debugfs, the newest first: program, process, age in milliseconds; `+` who promoted."""
    listed = [("", opener) for opener in reversed(volume.openers)]
    listed += [("+", promoter)] if promoter is not None else []
    return "".join(
        f"{mark}{one.program}\t{one.pid}\t{round((now_s - one.since_s) * 1000)}\n"
        for mark, one in listed
    )


def _mounted(node: NodeState) -> list[tuple[int, Opener]]:
    found = [
        (volume.minor, opener)
        for side in node.resources.values()
        for volume in side.volumes
        for opener in volume.openers
        if opener.where
    ]
    return sorted(found, key=lambda item: item[1].mount_id)


def mountinfo(node: NodeState) -> str:
    """The mounts of the only namespace there is."""
    lines = []
    for minor, opener in _mounted(node):
        how = "rw" if opener.writes else "ro"
        lines.append(
            f"{opener.mount_id} 29 {DRBD_MAJOR}:{minor} / {octal(opener.where)} "
            f"{how},relatime - ext4 /dev/drbd{minor} {how}\n"
        )
    return _SYSTEM_MOUNTS + "".join(lines)


def mounts(node: NodeState) -> str:
    """/proc/mounts, the devices of DRBD alone."""
    return "".join(
        f"/dev/drbd{minor} {octal(opener.where)} ext4 "
        f"{'rw' if opener.writes else 'ro'},relatime 0 0\n"
        for minor, opener in _mounted(node)
    )


def _swapped(node: NodeState) -> list[int]:
    """The minors that are swapped to."""
    return sorted(
        {
            volume.minor
            for side in node.resources.values()
            for volume in side.volumes
            for opener in volume.openers
            if opener.program == SWAPON
        }
    )
