"""What the watch says: JSON for a journal, sentences for a person."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from typing import Any

import pytest

from connector.watch.log import WatchLog, sentence
from connector.watch.pass_process import Told
from tests.act.programs import python

RECONNECTED: dict[str, Any] = {
    "name": "mail",
    "was": "StandAlone",
    "is": "Connected",
    "decision": "reconnect-standby",
    "gates": [],
    "commands": ["drbdadm connect mail"],
    "outcome": "reconnected",
    "needs_operator": False,
}
GATED: dict[str, Any] = {
    "name": "db",
    "was": None,
    "is": None,
    "decision": "demote-and-reconnect",
    "gates": ["grace", "forecast"],
    "commands": [],
    "outcome": "nothing",
    "needs_operator": True,
}
TOLD = Told(exit_status=3, duration_s=1.25, eventful=True, resources=[RECONNECTED, GATED])


def said_by(told: Told, reasons: list[str], *, as_json: bool) -> list[str]:
    said: list[str] = []
    WatchLog(said.append, as_json=as_json).tell(told, reasons)
    return said


def test_a_pass_as_json_is_one_line() -> None:
    (line,) = said_by(TOLD, ["mail: destroy connection"], as_json=True)
    assert "\n" not in line
    assert json.loads(line) == {
        "event": "pass",
        "woken_by": ["mail: destroy connection"],
        "exit_status": 3,
        "duration_s": 1.25,
        "resources": [RECONNECTED, GATED],
        "messages": [],
    }


def test_a_pass_for_a_person() -> None:
    (line,) = said_by(TOLD, ["told: handler split-brain mail", "events are read"], as_json=False)
    assert line == (
        "pass ended with 3 in 1.25 s (woken by told: handler split-brain mail, events are read): "
        "mail StandAlone -> Connected: reconnect-standby, ran drbdadm connect mail; "
        "db None: demote-and-reconnect, gates grace forecast, an operator is needed"
    )


def test_a_pass_with_two_commands_and_a_message() -> None:
    commands = ["drbdadm secondary mail", "drbdadm connect mail"]
    told = Told(
        exit_status=0,
        duration_s=2.0,
        eventful=True,
        resources=[{**RECONNECTED, "commands": commands, "is": "StandAlone"}],
        messages=["journal.jsonl: cannot be written: No space left on device"],
    )
    assert sentence(told, []) == (
        "pass ended with 0 in 2 s: mail StandAlone: reconnect-standby, "
        "ran drbdadm secondary mail and drbdadm connect mail; "
        "journal.jsonl: cannot be written: No space left on device"
    )


@pytest.mark.parametrize("as_json", [True, False])
def test_a_pass_with_nothing_to_say_is_silent(as_json: bool) -> None:
    assert said_by(Told(exit_status=0), ["events are read"], as_json=as_json) == []
    assert said_by(Told(exit_status=75), [], as_json=as_json) == []


@pytest.mark.parametrize(
    "told", [Told(exit_status=0, eventful=True), Told(exit_status=0, messages=["a warning"])]
)
def test_one_with_something_to_say_is_not(told: Told) -> None:
    assert len(said_by(told, [], as_json=True)) == 1
    words = "; ".join(told.messages) or "nothing to do"
    assert said_by(told, [], as_json=False) == [f"pass ended with 0 in 0 s: {words}"]


def test_what_the_last_pass_had_found_is_told_again_only_where_something_woke_it() -> None:
    said: list[str] = []
    log = WatchLog(said.append, as_json=True)
    changed = replace(TOLD, resources=[GATED])
    healthy = Told(exit_status=0)
    longer = replace(changed, duration_s=7.0)
    story = [(TOLD, "a"), (TOLD, ""), (TOLD, "b"), (changed, ""), (longer, ""),
             (healthy, ""), (changed, "")]  # fmt: skip
    for told, reason in story:
        log.tell(told, [reason] if reason else [])
    entries = [json.loads(line) for line in said]
    assert [(entry["woken_by"], entry["resources"]) for entry in entries] == [
        (["a"], TOLD.resources),
        (["b"], TOLD.resources),
        ([], [GATED]),
        ([], [GATED]),
    ]


def test_a_sentence() -> None:
    said: list[str] = []
    WatchLog(said.append, as_json=True).say('two\nlines of "text" \x1b[31m')
    WatchLog(said.append, as_json=False).say("the configuration was read again")
    assert json.loads(said[0]) == {"event": "watch", "message": 'two\nlines of "text" \x1b[31m'}
    assert "\n" not in said[0]
    assert "\x1b" not in said[0]
    assert said[1] == "the configuration was read again"


SPEAKS = (
    "from connector.watch.log import WatchLog",
    "log = WatchLog(as_json=True)",
    "log.say('one'); log.say('two')",
    "print('goes on', flush=True)",
    "import os; os._exit(0)",
)


def test_it_is_written_to_standard_error_at_once() -> None:
    done = subprocess.run(python(*SPEAKS), capture_output=True, timeout=60, check=False)
    assert [json.loads(line)["message"] for line in done.stderr.splitlines()] == ["one", "two"]
    assert done.stdout == b"goes on\n"


def test_where_nobody_listens_any_more_the_watch_goes_on() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        python(*SPEAKS), stdout=subprocess.PIPE, stderr=writing, timeout=60, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stdout) == (0, b"goes on\n")
