"""What is printed where: text and JSON on standard output, messages on standard error."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from connector.decide.table import TABLE
from tests.cli.stage import AT_ONCE, PROJECT, Stage, tree

StageOf = Callable[..., Stage]

FIXTURES = PROJECT / "tests/fixtures/proc_drbd"
TEXTS = sorted(path for path in FIXTURES.rglob("*") if path.is_file() and path.name != "README.md")

TOP_KEYS = ["schema_version", "source", "driver", "dry_run", "resources", "problems", "warnings",
            "exit_status"]  # fmt: skip
RESOURCE_KEYS = {"name", "connection", "role", "peer_role", "in_use", "volumes", "evidence",
                 "decision", "gates", "reason", "actions", "would", "needs_operator",
                 "outcome", "generation", "suspended", "without_quorum", "force_io_failures",
                 "connections"}  # fmt: skip
VOLUME_KEYS = {"volume", "minor", "disk", "peer_disk", "out_of_sync_kib", "client", "used_by"}
PARSED_KEYS = ["version", "api", "proto", "devices", "problems"]
DEVICE_KEYS = {"minor", "connection", "role", "peer_role", "disk", "peer_disk", "protocol",
               "flags", "statistics", "sync"}  # fmt: skip


def test_status_as_a_table(stage_of: StageOf) -> None:
    stage = stage_of("split-brain")
    done = stage.run("status", COLUMNS="80")
    assert (done.status, done.err) == (3, "")
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert "mail StandAlone Primary/Unknown UpToDate/DUnknown 12 KiB /mnt/mail" in lines
    assert "UpToDate/DUnknown 12 KiB /mnt/db-1" in lines
    for words in (
        "DRBD 8.4.11, from /proc/drbd ",
        "mail: reconnect-survivor: ",
        "  → drbdadm connect mail\n",
    ):
        assert words in done.out
    assert "\x1b" not in done.out


def test_status_as_json_has_the_documented_keys(stage_of: StageOf) -> None:
    stage = stage_of("split-brain-with-idle-standby")
    done = stage.run("status", "--json")
    assert (done.status, done.err) == (3, "")
    assert list(done.json) == TOP_KEYS
    assert done.json["schema_version"] == 1
    assert done.json["driver"] == {"version": "8.4.11", "api": 1}
    assert done.json["exit_status"] == 3
    mail, db = done.json["resources"]
    assert mail.keys() == db.keys() == RESOURCE_KEYS
    assert [volume.keys() for volume in db["volumes"]] == [VOLUME_KEYS] * 2
    assert (mail["name"], mail["connection"], mail["role"]) == ("mail", "StandAlone", "Primary")
    assert (mail["in_use"], mail["decision"]) == (False, "demote-and-reconnect")
    assert mail["evidence"][0]["kind"] == "split-brain"
    assert (mail["actions"], mail["gates"]) == ([], ["mode", "grace"])
    assert mail["would"] == ["drbdadm secondary mail", "drbdadm connect mail"]


def test_reconcile_as_json_tells_what_was_run(stage_of: StageOf) -> None:
    stage = stage_of("standby-disconnected")
    done = stage.run("reconcile", "--json", **AT_ONCE)
    assert (done.status, done.err) == (0, "")
    assert list(done.json) == TOP_KEYS
    outcome = done.json["resources"][0]["outcome"]
    assert (outcome["kind"], outcome["connection"]) == ("reconnected", "Connected")
    assert [command["argv"][1:] for command in outcome["commands"]] == [["connect", "mail"]]
    # The journal holds the same of those that were acted upon, one pass to a line.
    journal = (stage.state / "journal.jsonl").read_text().splitlines()
    assert [item["name"] for item in json.loads(journal[0])["resources"]] == ["mail"]


def test_options_before_and_after_the_command_mean_the_same(stage: Stage) -> None:
    before = stage.run("--json", "status", "--resource", "mail")
    after = stage.run("status", "--resource", "mail", "--json")
    assert (before.status, before.out) == (after.status, after.out) == (0, before.out)
    assert len(before.json["resources"]) == 1
    elsewhere = stage.run("check", "--root", str(stage.folder))
    assert elsewhere.status == 3
    assert f"no DRBD here: {stage.folder}/proc/drbd does not exist" in elsewhere.out


def test_a_dry_run_tells_and_changes_nothing(stage_of: StageOf) -> None:
    stage = stage_of("standby-disconnected")
    stage.run("check")  # the resources' names are learned
    before, asked = tree(stage.folder), stage.pair.calls("beta")
    done = stage.run("reconcile", "--dry-run", **AT_ONCE)
    assert (done.status, done.err) == (0, "")
    assert "would run: drbdadm connect mail" in done.out
    done = stage.run("status", "--json", **AT_ONCE)
    assert done.json["resources"][0]["actions"] == ["drbdadm connect mail"]
    assert (tree(stage.folder), stage.pair.calls("beta")) == (before, asked)


def test_colours_only_on_a_terminal_that_wants_them(stage_of: StageOf) -> None:
    stage = stage_of("link-cut")
    assert "\x1b[" in stage.run_on_terminal("status").out
    assert "\x1b[" not in stage.run_on_terminal("status", NO_COLOR="1").out
    assert "\x1b[" not in stage.run_on_terminal("status", "--no-color").out


def test_a_person_at_a_terminal_is_told_that_all_is_well(stage: Stage) -> None:
    done = stage.run_on_terminal("reconcile")
    assert done.status == 0
    assert done.out.splitlines() == ["mail: healthy: connected", "db: healthy: connected"]


@pytest.mark.parametrize("path", TEXTS, ids=[str(path.relative_to(FIXTURES)) for path in TEXTS])
def test_parse_prints_every_known_text(stage: Stage, path: Path) -> None:
    done = stage.run("parse", str(path))
    assert done.err == ""
    assert list(done.json) == PARSED_KEYS
    assert all(device.keys() == DEVICE_KEYS for device in done.json["devices"])
    assert done.status == (1 if done.json["problems"] else 0)
    for problem in done.json["problems"]:
        assert problem.keys() == {"line", "message"}


def test_parse_takes_a_file_standard_input_or_this_node(stage: Stage) -> None:
    text = (stage.root / "proc/drbd").read_bytes()
    here = stage.run("parse")
    assert (here.status, here.err, len(here.json["devices"])) == (0, "", 3)
    assert stage.run_fed(text, "parse", "-").out == here.out
    assert stage.run("parse", "-").json["problems"] == [{"line": None, "message": "empty"}]
    assert stage.run("--root", "/no/such/folder", "parse").status == 69


def test_the_table(stage: Stage) -> None:
    done = stage.run("table", "--json")
    assert (done.status, done.err) == (0, "")
    assert len(done.json["rows"] if isinstance(done.json, dict) else done.json) == len(TABLE)
    for form in ("text", "markdown"):
        done = stage.run("table", "--format", form)
        assert (done.status, done.err) == (0, "")
        assert "reconnect-survivor" in done.out.replace("\n", "")


def test_a_reader_that_goes_away_is_no_traceback(stage: Stage) -> None:
    line = " ".join(stage.argv(("table",)))
    done = subprocess.run(
        ["sh", "-c", f"{line} | true"],
        env=stage.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == (b"", b"")
