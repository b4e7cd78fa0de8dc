"""The programs that the laboratory needs on the host, and how they get there.

`python -m tests.lab.packages` installs what is missing when root (this is what the Makefile
calls), otherwise says what to type; `--check` only looks. Exit status 0: nothing is missing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from .errors import LabUnavailable

# One program stands for each package. Everything else that the laboratory runs (dpkg, apt-get,
# setpriv, flock, timeout, mount) is in packages that Debian calls essential.
PROGRAM_OF_PACKAGE = {
    "qemu-system-x86": "qemu-system-x86_64",
    "busybox-static": "busybox",
    "cpio": "cpio",
    "kmod": "modprobe",
    "drbd-utils": "drbdadm",
    "e2fsprogs": "mkfs.ext4",
    "iproute2": "ip",
    "dmsetup": "dmsetup",
    "lvm2": "lvs",
    "xfsprogs": "xfs_copy",
}

# An ordinary user's PATH often lacks the sbin directories where half of these live.
SEARCH_PATH = os.pathsep.join(
    [os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"]
)

UPDATE_TIMEOUT_S = 180
INSTALL_TIMEOUT_S = 600
PROGRAM_TIMEOUT_S = 120


def find_program(name: str) -> str | None:
    """Return the full path of a program, looking in the sbin directories too; None if absent."""
    return shutil.which(name, path=SEARCH_PATH)


def program(name: str) -> str:
    """Return the full path of a program. Raises LabUnavailable when there is none."""
    path = find_program(name)
    if path is None:
        raise LabUnavailable(f"the program {name} is missing; {remedy(missing())}")
    return path


def output_of_program(command: Sequence[str], *, check: bool = True) -> str:
    """Run a program and return its output, whatever language the host speaks.

    Raises LabUnavailable where it takes too long or, unless `check` is False, fails.
    """
    try:
        done = subprocess.run(
            [program(command[0]), *command[1:]],
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=PROGRAM_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise LabUnavailable(
            f"`{' '.join(command)}` took more than {PROGRAM_TIMEOUT_S} s"
        ) from None
    if check and done.returncode != 0:
        raise LabUnavailable(f"`{' '.join(command)}` failed: {done.stderr.strip()}")
    return done.stdout


def missing() -> tuple[str, ...]:
    """Return the Debian packages that this host lacks, in a fixed order; empty when ready."""
    return tuple(
        package
        for package, name in PROGRAM_OF_PACKAGE.items()
        if (path := find_program(name)) is None
        or (package == "busybox-static" and not _is_static(Path(path)))
    )


def remedy(packages: Iterable[str]) -> str:
    """Return the sentence that tells a person what to type to install `packages`."""
    return f"as root, type: apt-get update && apt-get install {' '.join(packages)}".rstrip()


def require(*, install: bool) -> None:
    """Return when every package is there, installing them first if `install` and we are root.

    Raises LabUnavailable, which says what is missing and what to type.
    """
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        raise LabUnavailable("the laboratory needs Linux on an x86_64 machine")
    if find_program("apt-get") is None:
        raise LabUnavailable("the laboratory takes its kernel from Debian: apt-get is missing")
    lacking = missing()
    if lacking and install and os.geteuid() == 0:
        _install(lacking)
        lacking = missing()
    if lacking:
        raise LabUnavailable(f"missing packages: {', '.join(lacking)}; {remedy(lacking)}")


def apt(arguments: Sequence[str], *, timeout_s: float, cwd: Path | None = None) -> str:
    """Run apt-get without any question and return what it printed.

    Raises LabUnavailable with the last lines of its output when it fails or takes too long.
    """
    command = [program("apt-get"), "-q", "-y", *arguments]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise LabUnavailable(f"`{' '.join(command)}` took more than {timeout_s} s") from None
    if done.returncode != 0:
        tail = "\n".join(done.stdout.splitlines()[-8:])
        raise LabUnavailable(f"`{' '.join(command)}` failed ({done.returncode}):\n{tail}")
    return done.stdout


def apt_with_fresh_lists(
    arguments: Sequence[str], *, timeout_s: float, cwd: Path | None = None
) -> str:
    """Run apt-get; if it fails and we are root, renew the package lists and run it once more.

    The lists of a fresh image are empty, and old ones name packages that are gone. Returns and
    raises as `apt` does.
    """
    try:
        return apt(arguments, timeout_s=timeout_s, cwd=cwd)
    except LabUnavailable:
        if os.geteuid() != 0:
            raise
        apt(["update"], timeout_s=UPDATE_TIMEOUT_S)
        return apt(arguments, timeout_s=timeout_s, cwd=cwd)


def _install(packages: Sequence[str]) -> None:
    apt_with_fresh_lists(
        ["install", "--no-install-recommends", *packages], timeout_s=INSTALL_TIMEOUT_S
    )


def _is_static(binary: Path) -> bool:
    # A dynamic busybox finds no libraries in the initramfs. Its ELF header names the loader.
    with binary.open("rb") as file:
        return b"/ld-linux" not in file.read(4096)


def main(arguments: Sequence[str]) -> int:
    """Install or (with --check) only look; return 0 when nothing is missing, else 1."""
    try:
        require(install="--check" not in arguments)
    except LabUnavailable as error:
        print(f"the DRBD laboratory cannot run here: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
