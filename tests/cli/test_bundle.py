"""`connector bundle`, through the command line."""

from __future__ import annotations

import json
import os
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.stage import Stage, tree

pytestmark = pytest.mark.slow

StageOf = Callable[..., Stage]
SECRET = '[policy]\nmode = "observe"\n# password: hunter2hunter2\n'


def archives(stage: Stage) -> list[Path]:
    return sorted(stage.folder.glob("*.tar.gz"))


def names(path: Path) -> set[str]:
    with tarfile.open(path) as tar:
        return {entry.name.partition("/")[2] for entry in tar}


def test_it_shows_what_goes_in_and_writes_it(stage_of: StageOf) -> None:
    stage = stage_of("split-brain")
    stage.run("reconcile")
    done = stage.run("bundle", "--yes", CONNECTOR_CONFIG=str(stage.config(SECRET)))
    assert (done.status, done.err) == (0, "")
    [path] = archives(stage)
    assert path.name.startswith(f"connector-bundle-{os.uname().nodename}-20")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {"README.txt", "connector/status.json", "proc-drbd.txt"} <= names(path)
    for name in names(path) - {"README.txt"}:
        assert f"  {name}" in done.out
    assert "connector/connector.toml  removed: 1 x comment\n" in done.out
    assert "not in it: connector/pauses.json: " in done.out
    assert done.out.endswith(f"{path.name}: written; look into it before you hand it on\n")
    with tarfile.open(path) as tar:
        for entry in tar:
            stream = tar.extractfile(entry)
            assert stream is not None
            assert b"hunter2" not in stream.read()


def test_a_list_writes_nothing(stage: Stage) -> None:
    before = tree(stage.folder)
    done = stage.run("bundle", "--list", "--json")
    assert (done.status, done.err) == (0, "")
    assert done.json["schema_version"] == 1
    listed = {part["name"]: part for part in done.json["parts"]}
    assert listed["proc-drbd.txt"]["size_bytes"] > 100
    assert listed["proc-drbd.txt"]["removed"] == {}
    assert all(item["reason"] for item in done.json["missing"])
    kept = {name for name in tree(stage.folder) if not name.startswith(("pair/", "state/"))}
    assert kept == {name for name in before if not name.startswith("pair/")}


def test_nobody_is_there_to_ask(stage: Stage) -> None:
    done = stage.run("bundle")
    assert done.status == 2
    assert "--yes says it for a script; nothing was written" in done.err
    assert archives(stage) == []


@pytest.mark.parametrize(("typed", "written"), [(b"y\n", True), (b"n\n", False), (b"\n", False)])
def test_on_a_terminal_it_asks(stage: Stage, typed: bytes, written: bool) -> None:
    done = stage.run_on_terminal("bundle", "--output", "mine.tar.gz", typed=typed)
    assert done.status == 0
    assert "Write this to mine.tar.gz? [y/N]" in done.out
    assert bool(archives(stage)) is written
    assert ("nothing was written" in done.out) is not written


def test_the_end_of_input_at_the_question_writes_nothing(stage: Stage) -> None:
    done = stage.run_on_terminal("bundle", typed=b"\x04")
    assert done.status == 130
    assert archives(stage) == []


def test_what_is_there_is_not_overwritten(stage: Stage) -> None:
    path = stage.folder / "mine.tar.gz"
    path.write_bytes(b"mine")
    done = stage.run("bundle", "--yes", "--output", str(path))
    assert (done.status, done.out) == (2, "")
    assert f"{path} is there already" in done.err
    assert path.read_bytes() == b"mine"
    done = stage.run("bundle", "--yes", "--output", "no/such/folder/a.tar.gz")
    assert done.status == 2
    assert "no/such/folder is no folder" in done.err


def test_a_wrong_configuration_ends_nothing(stage: Stage) -> None:
    config = stage.config('[policy]\nmode = "sometimes"\n[run]\nweb_password = "hunter2hunter2"\n')
    done = stage.run("bundle", "--yes", "--config", str(config))
    assert (done.status, done.err) == (0, "")
    assert "not in it: the settings: " in done.out
    assert f"{config}:2: policy.mode: " in done.out
    assert "this file was not used here" in done.out
    # The variables still count: the state directory is that of this stage.
    assert f"{stage.state}/pauses.json is not there" in done.out
    assert "hunter2" not in done.out
    assert "removed: 1 x web_password" in done.out


def test_without_drbd_there_is_still_a_bundle(stage: Stage) -> None:
    stage.show(None)
    done = stage.run("bundle", "--yes", "--json")
    assert (done.status, done.err) == (0, "")
    missing = {item["name"]: item["reason"] for item in json.loads(done.out)["missing"]}
    assert missing["connector/status.json"].startswith("no DRBD here: ")
    assert len(archives(stage)) == 1
