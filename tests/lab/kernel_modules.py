"""The kernel modules of a node: which, in which order, and whose DRBD.

A node has Debian's own DRBD. A test may be given another one, built for the same kernel: its files
take the place of Debian's, and depmod and modprobe say, as ever, what they need and in what order.
"""

from __future__ import annotations

import lzma
import shutil
from collections.abc import Sequence
from pathlib import Path

from .drbd_9_modules import Ask, check_kernel, modinfo
from .packages import output_of_program

# In this order: the buses first, then what the root directory needs, then what is tested.
MODULES = (
    "virtio_pci",
    "virtio_blk",
    "virtio_net",
    "virtio_console",
    "9pnet_virtio",
    "9p",
    "overlay",
    "ext4",
    "dm_mod",
    "dm_snapshot",
    "dm_flakey",
    "loop",
    "xfs",
    "drbd",
)


def copy_modules(
    unpacked: Path,
    version: str,
    target: Path,
    *,
    given: Sequence[Path] = (),
    ask: Ask = modinfo,
) -> None:
    """Copy the modules and `order`, the list in which they are loaded, from a kernel package.

    `given` are files that take the place of the package's modules of the same name, or come after
    them. Raises ModulesUnfit where they are not for this kernel, and LabUnavailable.
    """
    if not (unpacked / "lib").exists():  # newer Debian ships the modules below /usr
        (unpacked / "lib").symlink_to("usr/lib")
    if given:
        _replace(unpacked / "lib/modules" / version, given, ask)
    output_of_program(["depmod", "-b", str(unpacked), version])
    wanted = dict.fromkeys((*MODULES, *(path.stem for path in given)))
    order = []
    for path in _files(unpacked, version, list(wanted)):
        name = path.name.removesuffix(".xz")
        data = path.read_bytes()
        (target / name).write_bytes(lzma.decompress(data) if path.suffix == ".xz" else data)
        order.append(name)
    (target / "order").write_text("\n".join(order) + "\n")


def _replace(modules: Path, given: Sequence[Path], ask: Ask) -> None:
    names = {path.stem for path in given}
    own = sorted(modules.rglob("*.ko*"))
    check_kernel(given, modules.name, own[0], ask)
    for path in own:
        if path.name.partition(".")[0] in names:
            path.unlink()
    updates = modules / "updates"
    updates.mkdir(exist_ok=True)
    for path in given:
        shutil.copyfile(path, updates / path.name)


def _files(unpacked: Path, version: str, wanted: Sequence[str]) -> list[Path]:
    """Return the files of all modules, each after those that it needs."""
    # -C: the host's own modprobe configuration (blacklists, aliases) has no say here.
    where = ("-C", "/dev/null", "-d", str(unpacked), "-S", version)
    listing = output_of_program(["modprobe", *where, "--show-depends", "--all", *wanted])
    found: dict[Path, None] = {}  # a dict keeps the order and drops repeats
    for line in listing.splitlines():
        words = line.split()
        if words and words[0] == "insmod":
            found.setdefault(Path(words[1]), None)
    return list(found)
