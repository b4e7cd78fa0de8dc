"""Pauses: their end on two clocks, and a damaged record."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.errors import ConnectorError
from connector.memory.pauses import Moment, Pause, load, reason_for, save

NOW = Moment(wall_s=1_000.0, boot_s=50.0, boot_id="boot")


def pause(for_s: float | None = 100.0) -> Pause:
    """A pause that begins now."""
    return Pause(
        reason="new cables",
        since_wall_s=NOW.wall_s,
        until_wall_s=None if for_s is None else NOW.wall_s + for_s,
        until_boot_s=None if for_s is None else NOW.boot_s + for_s,
        boot_id="boot",
    )


@pytest.mark.parametrize(
    ("now", "holds"),
    [
        (Moment(1_099.0, 149.0, "boot"), True),
        (Moment(1_100.0, 150.0, "boot"), False),
        (Moment(9_999.0, 149.0, "boot"), True),  # the wall clock jumped ahead
        (Moment(0.0, 500.0, "boot"), True),  # it jumped back: rather too long than too short
        (Moment(1_050.0, 5.0, "another"), True),  # after a reboot only the wall clock counts
        (Moment(1_100.0, 5.0, "another"), False),
    ],
)
def test_its_end(now: Moment, holds: bool) -> None:
    assert pause().holds(now) is holds


def test_without_an_end_it_lasts() -> None:
    assert pause(None).holds(Moment(1e12, 1e12, "another"))


def test_one_resource_or_all(tmp_path: Path) -> None:
    path = tmp_path / "pauses.json"
    save(path, {"mail": pause()})
    assert reason_for(load(path), "mail", NOW) == "new cables"
    assert reason_for(load(path), "db", NOW) is None
    save(path, {"*": pause()})
    assert reason_for(load(path), "db", NOW) == "new cables"
    save(path, {})
    assert not path.exists()
    assert load(path) == {}


@pytest.mark.parametrize("text", ["", "{", '{"version": 1, "pauses": {"mail": {}}}'])
def test_a_damaged_record_stops_everything_and_stays(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pauses.json"
    path.write_text(text)
    with pytest.raises(ConnectorError, match="unclear what is paused"):
        load(path)
    assert path.read_text() == text
