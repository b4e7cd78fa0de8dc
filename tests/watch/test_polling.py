"""What of /proc/drbd counts as a change where no events can be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.observe.proc_drbd import parse
from connector.watch.polling import MAX_BYTES, essence, states_now

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "proc_drbd"
TEXTS = sorted(
    path for path in FIXTURES.rglob("*") if path.is_file() and path.suffix not in (".json", ".md")
)
HEALTHY = b"""\
version: 8.4.11 (api:1/proto:86-101)
srcversion: 1DBF4F8E2D4A5B8B7A3C2D1
 0: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----
    ns:12403 nr:0 dw:13520 dr:12754 al:10 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:0
10: cs:SyncSource ro:Primary/Secondary ds:UpToDate/Inconsistent C r-----
    ns:6664 nr:0 dw:13520 dr:12754 al:10 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:5000
\t[=======>............] sync'ed: 42.3% (5000/12000)K
\tfinish: 0:00:07 speed: 700 (700) K/sec
"""


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(FIXTURES)))
def test_it_has_the_states_of_each_device_and_nothing_else(path: Path) -> None:
    text = path.read_bytes()
    found = [line.split() for line in essence(text).decode().splitlines()]
    expected = []
    for shown in parse(text).devices:
        assert shown.connection is not None
        expected.append((f"{shown.minor}:", f"cs:{shown.connection.value}"))
    assert [(words[0], words[1]) for words in found] == expected
    for words in found:
        assert all(word[:3] in ("ro:", "st:", "ds:", "ld:") for word in words[2:])


def test_counters_and_progress_are_no_change() -> None:
    later = re.sub(rb"(?m)^(    |\t).*$", lambda line: re.sub(rb"\d", b"7", line[0]), HEALTHY)
    assert later != HEALTHY
    assert essence(later) == essence(HEALTHY)
    assert essence(HEALTHY.replace(b"C r-----", b"C r---d-")) == essence(HEALTHY)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"0: cs:Connected", b"0: cs:StandAlone"),
        (b"cs:SyncSource", b"cs:Connected"),
        (b"ro:Primary/Secondary ds:UpToDate/UpToDate", b"ro:Primary/Unknown ds:UpToDate/UpToDate"),
        (b"ro:Primary/Secondary ds:UpToDate/I", b"ro:Secondary/Secondary ds:UpToDate/I"),
        (b"ds:UpToDate/UpToDate", b"ds:Diskless/UpToDate"),
        (b"ds:UpToDate/Inconsistent", b"ds:UpToDate/Outdated"),
        (b"10: cs:", b"11: cs:"),
        (b" 0: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----\n", b""),
    ],
)
def test_each_state_counts(before: bytes, after: bytes) -> None:
    assert before in HEALTHY
    assert essence(HEALTHY.replace(before, after, 1)) != essence(HEALTHY)


def shown(root: Path, text: bytes) -> Path:
    (root / "proc").mkdir(exist_ok=True)
    (root / "proc" / "drbd").write_bytes(text)
    return root


def test_the_states_below_a_root(tmp_path: Path) -> None:
    assert states_now(shown(tmp_path, HEALTHY)) == essence(HEALTHY) != b""


def test_what_cannot_be_read_has_no_states(tmp_path: Path) -> None:
    assert states_now(tmp_path) == b""
    shown(tmp_path, HEALTHY + b"x" * MAX_BYTES)
    assert states_now(tmp_path) == b""
    (tmp_path / "proc" / "drbd").unlink()
    (tmp_path / "proc" / "drbd").mkdir()
    assert states_now(tmp_path) == b""


@settings(deadline=None)
@given(st.one_of(st.binary(), st.lists(st.sampled_from(HEALTHY.split(b" "))).map(b" ".join)))
def test_any_bytes_have_an_essence_that_is_its_own(text: bytes) -> None:
    assert essence(essence(text)) == essence(text)
