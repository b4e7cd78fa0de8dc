"""One target in a process of its own: `python -m tests.fuzz.fuzz_one NAME FOLDER [libFuzzer's]`.

FOLDER is the entry's to write to. What follows goes to libFuzzer as it is.
"""

from __future__ import annotations

import importlib
import shlex
import sys
from pathlib import Path

# What is imported inside of functions has to be there before the code is instrumented.
_INSTRUMENTED = ("tests.fuzz.targets", "connector.config_schema", "tomllib")


def main(argv: list[str]) -> None:
    """Never returns: libFuzzer ends the process."""
    name, folder, *rest = argv[1:]
    # Not a plain import: it is there only where fuzzing is done, and has no types.
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["connector", "tomllib"], enable_loader_override=False):
        for module in _INSTRUMENTED:
            importlib.import_module(module)
    run = sys.modules["tests.fuzz.targets"].TARGETS[name].run
    scratch = Path(folder)
    # To merge, libFuzzer starts itself again, through a shell.
    itself = shlex.join([sys.executable, "-m", "tests.fuzz.fuzz_one", name, folder])
    atheris.Setup([itself, *rest], lambda data: run(data, scratch))
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
