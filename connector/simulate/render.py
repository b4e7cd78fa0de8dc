"""What a node's kernel shows, as files below a folder that stands for its root.

Kernel sources: drbd_proc.c (`drbd_seq_show`, `drbd_syncer_progress`), fs/proc_namespace.c
(`show_mountinfo`).
"""

from __future__ import annotations

from pathlib import Path

from connector.model import ConnectionState
from connector.simulate.backing_store import render_disks
from connector.simulate.configuration import drbd_conf
from connector.simulate.kernel_files import DRBD_MAJOR, boot_id, kmsg, octal, swaps_of, write
from connector.simulate.state import KIB_PER_BLOCK, NodeState, PairState, VolumeSide

_HEADER = "version: 8.4.11 (api:1/proto:86-101)\nsrcversion: F73C670A7EC572DB9CF3E5B \n"
_SYSTEM_MOUNTS = """\
29 1 254:0 / / rw,relatime - ext4 /dev/vdz rw
24 29 0:5 / /dev rw,relatime - devtmpfs dev rw,size=227916k,nr_inodes=56979,mode=755,inode64
30 29 0:27 / /proc rw,relatime - proc proc rw
31 29 0:21 / /sys rw,relatime - sysfs sys rw
32 29 0:28 / /run rw,relatime - tmpfs run rw,inode64
33 29 0:29 / /tmp rw,relatime - tmpfs tmp rw,inode64
"""
_DEVICE_KIB = 12_248
_SWAP_KIB = 12_244


def render(state: PairState, node: str, root: Path) -> None:
    """Write everything below `root` that may have changed."""
    shown = state.nodes[node]
    write(root / "proc/drbd", proc_drbd(shown))
    write(root / "proc/self/mountinfo", mountinfo(shown))
    write(root / "proc/swaps", swaps(shown))
    write(root / "dev/kmsg", kmsg(shown.log))
    write(root / "proc/sys/kernel/random/boot_id", boot_id(state.seed, node, shown.boots))
    write(root / "etc/drbd.conf", drbd_conf(state.resources))
    render_disks(shown, root)
    for volume in shown.volumes():
        _render_holders(root / f"sys/block/drbd{volume.minor}/holders", volume)


def proc_drbd(node: NodeState) -> str:
    """/proc/drbd; a minor whose predecessor does not exist has a blank line before it."""
    text, expected = _HEADER, 0
    for volume in node.volumes():
        text += "\n" if volume.minor != expected else ""
        text += _minor(volume)
        expected = volume.minor + 1
    return text


def mountinfo(node: NodeState) -> str:
    """The mounts of the only namespace there is."""
    return _SYSTEM_MOUNTS + "".join(
        f"{mount.number} 29 {DRBD_MAJOR}:{mount.minor} / {octal(mount.where)} rw,relatime - "
        f"ext4 /dev/drbd{mount.minor} rw\n"
        for mount in node.mounts
    )


def swaps(node: NodeState) -> str:
    """/proc/swaps."""
    return swaps_of((volume.minor for volume in node.volumes() if volume.swap), _SWAP_KIB)


def _minor(volume: VolumeSide) -> str:
    # The net config, and the protocol with it, is gone while StandAlone.
    protocol = " " if volume.connection is ConnectionState.STANDALONE else "C"
    return (
        f"{volume.minor:2d}: cs:{volume.connection} ro:{volume.role}/{volume.peer_role} "
        f"ds:{volume.disk}/{volume.peer_disk} {protocol} r-----\n"
        f"    ns:{volume.sent_kib} nr:{volume.received_kib} dw:{volume.written_kib} dr:0 "
        f"al:8 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:{len(volume.changed) * KIB_PER_BLOCK}\n"
        f"{_progress(volume)}"
    )


def _progress(volume: VolumeSide) -> str:
    """A resync that has just begun: its blocks are copied in one go at its end."""
    if volume.connection not in (ConnectionState.SYNC_SOURCE, ConnectionState.SYNC_TARGET):
        return ""
    kib = volume.resync_bits * KIB_PER_BLOCK
    want = " want: 102,400" if volume.connection is ConnectionState.SYNC_TARGET else ""
    return (
        f"\t[>{'.' * 20}] sync'ed:  0.1% ({kib}/{kib})K\n"
        f"\tfinish: 0:00:01 speed: {_DEVICE_KIB:,} ({_DEVICE_KIB:,}){want} K/sec\n"
    )


def _render_holders(folder: Path, volume: VolumeSide) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for present in folder.iterdir():
        if present.name not in volume.holders:
            present.unlink()
    for name in volume.holders:
        (folder / name).touch()
