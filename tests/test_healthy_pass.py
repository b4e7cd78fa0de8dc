"""A healthy pass, which cron runs all day long: it starts no process and imports little."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.stage import PROJECT, Stage

# Runs a pass as `connector reconcile` does, with the settings that files and variables would
# otherwise have to give: then pydantic would be needed to check them. The audit events are those
# of every way in which Python starts a process, threads not among them.
PASS = """\
import json, resource, sys
started = []
STARTING = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.spawn",
            "os.system", "os.startfile", "pty.spawn"}
sys.addaudithook(lambda event, _: started.append(event) if event in STARTING else None)
from pathlib import Path
from connector.cli import main
from connector.cli.node import this_world
from connector.cli.reconcile import command
from connector.config import load
from connector.reconcile import reconcile
from connector.report.publish import publish
from connector.settings import RunSettings, Settings
folder = Path(sys.argv[2])
load(None, {})
run = RunSettings(settle_s=1, state_dir=folder / "state", lock=folder / "run/lock")
settings, world = Settings(run=run), this_world(Path(sys.argv[1]))
report = publish(reconcile(world, settings), world, settings)
children = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"status": report.exit_status, "eventful": report.eventful, "started": started,
                  "children_s": children.ru_utime + children.ru_stime,
                  "children_pages": children.ru_minflt, "modules": sorted(sys.modules)}))
"""

NOT_NEEDED = (
    "asyncio", "connector.act.child", "connector.act.drbdadm", "connector.act.execute",
    "connector.act.lock", "connector.act.subprocess_runner", "connector.config_schema",
    "connector.memory.incidents", "connector.memory.pauses", "connector.memory.store",
    "connector.observe.evidence", "connector.observe.kernel_log", "connector.recover",
    "connector.report.as_json", "connector.report.metrics", "connector.report.tables",
    "connector.report.text", "connector.simulate", "concurrent.futures", "email", "filelock",
    "bcrypt", "hashlib", "http", "logging", "multiprocessing", "prometheus_client", "pydantic",
    "pydantic_core", "rich", "socket", "ssl", "subprocess", "tenacity", "tomllib", "xml", "yaml",
)  # fmt: skip


def a_pass(stage: Stage) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", PASS, str(stage.root), str(stage.folder)],
        env=stage.environment,
        cwd=PROJECT,
        capture_output=True,
        timeout=60,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.fixture
def healthy(tmp_path: Path) -> Stage:
    """A healthy active node whose resources' names are known."""
    stage = Stage(tmp_path, node="alpha")
    assert a_pass(stage)["started"] == ["os.posix_spawn"]
    assert stage.pair.calls("alpha") == ["dump-xml"]
    return stage


def test_it_starts_no_process(healthy: Stage) -> None:
    found = a_pass(healthy)
    assert (found["status"], found["eventful"]) == (0, False)
    assert found["started"] == []
    assert (found["children_s"], found["children_pages"]) == (0, 0)
    assert healthy.pair.calls("alpha") == ["dump-xml"]


def test_it_imports_nothing_that_only_others_need(healthy: Stage) -> None:
    modules = set(a_pass(healthy)["modules"])
    assert {"connector.reconcile", "connector.memory.last_pass"} < modules
    assert sorted(modules.intersection(NOT_NEEDED)) == []


def test_it_takes_no_lock_and_keeps_only_when_it_was(healthy: Stage) -> None:
    a_pass(healthy)
    assert not healthy.lock.parent.exists()
    kept = {path.name for path in healthy.state.iterdir()}
    assert kept == {"last-pass.json", "resources.json"}


def test_any_other_pass_shows_that_processes_and_modules_would_be_seen(tmp_path: Path) -> None:
    stage = Stage(tmp_path, "active-disconnected", node="alpha")
    with stage.pair.changing() as pair:
        pair.notice("alpha", "something else")
    found = a_pass(stage)
    assert found["eventful"]
    assert found["started"]
    assert found["children_pages"] > 0
    assert {"pydantic", "filelock", "connector.act.execute"} < set(found["modules"])


def test_the_command_itself_is_as_quiet(healthy: Stage) -> None:
    """The installed command line; with variables, so pydantic is there, and still no process."""
    done = healthy.run("reconcile")
    assert (done.status, done.out, done.err) == (0, "", "")
    assert healthy.pair.calls("alpha") == ["dump-xml"]
