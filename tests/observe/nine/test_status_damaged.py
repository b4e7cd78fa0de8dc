"""A status that is damaged, contradicts itself, or is newer than connector: doubtful, and told."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.model import DrbdsetupStatus, Problem
from connector.observe.minor_block import MAX_PROBLEMS
from connector.observe.nine.status import MAX_RESOURCES, parse
from connector.observe.nine.status_connections import MAX_CONNECTIONS
from connector.observe.nine.status_json import MAX_CHARACTERS, MAX_NAME_CHARACTERS

CAPTURES = Path(__file__).parents[2] / "fixtures/drbd-9"
REQUIRED = {
    *("name", "node-id", "suspended", "devices", "connections", "volume", "minor", "client"),
    *("peer-node-id", "peer_devices", "peer-client", "resync-suspended", "out-of-sync", "role"),
    *("disk-state", "connection-state", "peer-role", "replication-state", "peer-disk-state"),
}
Place = tuple[str | int, ...]


def loaded(situation: str, node: str) -> list[Any]:
    path = CAPTURES / situation / node / "drbdsetup_status_utils-9.34.json"
    text = path.read_text(encoding="utf-8")
    value: list[Any] = json.loads(text)
    return value


SAMPLES = [
    loaded("2n-connected-healthy", "alpha"),
    loaded("2n-split-brain-both-in-use", "beta"),
    loaded("2n-two-volumes-one-diverged", "alpha"),
    loaded("2n-two-resources-one-split", "beta"),
    loaded("2n-resync-running", "beta"),
    loaded("2n-verify-running", "alpha"),
    loaded("3n-gamma-diskless-client", "beta"),
]


def places(value: Any, before: Place = ()) -> Iterator[Place]:
    """The places of all values in it."""
    if isinstance(value, (dict, list)):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*before, key)
            yield from places(inner, (*before, key))


def at(value: Any, place: Place) -> Any:
    for key in place:
        value = value[key]
    return value


def with_value(sample: Any, place: Place, value: object) -> Any:
    made = copy.deepcopy(sample)
    at(made, place[:-1])[place[-1]] = value
    return made


def without(sample: Any, place: Place) -> Any:
    made = copy.deepcopy(sample)
    del at(made, place[:-1])[place[-1]]
    return made


def parsed(value: object) -> DrbdsetupStatus:
    return parse(json.dumps(value))


def assert_told(found: DrbdsetupStatus) -> None:
    assert found.problems
    assert len(found.problems) <= MAX_PROBLEMS + 1
    assert all(problem.message.isprintable() for problem in found.problems)
    assert all(len(problem.message) < 800 for problem in found.problems)


def is_doubtful(found: DrbdsetupStatus, sample: list[Any]) -> bool:
    """Whether something in it is, or one of its resources is not there at all."""
    objects: list[Any] = [*found.resources]
    objects += [item for r in found.resources for item in (*r.devices, *r.connections)]
    objects += [p for r in found.resources for c in r.connections for p in c.peer_devices]
    return len(found.resources) < len(sample) or any(item.doubtful for item in objects)


MAIL = SAMPLES[0]


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (
            (0, "connections", 0, "connection-state"),
            "Foo",
            "resource mail, connection beta: unknown connection-state 'Foo'",
        ),
        (
            (0, "connections", 0, "connection-state"),
            "WFConnection",
            "resource mail, connection beta: unknown connection-state 'WFConnection'",
        ),
        (
            (0, "connections", 0, "peer_devices", 0, "replication-state"),
            "\x1b[2J\ud800" + "o" * 70,
            "resource mail, connection beta, volume 0: unknown replication-state "
            "'\\x1b[2J\\ud800" + "o" * 55 + "'...",
        ),
        ((0, "role"), "Unknown", "resource mail: unknown role 'Unknown'"),
        (
            (0, "devices", 0, "disk-state"),
            "DUnknown",
            "resource mail, volume 0: unknown disk-state 'DUnknown'",
        ),
        ((0, "suspended"), "false", "resource mail: suspended is not true or false: 'false'"),
        ((0, "foo"), 1, "resource mail: unknown key 'foo'"),
        (
            (0, "devices", 0, "minor"),
            -1,
            "resource mail, volume 0: minor is not a minor number (0 to 1048575): -1",
        ),
        (
            (0, "devices", 0, "volume"),
            True,
            "resource mail, device 1: volume is not a volume number (0 to 65535): True",
        ),
        (
            (0, "node-id"),
            "0",
            "resource mail: node-id is not a node id (0 to 31): '0'",
        ),
        (
            (0, "connections", 0, "peer_devices", 0, "out-of-sync"),
            -4,
            "resource mail, connection beta, volume 0: out-of-sync is not a whole number from 0 "
            "up: -4",
        ),
        (
            (0, "connections", 0, "peer_devices", 0, "out-of-sync"),
            float("nan"),
            "resource mail, connection beta, volume 0: out-of-sync is not a whole number from 0 "
            "up: nan",
        ),
        (
            (0, "connections", 0, "peer_devices", 0, "percent-in-sync"),
            float("inf"),
            "resource mail, connection beta, volume 0: percent-in-sync is not a number: inf",
        ),
        (
            (0, "connections", 0, "peer_devices", 0, "percent-in-sync"),
            True,
            "resource mail, connection beta, volume 0: percent-in-sync is not a number: True",
        ),
        (
            (0, "connections", 0, "peer_devices", 0, "resync-suspended"),
            "peer,user",
            "resource mail, connection beta, volume 0: unknown resync-suspended 'peer,user'",
        ),
        (
            (0, "connections", 0, "paths", 0, "via"),
            "eth0",
            "resource mail, connection beta, path 1: unknown key 'via'",
        ),
        (
            (0, "connections", 0, "paths", 0, "this_host", "port"),
            "7788",
            "resource mail, connection beta, path 1, this_host: port is not a whole number from 0 "
            "up: '7788'",
        ),
        ((0, "connections"), {}, "resource mail: connections is not a list: an object"),
        ((0, "devices", 0), 5, "resource mail: something in devices is not an object"),
        ((0, "suspended-user"), True, "resource mail: not suspended, and suspended by user"),
        (
            (0, "connections", 0, "name"),
            "",
            "resource mail, connection 1 in the list: name is not a name: ''",
        ),
        ((0, "name"), "", "resource 1 in the list: name is not a name: ''"),
        ((0, "name"), "a\nb", "resource 1 in the list: name is not a name: 'a\\nb'"),
        ((0, "name"), "a\ud800", "resource 1 in the list: name is not a name: 'a\\ud800'"),
        ((0, "name"), "a\ufffd", "resource 1 in the list: name is not a name: 'a\\ufffd'"),
        ((0,), [], "resource 1 in the list is not an object"),
    ],
)
def test_what_is_said_of_it(place: Place, value: object, message: str) -> None:
    found = parsed(with_value(MAIL, place, value))
    assert found.problems[0] == Problem(None, message)
    assert is_doubtful(found, MAIL)


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_key_that_is_missing(sample: Any) -> None:
    seen = set()
    for place in places(sample):
        if isinstance(place[-1], int):
            continue
        found = parsed(without(sample, place))
        in_a_host = "paths" in place
        if place[-1] in REQUIRED and not in_a_host:
            assert any(f"key '{place[-1]}' is missing" in p.message for p in found.problems), place
            assert is_doubtful(found, sample), place
            seen.add(place[-1])
        else:
            assert found.problems == (), place
    assert seen == REQUIRED


@pytest.mark.parametrize("key", ["role", "devices", "write-ordering", "new"])
def test_a_key_that_is_there_twice(key: str) -> None:
    text = json.dumps(MAIL)
    value = json.dumps(MAIL[0].get(key, 1))
    twice = f'"{key}": {value}, "{key}": {value}, '
    found = parse(text.replace(f'"{key}": {value}, ', "").replace('"name"', f'{twice}"name"', 1))
    assert Problem(None, f"resource mail: key '{key}' is there more than once") in found.problems
    assert found.resources[0].doubtful
    assert key != "role" or found.resources[0].role is None
    assert not any("missing" in problem.message for problem in found.problems)


def test_a_resource_that_is_there_twice() -> None:
    found = parsed([MAIL[0], MAIL[0]])
    assert [resource.doubtful for resource in found.resources] == [True, True]
    assert [problem.message for problem in found.problems] == [
        "resource mail is there more than once",
        "minor 0 is there more than once",
    ]


def test_a_minor_that_two_resources_have() -> None:
    found = parsed([MAIL[0], {**MAIL[0], "name": "db"}])
    assert [problem.message for problem in found.problems] == ["minor 0 is there more than once"]
    assert all(resource.devices[0].doubtful for resource in found.resources)


def test_a_volume_that_is_there_twice() -> None:
    device = MAIL[0]["devices"][0]
    found = parsed(with_value(MAIL, (0, "devices"), [device, {**device, "minor": 7}]))
    assert [problem.message for problem in found.problems] == [
        "resource mail: volume 0 is there more than once"
    ]
    assert all(device.doubtful for device in found.resources[0].devices)
    assert found.resources[0].doubtful


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"peer-node-id": 2}, "resource mail: connection beta is there more than once"),
        ({"name": "gamma"}, "resource mail: peer-node-id 1 is there more than once"),
    ],
)
def test_a_peer_that_is_there_twice(change: dict[str, object], message: str) -> None:
    connection = MAIL[0]["connections"][0]
    both = [connection, {**connection, **change}]
    found = parsed(with_value(MAIL, (0, "connections"), both))
    assert [problem.message for problem in found.problems] == [message]
    assert [item.doubtful for item in found.resources[0].connections] == [True, True]
    assert found.resources[0].doubtful


@pytest.mark.parametrize(
    ("volumes", "messages"),
    [
        ([], ["nothing is said of volume 0"]),
        ([0, 3], ["this node has no volume 3"]),
        ([0, 0], ["volume 0 is there more than once"]),
    ],
)
def test_the_volumes_of_a_connection_are_those_of_the_node(
    volumes: list[int], messages: list[str]
) -> None:
    place: Place = (0, "connections", 0, "peer_devices")
    (device,) = at(MAIL, place)
    found = parsed(with_value(MAIL, place, [{**device, "volume": v} for v in volumes]))
    begins = "resource mail, connection beta: "
    assert [problem.message for problem in found.problems] == [begins + text for text in messages]
    assert found.resources[0].connections[0].doubtful


@pytest.mark.parametrize(
    "place", [(0, "devices"), (0, "connections", 0, "peer_devices"), (0, "connections")]
)
def test_what_holds_an_object_that_is_left_out_is_doubtful(place: Place) -> None:
    key = "name" if place[-1] == "connections" else "volume"
    items = at(MAIL, place)
    found = parsed(with_value(MAIL, place, [*items, {**items[0], key: None}]))
    assert len(found.problems) == 1
    holder = found.resources[0] if len(place) == 2 else found.resources[0].connections[0]
    assert holder.doubtful
    assert len(getattr(holder, str(place[-1]))) == 1


@pytest.mark.parametrize("length", [MAX_NAME_CHARACTERS, MAX_NAME_CHARACTERS + 1])
def test_a_name_is_bounded(length: int) -> None:
    found = parsed(with_value(MAIL, (0, "name"), "n" * length))
    assert len(found.resources) == (length <= MAX_NAME_CHARACTERS)
    assert bool(found.problems) == (length > MAX_NAME_CHARACTERS)


def test_more_resources_than_are_read() -> None:
    empty = {**MAIL[0], "devices": [], "connections": []}
    found = parsed([{**empty, "name": f"r{n}"} for n in range(MAX_RESOURCES + 1)])
    assert len(found.resources) == MAX_RESOURCES
    assert [problem.message for problem in found.problems] == [
        f"more than {MAX_RESOURCES} resources: the rest is not read"
    ]


def test_more_connections_than_are_read() -> None:
    connection = MAIL[0]["connections"][0]
    many = [{**connection, "name": f"n{n}", "peer-node-id": n % 32} for n in range(40)]
    found = parsed(with_value(MAIL, (0, "connections"), many))
    assert len(found.resources[0].connections) == MAX_CONNECTIONS
    assert [problem.message for problem in found.problems] == [
        f"resource mail: more than {MAX_CONNECTIONS} connections: the rest is not read"
    ]
    assert found.resources[0].doubtful


def test_more_problems_than_a_person_would_read() -> None:
    found = parsed([{**MAIL[0], **{f"new-{n}": n for n in range(MAX_PROBLEMS + 5)}}])
    assert found.problems[-1].message == "5 more problems"
    assert_told(found)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", Problem(1, "this is no JSON: Expecting value")),
        (
            "[\n{\n",
            Problem(3, "this is no JSON: Expecting property name enclosed in double quotes"),
        ),
        ("{}", Problem(None, "this is no list of resources: an object")),
        ("null", Problem(None, "this is no list of resources: None")),
        ("[" * 200_000, Problem(None, "this is no status: lists in lists without an end")),
        ('{"a":' * 200_000, Problem(None, "this is no status: lists in lists without an end")),
        (
            "[" + "9" * 5000 + "]",
            Problem(None, "this is no status: a number of thousands of digits"),
        ),
        (
            " " * (MAX_CHARACTERS + 1),
            Problem(None, f"longer than {MAX_CHARACTERS} characters: nothing of it is read"),
        ),
        ('["\n"]', Problem(1, "this is no JSON: Invalid control character at")),
    ],
    ids=["empty", "cut", "object", "null", "lists", "objects", "digits", "long", "newline"],
)
def test_what_is_no_status(text: str, problem: Problem) -> None:
    assert parse(text) == DrbdsetupStatus((), (problem,))


def test_one_damaged_resource_does_not_harm_the_other() -> None:
    sample = SAMPLES[3]
    found = parsed(with_value(sample, (0, "connections", 0, "connection-state"), "Foo"))
    assert found.resources[1] == parsed(sample).resources[1]
    assert not found.resources[1].doubtful
