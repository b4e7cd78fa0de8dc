"""The folder of rescues: a rescue is there whole, or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from connector.rescue import shelf
from connector.rescue.kept import RECORD_FILE
from tests.rescue.making import KEPT_AT_S, names_on, put, rescue, settings_in

NAME = rescue().name


class Killed(BaseException):
    """What a signal handler raises."""


def test_nothing_where_there_is_no_folder(tmp_path: Path) -> None:
    assert shelf.read(tmp_path / "rescues") == shelf.Shelf(())
    assert shelf.leftovers(tmp_path / "rescues") == ()
    assert not (tmp_path / "rescues").exists()


def test_it_has_its_name_when_it_is_whole(tmp_path: Path) -> None:
    folder = tmp_path / "state/rescues"
    with shelf.unfinished(folder, NAME) as place:
        shelf.write(place, rescue())
        (place / "volume-0.img").write_bytes(b"data")
        assert shelf.read(folder) == shelf.Shelf(())
    assert shelf.read(folder) == shelf.Shelf((rescue(),))
    assert os.listdir(folder) == [NAME]
    assert sorted(os.listdir(folder / NAME)) == ["rescue.json", "volume-0.img"]
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / NAME)]
    assert modes == [0o700, 0o700]
    assert stat.S_IMODE((folder / NAME / RECORD_FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize("step", [0, 1, 2])
def test_interrupted_at_any_step_nothing_is_left(tmp_path: Path, step: int) -> None:
    undone: list[bool] = []

    def undo() -> None:
        # Whoever is killed now leaves a record of what else is to be taken back.
        (left,) = shelf.leftovers(tmp_path)
        undone.append((left / RECORD_FILE).exists())

    def make() -> None:
        with shelf.unfinished(tmp_path, NAME, undo) as place:
            if step == 0:
                raise Killed
            shelf.write(place, rescue())
            if step == 1:
                raise Killed
            (place / "volume-0.img").write_bytes(b"data")
            raise Killed

    with pytest.raises(Killed):
        make()
    assert undone == [step > 0]
    assert os.listdir(tmp_path) == []


def test_a_name_that_is_taken_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / RECORD_FILE).write_bytes(b"of another")
    undone: list[int] = []
    with (
        pytest.raises(OSError, match=r"not empty|exists"),
        shelf.unfinished(tmp_path, NAME, lambda: undone.append(1)) as place,
    ):
        shelf.write(place, rescue())
    assert undone == [1]
    assert os.listdir(tmp_path) == [NAME]
    assert (tmp_path / NAME / RECORD_FILE).read_bytes() == b"of another"


def test_what_a_killed_maker_left_is_seen_and_is_no_rescue(tmp_path: Path) -> None:
    left = tmp_path / f".unfinished-{NAME}"
    left.mkdir()
    shelf.write(left, rescue())
    (tmp_path / ".hidden").mkdir()
    assert shelf.leftovers(tmp_path) == (left,)
    assert shelf.read(tmp_path) == shelf.Shelf(())


def test_oldest_first_and_no_more_than_there_may_be(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    many = [rescue(kept_at_s=KEPT_AT_S + number) for number in range(30)]
    put(settings, *reversed(many))
    assert list(shelf.read(settings.rescues_dir).rescues) == many


def strange(folder: Path, name: str, content: bytes | None) -> None:
    (folder / name).mkdir()
    if content is not None:
        (folder / name / RECORD_FILE).write_bytes(content)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("photos", None, "no record of a rescue is there"),
        (NAME, b"", "the record: Invalid JSON"),
        (NAME, b"{", "the record: Invalid JSON"),
        (NAME, b"\xff\xfe", "the record: Invalid JSON"),
        (NAME, b"[" * 100_000, "the record: Invalid JSON"),
        (NAME, b"[]", "the record: Input should be an object"),
        (NAME, b"{}", "name: Field required"),
        (NAME, rescue().model_dump_json().encode()[:-1] + b', "more": 1}', "more: Extra inputs"),
        (NAME, rescue().model_dump_json().replace("1764000000.0", "1e300").encode(), "kept_at_s: "),
        (NAME, b" " * (shelf.MAX_RECORD_BYTES + 1), "larger than 1048576 bytes"),
        ("20251124T160001Z-mail", rescue().model_dump_json().encode(), f"the record of {NAME}"),
    ],
)
def test_a_strange_record_is_named_with_its_file(
    tmp_path: Path, name: str, content: bytes | None, why: str
) -> None:
    settings = settings_in(tmp_path)
    put(settings, rescue(name="db"))
    strange(settings.rescues_dir, name, content)
    found = shelf.read(settings.rescues_dir)
    assert found.rescues == (rescue(name="db"),)
    (problem,) = found.problems
    assert problem.startswith(f"{settings.rescues_dir / name / RECORD_FILE}: ")
    assert why in problem


def test_a_file_among_the_rescues_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("which one was it?")
    (problem,) = shelf.read(tmp_path).problems
    assert problem == f"{tmp_path}/notes.txt/rescue.json: Not a directory"


def test_a_folder_that_is_a_file_system_has_a_lost_and_found(tmp_path: Path) -> None:
    (tmp_path / "lost+found").mkdir()
    assert shelf.read(tmp_path) == shelf.Shelf(())


def test_removed(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    first, second = rescue(), rescue(name="db")
    put(settings, first, second)
    (settings.rescues_dir / first.name / "more").mkdir()
    shelf.remove(settings.rescues_dir, first.name)
    assert names_on(settings) == [second.name]
    with pytest.raises(FileNotFoundError):
        shelf.remove(settings.rescues_dir, first.name)


def test_a_removal_that_cannot_begin_takes_nothing(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    put(settings, rescue())
    (settings.rescues_dir / f".unfinished-{NAME}" / "in-the-way").mkdir(parents=True)
    with pytest.raises(OSError, match="not empty"):
        shelf.remove(settings.rescues_dir, NAME)
    assert (settings.rescues_dir / NAME / "volume-0.img").read_bytes() == b"what was there"
    assert shelf.read(settings.rescues_dir).rescues == (rescue(),)


def test_a_removal_that_was_killed_has_left_no_rescue(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    put(settings, rescue())
    folder = settings.rescues_dir
    os.rename(folder / NAME, folder / f".unfinished-{NAME}")  # which is the first thing it does
    assert shelf.read(folder) == shelf.Shelf(())
    assert shelf.leftovers(folder) == (folder / f".unfinished-{NAME}",)


def test_what_copies_take(tmp_path: Path) -> None:
    assert shelf.used_bytes(tmp_path) == 0
    assert shelf.used_bytes(tmp_path / "nowhere") == 0
    (tmp_path / "a").mkdir()
    with (tmp_path / "a/volume-0.img").open("wb") as stream:
        stream.write(bytes(4096))
        stream.truncate(10**9)
    assert 4096 <= shelf.used_bytes(tmp_path) <= 65536
    (tmp_path / "a/link").symlink_to("/")
    assert shelf.used_bytes(tmp_path) <= 65536
