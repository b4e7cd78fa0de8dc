"""The journal, the counters, and the records of what was given up."""

from __future__ import annotations

import errno
import json
import os
import resource as limits
import signal
from collections import Counter
from pathlib import Path

import pytest

from connector.memory import counters, given_up, journal
from connector.model import ConnectionState, Decision, DecisionName, Role
from tests.builders import resource


def test_the_journal_has_a_line_for_each_entry(tmp_path: Path) -> None:
    path = tmp_path / "state" / "journal.jsonl"
    for number in range(3):
        journal.append(path, {"pass": number})
    assert [json.loads(line)["pass"] for line in path.read_text().splitlines()] == [0, 1, 2]


def test_half_a_line_of_a_killed_pass_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text('{"pass": 0}\n{"pass": ')
    journal.append(path, {"pass": 2})
    assert path.read_text().splitlines()[-1] == '{"pass":2}'


def test_a_full_journal_is_turned_over(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    for _ in range(3):
        journal.append(path, {"text": "x" * journal.MAX_BYTES})
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["journal.jsonl.1"]
    journal.append(path, {"pass": 1})
    assert path.read_text() == '{"pass":1}\n'


def test_counters_survive(tmp_path: Path) -> None:
    path = tmp_path / "counters.json"
    counted: Counter[counters.Key] = Counter({(counters.ACTIONS, "mail", "connect", "done"): 3})
    counters.save(path, counted)
    assert counters.load(path) == (counted, None)


@pytest.mark.parametrize("text", ["", "{}x", "[[1, 2]]", '[["actions_total", -1]]', "[[]]", "[3]"])
def test_damaged_counters_are_set_aside(tmp_path: Path, text: str) -> None:
    path = tmp_path / "counters.json"
    path.write_text(text)
    counted, warning = counters.load(path)
    assert counted == Counter()
    assert warning is not None
    assert (tmp_path / "counters.json.damaged").read_text() == text


def test_contentions_are_counted_without_a_lock(tmp_path: Path) -> None:
    path = tmp_path / "state" / "lock-contended"
    assert counters.contentions(path) == 0
    for _ in range(3):
        counters.count_contention(path)
    assert counters.contentions(path) == 3


def test_records_of_one_second_do_not_overwrite_each_other(tmp_path: Path) -> None:
    seen = resource(connection=ConnectionState.STANDALONE, role=Role.SECONDARY, out_of_sync_kib=36)
    decision = Decision("mail", DecisionName.RECONNECT_STANDBY, "split brain")
    paths = [given_up.keep(tmp_path, seen, decision, 1_700_000_000.0) for _ in range(3)]
    assert [path.name for path in paths] == [
        "20231114T221320Z-mail.json",
        "20231114T221320Z-mail-2.json",
        "20231114T221320Z-mail-3.json",
    ]
    record = json.loads(paths[0].read_text())
    assert (record["resource"], record["out_of_sync_kib"]) == ("mail", 36)
    assert record["volumes"][0]["disk"] == "UpToDate"


def test_writers_at_once_lose_no_line_when_it_turns_over(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    pids = []
    for writer in range(4):
        pid = os.fork()
        if pid == 0:
            for number in range(40):
                journal.append(path, {"writer": writer, "number": number}, 3000)
            os._exit(0)
        pids.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * 4
    newest = path.read_text().splitlines() if path.exists() else []
    older = path.with_name("journal.jsonl.1").read_text().splitlines()
    # One file was turned over whole: with 160 lines of about 28 bytes, once.
    assert len(newest) + len(older) == 160
    assert sum(map(len, older)) + len(older) > 3000


def test_a_journal_that_cannot_take_the_whole_line_says_so(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        limits.setrlimit(limits.RLIMIT_FSIZE, (40, 40))
        try:
            journal.append(path, {"long": "x" * 200})
        except OSError as error:
            os._exit(0 if error.errno == errno.EFBIG else 2)
        os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0
