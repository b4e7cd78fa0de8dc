"""Any event that drbdsetup can print is read back as it was; damaged, it says nothing new."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.watch.events2 import Event, is_final, parse
from tests.fuzz import events2 as any_events2

# A loaded machine is no failure.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
NOWHERE = Path()  # the entry writes nothing

_names = st.text(st.characters(categories=["L", "N"], include_characters="-_.%[]"), max_size=12)
_keys = st.sampled_from(
    ["name", "peer-node-id", "conn-name", "connection", "role", "volume", "minor", "disk", "local"]
)
_values = st.one_of(
    st.sampled_from(["StandAlone", "Connected", "UpToDate", "no", "ipv4:10.9.12.1:7788", ""]),
    _names,
)
_events = st.builds(
    Event,
    action=st.sampled_from(["exists", "create", "change", "destroy", "rename", "call", "response"]),
    kind=st.sampled_from(["resource", "device", "connection", "peer-device", "path", "helper"]),
    fields=st.dictionaries(_keys, _values, max_size=6),
)
_stamps = st.sampled_from(["", "2026-11-24T14:28:06.499852+00:00 "])


def _line(event: Event, stamp: str) -> str:
    return stamp + " ".join(
        [event.action, event.kind, *(f"{key}:{value}" for key, value in event.fields.items())]
    )


@unhurried
@given(_events, _stamps)
def test_an_event_is_read_back(event: Event, stamp: str) -> None:
    found = parse(_line(event, stamp))
    assert found == event
    assert list(found.fields) == list(event.fields)


@unhurried
@given(_events, _stamps, st.data())
def test_a_damaged_line_does_not_end_a_connection(
    event: Event, stamp: str, data: st.DataObject
) -> None:
    line = _line(event, stamp)
    raw = bytearray(line.encode())
    at = data.draw(st.integers(0, len(raw) - 1))
    damage = data.draw(st.sampled_from(["flip", "cut", "double"]))
    if damage == "flip":
        raw[at] ^= 1 << data.draw(st.integers(0, 7))
    elif damage == "cut":
        del raw[at:]
    else:
        raw += b" " + raw[at:]
    any_events2.run(bytes(raw), NOWHERE)
    found = parse(raw.decode("utf-8", "replace"))
    if found is not None and is_final(found):
        words = line.split()
        assert "connection" in words
        assert "destroy" in words or "StandAlone" in line
