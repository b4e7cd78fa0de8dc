"""Entries of the journal become incidents."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connector.memory.history import (
    Command,
    Entry,
    EvidenceKind,
    History,
    JournalProblem,
    Told,
    ToldOutcome,
)
from connector.report import past_incidents
from connector.report.past_incidents import Ending, Incident, Step, incidents

START_S = 1_795_593_600.0  # 2026-11-25 08:00:00
MINUTE_S = 60.0
MUCH_LATER_S = START_S + 30 * 86400
APART = "StandAlone"


def entry(minute: float, after: str | None = APART, *, name: str = "mail", **keys: Any) -> Entry:
    """A pass of half a minute that found the resource StandAlone."""
    told = Told(name, connection=APART, outcome=ToldOutcome(connection=after, **keys))
    return Entry(START_S + minute * MINUTE_S, duration_s=30, exit_status=0, resources=(told,))


def recovered(minute: float, kind: str | None = "reconnected") -> Entry:
    """A person's `connector recover`."""
    told = Told("mail", outcome=ToldOutcome(kind=kind))
    return Entry(START_S + minute * MINUTE_S, by_person=True, resources=(told,))


def seen(*entries: Entry, now_wall_s: float = MUCH_LATER_S, **keys: float) -> list[Incident]:
    return list(incidents(entries, "mail", now_wall_s=now_wall_s, **keys))


def shape(found: list[Incident]) -> list[tuple[int, Ending, list[float]]]:
    """Number, ending and minutes of each."""
    return [
        (one.number, one.ending, [(step.from_s - START_S) / MINUTE_S for step in one.steps])
        for one in found
    ]


def test_without_entries_there_are_none() -> None:
    assert seen() == []
    assert seen(entry(0, name="db")) == []


@pytest.mark.parametrize("state", ["Connected", "VerifyS", "VerifyT"])
def test_one_ends_with_a_connection_and_the_next_begins(state: str) -> None:
    found = seen(entry(0), entry(1, state), entry(2), entry(3, "Connected"))
    assert shape(found) == [(2, Ending.CONNECTED, [0, 1]), (1, Ending.CONNECTED, [2, 3])]


def test_a_resync_is_not_its_end() -> None:
    found = seen(entry(0, "SyncTarget"), entry(1), entry(2, "SyncTarget"))
    assert shape(found) == [(1, Ending.RECONNECTED, [0, 1, 2])]


def test_one_ends_where_no_more_is_heard() -> None:
    # An entry takes half a minute, and the time is counted from its end.
    assert shape(seen(entry(0), entry(30.5), entry(61.1))) == [
        (2, Ending.UNHEARD, [0, 30.5]),
        (1, Ending.UNHEARD, [61.1]),
    ]
    assert len(seen(entry(0), entry(5), gap_s=60)) == 2


def test_a_clock_that_was_set_back_far_ends_one_and_a_little_does_not() -> None:
    assert shape(seen(entry(0), entry(-20), entry(-600))) == [
        (2, Ending.UNHEARD, [0, -20]),
        (1, Ending.UNHEARD, [-600]),
    ]


@pytest.mark.parametrize(
    ("after", "now_minute", "ending"),
    [
        (APART, 30.5, Ending.OPEN),
        (APART, 30.6, Ending.UNHEARD),
        (APART, -99, Ending.OPEN),  # the clock was set back since
        ("SyncSource", 5, Ending.OPEN),
        ("SyncSource", 99, Ending.RECONNECTED),
        ("Connected", 1, Ending.CONNECTED),
        (None, 99, Ending.UNHEARD),
        ("Nonsense", 99, Ending.UNHEARD),
    ],
)
def test_the_last_one_is_open_for_a_while(after: str, now_minute: float, ending: Ending) -> None:
    (found,) = seen(entry(0, after), now_wall_s=START_S + now_minute * MINUTE_S)
    assert found.ending is ending


def test_an_earlier_one_is_never_open() -> None:
    found = seen(entry(0), entry(40), now_wall_s=START_S)
    assert [one.ending for one in found] == [Ending.UNHEARD, Ending.OPEN]


def test_what_a_person_did_belongs_to_it() -> None:
    assert shape(seen(entry(0), recovered(1))) == [(1, Ending.RECONNECTED, [0, 1])]
    assert shape(seen(entry(0), recovered(1, "waiting"))) == [(1, Ending.UNHEARD, [0, 1])]
    assert shape(seen(entry(0), recovered(1, None))) == [(1, Ending.UNHEARD, [0, 1])]


def test_resources_do_not_mix() -> None:
    both = Entry(START_S, resources=(Told("mail"), Told("db")))
    entries = (both, entry(1, "Connected", name="db"), entry(2))
    assert past_incidents.names(entries) == ("mail", "db")
    assert shape(seen(*entries)) == [(1, Ending.UNHEARD, [0, 2])]
    assert past_incidents.only(entries, "db") == (
        Entry(START_S, resources=(Told("db"),)),
        entries[1],
    )


def test_in_words() -> None:
    (one,) = seen(entry(0, "Connected"))
    assert one.in_words == (
        "2026-11-25 08:00:00 to 2026-11-25 08:00:30 UTC, 1 entry, Connected again"
    )
    (two,) = seen(entry(0), entry(1))
    assert two.in_words.endswith(" 08:01:30 UTC, 2 entries, no more in the journal")
    assert set(past_incidents.ENDINGS) == set(Ending)


def test_the_commands_in_words() -> None:
    commands = (
        Command(("/usr/sbin/drbdadm", "secondary", "mail"), "done"),
        Command(("drbdadm", "connect", "--discard-my-data", "mail")),
        Command(()),
    )
    told = Told("mail", outcome=ToldOutcome(kind="dropped", commands=commands))
    words = "secondary: done; connect --discard-my-data; not known; dropped"
    assert past_incidents.done(told) == words
    assert past_incidents.done(Told("mail", outcome=ToldOutcome(kind="waiting"))) == ""
    wanted = Told("mail", would=("drbdadm secondary mail", "drbdadm connect mail"))
    assert past_incidents.would(wanted) == "secondary; connect"
    assert past_incidents.would(Told("mail")) == ""


def steps(*entries: Entry) -> list[Step]:
    return [Step(one, one.resources[0]) for one in entries]


def test_steps_that_say_the_same_go_first() -> None:
    same = [entry(number) for number in range(50)]
    ran = [entry(number, commands=(Command(("drbdadm",)),)) for number in (50, 51)]
    found = past_incidents.telling(steps(*same, *ran, entry(52), entry(53), entry(54)), 6)
    assert [[(step.from_s - START_S) / MINUTE_S for step in run] for run in found] == [
        [0, 50, 51, 52, 54]
    ]


def test_then_the_middle_goes() -> None:
    given = steps(*(entry(number, f"state {number}") for number in range(10)))
    assert past_incidents.telling(given, 10) == (given,)
    assert past_incidents.telling(given, 6) == (given[:3], given[-3:])


def test_as_json() -> None:
    told = Told(
        "mail",
        connection=APART,
        gates=("mode",),
        needs_operator=True,
        evidence=(EvidenceKind("split-brain"),),
        outcome=ToldOutcome(connection=APART, commands=(Command(("drbdadm",)),)),
    )
    entries = (Entry(START_S, 1.5, 3, resources=(told,)), Entry(START_S + 60, resources=(told,)))
    problem = JournalProblem("journal.jsonl", 7, "no")
    found = History(entries, (problem,))
    value = past_incidents.to_json(found, entries[1:], seen(*entries))
    assert json.loads(json.dumps(value)) == {
        "schema_version": 1,
        "entries": [
            {
                "at": "2026-11-25T08:01:00Z",
                "duration_s": None,
                "exit_status": None,
                "by_person": False,
                "resources": [
                    {
                        "name": "mail",
                        "connection": APART,
                        "role": None,
                        "decision": None,
                        "gates": ["mode"],
                        "reason": None,
                        "would": None,
                        "needs_operator": True,
                        "evidence": [{"kind": "split-brain"}],
                        "outcome": {
                            "kind": None,
                            "detail": None,
                            "connection": APART,
                            "role": None,
                            "commands": [
                                {
                                    "argv": ["drbdadm"],
                                    "outcome": None,
                                    "exit_status": None,
                                    "stderr": None,
                                    "duration_s": None,
                                }
                            ],
                        },
                    }
                ],
            }
        ],
        "incidents": [
            {
                "resource": "mail",
                "number": 1,
                "ending": "no-more-heard",
                "from": "2026-11-25T08:00:00Z",
                "to": "2026-11-25T08:01:00Z",
                "entries": 2,
                "evidence": ["split-brain"],
                "connection": APART,
                "needs_operator": True,
            }
        ],
        "problems": [{"file": "journal.jsonl", "line": 7, "message": "no"}],
    }


def test_texts_for_showing() -> None:
    assert past_incidents.plain("a\x1b[31m\n\u202e\ud800é") == "a�[31m���é"
    assert past_incidents.shortened("12345", 5) == "12345"
    assert past_incidents.shortened("123 56", 5) == "123…"
    assert past_incidents.clock(1e18) == "9999-12-31 23:59:59"
