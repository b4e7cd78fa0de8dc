"""`connector history`, through the command line."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.cli import commands
from connector.memory import journal
from connector.simulate import story
from tests.cli.stage import PROJECT, Stage

StageOf = Callable[..., Stage]
EMPTY = {"schema_version": 1, "entries": [], "incidents": [], "problems": []}
HOUR_S = 3600.0
# Without privileges, whoever runs the tests: root keeps its number and loses what makes it root.
UNPRIVILEGED = ("setpriv", "--bounding-set", "-all", "--inh-caps", "-all")
PREFIX = UNPRIVILEGED if os.geteuid() == 0 else ()
ALONE = """\
import sys
from connector.cli import commands
commands.COMMANDS.setdefault("history", "")
sys.exit(commands.run(sys.argv[1:]))
"""


@dataclass(frozen=True)
class Done:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def rows(self) -> list[list[str]]:
        """The cells of the table, without heading and what is below; two blanks part them."""
        body = self.out.splitlines()[2:]
        return [[cell.strip() for cell in row.split("  ") if cell.strip()] for row in body]


class Node:
    """A state directory, and the command line that looks at it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.journal = folder / "state" / "journal.jsonl"
        self.capsys = capsys
        self.now_s = int(time.time())

    def run(self, *words: str) -> Done:
        status = commands.run(["history", *words])
        out, err = self.capsys.readouterr()
        return Done(status, out, err)

    def add(self, ago_s: float, name: str = "mail", after: str = "StandAlone", **keys: Any) -> None:
        """A line of a pass that began so long ago."""
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.now_s - ago_s))
        outcome = {"kind": "nothing-done", "connection": after, "role": "Primary", "commands": []}
        told = {
            "name": name,
            "connection": "StandAlone",
            "role": "Primary",
            "decision": "demote-and-reconnect",
            "gates": ["grace"],
            "reason": "it waits",
            "would": [f"drbdadm secondary {name}", f"drbdadm connect {name}"],
            "needs_operator": False,
            "outcome": outcome,
        }
        line = {"at": at, "duration_s": 1.5, "exit_status": 0, "resources": [{**told, **keys}]}
        journal.append(self.journal, line)


@pytest.fixture
def node(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Node:
    monkeypatch.setitem(commands.COMMANDS, "history", "What happened on this node.")
    monkeypatch.setenv("CONNECTOR_RUN_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.delenv("CONNECTOR_CONFIG", raising=False)
    return Node(tmp_path, capsys)


def test_without_a_journal_it_says_so(node: Node) -> None:
    message = f"connector: no journal yet: {node.journal} does not exist\n"
    assert node.run() == Done(0, "", message)
    done = node.run("mail", "--json")
    assert (done.status, done.json, done.err) == (0, EMPTY, message)
    picture = node.folder / "picture.svg"
    assert node.run("mail", "--svg", str(picture)) == Done(0, "", message)
    assert not picture.exists()
    assert not node.journal.parent.exists()


def test_the_table_has_the_newest_last(node: Node) -> None:
    command = {"argv": ["/sbin/drbdadm", "connect", "mail"], "outcome": "done", "duration_s": 1}
    healed = {"kind": "reconnected", "connection": "Connected", "commands": [command]}
    node.add(120, needs_operator=True)
    node.add(60, name="db", gates=[], would=[])
    node.add(0, gates=[], outcome=healed)
    done = node.run()
    assert (done.status, done.err) == (0, "")
    assert [row[1:] for row in done.rows[:3]] == [
        [
            *("mail", "StandAlone -> StandAlone", "demote-and-reconnect", "grace"),
            "would: secondary; connect; operator needed",
        ],
        ["db", "StandAlone -> StandAlone", "demote-and-reconnect"],
        [
            *("mail", "StandAlone -> Connected", "demote-and-reconnect"),
            "connect: done; reconnected",
        ],
    ]
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(node.now_s))
    assert done.rows[2][0] == at
    first, second = done.out.splitlines()[-2:]
    assert first.startswith("mail, incident 1: ")
    assert first.endswith(" UTC, 2 entries, Connected again")
    assert second.startswith("db, incident 1: ")
    assert second.endswith(" UTC, 1 entry, not over")
    assert "\x1b" not in done.out


def test_the_older_file_comes_first_and_the_limit_keeps_the_newest(node: Node) -> None:
    for number in range(3):
        node.add(300 - number, decision=f"old-{number}")
    os.replace(node.journal, node.journal.with_name("journal.jsonl.1"))
    for number in range(2):
        node.add(200 - number, decision=f"new-{number}")
    decisions = ["old-0", "old-1", "old-2", "new-0", "new-1"]
    assert [row[3] for row in node.run().rows[:5]] == decisions
    done = node.run("--limit", "3")
    assert [row[3] for row in done.rows[:3]] == decisions[2:]
    assert "2 older entries are not shown: --limit shows more" in done.out
    shown = node.run("--json", "--limit", "4").json["entries"]
    assert [entry["resources"][0]["decision"] for entry in shown] == decisions[1:]


def test_fifty_are_shown_where_nothing_is_said(node: Node) -> None:
    for number in range(51):
        node.add(600 - number)
    assert len(node.run("--json").json["entries"]) == 50
    assert "1 older entries are not shown" in node.run().out


def test_one_resource_and_a_time(node: Node) -> None:
    node.add(5 * HOUR_S)
    node.add(3 * HOUR_S, name="db")
    node.add(1 * HOUR_S)
    assert [row[1] for row in node.run("mail").rows[:2]] == ["mail", "mail"]
    shown = node.run("--since", "4h", "--json").json
    assert [entry["resources"][0]["name"] for entry in shown["entries"]] == ["db", "mail"]
    assert [(one["resource"], one["number"]) for one in shown["incidents"]] == [
        ("db", 1),
        ("mail", 1),
    ]
    done = node.run("--since", "10m")
    assert done == Done(0, "", "connector: the journal tells of no pass in that time\n")
    assert node.run("--since", "10m", "--json").json == EMPTY


def test_an_incident_is_counted_from_the_newest(node: Node) -> None:
    for ago_s in (5 * HOUR_S, 3 * HOUR_S, 3 * HOUR_S - 1200, 1 * HOUR_S):
        node.add(ago_s)
    done = node.run("--incident", "2", "--json").json
    (incident,) = done["incidents"]
    assert (incident["number"], incident["entries"], len(done["entries"])) == (2, 2, 2)
    assert incident["from"] == done["entries"][0]["at"]
    # It is shown from its beginning, also where that is longer ago.
    assert len(node.run("--incident", "2", "--since", "170m", "--json").json["entries"]) == 2
    assert len(node.run("--incident", "2", "--limit", "1", "--json").json["entries"]) == 1
    done_ = node.run("--incident", "4")
    assert (done_.status, done_.out) == (2, "")
    assert "--incident: no incident 4 of mail: there are 1, 2, 3" in done_.err
    done_ = node.run("--incident", "2", "--since", "100m")
    assert "--incident: no incident 2 of mail: there are 1" in done_.err
    done_ = node.run("--svg", "-", "--since", "10m")
    assert (done_.status, done_.out) == (2, "")
    assert "--svg: no incident 1 of mail: there is none in that time (--since)" in done_.err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("mial", "RESOURCE: the journal tells nothing of 'mial'; it tells of: mail, db"),
        ("--svg -", "--svg needs one RESOURCE: the journal tells of mail, db"),
        ("--incident 1", "--incident needs one RESOURCE: the journal tells of mail, db"),
        ("mail --svg - --json", "--svg and --json cannot be had at once"),
        ("mail --svg no/such/folder/x.svg", "--svg: no/such/folder is no folder: make it"),
        ("mail --svg /dev/null", "--svg: /dev/null is there and no plain file; `-` is standard"),
        ("mail --svg .", "--svg: . is there and no plain file"),
        ("--since yesterday", "Invalid value for '--since': 'yesterday' is no time: say 90s"),
        ("--limit 0", "Invalid value for '--limit': 0 is not in the range"),
        ("--limit many", "Invalid value for '--limit': 'many' is not a valid integer"),
        ("mail --incident 0", "Invalid value for '--incident': 0 is not in the range"),
        ("mail db", "unexpected extra argument (db)"),
        ("--svg", "Option '--svg' requires an argument"),
    ],
)
def test_typing_mistakes(node: Node, line: str, words: str) -> None:
    node.add(60)
    node.add(0, name="db")
    done = node.run(*line.split())
    assert (done.status, done.out) == (2, "")
    assert words in done.err


def test_the_picture_is_written_for_all_to_read(node: Node) -> None:
    node.add(60)
    node.add(0, after="Connected")
    picture = node.folder / "picture.svg"
    before = os.umask(0o077)
    try:
        done = node.run("--svg", str(picture))
    finally:
        os.umask(before)
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith(f"{picture}: mail, incident 1: ")
    assert done.out.endswith(" UTC, 2 entries, Connected again\n")
    assert stat.S_IMODE(picture.stat().st_mode) == 0o644
    title = ElementTree.parse(picture).getroot().attrib["aria-label"]
    assert title.startswith(f"mail on {os.uname().nodename}: ")
    # Again, in place of the first one, and nothing beside it.
    assert node.run("mail", "--incident", "1", "--svg", str(picture)).status == 0
    assert sorted(path.name for path in node.folder.iterdir()) == ["picture.svg", "state"]
    printed = node.run("mail", "--svg", "-")
    assert (printed.status, printed.out, printed.err) == (0, picture.read_text(), "")


def test_a_picture_never_takes_the_place_of_a_link(node: Node) -> None:
    node.add(0)
    target, link = node.folder / "target", node.folder / "link.svg"
    target.write_text("precious")
    link.symlink_to(target)
    done = node.run("--svg", str(link))
    assert done.status == 2
    assert f"--svg: {link} is there and no plain file" in done.err
    assert link.is_symlink()
    assert target.read_text() == "precious"


def test_damaged_lines_are_told_with_their_place(node: Node) -> None:
    node.add(60)
    os.replace(node.journal, node.journal.with_name("journal.jsonl.1"))
    with node.journal.with_name("journal.jsonl.1").open("ab") as stream:
        stream.write(b'{"at": "2026-1')
    node.journal.write_bytes(b'{"at": "\x1b[31mred"}\n')
    done = node.run()
    assert done.status == 0
    first, second = done.err.splitlines()
    assert first.startswith("connector: journal.jsonl.1 line 2: no whole JSON object: ")
    assert second.startswith("connector: journal.jsonl line 1: ")
    assert "\x1b" not in done.err
    assert [row[1] for row in done.rows[:1]] == ["mail"]
    problems = node.run("--json").json["problems"]
    assert [(one["file"], one["line"]) for one in problems] == [
        ("journal.jsonl.1", 2),
        ("journal.jsonl", 1),
    ]


def test_many_damaged_lines_do_not_fill_the_screen(node: Node) -> None:
    node.journal.parent.mkdir()
    node.journal.write_bytes(b"x\n" * 5000)
    done = node.run()
    assert len(done.err.splitlines()) == 12
    assert "connector: 91 more such problems; --json lists them\n" in done.err
    assert len(node.run("--json").json["problems"]) == 101


def test_words_of_the_journal_do_not_steer_the_terminal(node: Node) -> None:
    node.add(0, name="\x1b]0;x\x07[red]mail", decision="a\nb")
    done = node.run()
    assert "\x1b" not in done.out
    assert "\x07" not in done.out
    assert "[red]mail" in done.out
    assert "a\ufffdb" in done.out
    assert "\x1b" not in node.run("--incident", "9").err


def test_a_journal_that_is_none(node: Node) -> None:
    node.journal.mkdir(parents=True)
    done = node.run()
    assert (done.status, done.out) == (1, "")
    assert done.err == f"connector: {node.journal}: the journal cannot be read: Is a directory\n"


def test_a_picture_that_cannot_be_written(node: Node) -> None:
    node.add(0)
    done = node.run("--svg", str(node.folder / ("x" * 300)))
    assert (done.status, done.out) == (1, "")
    assert "cannot be written: File name too long" in done.err


@pytest.fixture
def without_rights(node: Node) -> Iterator[Node]:
    """The same with a journal and a folder that may not be read and not be written."""
    node.add(0)
    yield node
    node.folder.chmod(0o700)


@pytest.mark.parametrize(
    ("closed", "words", "message"),
    [
        ("state/journal.jsonl", [], "Permission denied; run connector as root"),
        (".", ["--svg", "picture.svg"], "--svg: picture.svg: Permission denied"),
    ],
)
def test_77_not_permitted(
    without_rights: Node, closed: str, words: list[str], message: str
) -> None:
    node = without_rights
    (node.folder / closed).chmod(0o500 if closed == "." else 0)
    done = subprocess.run(
        [*PREFIX, sys.executable, "-c", ALONE, "history", *words],
        cwd=node.folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (77, "")
    assert done.stderr.startswith("connector: ")
    assert done.stderr.endswith(f"{message}\n")


def test_what_passes_and_a_person_really_did(node: Node, stage_of: StageOf) -> None:
    stage = stage_of("split-brain-with-idle-standby")
    node.journal.parent.symlink_to(stage.state)
    with stage.pair.changing() as pair:
        story.drbdadm(pair, "alpha", "connect", "mail")
    stage.environment["CONNECTOR_RESCUE_KEEP"] = "never"  # no disk lies below this node
    stage.run("reconcile")
    assert stage.run("recover", "mail", "--discard-my-data", "--yes").status == 0
    found = node.run("mail", "--json").json
    assert found["problems"] == []
    by_pass, by_person = found["entries"]
    (told,) = by_pass["resources"]
    assert (told["connection"], told["gates"]) == ("StandAlone", ["mode", "grace"])
    assert [one["kind"] for one in told["evidence"]] == ["split-brain"]
    (told,) = by_person["resources"]
    assert by_person["by_person"]
    assert [command["argv"] for command in told["outcome"]["commands"]] == [
        ["drbdadm", "secondary", "mail"],
        ["drbdadm", "connect", "--discard-my-data", "mail"],
    ]
    assert "a person: connector recover" in node.run("mail").out
    svg = ElementTree.fromstring(node.run("mail", "--svg", "-").out)
    assert [one for one in svg.iter() if (one.text or "").startswith("a person: secondary; ")]


@settings(
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.binary(max_size=300), st.binary(max_size=300))
def test_any_bytes_may_be_the_journal(node: Node, old: bytes, new: bytes) -> None:
    node.journal.parent.mkdir(exist_ok=True)
    node.journal.with_name("journal.jsonl.1").write_bytes(old)
    node.journal.write_bytes(new)
    done = node.run("--json")
    assert done.status == 0
    assert "internal error" not in done.err
    assert bool(done.json["problems"]) == bool((old + new).strip(b" \t\r\n\x0b\x0c"))
