"""The public shape of `connector parse`."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from connector.model import ConnectionState, Device, Problem, ProcDrbd, SyncProgress
from connector.observe.proc_drbd import parse
from connector.report.parsed import to_json

COMPOSED = Path(__file__).parents[1] / "fixtures" / "proc_drbd" / "composed"
EXPECTED: dict[str, Any] = json.loads((COMPOSED / "expected.json").read_text())


@pytest.mark.parametrize("name", EXPECTED)
def test_composed_texts(name: str) -> None:
    assert to_json(parse((COMPOSED / name).read_bytes())) == EXPECTED[name]


def test_every_composed_text_is_expected() -> None:
    assert {path.name for path in COMPOSED.glob("*.txt")} == set(EXPECTED)


def test_the_shape_as_documented() -> None:
    text = (
        "version: 8.4.11 (api:1/proto:86-101)\nsrcversion: F73C670A7EC572DB9CF3E5B \n"
        " 0: cs:StandAlone ro:Primary/Unknown ds:UpToDate/DUnknown   r-----\n"
        "    ns:414 nr:0 dw:0 dr:0 al:0 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:20\n"
    )
    counters = '"ns": 414, "nr": 0, "dw": 0, "dr": 0, "al": 0, "bm": 0, "lo": 0, "pe": 0, "ua": 0'
    assert json.dumps(to_json(parse(text))) == (
        '{"version": "8.4.11", "api": 1, "proto": [86, 101], "devices": [{"minor": 0, '
        '"connection": "StandAlone", "role": "Primary", "peer_role": "Unknown", '
        '"disk": "UpToDate", "peer_disk": "DUnknown", "protocol": null, "flags": "r-----", '
        f'"statistics": {{{counters}, "ap": 0, "ep": 1, "wo": "f", "oos": 20}}, "sync": null}}], '
        '"problems": []}'
    )


def test_what_could_not_be_read_is_null() -> None:
    parsed = ProcDrbd(None, None, None, (Device(3, None, doubtful=True),), (Problem(7, "why"),))
    assert to_json(parsed) == {
        "version": None,
        "api": None,
        "proto": None,
        "devices": [
            {
                "minor": 3,
                "connection": None,
                "role": None,
                "peer_role": None,
                "disk": None,
                "peer_disk": None,
                "protocol": None,
                "flags": None,
                "statistics": None,
                "sync": None,
            }
        ],
        "problems": [{"line": 7, "message": "why"}],
    }


def test_every_field_of_the_progress_is_shown() -> None:
    sync = SyncProgress("resync", 12.5, 7, 8, 9, 10, 11, 12, stalled=True)
    device = Device(0, ConnectionState.SYNC_SOURCE, sync=sync)
    (shown,) = to_json(ProcDrbd("8.4.11", 1, (86, 101), (device,), ()))["devices"]
    assert shown["sync"] == {field.name: getattr(sync, field.name) for field in fields(sync)}
