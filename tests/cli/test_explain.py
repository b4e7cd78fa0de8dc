"""`connector explain`, through the command line: what it says of a saved state."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connector.decide.table import TABLE
from connector.report.explain.answer import About, Source
from connector.report.explain.json import SCHEMA_VERSION
from connector.report.explain.source import Kind
from tests.cli.stage import Stage, tree
from tests.docs import pages
from tests.docs.test_json_doc import keys, written

from .explaining import CAPTURES, FIXTURES, PREFIX, SPLIT, VICTIM, Done, Runner

StageOf = Callable[..., Stage]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Runner:
    """`connector explain` on a terminal of 100 columns."""
    monkeypatch.setenv("COLUMNS", "100")
    return Runner(capsys)


def modes(done: Done, resource: str = "mail") -> dict[str, Any]:
    """The answers about a resource, by mode."""
    found = [item for file in done.json["files"] for item in file["resources"]]
    return {
        answer["mode"]: answer
        for item in found
        if item["name"] == resource
        for answer in item["modes"]
    }


def test_a_copy_of_proc_drbd(run: Runner) -> None:
    done = run(VICTIM)
    assert (done.status, done.err) == (0, "")
    text = done.one_line
    assert "a text of /proc/drbd, DRBD 8.4.11" in text
    for words in (
        "resource-of-minor-0 (minor 0) understood StandAlone, Secondary/Unknown, UpToDate/DUnk",
        "UpToDate/DUnknown, 36 KiB out of sync",
        "assumed not in use (--in-use, --not-in-use, --use-unknown)",
        "assumed the kernel log says nothing of it (--evidence, --kernel-log)",
        "mode observe row 4 reconnect-standby: StandAlone, Secondary and not in use",
        "gate mode is shut; it opens by mode reconnect or discard",
        "commands none now; with every gate open: drbdadm connect resource-of-minor-0",
        "a person is needed",
        "mode reconnect row 4 reconnect-standby",
        "commands drbdadm connect resource-of-minor-0 a person is not needed",
        "would be contradiction, no command, a person is needed, if it were in use",
        "resource-of-minor-2 (minor 2)",
    ):
        assert words in text
    assert "\x1b" not in done.out


def test_with_all_that_was_saved_nothing_of_that_is_assumed(run: Runner) -> None:
    saved = ["--kernel-log", SPLIT / "kmsg", "--dump-xml", SPLIT / "dump_xml", "--host", "beta"]
    done = run(SPLIT / "proc_drbd", *saved, "--not-in-use", "--json")
    assert (done.status, done.err) == (0, "")
    (file,) = done.json["files"]
    assert [item["name"] for item in file["resources"]] == ["mail", "db"]
    premises = {item["about"]: item["source"] for item in file["resources"][0]["premises"]}
    assert premises == {
        "in-use": "said",
        "evidence": "said",
        "lasted": "assumed",
        "after-sb": "file",
        "managed": "assumed",
        "pause": "assumed",
        "attempts": "assumed",
    }
    answers = modes(done)
    assert answers["discard"]["actions"] == ["drbdadm connect --discard-my-data mail"]
    assert answers["discard"]["needs_operator"] is False
    assert [gate["name"] for gate in answers["reconnect"]["gates"]] == ["mode"]
    assert answers["reconnect"]["needs_operator"] is True
    assert {answer["row"] for answer in answers.values()} == {4}
    assert TABLE[3].name == answers["discard"]["decision"] == "reconnect-standby"


def test_options_change_the_answer(run: Runner) -> None:
    taken = [SPLIT / "proc_drbd", "--dump-xml", SPLIT / "dump_xml", "--json", "--mode", "discard"]
    for words, decision, gates in (
        (["--in-use"], "contradiction", []),
        (["--use-unknown"], "unknown", []),
        (["--evidence", "unreadable"], "reconnect-standby", ["evidence"]),
        (["--evidence", "operator-disconnect"], "reconnect-standby", ["operator-disconnect"]),
        (["--evidence", "operator-disconnect", "--lasted", "1h"], "reconnect-standby", []),
        (["--paused", "--managed"], "reconnect-standby", ["pause", "managed"]),
        (["--attempts", "3"], "reconnect-standby", ["attempts"]),
        (["--after-sb-0pri", "discard-least-changes"], "reconnect-standby", ["forecast"]),
        (
            ["--evidence", "split-brain", "--handshake", "secondary/secondary"],
            "reconnect-standby",
            ["evidence"],
        ),
    ):
        done = run(*taken, *words)
        answers = modes(done)
        assert list(answers) == ["discard"]
        assert answers["discard"]["decision"] == decision
        assert [gate["name"] for gate in answers["discard"]["gates"]] == gates


def test_an_option_that_is_offered_can_be_typed(run: Runner) -> None:
    """What `otherwise` promises for an option is the answer when it is given."""
    tried = 0
    for path, *words in (
        [VICTIM],
        [CAPTURES / "drbd-8.4/one_standalone/beta"],
        [CAPTURES / "drbd-8.4/link_down/alpha", "--not-in-use"],
        [VICTIM, "--evidence", "split-brain"],
    ):
        first = run(path, *words, "--json")
        name = first.json["files"][0]["resources"][0]["name"]
        for mode, answer in modes(first, name).items():
            for other in answer["otherwise"]:
                given = [*words, *other["option"].split()]
                again = modes(run(path, *given, "--json"), name)[mode]
                assert again["decision"] == other["decision"]
                assert again["actions"] == other["actions"]
                assert again["needs_operator"] is other["needs_operator"]
                assert [gate["name"] for gate in again["gates"]] == other["gates"]
                tried += 1
    assert tried > 30


def test_a_pass_that_was_recorded(run: Runner, stage_of: StageOf) -> None:
    stage = stage_of("split-brain-with-idle-standby")
    assert stage.run("reconcile", CONNECTOR_POLICY_MODE="discard").status == 0
    assert stage.run("reconcile", CONNECTOR_POLICY_MODE="discard").status == 0
    before = tree(stage.state)
    done = run(stage.state / "journal.jsonl", "--resource", "mail", "--mode", "discard")
    assert (done.status, done.err) == (0, "")
    assert "journal.jsonl: the journal" in done.one_line
    assert "older entries of the same resources are left out: 2 (--line N takes" in done.one_line
    assert "mail (minor 0, line 2)" in done.out
    assert re.search(r"recorded +20\d\d-\d\d-\d\dT\S+Z: demote-and-reconnect: ", done.out)
    assert re.search(r"in the file +not in use\n", re.sub(" +\n", "\n", done.out))
    assert "db (minor" not in done.out
    first = run(stage.state / "journal.jsonl", "--line", "1", "--json")
    assert [item["line"] for item in first.json["files"][0]["resources"]] == [1, 1]
    assert tree(stage.state) == before


def test_what_status_says_can_be_explained(run: Runner, stage_of: StageOf) -> None:
    stage = stage_of("split-brain-with-idle-standby")
    saved = stage.folder / "status.json"
    status = stage.run("status", "--json")
    saved.write_text(status.out)
    done = run(saved, "--json")
    assert (done.status, done.json["files"][0]["kind"]) == (0, "status")
    for item in status.json["resources"]:
        found = modes(done, item["name"])["reconnect"]
        assert found["decision"] == item["decision"]
        assert [gate["name"] for gate in found["gates"]] == item["gates"]


def test_several_files(run: Runner, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    damaged.write_bytes((SPLIT / "proc_drbd").read_bytes().replace(b"StandAlone", b"Standalone"))
    old = FIXTURES / "proc_drbd/published/033_8.3.7_Unconfigured.txt"
    done = run(VICTIM, old, damaged, "--json")
    assert done.status == done.json["exit_status"] == 69
    assert [len(file["resources"]) for file in done.json["files"]] == [3, 0, 3]
    assert [file["supported"] for file in done.json["files"]] == [True, False, True]
    assert run(damaged, old).status == 1
    assert done.err.count("unknown connection state: 'Standalone'") == 1


def test_what_drbdsetup_printed(run: Runner) -> None:
    taken = FIXTURES / "drbd-9/3n-split-brain-alpha-beta/beta"
    done = run(taken / "drbdsetup_status.json", "--mode", "discard")
    assert (done.status, done.err) == (0, "")
    for words in (
        "what `drbdsetup status --json` printed",
        "understood alpha: StandAlone, Secondary/Unknown, UpToDate/DUnknown, 36 KiB out of sync; "
        "gamma: Connecting, Secondary/Unknown",
        "commands drbdadm connect mail:alpha",
    ):
        assert words in done.one_line
    saved = ["--dump-xml", taken / "drbdadm_dump-xml", "--host", "beta"]
    done = run(taken / "drbdsetup_status.json", *saved, "--json")
    (item,) = done.json["files"][0]["resources"]
    assert (item["generation"], done.json["files"][0]["kind"]) == ("9", "drbdsetup-status")
    assert [one["peer"] for one in item["connections"]] == ["alpha", "gamma"]


def test_standard_input(stage: Stage) -> None:
    done = stage.run_fed((SPLIT / "proc_drbd").read_bytes(), "explain", "-", "--mode", "discard")
    assert (done.status, done.err) == (0, "")
    assert "standard input: a text of /proc/drbd, DRBD 8.4.11" in done.out
    log = (SPLIT / "kmsg").read_bytes()
    names = ("--dump-xml", str(SPLIT / "dump_xml"))
    done = stage.run_fed(log, "explain", str(SPLIT / "proc_drbd"), "--kernel-log", "-", *names)
    assert (done.status, done.err) == (0, "")
    assert "split-brain; at the handshake this node Secondary" in " ".join(done.out.split())


def test_without_root_it_runs_nothing_and_leaves_nothing(stage: Stage) -> None:
    """The configuration of this machine is not read either: the file may be of another one."""
    wrong = {"CONNECTOR_RUN_STATE_DIR": "/proc/none", "CONNECTOR_POLICY_DEMOTE_GRACE": "7"}
    before = tree(stage.folder)
    done = stage.run_under(PREFIX, "explain", str(VICTIM), **wrong)
    assert (done.status, done.err) == (0, "")
    assert "demote_grace 7 s" in done.out
    assert tree(stage.folder) == before
    assert stage.pair.calls("beta") == []


def test_a_plain_dmesg_is_used_and_its_weakness_told(run: Runner) -> None:
    log = FIXTURES / "dmesg/split_brain_both_mounted/beta"
    saved = CAPTURES / "drbd-8.4/split_brain_both_mounted/beta"
    done = run(saved, "--kernel-log", log, "--dump-xml", SPLIT / "dump_xml", "--json")
    assert done.status == 0
    assert "a plain dmesg does not tell the kernel's own lines" in done.err
    assert done.json["files"][0]["resources"][0]["evidence"] == {
        "kind": "split-brain",
        "self_was_primary": True,
        "peer_was_primary": True,
    }


def test_of_very_many_resources_the_first_are_explained(run: Runner, tmp_path: Path) -> None:
    head, minor = (SPLIT / "proc_drbd").read_bytes().split(b" 0: cs:", 1)
    block = b"".join((b" 0: cs:" + minor).splitlines(keepends=True)[:2])
    many = head + b"".join(b"%2d%s" % (n, block[2:]) for n in range(300))
    saved = tmp_path / "many"
    saved.write_bytes(many)
    done = run(saved, "--json", "--mode", "observe")
    (file,) = done.json["files"]
    assert (done.status, len(file["resources"])) == (0, 256)
    assert file["notes"] == ["44 more resources are not explained: --resource R takes one"]
    one = run(saved, "--json", "--resource", "resource-of-minor-299")
    assert len(one.json["files"][0]["resources"]) == 1


# docs/json.md


def test_the_documented_keys(run: Runner, tmp_path: Path) -> None:
    saved = tmp_path / "journal.jsonl"
    resource = {
        "name": "mail",
        "connection": "StandAlone",
        "role": "Primary",
        "peer_role": "Unknown",
        "in_use": False,
        "volumes": [
            {
                "volume": 0,
                "minor": 0,
                "disk": "UpToDate",
                "peer_disk": "DUnknown",
                "out_of_sync_kib": 4,
                "used_by": [],
            }
        ],
        "evidence": [
            {"kind": "split-brain", "self_was_primary": True, "peer_was_primary": False, "at_s": 1}
        ],
        "decision": "demote-and-reconnect",
        "gates": ["grace"],
        "reason": "why",
        "connections": [{"peer": "alpha"}],
    }
    saved.write_text(json.dumps({"at": "2026-11-25T08:00:00Z", "resources": [resource]}) + "\n{}\n")
    found: set[str] = set()
    nine = CAPTURES / "drbd-9/2n-no-resources/alpha"
    for mode, words in (("reconnect", []), ("discard", ["--lasted", "90s"])):
        done = run(saved, "--mode", mode, *words, "--json")
        (file,) = done.json["files"]
        file.update(version="8.4.11", api=1, notes=["a note"])  # of another kind of file
        for answer in file["resources"][0]["modes"]:
            answer["gates"] = answer["gates"] or [
                dict.fromkeys(("name", "reason", "opens", "needs_operator"), "")
            ]
            answer["actions"] = answer["actions"] or ["x"]
            for other in answer["otherwise"]:
                other["gates"] = other["gates"] or ["x"]
                other["actions"] = other["actions"] or ["x"]
        found |= keys({**done.json, "files": [file]})
    assert run(nine, "--json").json["files"][0].keys() == file.keys()
    listed = written("explain --json")
    assert len(listed) == len(set(listed))
    assert set(listed) == found


def test_the_documented_words() -> None:
    section = pages.section(pages.text("docs/json.md"), "explain --json")
    kinds = section.partition("Kinds of files:")[2].partition("Premises")[0]
    assert set(re.findall(r"`([\w-]+)`", kinds)) == {str(kind) for kind in Kind}
    about = section.partition("Premises are about:")[2].partition("A file's")[0]
    assert set(re.findall(r"`([\w-]+)`", about)) == {str(word) for word in About}
    assert f"| `schema_version` | {SCHEMA_VERSION} |" in section
    for source in Source:
        assert f"`{source}`" in section
