"""Lines of `drbdsetup events2`: captured ones, and whatever else may come."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from connector.watch.events2 import (
    MAX_LINE_CHARACTERS,
    Event,
    describe,
    ends_dump,
    is_final,
    is_news,
    parse,
)

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "events2"
CAPTURES = sorted(path.name for path in FIXTURES.iterdir() if path.suffix != ".md")
STREAM_84 = "8.4-split-brain-and-healing-alpha.stream"
STREAM_9 = "9-split-brain-and-healing-alpha.stream"
_TIME = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+[+-]\d\d:\d\d ")
# A loaded machine is no failure.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def lines_of(name: str) -> list[str]:
    return (FIXTURES / name).read_text(encoding="utf-8").splitlines()


def event(line: str) -> Event:
    found = parse(line)
    assert found is not None, line
    return found


def test_captured_lines_whole() -> None:
    lines = lines_of(STREAM_84)
    assert parse(lines[1]) == Event(
        "exists",
        "connection",
        {
            "name": "mail",
            "peer-node-id": "0",
            "conn-name": "peer",
            "connection": "Connected",
            "role": "Secondary",
        },
    )
    assert parse(lines[10]) == Event("exists", "-", {})
    assert parse(lines[28]) == Event(
        "call",
        "helper",
        {
            "name": "mail",
            "peer-node-id": "0",
            "conn-name": "peer",
            "volume": "0",
            "minor": "0",
            "helper": "split-brain",
        },
    )
    assert parse(lines_of("8.4-split-brain-both-mounted-alpha.dump")[1]) == Event(
        "exists",
        "connection",
        {
            "name": "mail",
            "peer-node-id": "0",
            "connection": "StandAlone",
            "role": "Unknown",
            "congested": "no",
        },
    )
    assert parse(lines_of("9-standalone-alpha.dump")[4]) == Event(
        "exists",
        "path",
        {
            "name": "mail",
            "peer-node-id": "1",
            "conn-name": "beta",
            "local": "ipv4:10.9.12.1:7788",
            "peer": "ipv4:10.9.12.2:7788",
            "established": "no",
        },
    )


@pytest.mark.parametrize("name", CAPTURES)
def test_every_captured_line_is_an_event_and_nothing_of_it_is_lost(name: str) -> None:
    for line in lines_of(name):
        found = event(line)
        words = [f"{key}:{value}" for key, value in found.fields.items()]
        assert " ".join([found.action, found.kind, *words]) == _TIME.sub("", line)


@pytest.mark.parametrize("name", CAPTURES)
def test_what_was_there_before_is_no_news_and_its_end_is_seen(name: str) -> None:
    seen = [event(line) for line in lines_of(name)]
    end = next(number for number, found in enumerate(seen) if ends_dump(found))
    assert [is_news(found) for found in seen[: end + 1]] == [False] * (end + 1)
    assert [ends_dump(found) for found in seen[end + 1 :]] == [False] * (len(seen) - end - 1)


def test_the_news_of_a_real_split_brain() -> None:
    """From the cut of the link until both resources are apart."""
    seen = [event(line) for line in lines_of(STREAM_84)[11:44]]
    assert [describe(found) for found in seen if is_news(found)] == [
        "db: change peer-device Off DUnknown",
        "db: change connection NetworkFailure Unknown",
        "db: change peer-device Off DUnknown",
        "db: change connection Unconnected",
        "db: change connection Connecting",
        "mail: change connection NetworkFailure Unknown",
        "mail: change peer-device Off DUnknown",
        "mail: change connection Unconnected",
        "mail: change connection Connecting",
        "mail: change connection Connected",
        "mail: call helper initial-split-brain",
        "mail: call helper split-brain",
        "db: change connection Connected",
        "db: call helper initial-split-brain",
        "mail: change connection Disconnecting",
        "mail: change connection StandAlone",
        "mail: destroy peer-device",
        "mail: destroy connection",
        "db: call helper split-brain",
        "db: change connection Disconnecting",
        "db: change connection StandAlone",
        "db: destroy peer-device",
        "db: destroy peer-device",
        "db: destroy connection",
    ]


def test_on_drbd_9_what_decides_nothing_is_no_news() -> None:
    seen = [event(line) for line in lines_of(STREAM_9)]
    no_news = [found for found in seen[6:] if not is_news(found)]
    assert {(found.action, found.kind) for found in no_news} == {
        ("response", "helper"),
        ("change", "resource"),
    }
    only_hints = [found for found in no_news if found.kind == "resource"]
    assert len(only_hints) == 4
    assert {frozenset(found.fields) for found in only_hints} == {
        frozenset({"name", "may_promote", "promotion_score"})
    }


@pytest.mark.parametrize(
    ("line", "news"),
    [
        ("change connection name:mail peer-node-id:0 conn-name:peer", False),
        ("change connection name:mail peer-node-id:0 conn-name:peer congested:yes", False),
        ("change device name:mail volume:0 minor:0 open:yes", False),
        ("change peer-device name:mail peer-node-id:0 conn-name:peer volume:0 done:42.30", False),
        ("response helper name:mail helper:split-brain status:1", False),
        ("exists resource name:mail role:Primary suspended:no", False),
        ("change device name:mail volume:0 minor:0 disk:Failed open:yes", True),
        ("change resource name:mail role:Secondary may_promote:yes", True),
        ("change resource name:mail suspended:user", True),
        ("change path name:mail local:ipv4:1.2.3.4:1 peer:ipv4:1.2.3.5:1 established:no", True),
        ("create connection name:mail", True),
        ("destroy connection name:mail peer-node-id:0 conn-name:peer", True),
        ("destroy resource name:mail", True),
        ("rename resource name:mail new_name:post", True),
        ("call helper name:mail peer-node-id:0 volume:0 minor:0 helper:split-brain", True),
        ("call helper name:mail helper:", True),
    ],
)
def test_what_is_news(line: str, news: bool) -> None:
    assert is_news(event(line)) is news


@pytest.mark.parametrize(
    ("line", "final"),
    [
        ("destroy connection name:mail peer-node-id:0 conn-name:peer", True),
        ("change connection name:mail peer-node-id:0 conn-name:p connection:StandAlone", True),
        ("change connection name:mail peer-node-id:0 conn-name:p connection:Connecting", False),
        ("destroy peer-device name:mail peer-node-id:0 conn-name:peer volume:0", False),
        ("destroy resource name:mail", False),
    ],
)
def test_what_is_final(line: str, final: bool) -> None:
    assert is_final(event(line)) is final


def test_the_first_colon_splits() -> None:
    line = "change path name:r local:ipv6:[fe80::1%eth0]:7788 peer:ipv6:[::]:1 established:yes:no"
    assert event(line).fields == {
        "name": "r",
        "local": "ipv6:[fe80::1%eth0]:7788",
        "peer": "ipv6:[::]:1",
        "established": "yes:no",
    }


def test_a_word_without_a_colon_is_left_out_and_an_empty_value_is_one() -> None:
    assert event("change resource name: lonely role:").fields == {"name": "", "role": ""}
    assert describe(event("change resource lonely")) == "?: change resource"


@pytest.mark.parametrize(
    "stamp", ["2026-01-31T12:00:00.123456+01:00 ", "2026-01-31T12:00:00-11:30\t", ""]
)
def test_a_time_before_it_changes_nothing(stamp: str) -> None:
    line = "destroy connection name:mail peer-node-id:0"
    assert parse(stamp + line) == Event(
        "destroy", "connection", {"name": "mail", "peer-node-id": "0"}
    )


@pytest.mark.parametrize(
    "line",
    [
        "",
        " \t ",
        "-",
        "- skipped 5",
        "2026-01-31T12:00:00.123456+01:00",
        "2026-01-31T12:00:00.123456+01:00 2026-01-31T12:00:00.123456+01:00 exists -",
        "exists",
        "exists nothing name:mail",
        "Exists resource name:mail",
        "changed connection name:mail connection:StandAlone",
        "connection change name:mail connection:StandAlone",
        "Could not connect to 'drbd' generic netlink family",
        "error receiving config reply",
        "\0\0\0",
        "\N{REPLACEMENT CHARACTER}" * 20,
    ],
)
def test_what_is_no_event(line: str) -> None:
    assert parse(line) is None


def test_a_very_long_line_is_cut() -> None:
    long = event("change resource name:mail role:" + "P" * 10 * MAX_LINE_CHARACTERS)
    assert sum(map(len, long.fields.values())) < MAX_LINE_CHARACTERS
    assert parse("x" * 10 * MAX_LINE_CHARACTERS) is None


_WORDS = st.one_of(
    st.sampled_from(["exists", "create", "change", "destroy", "rename", "call", "response"]),
    st.sampled_from(["resource", "device", "connection", "peer-device", "path", "helper", "-"]),
    st.sampled_from(["2026-01-31T12:00:00+00:00", ":", "::", "name:", "name:mail", ":x", "done:"]),
    st.text(max_size=8),
)


@unhurried
@given(st.one_of(st.text(), st.lists(_WORDS, max_size=8).map(" ".join)))
@example("²³ exists -")
@example("change resource \udcff:\udcff")
def test_no_text_raises(line: str) -> None:
    found = parse(line)
    if found is None:
        return
    assert describe(found)
    assert not (ends_dump(found) and is_news(found))
    # What an event says does not depend on what stands around it.
    assert parse(f" 2026-01-31T12:00:00+00:00\t{line} ") in (found, None)


@unhurried
@given(
    st.sampled_from(["resource", "connection", "device", "peer-device"]),
    st.dictionaries(
        st.sampled_from(["connection", "role", "disk", "replication", "peer-disk", "suspended"]),
        st.sampled_from(["StandAlone", "Primary", "UpToDate", "DUnknown", "no"]),
        min_size=1,
    ),
    st.dictionaries(st.sampled_from(["congested", "open", "done"]), st.just("1")),
)
def test_a_changed_state_is_news_whatever_else_has_changed(
    kind: str, states: dict[str, str], besides: dict[str, str]
) -> None:
    words = [f"{key}:{value}" for key, value in {"name": "mail", **besides, **states}.items()]
    found = event(" ".join(["change", kind, *words]))
    assert is_news(found)
    assert describe(found) == " ".join(["mail: change", kind, *list(states.values())[:4]])


OF_9 = Path(__file__).resolve().parents[1] / "fixtures" / "drbd-9"


@pytest.mark.parametrize("name", ["events2_now", "events2_now_utils-9.34"])
def test_every_line_that_was_captured_on_drbd_9_is_an_event_and_no_news(name: str) -> None:
    """They are what is there already; `exists -` ends them."""
    files = sorted(OF_9.glob(f"*/*/{name}"))
    assert len(files) == 156
    for file in files:
        events = [event(line) for line in file.read_text(encoding="utf-8").splitlines()]
        assert not any(map(is_news, events)), file
        assert list(map(ends_dump, events)) == [False] * (len(events) - 1) + [True], file
