"""What a pass does for the rescues: looks after the resync, tells an overflow once, clears up."""

from __future__ import annotations

from pathlib import Path

from connector.model import ConnectionState, DiskState, Resource, Role
from connector.rescue import due, shelf
from connector.rescue.attend import attend
from connector.rescue.kept import Rescue
from tests.agents import Agents
from tests.builders import device, resource, volume
from tests.rescue.making import (
    DAY_S,
    KEPT_AT_S,
    Hands,
    Lvm,
    a_snapshot,
    names_on,
    put,
    rescue,
    settings_in,
)

SNAPSHOT = f"pair/{a_snapshot().snapshot}"
HEALED = resource("mail", role=Role.SECONDARY)
KEPT = rescue(a_snapshot())


class Bench:
    """A shelf, an LVM, and passes a minute apart."""

    def __init__(self, folder: Path, *rescues: Rescue) -> None:
        self.settings = settings_in(folder)
        self.lvm = Lvm(snapshots={SNAPSHOT})
        self.hands = Hands(folder, self.lvm.programs)
        put(self.settings, *rescues)
        due.at_once(self.settings)

    def attend(self, *resources: Resource) -> tuple[str, ...]:
        self.hands.now_s += 60
        return attend(self.hands.world, self.settings, resources)

    @property
    def due(self) -> bool:
        return due.is_due(self.settings, self.hands.now_s)

    def kept(self) -> list[Rescue]:
        return list(shelf.read(self.settings.rescues_dir).rescues)


def test_one_that_outlived_the_resync_is_noted_and_nothing_is_said(tmp_path: Path) -> None:
    bench = Bench(tmp_path, KEPT)
    assert bench.attend(HEALED) == ()
    (now,) = bench.kept()
    assert (now.looked_at_s, now.lost) == (KEPT_AT_S + 60, None)
    assert now == KEPT.model_copy(update={"looked_at_s": KEPT_AT_S + 60})
    assert not bench.due


def test_an_overflow_is_told_once_and_noted(tmp_path: Path) -> None:
    bench = Bench(tmp_path, KEPT)
    bench.lvm.overflowed = {SNAPSHOT}
    (sentence,) = bench.attend(HEALED)
    assert sentence.startswith(f"rescue {KEPT.name} is lost: volume 0: the snapshot {SNAPSHOT}")
    (now,) = bench.kept()
    assert now.lost is not None
    assert "overflowed" in now.lost
    assert not bench.due
    assert bench.attend(HEALED) == ()
    assert bench.kept() == [now]


def test_what_is_known_to_be_lost_is_not_told_again(tmp_path: Path) -> None:
    lost = rescue(a_snapshot(), lost="gone")
    bench = Bench(tmp_path, lost)
    bench.lvm.overflowed = {SNAPSHOT}
    assert bench.attend(HEALED) == ()
    assert bench.kept() == [lost]


def test_a_healthy_pass_tells_it_once(tmp_path: Path) -> None:
    agents = Agents(tmp_path)
    settings = agents.settings["beta"]
    lvm = Lvm(snapshots={SNAPSHOT}, overflowed={SNAPSHOT})
    agents.answer_first(
        "beta", lambda argv, _timeout_s: lvm.lvs(argv) if argv[0] == "lvs" else None
    )
    agents.run_pass("beta")
    put(settings, KEPT)
    due.at_once(settings)
    first, second = agents.run_pass("beta"), agents.run_pass("beta")
    (warning,) = first.warnings
    assert warning.startswith(f"rescue {KEPT.name} is lost: ")
    assert second.warnings == ()
    assert agents.commands["beta"] == []


def test_before_the_end_of_the_resync_nothing_is_proven(tmp_path: Path) -> None:
    inconsistent = device(
        connection=ConnectionState.CONNECTED, role=Role.SECONDARY, disk=DiskState.INCONSISTENT
    )
    bench = Bench(tmp_path, KEPT)
    for not_yet in (
        resource("mail", connection=ConnectionState.STANDALONE, role=Role.SECONDARY),
        resource("mail", connection=ConnectionState.SYNC_TARGET, role=Role.SECONDARY),
        resource("mail", role=Role.SECONDARY, volumes=[volume(inconsistent)]),
        resource("db", role=Role.SECONDARY),
    ):
        assert bench.attend(not_yet) == ()
        assert bench.kept() == [KEPT]
        assert bench.due
    assert bench.attend() == ()
    assert bench.due


def test_one_whose_resource_never_comes_back_stops_being_waited_for(tmp_path: Path) -> None:
    copy = rescue()
    bench = Bench(tmp_path, copy)
    bench.hands.now_s += 30 * DAY_S
    assert bench.attend() == ()
    assert [item.looked_at_s for item in bench.kept()] == [bench.hands.now_s]
    assert not bench.due


def test_what_is_too_old_is_dropped_and_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path, KEPT)
    bench.attend(HEALED)
    bench.hands.now_s += 30 * DAY_S
    assert bench.due
    assert bench.attend(HEALED) == (
        f"rescue {KEPT.name} was dropped: it is older than max_age_days",
    )
    assert (names_on(bench.settings), bench.lvm.snapshots) == ([], set())
    assert not bench.settings.rescues_due_file.exists()


def test_what_cannot_be_dropped_is_told_once_an_hour(tmp_path: Path) -> None:
    bench = Bench(tmp_path, KEPT)
    bench.attend(HEALED)
    bench.lvm.held = {SNAPSHOT}
    bench.hands.now_s += 30 * DAY_S
    (sentence,) = bench.attend(HEALED)
    assert "older than max_age_days and stays" in sentence
    assert names_on(bench.settings) == [KEPT.name]
    assert not bench.due
    bench.hands.now_s += 3600
    assert bench.due


def test_what_a_killed_pass_left_is_cleared_up(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    left = bench.settings.rescues_dir / f".unfinished-{KEPT.name}"
    left.mkdir(parents=True)
    shelf.write(left, KEPT)
    bench.lvm.held = {SNAPSHOT}
    (sentence,) = bench.attend(HEALED)
    assert "cannot be removed" in sentence
    assert left.exists()
    assert not bench.due
    bench.hands.now_s += 3600
    assert bench.due
    bench.lvm.held = set()
    assert bench.attend(HEALED) == ()
    assert (names_on(bench.settings), bench.lvm.snapshots) == ([], set())
    assert not bench.settings.rescues_due_file.exists()


def test_a_strange_folder_is_named_and_stops_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path, KEPT)
    (bench.settings.rescues_dir / "photos").mkdir()
    (sentence,) = bench.attend(HEALED)
    assert "photos/rescue.json: no record of a rescue is there" in sentence
    assert [item.looked_at_s for item in bench.kept()] == [KEPT_AT_S + 60]


def test_a_shelf_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.settings.rescues_dir.write_text("no folder")
    assert bench.attend(HEALED) == (f"{bench.settings.rescues_dir}: Not a directory",)


def test_no_rescues_no_folder(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    assert bench.attend(HEALED) == ()
    assert not bench.settings.rescues_dir.exists()
    assert not bench.settings.rescues_due_file.exists()
