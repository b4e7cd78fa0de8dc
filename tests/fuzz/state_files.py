"""Files in the state directory: a damaged one is told, and never read as if it were whole."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from connector.errors import ConnectorError
from connector.memory import counters, history, incidents, last_pass, pauses
from connector.memory.history import MAX_PROBLEMS, JournalText
from connector.memory.incidents import Incidents
from connector.memory.pauses import Moment, Pause
from tests.fuzz.entry import Entry, is_one_line

BOOT = "f00d"
NOW = Moment(1_764_000_000.0, 500.0, BOOT)


def run_incidents(data: bytes, folder: Path) -> None:
    """Load them; what is damaged is set aside as it was, and the pass only observes."""
    path = folder / "incidents.json"
    path.write_bytes(data)
    found, warning = incidents.load(path, BOOT)
    if warning is not None:
        assert found == Incidents(BOOT, lost=True)
        assert is_one_line(warning)
        assert path.with_name("incidents.json.damaged").read_bytes() == data
        assert not path.exists()
        return
    kept = json.loads(data)
    assert kept["version"] == 1
    assert not found.lost
    assert found.by_resource.keys() == kept["resources"].keys()
    for name, incident in found.by_resource.items():
        assert incident.attempts == kept["resources"][name]["attempts"] >= 0
        assert math.isfinite(incident.since_s)


def run_pauses(data: bytes, folder: Path) -> None:
    """Load them; what is damaged is an error that a person has to look at."""
    path = folder / "pauses.json"
    path.write_bytes(data)
    found, message = _pauses(path)
    if message is not None:
        assert is_one_line(message)
        assert str(path) in message
        assert path.read_bytes() == data
        return
    kept = json.loads(data)
    assert kept["version"] == 1
    assert found.keys() == kept["pauses"].keys()
    for name, pause in found.items():
        assert (pause.until_wall_s is not None) or pause.holds(NOW)
        assert not pause.holds(NOW) or pauses.reason_for(found, name, NOW) is not None


def _pauses(path: Path) -> tuple[Mapping[str, Pause], str | None]:
    try:
        return pauses.load(path), None
    except ConnectorError as error:
        return {}, str(error)


def run_counters(data: bytes, folder: Path) -> None:
    """Load them; each one that is taken can be printed as a metric."""
    path = folder / "counters.json"
    path.write_bytes(data)
    found, warning = counters.load(path)
    if warning is not None:
        assert not found
        assert is_one_line(warning)
        assert path.with_name("counters.json.damaged").read_bytes() == data
        return
    assert len(found) <= len(json.loads(data))
    for key, count in found.items():
        assert all(isinstance(word, str) for word in key)
        assert key[0].endswith("_total")
        assert math.isfinite(float(count))
        assert count >= 0


def run_last_pass(data: bytes, folder: Path) -> None:
    """Load it; each time that is taken is one."""
    path = folder / "last-pass.json"
    path.write_bytes(data)
    found = last_pass.load(path)
    if found is not None:
        for seconds in (found.at_wall_s, found.duration_s, found.success_wall_s or 0.0):
            assert math.isfinite(seconds)
            assert seconds >= 0
        # A whole number of many digits is rounded.
        assert float(json.loads(data)["at_wall_s"]) == found.at_wall_s


def run_journal(data: bytes, folder: Path) -> None:
    """Parse it whole and cut; every line is an entry or a problem, and none is lost."""
    path = folder / "journal.jsonl"
    path.write_bytes(data)
    (text,) = history.read(path)
    assert text == JournalText("journal.jsonl", data)
    told = history.parse([text])
    more = sum(int(p.message.split()[0]) for p in told.problems if p.line is None)
    named = [problem for problem in told.problems if problem.line is not None]
    assert len(named) <= MAX_PROBLEMS
    lines = [line for line in data.split(b"\n") if line.strip()]
    assert len(told.entries) + len(named) + more == len(lines)
    assert all(entry.at_wall_s >= 0 for entry in told.entries)
    assert all(is_one_line(problem.message) for problem in told.problems)
    cut = history.parse([JournalText("journal.jsonl", data, cut=True)])
    assert len(cut.entries) in (len(told.entries), len(told.entries) - 1)


def _incidents_seeds() -> Iterator[bytes]:
    one = {"connection": "StandAlone", "role": "Secondary", "in_use": False, "since_s": 12.5}
    for boot in (BOOT, "beef"):
        mail = {**one, "attempts": 2, "acted": True}
        resources = {"mail": mail, "db": {**mail, "connection": None, "in_use": None}}
        yield _json({"version": 1, "boot_id": boot, "resources": resources})
        yield _json({"version": 1, "boot_id": boot, "resources": resources})[:-9]


def _pauses_seeds() -> Iterator[bytes]:
    pause = {"reason": "maintenance", "since_wall_s": 1e9, "boot_id": BOOT}
    ends = {**pause, "until_wall_s": 2e9, "until_boot_s": 600.0}
    for_good = {**pause, "until_wall_s": None, "until_boot_s": None}
    yield _json({"version": 1, "pauses": {"*": for_good, "mail": ends}})
    yield _json({"version": 2, "pauses": {"*": for_good}})


def _counters_seeds() -> Iterator[bytes]:
    actions = ["actions_total", "mail", "connect", "done", 3]
    yield _json([actions, ["recoveries_total", "mail", 1], ["parse_problems_total", 2]])
    yield _json([["parse_problems_total", -1], ["x", 1], [], 5, "text", {"a": 1}])


def _journal_seeds() -> Iterator[bytes]:
    at = "2026-11-25T08:00:00Z"
    command = {"argv": ["drbdadm", "connect", "mail"], "outcome": "done", "exit_status": 0}
    outcome = {"kind": "reconnected", "detail": "now Connected", "commands": [command]}
    mail = {
        **{"name": "mail", "connection": "StandAlone", "role": "Secondary", "would": ["connect"]},
        **{"decision": "reconnect-standby", "gates": [], "reason": "x", "needs_operator": False},
        **{"evidence": [{"kind": "split-brain"}], "outcome": outcome},
    }
    a_pass = {"at": at, "duration_s": 1.5, "exit_status": 0, "resources": [mail]}
    person = {"at": at, "recover": "mail", "commands": ["drbdadm connect mail"], "outcome": "x"}
    strange = {"at": at, "resources": [{**mail, "reason": "/mnt/latin-\udce4"}]}
    yield b"".join(_json(line) + b"\n" for line in (a_pass, person, strange))
    yield _json({**a_pass, "at": "2026-13-25T08:00:00Z"}) + b"\n" + _json(a_pass)[:50]


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


_WORDS = (
    "null",
    "true",
    "false",
    "NaN",
    "Infinity",
    "1e999",
    "\\ud800",
    "\\u0000",
    '":',
    '"',
    "{}",
)
INCIDENTS = Entry(
    "incidents",
    run_incidents,
    _incidents_seeds,
    words=(*_WORDS, '"version":1', '"boot_id":"f00d"', '"resources":{', '"since_s":', '"acted":'),
)
PAUSES = Entry(
    "pauses",
    run_pauses,
    _pauses_seeds,
    words=(*_WORDS, '"version":1', '"pauses":{', '"reason":', '"until_wall_s":', '"*":{'),
)
COUNTERS = Entry(
    "counters",
    run_counters,
    _counters_seeds,
    words=(*_WORDS, '["parse_problems_total",', '["recoveries_total","mail",', "99999999999999999"),
)
LAST_PASS = Entry(
    "last_pass",
    run_last_pass,
    lambda: [
        _json({"at_wall_s": 1e9, "success_wall_s": None, "duration_s": 0.5}),
        _json({"at_wall_s": 1e9, "success_wall_s": math.inf, "duration_s": -1}),
    ],
    words=(*_WORDS, '"at_wall_s":', '"success_wall_s":', '"duration_s":', "99999999999999999999"),
)
JOURNAL = Entry(
    "journal",
    run_journal,
    _journal_seeds,
    words=(*_WORDS, '{"at":"2026-11-25T08:00:00Z"', ',"resources":[', ',"recover":"mail"', "}\n"),
)
