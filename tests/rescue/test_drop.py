"""Rescues go when they are too old, or not wanted; what they hold goes first, the record last."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import NotKept
from connector.program import Completed
from connector.rescue import drop, due, shelf
from connector.rescue.kept import Rescue
from connector.settings import Settings
from tests.rescue.making import (
    DAY_S,
    KEPT_AT_S,
    Hands,
    Lvm,
    a_copy,
    a_snapshot,
    names_on,
    put,
    rescue,
    settings_in,
)

SNAPSHOTS = {f"pair/{a_snapshot(number).snapshot}" for number in (0, 1)}
BOTH = rescue(a_snapshot(0), a_snapshot(1))


def days_old(days: float, *volumes: object, **changes: object) -> Rescue:
    """A rescue that is so old at KEPT_AT_S."""
    return rescue(*volumes, kept_at_s=KEPT_AT_S - days * DAY_S, **changes)  # type: ignore[arg-type]


def too_old(*rescues: Rescue) -> list[Rescue]:
    return drop.too_old(rescues, 30, KEPT_AT_S)


def test_the_newest_copy_of_each_resource_stays() -> None:
    older, newest, db = days_old(50), days_old(40), days_old(60, name="db")
    young = days_old(1, name="web")
    assert too_old(newest, db, older, young) == [older]


def test_a_snapshot_goes_and_protects_nothing() -> None:
    copy, snapshot = days_old(50), days_old(40, a_snapshot())
    assert too_old(copy, snapshot) == [snapshot]


def test_what_is_lost_is_no_newest_copy() -> None:
    copy, lost = days_old(50), days_old(40, lost="gone")
    assert too_old(copy, lost) == [lost]


def test_a_clock_that_is_wrong_by_years_costs_no_newest_copy() -> None:
    future = days_old(-4000)
    assert too_old(future) == []
    assert drop.too_old([rescue()], 30, KEPT_AT_S + 4000 * DAY_S) == []


@given(
    st.lists(
        st.tuples(st.floats(0, 100), st.sampled_from("ab"), st.booleans(), st.booleans()),
        max_size=6,
    )
)
def test_nothing_young_and_no_newest_copy_is_ever_too_old(
    shapes: list[tuple[float, str, bool, bool]],
) -> None:
    rescues = [
        days_old(days, a_copy() if copied else a_snapshot(), name=name, lost="x" if lost else None)
        for days, name, copied, lost in shapes
    ]
    gone = too_old(*rescues)
    for item in gone:
        assert item.age_s(KEPT_AT_S) > 30 * DAY_S
    for name in "ab":
        good = [item for item in rescues if item.resource == name and item.copies_bytes]
        good = [item for item in good if item.lost is None]
        if good:
            newest_s = max(item.kept_at_s for item in good)
            assert any(item not in gone for item in good if item.kept_at_s == newest_s)


class Bench:
    """A shelf with an LVM behind it."""

    def __init__(self, folder: Path, *rescues: Rescue) -> None:
        self.settings: Settings = settings_in(folder)
        self.lvm = Lvm(snapshots=set(SNAPSHOTS))
        self.hands = Hands(folder, self.lvm.programs)
        put(self.settings, *rescues)

    def away(self, item: Rescue) -> None:
        drop.rescue_away(self.hands.world, self.settings, item)

    @property
    def removed(self) -> list[str]:
        return [line.split()[-1] for line in self.hands.lines if line.startswith("lvremove")]


def test_snapshots_are_removed_first_then_the_record(tmp_path: Path) -> None:
    bench = Bench(tmp_path, BOTH)
    seen: list[list[str]] = []

    def lvremove(argv: Sequence[str]) -> Completed:
        seen.append(names_on(bench.settings))
        return bench.lvm.lvremove(argv)

    bench.hands.programs = {**bench.lvm.programs, "lvremove": lvremove}
    bench.away(BOTH)
    assert seen == [[BOTH.name], [BOTH.name]]
    assert names_on(bench.settings) == []
    assert bench.lvm.snapshots == set()


def test_a_snapshot_that_cannot_be_removed_keeps_the_record(tmp_path: Path) -> None:
    bench = Bench(tmp_path, BOTH)
    held = f"pair/{a_snapshot(1).snapshot}"
    bench.lvm.held = {held}
    with pytest.raises(NotKept, match="contains a filesystem in use"):
        bench.away(BOTH)
    assert names_on(bench.settings) == [BOTH.name]
    assert bench.lvm.snapshots == {held}
    # What is gone already stops nobody the next time.
    bench.lvm.held = set()
    bench.away(BOTH)
    assert (names_on(bench.settings), bench.lvm.snapshots) == ([], set())


@pytest.mark.parametrize(
    "lvs",
    [
        lambda argv: Completed(tuple(argv), None, duration_s=30),
        lambda argv: Completed(tuple(argv), 5, stderr="  Can't get lock for pair\n"),
        lambda argv: Completed(tuple(argv), 3, stderr='Failed to find logical volume? "no"\n'),
        None,
    ],
)
def test_an_lvs_that_does_not_say_that_it_is_gone_proves_nothing(
    tmp_path: Path, lvs: object
) -> None:
    bench = Bench(tmp_path, BOTH)
    bench.lvm.held = set(SNAPSHOTS)
    bench.hands.programs = {"lvs": lvs, "lvremove": bench.lvm.lvremove}  # type: ignore[dict-item]
    with pytest.raises(NotKept, match="filesystem in use"):
        bench.away(BOTH)
    assert names_on(bench.settings) == [BOTH.name]


def test_a_group_that_is_gone_took_its_snapshots_along(tmp_path: Path) -> None:
    bench = Bench(tmp_path, BOTH)

    def lvs(argv: Sequence[str]) -> Completed:
        said = '  Volume group "pair" not found\n  Cannot process volume group pair\n'
        return Completed(tuple(argv), 5, stderr=said)

    bench.hands.programs = {"lvs": lvs}
    bench.away(BOTH)
    assert names_on(bench.settings) == []


def test_only_what_is_too_old_goes_and_what_cannot_go_is_told(tmp_path: Path) -> None:
    old, stuck = days_old(50), days_old(40, a_snapshot(0))
    newest, young = days_old(35), days_old(2, a_snapshot(1))
    bench = Bench(tmp_path, old, stuck, newest, young)
    bench.lvm.held = {f"pair/{a_snapshot(0).snapshot}"}
    gone, sentences = drop.expired(bench.hands.world, bench.settings)
    assert gone == [old.name]
    (sentence,) = sentences
    assert sentence.startswith(f"rescue {stuck.name} is older than max_age_days and stays: ")
    assert names_on(bench.settings) == sorted([stuck.name, newest.name, young.name])


def test_the_note_follows_what_is_left(tmp_path: Path) -> None:
    first, second = rescue(), rescue(a_snapshot(), name="db", looked_at_s=KEPT_AT_S)
    bench = Bench(tmp_path, first, second)
    due.at_once(bench.settings)
    bench.away(first)
    assert not due.is_due(bench.settings, KEPT_AT_S + 30 * DAY_S)
    assert due.is_due(bench.settings, KEPT_AT_S + 31 * DAY_S)
    bench.away(second)
    assert not bench.settings.rescues_due_file.exists()


def half(settings: Settings, item: Rescue | None, name: str = BOTH.name) -> Path:
    """What a killed maker leaves."""
    path = settings.rescues_dir / f".unfinished-{name}"
    path.mkdir(parents=True)
    if item is not None:
        shelf.write(path, item)
    (path / "volume-0.img").write_bytes(b"half")
    return path


def test_what_a_killed_maker_left_goes_with_its_snapshots(tmp_path: Path) -> None:
    bench = Bench(tmp_path, rescue(name="db"))
    half(bench.settings, BOTH)
    half(bench.settings, None, "20251124T160001Z-mail")
    assert drop.unfinished(bench.hands.world, bench.settings.rescues_dir) == ()
    assert names_on(bench.settings) == [rescue(name="db").name]
    assert bench.lvm.snapshots == set()


def test_a_half_one_whose_snapshot_stays_is_tried_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    path = half(bench.settings, BOTH)
    bench.lvm.held = {f"pair/{a_snapshot(0).snapshot}"}
    (sentence,) = drop.unfinished(bench.hands.world, bench.settings.rescues_dir)
    assert sentence.startswith(f"{path}, a rescue that was not finished, cannot be removed: ")
    assert path.exists()
    bench.lvm.held = set()
    assert drop.unfinished(bench.hands.world, bench.settings.rescues_dir) == ()
    assert (path.exists(), bench.lvm.snapshots) == (False, set())


def test_nothing_to_clear_up(tmp_path: Path) -> None:
    assert drop.unfinished(Hands(tmp_path).world, tmp_path / "nowhere") == ()


def test_why_one_is_lost(tmp_path: Path) -> None:
    copies, overflowed = rescue(a_copy(0), a_copy(1)), rescue(a_snapshot(1), name="db")
    bench = Bench(tmp_path, copies, BOTH.model_copy(update={"name": "20251124T160009Z-mail"}))

    def why(item: Rescue) -> str | None:
        return drop.why_lost(bench.hands.world, bench.settings, item)

    assert why(copies) is None
    assert why(overflowed) is None
    bench.lvm.overflowed = {f"pair/{a_snapshot(1).snapshot}"}
    assert (why(overflowed) or "").startswith(
        f"volume 1: the snapshot pair/{a_snapshot(1).snapshot} has overflowed: "
    )
    bench.lvm.snapshots = set()
    assert "Failed to find logical volume" in (why(overflowed) or "")
    image = bench.settings.rescues_dir / copies.name / "volume-1.img"
    image.write_bytes(b"")
    assert why(copies) == f"volume 1: {image} is empty"
    image.unlink()
    assert why(copies) == f"volume 1: {image}: No such file or directory"


def test_an_lvs_that_babbles_is_no_proof_that_it_is_whole(tmp_path: Path) -> None:
    bench = Bench(tmp_path, BOTH)
    bench.hands.programs = {"lvs": lambda argv: Completed(tuple(argv), 0, stdout="fine\n")}
    why = drop.why_lost(bench.hands.world, bench.settings, BOTH)
    assert why is not None
    assert "lvs printed something else than expected" in why
