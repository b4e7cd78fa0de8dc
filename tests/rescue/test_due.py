"""When a pass has to look at the rescues: rarely, and whenever the note is in doubt."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.first_look import nothing_to_do
from connector.rescue import due
from connector.rescue.kept import Rescue
from connector.settings import Settings
from tests.agents import Agents
from tests.rescue.making import DAY_S, KEPT_AT_S, a_snapshot, put, rescue, settings_in

NOW_S = KEPT_AT_S + DAY_S
LOOKED_S = KEPT_AT_S + 60


def note(settings: Settings, data: bytes) -> None:
    settings.rescues_due_file.parent.mkdir(parents=True, exist_ok=True)
    settings.rescues_due_file.write_bytes(data)


def test_without_a_note_it_is_not(tmp_path: Path) -> None:
    assert not due.is_due(settings_in(tmp_path), NOW_S)
    (tmp_path / "state").write_bytes(b"no folder")
    assert not due.is_due(settings_in(tmp_path), NOW_S)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"0\n", True),
        (f"{NOW_S:.0f}\n".encode(), True),
        (f"{NOW_S + 1:.0f}\n".encode(), False),
        # Garbled.
        (b"", True),
        (b"soon\n", True),
        (b"nan\n", True),
        (b"inf\n", True),
        (b"-inf\n", True),
        (b"1e999\n", True),
        (b"\xff\xfe", True),
        (b"9" * 101, True),
    ],
)
def test_a_note_and_a_garbled_one(tmp_path: Path, data: bytes, expected: bool) -> None:
    settings = settings_in(tmp_path)
    note(settings, data)
    assert due.is_due(settings, NOW_S) is expected


def test_a_note_that_cannot_be_read_counts_as_due(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    settings.rescues_due_file.mkdir(parents=True)
    assert due.is_due(settings, NOW_S)


def next_s(tmp_path: Path, *rescues: Rescue, now_s: float = NOW_S) -> float | None:
    """When the next look is, None for never."""
    settings = settings_in(tmp_path)
    due.at_once(settings)
    assert due.is_due(settings, 0)
    due.reckon(settings, rescues, now_s)
    path = settings.rescues_due_file
    return float(path.read_bytes()) if path.exists() else None


def test_a_rescue_that_was_not_looked_at_is_due_at_once(tmp_path: Path) -> None:
    old = rescue(a_snapshot(), name="db", looked_at_s=LOOKED_S)
    assert next_s(tmp_path, old, rescue()) == 0


def test_a_snapshot_is_due_when_it_is_too_old(tmp_path: Path) -> None:
    snapshot = rescue(a_snapshot(), looked_at_s=LOOKED_S)
    assert next_s(tmp_path, snapshot) == KEPT_AT_S + 30 * DAY_S + 1
    lost = rescue(a_snapshot(), lost="gone", kept_at_s=KEPT_AT_S - 60)
    assert next_s(tmp_path, snapshot, lost) == KEPT_AT_S - 60 + 30 * DAY_S + 1


def test_the_newest_copy_stays_so_no_pass_has_to_look_at_it(tmp_path: Path) -> None:
    newest = rescue(looked_at_s=LOOKED_S)
    assert next_s(tmp_path, newest) is None
    assert next_s(tmp_path, newest, now_s=NOW_S + 1000 * DAY_S) is None
    older = rescue(kept_at_s=KEPT_AT_S - DAY_S, looked_at_s=LOOKED_S)
    assert next_s(tmp_path, newest, older) == KEPT_AT_S + 29 * DAY_S + 1
    # Of each resource; and what is lost is no copy.
    assert next_s(tmp_path, newest, rescue(name="db", looked_at_s=LOOKED_S)) is None
    lost = rescue(kept_at_s=KEPT_AT_S + 1, lost="gone")
    assert due.newest_copies([newest, lost, older]) == {newest.name}


def test_what_is_too_old_and_still_there_is_tried_again_in_an_hour(tmp_path: Path) -> None:
    late_s = KEPT_AT_S + 31 * DAY_S
    assert (
        next_s(tmp_path, rescue(a_snapshot(), looked_at_s=LOOKED_S), now_s=late_s) == late_s + 3600
    )


def test_nothing_is_kept(tmp_path: Path) -> None:
    assert next_s(tmp_path) is None
    due.reckon(settings_in(tmp_path), [], NOW_S)  # and once more, with no note


@pytest.mark.parametrize("data", [None, b"0\n", b"nonsense", b"99999999999\n", b"nan"])
def test_the_first_look_and_the_whole_pass_agree(tmp_path: Path, data: bytes | None) -> None:
    agents = Agents(tmp_path)
    world, settings = agents.world("beta"), agents.settings["beta"]
    agents.run_pass("beta")
    put(settings, rescue(looked_at_s=KEPT_AT_S))
    if data is not None:
        note(settings, data)
    due_now = due.is_due(settings, world.clock.wall_s())
    assert nothing_to_do(world, settings) is not due_now
    # A pass that looks takes the lock, and puts the note right.
    lock = settings.run.lock
    lock.unlink(missing_ok=True)
    assert not agents.run_pass("beta").eventful
    assert lock.exists() is due_now
    assert nothing_to_do(world, settings)
