"""The modules of DRBD 9 that somebody has built for the laboratory's kernel, and whether they fit.

Debian has none for its kernel, so the stories on DRBD 9 need a folder with what was built: the
environment variable DRBD9_MODULES names it. `python -m tests.lab.drbd_9_modules` looks at it
and says what is wrong; exit status 0 where it fits, 2 where it does not, 3 where none is named.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .errors import LabError, ModulesUnfit
from .packages import output_of_program

VARIABLE = "DRBD9_MODULES"
# In the order in which they are loaded. DRBD 9 has what carries its data in modules of their own.
NAMES = ("drbd.ko", "drbd_transport_tcp.ko")
NOT_NAMED = (
    f"{VARIABLE} is not set: it names a folder with drbd.ko and drbd_transport_tcp.ko of DRBD 9, "
    'built for the laboratory\'s kernel ("DRBD 9" in docs/lab.md)'
)
GENERATION = "9."
# Longer is no module; the files go into an image that a node of 512 MiB has in memory.
MOST_BYTES = 64 << 20

Ask = Callable[[Path, str], str]


def modinfo(module: Path, field: str) -> str:
    """Return a field of a module, such as `version`. Raises ModulesUnfit where it is no module."""
    try:
        return output_of_program(["modinfo", "-F", field, str(module)]).strip()
    except LabError as error:
        raise ModulesUnfit(f"{module} cannot be read as a kernel module: {error}") from None


def named_folder(environment: Mapping[str, str]) -> Path | None:
    """Return the folder that DRBD9_MODULES names, whatever it is; None where it names none."""
    text = environment.get(VARIABLE, "").strip()
    return Path(text).expanduser() if text else None


def built_modules(folder: Path, ask: Ask = modinfo) -> tuple[Path, ...]:
    """Return the files of DRBD 9 in a folder, in the order in which they are loaded.

    Whether they are for the laboratory's kernel is seen when the image is built, which knows it.
    Raises ModulesUnfit, which says what is wrong and what to do.
    """
    if not folder.is_dir():
        raise ModulesUnfit(f"{VARIABLE}={folder} is not a folder: name the one with {NAMES[0]}")
    files = tuple(folder / name for name in NAMES)
    for path in files:
        if not path.is_file():
            raise ModulesUnfit(f"{VARIABLE}={folder} has no {path.name}{_packed(path)}")
        if path.stat().st_size > MOST_BYTES:
            raise ModulesUnfit(
                f"{path} has more than {MOST_BYTES >> 20} MiB: strip it (`strip --strip-debug`)"
            )
    version = ask(files[0], "version")
    if not version.startswith(GENERATION):
        raise ModulesUnfit(
            f"{files[0]}: version {version or 'unknown'} is not 9: these stories are about DRBD 9; "
            "those on the kernel's own 8.4 run with `make lab-tests`"
        )
    return files


def check_kernel(files: Sequence[Path], kernel: str, own: Path, ask: Ask = modinfo) -> None:
    """Return where all files are for this kernel, as `own` is, which came with it.

    Raises ModulesUnfit: the kernel would refuse to load them.
    """
    wanted = ask(own, "vermagic")
    for path in files:
        if (vermagic := ask(path, "vermagic")) != wanted:
            raise ModulesUnfit(
                f"{path} is built for the kernel {vermagic or 'of unknown version'!r}, and the "
                f"laboratory's is {wanted!r}: build it with the package linux-headers-{kernel}"
            )


def _packed(path: Path) -> str:
    found = sorted(path.parent.glob(f"{path.name}.*"))
    return f", only {found[0].name}: unpack it" if found else ": build it, or copy it there"


def main(environment: Mapping[str, str]) -> int:
    """Look at the folder that is named and say what is wrong with it; see above."""
    folder = named_folder(environment)
    if folder is None:
        print(f"lab-9: the stories on DRBD 9 DID NOT RUN: {NOT_NAMED}", file=sys.stderr)
        return 3
    try:
        built_modules(folder)
    except LabError as error:
        print(f"lab-9: the stories on DRBD 9 DID NOT RUN: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
