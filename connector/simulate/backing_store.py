"""The disks below the pair's volumes, as far as keeping what is on them needs them.

`drbdsetup show` prints what drbd-utils for 8.4 print (user/v84/drbdsetup.c, measured). An ext4 is
on each disk, and `e2image -ra` copies its blocks: here, what the simulated volume holds, as JSON.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from pathlib import Path, PurePath

from connector.simulate.answer import Answer
from connector.simulate.configuration import backing_device
from connector.simulate.state import NodeState, VolumeSide

DEVICE_BYTES = 12_248 * 1024
_BLOCK_BYTES = 1024
_SECTOR_BYTES = 512
PROGRAMS = ("drbdsetup", "e2image")


def render_disks(node: NodeState, root: Path) -> None:
    """Write the disks and their sizes below `root`; they never change, so once is enough."""
    for volume in node.volumes():
        disk = root / backing_device(volume.minor).lstrip("/")
        if disk.exists():
            continue
        size = root / f"sys/class/block/drbd{volume.minor}/size"
        size.parent.mkdir(parents=True, exist_ok=True)
        size.write_text(f"{DEVICE_BYTES // _SECTOR_BYTES}\n", encoding="ascii")
        disk.parent.mkdir(parents=True, exist_ok=True)
        disk.write_bytes(_ext4())


def _ext4() -> bytes:
    """The beginning of an ext4 of that size, with a quarter of it in use."""
    superblock = bytearray(1024)
    blocks = DEVICE_BYTES // _BLOCK_BYTES
    struct.pack_into("<I", superblock, 4, blocks)
    struct.pack_into("<I", superblock, 12, blocks * 3 // 4)
    struct.pack_into("<HH", superblock, 56, 0xEF53, 1)  # and it was unmounted cleanly
    return bytes(1024) + bytes(superblock) + bytes(2048)


def answer(node: NodeState, argv: Sequence[str]) -> Answer:
    """Run one of PROGRAMS on a node."""
    program, words = PurePath(argv[0]).name, list(argv[1:])
    if program == "drbdsetup" and len(words) == 2 and words[0] == "show":
        return _show(node, words[1])
    if program == "e2image" and len(words) == 3 and words[0] == "-ra":
        return _copy(node, Path(words[1]), Path(words[2]))
    return Answer(None, error=f"`{' '.join(argv)}` is not simulated")


def _show(node: NodeState, name: str) -> Answer:
    resource = node.resources.get(name)
    if resource is None:
        return Answer(20, stderr="received netlink error reply: No such device\n")
    volumes = "".join(_volume(number, item) for number, item in enumerate(resource.volumes))
    return Answer(stdout=f"resource {name} {{\n    _this_host {{\n{volumes}    }}\n}}\n")


def _volume(number: int, volume: VolumeSide) -> str:
    return (
        f"        volume {number} {{\n"
        f"            device\t\t\tminor {volume.minor};\n"
        f'            disk\t\t\t"{backing_device(volume.minor)}";\n'
        "            meta-disk\t\t\tinternal;\n        }\n"
    )


def _copy(node: NodeState, source: Path, target: Path) -> Answer:
    for volume in node.volumes():
        if str(source).endswith(backing_device(volume.minor)):
            try:
                target.write_text(json.dumps(volume.blocks), encoding="utf-8")
            except OSError as error:
                return Answer(1, stderr=f"e2image: {error.strerror} while writing {target}\n")
            return Answer()
    return Answer(1, stderr=f"e2image: No such file or directory while trying to open {source}\n")
