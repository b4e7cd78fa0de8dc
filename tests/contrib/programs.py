"""Programs that some tests need and not every machine has."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def needed(name: str, package: str, untried: str) -> str:
    """Where the program is. Without it the test is skipped, or fails where it is required.

    `untried` says what was not tried then.
    """
    path = shutil.which(name)
    if path is not None:
        return path
    reason = (
        f"{untried} NOT tried: there is no {name};"
        f" as root, type: apt-get install --no-install-recommends {package}"
    )
    if os.environ.get("CONNECTOR_LAB") == "required":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def promtool(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run promtool, if it is there: see `needed`."""
    program = needed("promtool", "prometheus", "the rules for Prometheus were")
    return subprocess.run(
        [program, *arguments],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
