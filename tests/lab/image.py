"""What a node boots: Debian's stock kernel and an initramfs with DRBD's modules.

Nothing is installed on the host. The image lies outside the checkout, in a folder named after
the kernel and a hash of everything that went into it, so that it is built once and a changed
input makes another one. `python -m tests.lab.image` builds it and prints its folder;
`--renew` asks Debian for a newer kernel first.
"""

from __future__ import annotations

import fcntl
import hashlib
import lzma
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import kernel_modules
from .errors import LabUnavailable
from .kernel_modules import copy_modules
from .packages import apt_with_fresh_lists, output_of_program, program, require

GUEST_FOLDER = Path(__file__).resolve().parent / "guest"
GUEST_SCRIPTS = ("init", "agent.py", "prefork.py", "drbdadm")

DOWNLOAD_TIMEOUT_S = 600
LOCK_TIMEOUT_S = 900
PROGRAM_TIMEOUT_S = 120


@dataclass(frozen=True)
class Image:
    """A bootable pair of files."""

    kernel: Path
    initramfs: Path
    kernel_version: str


def cache_folder() -> Path:
    """Return the folder where images are kept between runs (it may not exist yet)."""
    if chosen := os.environ.get("CONNECTOR_LAB_CACHE"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "drbd-connector-lab"


def image(*, renew: bool = False, given: Sequence[Path] = ()) -> Image:
    """Return the image, building it when it is not in the cache.

    A cached image with the same inputs is used without asking Debian, so that a second run needs
    no network; `renew` looks for a newer kernel all the same. `given` are files of modules that
    take the place of Debian's. Raises LabUnavailable, and ModulesUnfit where those are not for the
    kernel.
    """
    cache = cache_folder()
    if not renew and (found := _cached(cache, given)) is not None:
        return found
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / "lock"):
        # Another builder may have finished while this one waited for the lock.
        if not renew and (found := _cached(cache, given)) is not None:
            return found
        return _build(cache, given)


def _inputs_hash(given: Sequence[Path]) -> str:
    digest = hashlib.sha256(Path(__file__).read_bytes())  # how it is all built
    digest.update(Path(kernel_modules.__file__).read_bytes())
    for name in GUEST_SCRIPTS:
        digest.update(name.encode() + b"\0" + (GUEST_FOLDER / name).read_bytes())
    digest.update(Path(program("busybox")).read_bytes())
    for path in given:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _cached(cache: Path, given: Sequence[Path]) -> Image | None:
    suffix = f"-{_inputs_hash(given)}"
    folders = sorted(cache.glob(f"images/*{suffix}"), key=lambda folder: folder.stat().st_mtime)
    if not folders:
        return None
    newest = folders[-1]
    return Image(newest / "kernel", newest / "initramfs", newest.name.removesuffix(suffix))


def _build(cache: Path, given: Sequence[Path]) -> Image:
    images = cache / "images"
    images.mkdir(exist_ok=True)
    for abandoned in images.glob("building-*"):  # we hold the lock: nobody is at work in there
        shutil.rmtree(abandoned)
    package = _download_kernel(cache / "packages")
    with tempfile.TemporaryDirectory(prefix="building-", dir=images) as temporary:
        unpacked, tree, made = (Path(temporary) / name for name in ("deb", "tree", "made"))
        made.mkdir()
        output_of_program(["dpkg", "-x", str(package), str(unpacked)])
        kernel = next(unpacked.glob("boot/vmlinuz-*"))
        version = kernel.name.removeprefix("vmlinuz-")
        (made / "kernel").write_bytes(_decompressed(kernel.read_bytes()))
        _fill_tree(tree, unpacked, version, given)
        _pack(tree, made / "initramfs")
        final = images / f"{version}-{_inputs_hash(given)}"
        if final.exists():
            shutil.rmtree(final)
        made.rename(final)
    return Image(final / "kernel", final / "initramfs", version)


def _decompressed(packed: bytes) -> bytes:
    """Return the kernel itself when it is packed with xz (as Debian 12's is), else it unchanged.

    QEMU boots either; a node that need not unpack its kernel in emulation boots in half the time.
    """
    if (start := packed.find(b"\xfd7zXZ\0")) < 0:
        return packed
    kernel = lzma.LZMADecompressor().decompress(packed[start:])
    return kernel if kernel.startswith(b"\x7fELF") else packed


def _download_kernel(folder: Path) -> Path:
    """Return the .deb of the kernel that linux-image-amd64 depends on, downloading it if new."""
    folder.mkdir(exist_ok=True)
    if not (names := _kernel_package_names()):
        # No lists at all, as in a fresh container: let apt-get renew them and say what is wrong.
        apt_with_fresh_lists(["--print-uris", "download", "linux-image-amd64"], timeout_s=60)
        names = _kernel_package_names()
    if not names:
        raise LabUnavailable("apt knows no package linux-image-amd64; as root: apt-get update")
    with tempfile.TemporaryDirectory(prefix="downloading-", dir=folder) as temporary:
        apt_with_fresh_lists(
            ["download", names[0]], timeout_s=DOWNLOAD_TIMEOUT_S, cwd=Path(temporary)
        )
        fetched = next(Path(temporary).glob("*.deb"))
        for older in folder.glob("*.deb"):
            older.unlink()
        return fetched.rename(folder / fetched.name)


def _kernel_package_names() -> list[str]:
    text = output_of_program(["apt-cache", "depends", "linux-image-amd64"], check=False)
    return re.findall(r"^\s*\|?Depends: (linux-image-\S+)", text, re.MULTILINE)


def _fill_tree(tree: Path, unpacked: Path, version: str, given: Sequence[Path]) -> None:
    for name in ("bin", "modules", "lab"):
        (tree / name).mkdir(parents=True)
    copy_modules(unpacked, version, tree / "modules", given=given)
    shutil.copy(program("busybox"), tree / "bin/busybox")
    for name in GUEST_SCRIPTS:
        shutil.copyfile(GUEST_FOLDER / name, tree / "lab" / name)
    (tree / "init").symlink_to("lab/init")
    (tree / "lab/init").chmod(0o755)


def _pack(tree: Path, target: Path) -> None:
    names = "\n".join(str(path.relative_to(tree)) for path in sorted(tree.rglob("*")))
    with target.open("wb") as output:
        subprocess.run(
            [program("cpio"), "--quiet", "-o", "-H", "newc", "--owner=+0:+0"],
            cwd=tree,
            input=names.encode(),
            stdout=output,
            timeout=PROGRAM_TIMEOUT_S,
            check=True,
        )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    deadline = time.monotonic() + LOCK_TIMEOUT_S
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise LabUnavailable(f"another build has held {path} too long") from None
                time.sleep(0.2)
        yield


def main(arguments: Sequence[str]) -> int:
    """Build the image if needed and print its folder; return 0, or 1 with the reason said."""
    try:
        require(install=True)
        built = image(renew="--renew" in arguments)
    except LabUnavailable as error:
        print(f"the DRBD laboratory cannot run here: {error}", file=sys.stderr)
        return 1
    print(built.kernel.parent)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
