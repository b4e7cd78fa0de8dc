"""`connector doctor` as a process, on a node with a stand-in for drbdadm."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.stage import PROJECT, Done, Stage, tree

pytestmark = pytest.mark.slow

# Without privileges, whoever runs the tests: root keeps its number and loses what makes it root.
UNPRIVILEGED = ("setpriv", "--bounding-set", "-all", "--inh-caps", "-all")
PREFIX = UNPRIVILEGED if os.geteuid() == 0 else ()


def put(stage: Stage, name: str, text: str) -> Path:
    path = stage.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def ids(done: Done) -> dict[str, str]:
    """Each finding with its severity."""
    return {one["id"]: one["severity"] for one in done.json["findings"]}


def manifest_of_peer(stage: Stage, **changes: Any) -> str:
    """What the other node would print: this node's, under the other name."""
    own = stage.run("doctor", "--manifest")
    assert (own.status, own.err) == (0, "")
    return json.dumps({**own.json, "host": "alpha", **changes})


@pytest.fixture
def node(stage: Stage) -> Stage:
    """A standby whose cron runs, with a pass a moment ago."""
    cron = put(stage, "etc/cron.d/connector", (PROJECT / "contrib/cron/connector").read_text())
    cron.chmod(0o644)
    put(stage, "etc/passwd", "root:x:0:0::/root:/bin/sh\n")
    put(stage, "etc/group", "root:x:0:\n")
    put(stage, "proc/77/comm", "cron\n")
    stage.run("reconcile")
    return stage


def test_a_node_as_it_is_found_and_nothing_is_changed(node: Stage) -> None:
    before = tree(node.folder)
    done = node.run("doctor", "--json")
    assert done.err == ""
    assert ids(done) == {
        "wfc-timeout-infinite": "warning",
        "degr-wfc-timeout-infinite": "warning",
        "split-brain-handler-missing": "warning",
    }
    after = tree(node.folder)
    changed = {name for name in after if before.get(name) != after[name]}
    # The stand-in's own notes.
    assert changed <= {"pair/calls-beta", "pair/pair.json"}
    assert set(node.calls()) <= {"--version"}
    text = node.run("doctor")
    assert "WARNING  wfc-timeout-infinite  mail" in text.out
    assert text.out.splitlines()[-1].endswith(
        "0 critical, 3 warnings, 1 that could not be looked at"
    )


def test_what_is_wrong_with_cron_is_critical(node: Stage) -> None:
    (node.root / "etc/cron.d/connector").unlink()
    (node.state / "last-pass.json").unlink()
    done = node.run("doctor", "--json")
    assert done.status == done.json["exit_status"] == 2
    assert ids(done)["nothing-runs-passes"] == "critical"


def test_without_drbd_and_without_drbdadm(node: Stage) -> None:
    node.show(None)
    done = node.run("doctor", "--json", CONNECTOR_RUN_DRBDADM="/no/drbdadm")
    assert done.status == 2
    assert {"module-not-loaded", "utils-missing"} <= set(ids(done))
    assert "drbd.conf as drbdadm reads it" in {one["what"] for one in done.json["not_looked_at"]}


@pytest.mark.parametrize("fault", ["garbage", "die", "refuse"])
def test_a_drbdadm_that_fails(node: Stage, fault: str) -> None:
    node.pair.set_fault("beta", fault)
    done = node.run("doctor", "--json")
    assert done.status == 2
    assert ids(done) == {"drbd-conf-refused": "critical"}


def test_a_drbdadm_that_hangs_takes_its_time_and_is_said(node: Stage) -> None:
    node.pair.set_fault("beta", "hang")
    done = node.run("doctor", "--json", CONNECTOR_RUN_COMMAND_TIMEOUT="1")
    assert done.status == 3
    assert any("did not end within 1 s" in one["why"] for one in done.json["not_looked_at"])


def test_a_wrong_configuration_is_a_finding_and_the_rest_is_told(node: Stage) -> None:
    config = node.config("[policy]\nmode = 'discrad'\n")
    done = node.run("--config", str(config), "doctor", "--json")
    found = [one for one in done.json["findings"] if one["id"] == "connector-toml-refused"]
    assert done.status == 2
    assert f"{config}:2: policy.mode" in found[0]["seen"]
    assert len(ids(done)) > 2


def test_the_other_node_in_a_file_and_on_standard_input(node: Stage) -> None:
    text = manifest_of_peer(node, utils_version="9.15.0")
    (node.folder / "alpha.json").write_text(text)
    from_file = node.run("doctor", "--json", "--peer", "alpha.json")
    fed = node.run_fed(text.encode(), "doctor", "--json", "--peer", "-")
    for done in (from_file, fed):
        (area,) = [one for one in done.json["areas"] if one["area"] == "peer"]
        assert area["status"] == "unknown"  # the stand-in tells no version of its own
        assert "peer-is-no-peer" not in ids(done)
    behind = json.dumps({**json.loads(text), "wall_s": time.time() + 3600})
    assert "peer-clock-differs" in ids(
        node.run_fed(behind.encode(), "doctor", "--json", "--peer", "-")
    )


def test_the_other_node_by_ssh(node: Stage) -> None:
    text = manifest_of_peer(node, resources=[])
    (node.folder / "alpha.json").write_text(text)
    node.program(
        "ssh", f'#!/bin/sh\necho "$*" > {node.folder}/asked\ncat {node.folder}/alpha.json\n'
    )
    done = node.run("doctor", "--json", "--peer", "ssh:root@alpha")
    assert ids(done)["peer-lacks-resource"] == "critical"
    asked = (node.folder / "asked").read_text()
    assert asked == "-oBatchMode=yes -oConnectTimeout=5 -- root@alpha connector doctor --manifest\n"


def test_an_ssh_that_fails_is_unknown(node: Stage) -> None:
    node.program("ssh", "#!/bin/sh\necho 'alpha: Permission denied (publickey).' >&2\nexit 255\n")
    done = node.run("doctor", "--json", "--peer", "ssh:alpha")
    assert done.status == 3
    (told,) = [one for one in done.json["not_looked_at"] if one["area"] == "peer"]
    assert "Permission denied (publickey)" in told["why"]


def test_this_nodes_own_manifest_is_no_peer(node: Stage) -> None:
    own = node.run("doctor", "--manifest")
    done = node.run_fed(own.out.encode(), "doctor", "--json", "--peer", "-")
    assert ids(done)["peer-is-this-node"] == "warning"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--peer"], "requires an argument"),
        (["--gently"], "No such option"),
        (["mail"], "unexpected extra argument"),
        (["--manifest", "--peer", "x"], "say one of them"),
    ],
)
def test_typing_mistakes_are_unknown(node: Stage, words: list[str], message: str) -> None:
    done = node.run("doctor", *words)
    assert (done.status, done.out) == (3, "")
    assert message in done.err


@pytest.mark.parametrize("source", ["none.json", ".", "ssh:-oProxyCommand=x", "ssh:"])
def test_a_peer_that_is_none(node: Stage, source: str) -> None:
    done = node.run("doctor", "--json", "--peer", source)
    assert done.status == 3
    assert [one["area"] for one in done.json["not_looked_at"]].count("peer") == 1


def test_without_rights_it_says_what_it_could_not_look_at(
    node: Stage, request: pytest.FixtureRequest
) -> None:
    crontab = put(node, "var/spool/cron/crontabs/root", "")
    last_pass = node.state / "last-pass.json"
    for path in (crontab, last_pass):
        path.chmod(0)
    done = node.run_under(PREFIX, "doctor", "--json")
    assert done.status == 3
    told = {one["what"]: one["why"] for one in done.json["not_looked_at"] if one["counts"]}
    assert told["a crontab"] == f"{crontab}: may not be read; run it as root"
    assert told["when the last pass ended"] == f"{last_pass}: may not be read; run it as root"


def test_help_names_the_options(node: Stage) -> None:
    done = node.run("doctor", "--help")
    assert done.status == 0
    assert "--peer FILE|-|ssh:HOST" in done.out


def test_the_state_of_a_split_brain_changes_nothing_here(stage_of: Callable[..., Stage]) -> None:
    stage = stage_of("split-brain-with-idle-standby")
    done = stage.run("doctor", "--json")
    assert "drbd-conf-refused" not in ids(done)


def test_a_section_of_no_resource_is_told_with_the_file_in_force(node: Stage) -> None:
    config = node.config("[resource.mial]\nmax_attempts = 2\n")
    done = node.run("--config", str(config), "doctor", "--json")
    (found,) = [one for one in done.json["findings"] if one["id"] == "unknown-resource-section"]
    assert (found["where"], found["severity"]) == (str(config), "warning")
    assert "[resource.mial]" in found["seen"]
    assert "there are: db, mail" in found["fix"]
