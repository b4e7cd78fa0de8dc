"""What holds for any text, whatever was changed in what real DRBD 9 nodes printed."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.model import DrbdsetupStatus
from connector.observe.nine.status import parse
from tests.observe.nine.test_status_damaged import (
    SAMPLES,
    Place,
    assert_told,
    at,
    is_doubtful,
    parsed,
    places,
    with_value,
)

# A loaded machine is no failure.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)

# What DRBD 9 may say, independent of the code.
CONNECTIONS = (
    *("StandAlone", "Disconnecting", "Unconnected", "Timeout", "BrokenPipe", "NetworkFailure"),
    *("ProtocolError", "TearDown", "Connecting", "Connected"),
)
REPLICATION = (
    *("Off", "Established", "StartingSyncS", "StartingSyncT", "WFBitMapS", "WFBitMapT"),
    *("WFSyncUUID", "SyncSource", "SyncTarget", "VerifyS", "VerifyT", "PausedSyncS"),
    *("PausedSyncT", "Ahead", "Behind"),
)
DISKS = (
    *("Diskless", "Attaching", "Detaching", "Failed", "Negotiating", "Inconsistent", "Outdated"),
    *("Consistent", "UpToDate"),
)
WORDS = {
    "role": ("role", ("Primary", "Secondary")),
    "disk-state": ("disk", DISKS),
    "connection-state": ("connection", CONNECTIONS),
    "peer-role": ("peer_role", ("Primary", "Secondary", "Unknown")),
    "replication-state": ("replication", REPLICATION),
    "peer-disk-state": ("peer_disk", (*DISKS, "DUnknown")),
}
STATES = [(n, place) for n, s in enumerate(SAMPLES) for place in places(s) if place[-1] in WORDS]


def read_at(found: DrbdsetupStatus, place: Place) -> Any:
    """What was made of the object in which a place is; all of them are there."""
    value: Any = found.resources[place[0]]  # type: ignore[index]
    for key in place[1:-1]:
        value = value[key] if isinstance(key, int) else getattr(value, key)
    return value


@unhurried
@given(
    st.sampled_from(STATES),
    st.sampled_from([*CONNECTIONS, *REPLICATION, *DISKS, "DUnknown", "WFConnection", "Unknown"])
    | anything,
)
def test_a_state_is_the_word_that_is_printed_or_doubtful(
    state: tuple[int, Place], value: object
) -> None:
    number, place = state
    found = parsed(with_value(SAMPLES[number], place, value))
    attribute, words = WORDS[str(place[-1])]
    item = read_at(found, place)
    if value in words:
        assert getattr(item, attribute) == value
        assert not item.doubtful
        assert found.problems == ()
    else:
        assert getattr(item, attribute) is None
        assert item.doubtful
        assert_told(found)
        assert str(place[-1]) in found.problems[0].message


@unhurried
@given(st.data())
def test_a_key_that_nobody_knows_is_told_and_makes_the_object_doubtful(data: st.DataObject) -> None:
    sample = data.draw(st.sampled_from(SAMPLES))
    inside = data.draw(
        st.sampled_from([p for p in places(sample) if isinstance(at(sample, p), dict)])
    )
    key = data.draw(st.text().filter(lambda text: text not in at(sample, inside)))
    known_elsewhere = any(key in place for place in places(SAMPLES))
    if not known_elsewhere:
        found = parsed(with_value(sample, (*inside, key), data.draw(anything)))
        assert_told(found)
        assert "unknown key" in found.problems[0].message
        end = inside.index("paths") if "paths" in inside else len(inside)
        assert read_at(found, (*inside[:end], key)).doubtful


@unhurried
@given(st.data())
def test_another_type_is_always_told(data: st.DataObject) -> None:
    sample = data.draw(st.sampled_from(SAMPLES))
    place = data.draw(st.sampled_from(list(places(sample))))
    value = data.draw(anything)
    before = at(sample, place)
    found = parsed(with_value(sample, place, value))
    same_type = type(value) is type(before)
    both_numbers = isinstance(before, (int, float)) and isinstance(value, (int, float))
    if not same_type and not (both_numbers and bool not in (type(value), type(before))):
        assert_told(found)
        assert is_doubtful(found, sample)


@unhurried
@given(st.sampled_from(SAMPLES), st.data())
def test_a_text_that_was_cut_off_says_nothing(sample: Any, data: st.DataObject) -> None:
    text = json.dumps(sample, indent=2)
    length = data.draw(st.integers(0, len(text) - 1))
    found = parse(text[:length])
    assert found.resources == ()
    assert_told(found)


@unhurried
@given(st.text())
def test_any_text_gives_a_result(text: str) -> None:
    found = parse(text)
    if found.problems:
        assert_told(found)
    else:
        assert json.loads(text) == []


@unhurried
@given(anything)
def test_any_json_gives_a_result(value: object) -> None:
    found = parsed(value)
    assert found.resources == ()
    if value != []:
        assert_told(found)


@unhurried
@given(st.sampled_from(SAMPLES), st.data())
def test_any_change_of_a_character_gives_a_result(sample: Any, data: st.DataObject) -> None:
    text = json.dumps(sample)
    where = data.draw(st.integers(0, len(text)))
    found = parse(text[:where] + data.draw(st.text(max_size=3)) + text[where + 1 :])
    assert all(problem.message.isprintable() for problem in found.problems)
