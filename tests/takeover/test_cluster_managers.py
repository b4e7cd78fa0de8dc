"""The scripts of contrib/ with the real command."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.stage import PROJECT
from tests.takeover.stage import TakeoverStage

pytestmark = pytest.mark.slow

TIMEOUT_S = 120
HEARTBEAT = ("contrib/heartbeat/connector-resource", "db")
OCF = ("contrib/ocf/connector",)
KEEPALIVED = ("contrib/keepalived/connector-notify", "db", "INSTANCE", "VI_1")


def run(stage: TakeoverStage, script: tuple[str, ...], *words: str) -> tuple[int, str]:
    """Run a script with this stage's connector on PATH; its exit status and what it printed."""
    text = f'#!/bin/sh\nexec {sys.executable} -m connector --root {stage.root} "$@"\n'
    if not (stage.programs / "connector").exists():
        stage.program("connector", text)
        stage.program("logger", "#!/bin/sh\n")
    done = subprocess.run(
        [str(PROJECT / script[0]), *script[1:], *words],
        env={**stage.environment, "OCF_RESKEY_resource": "db"},
        cwd=stage.folder,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return done.returncode, done.stdout.strip()


def test_heartbeat(stage: TakeoverStage) -> None:
    assert run(stage, HEARTBEAT, "status") == (3, "stopped")
    assert run(stage, HEARTBEAT, "start")[0] == 0
    assert stage.active()
    assert run(stage, HEARTBEAT, "status") == (0, "running")
    assert run(stage, HEARTBEAT, "start") == (0, "db: active already")
    assert run(stage, HEARTBEAT, "stop")[0] == 0
    assert stage.passive()


def test_ocf(stage: TakeoverStage) -> None:
    assert run(stage, OCF, "validate-all")[0] == 0
    assert run(stage, OCF, "monitor")[0] == 7
    assert run(stage, OCF, "start")[0] == 0
    assert run(stage, OCF, "monitor")[0] == 0
    with stage.pair.changing() as pair:
        pair.umount("beta", "db", stage.wheres[1], 1)
    assert run(stage, OCF, "monitor")[0] == 1
    assert run(stage, OCF, "stop")[0] == 0
    assert stage.passive()
    assert run(stage, OCF, "monitor")[0] == 7


def test_keepalived(stage: TakeoverStage) -> None:
    assert run(stage, KEEPALIVED, "MASTER", "100")[0] == 0
    assert stage.active()
    assert run(stage, KEEPALIVED, "BACKUP", "100")[0] == 0
    assert stage.passive()
