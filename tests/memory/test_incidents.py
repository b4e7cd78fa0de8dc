"""Incidents: how long, how often, across passes, reboots and damage."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.memory.incidents import Incidents, load, save
from connector.model import ConnectionState, Picture, Role

APART = Picture(ConnectionState.STANDALONE, Role.PRIMARY, False)
WAITING = Picture(ConnectionState.WF_CONNECTION, Role.PRIMARY, False)


def test_a_picture_ages_until_it_changes() -> None:
    incidents = Incidents("boot").seen("mail", APART, 100.0)
    assert incidents.age_s("mail", APART, 130.0) == 30.0
    assert incidents.seen("mail", APART, 130.0).age_s("mail", APART, 130.0) == 30.0
    assert incidents.age_s("mail", WAITING, 130.0) is None
    changed = incidents.seen("mail", WAITING, 140.0)
    assert changed.age_s("mail", WAITING, 140.0) == 0.0


def test_attempts_outlive_a_change_of_the_picture_and_end_with_the_incident() -> None:
    incidents = Incidents("boot").seen("mail", APART, 0.0).attempted("mail").attempted("mail")
    assert incidents.seen("mail", WAITING, 10.0).attempts("mail") == 2
    assert incidents.closed("mail").attempts("mail") == 0
    assert incidents.attempts("db") == 0


def test_a_pass_that_a_cluster_manager_called_for_acts_and_is_no_attempt() -> None:
    incidents = Incidents("boot").seen("mail", APART, 0.0).attempted("mail", counts=False)
    assert incidents.attempts("mail") == 0
    assert incidents.by_resource["mail"].acted


def test_kept_between_passes(tmp_path: Path) -> None:
    path = tmp_path / "incidents.json"
    incidents = Incidents("boot").seen("mail", APART, 100.0).attempted("mail")
    save(path, incidents)
    assert load(path, "boot") == (incidents, None)


def test_after_a_reboot_times_begin_anew_and_attempts_stay(tmp_path: Path) -> None:
    path = tmp_path / "incidents.json"
    save(path, Incidents("boot").seen("mail", APART, 9_000.0).attempted("mail"))
    incidents, _ = load(path, "another boot")
    assert incidents.age_s("mail", APART, 20.0) is None
    assert incidents.attempts("mail") == 1


def test_without_incidents_there_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "incidents.json"
    save(path, Incidents("boot").seen("mail", APART, 0.0))
    save(path, Incidents("boot"))
    assert not path.exists()
    assert load(path, "boot") == (Incidents("boot"), None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"version": 2, "boot_id": "boot", "resources": {}}',
        '{"version": 1, "boot_id": "boot", "resources": {"mail": {"attempts": -1}}}',
        '{"version": 1, "boot_id": "boot", "resources": {"mail": {"connection": null, "role": '
        'null, "in_use": null, "since_s": NaN, "attempts": 0, "acted": false}}}',
    ],
)
def test_a_damaged_file_is_set_aside_and_the_memory_is_lost(tmp_path: Path, text: str) -> None:
    path = tmp_path / "incidents.json"
    path.write_text(text)
    untouched, warning = load(path, "boot", touch=False)
    assert untouched.lost
    assert path.exists()
    incidents, warning = load(path, "boot")
    assert incidents.lost
    assert warning is not None
    assert "only observes" in warning
    assert (tmp_path / "incidents.json.damaged").read_text() == text
    assert not path.exists()


@given(st.binary(max_size=200))
def test_any_bytes_may_be_there(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("state") / "incidents.json"
    path.write_bytes(data)
    assert load(path, "boot")[0].by_resource == {}
