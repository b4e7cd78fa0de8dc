"""What a pass leaves about itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.memory import last_pass
from connector.memory.last_pass import LastPass

LAST = LastPass(at_wall_s=1_700_000_060.5, success_wall_s=1_700_000_000.0, duration_s=0.25)
seconds = st.floats(min_value=0, max_value=1e12, allow_nan=False)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "state" / "last-pass.json"


@settings(deadline=None)
@given(
    last=st.builds(
        LastPass, at_wall_s=seconds, success_wall_s=st.none() | seconds, duration_s=seconds
    )
)
def test_what_is_saved_comes_back(tmp_path_factory: pytest.TempPathFactory, last: LastPass) -> None:
    path = tmp_path_factory.mktemp("state") / "last-pass.json"
    last_pass.save(path, last)
    assert last_pass.load(path) == last


def test_nothing_was_kept(kept: Path) -> None:
    assert last_pass.load(kept) is None


def test_only_the_owner_reads_it_and_nothing_is_left_beside_it(kept: Path) -> None:
    last_pass.save(kept, LAST)
    last_pass.save(kept, LAST)
    assert kept.stat().st_mode & 0o7777 == 0o600
    assert [path.name for path in kept.parent.iterdir()] == ["last-pass.json"]


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"7",
        b"{}",
        b'{"at_wall_s": 1, "success_wall_s": null}',
        b'{"at_wall_s": true, "success_wall_s": null, "duration_s": 1}',
        b'{"at_wall_s": NaN, "success_wall_s": null, "duration_s": 1}',
        b'{"at_wall_s": 1, "success_wall_s": Infinity, "duration_s": 1}',
        b'{"at_wall_s": 1, "success_wall_s": null, "duration_s": -1}',
        b'{"at_wall_s": "1", "success_wall_s": null, "duration_s": 1}',
        b'{"at_wall_s": 1' + b"0" * 400 + b', "success_wall_s": null, "duration_s": 1}',
        b"\xff\xfe",
        b"[" * 4000,
        b" " * 10_000,
    ],
)
def test_a_damaged_file_is_as_none(kept: Path, damaged: bytes) -> None:
    kept.parent.mkdir()
    kept.write_bytes(damaged)
    assert last_pass.load(kept) is None


@settings(deadline=None)
@given(data=st.binary(max_size=200))
def test_no_bytes_at_all_raise(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("state") / "last-pass.json"
    path.write_bytes(data)
    assert last_pass.load(path) is None


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="directory"):
        last_pass.load(tmp_path)


def test_a_success_moves_both_times_and_a_failure_only_one() -> None:
    first = last_pass.after(None, at_wall_s=10, duration_s=1, exit_status=3)
    second = last_pass.after(first, at_wall_s=20, duration_s=2, exit_status=0)
    third = last_pass.after(second, at_wall_s=30, duration_s=3, exit_status=1)
    assert [first, second, third] == [
        LastPass(10, None, 1),
        LastPass(20, 20, 2),
        LastPass(30, 20, 3),
    ]


def test_it_is_cheap_to_import() -> None:
    code = (
        "import sys; import connector.memory.last_pass; "
        "print({'pydantic', 'prometheus_client', 'click'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
