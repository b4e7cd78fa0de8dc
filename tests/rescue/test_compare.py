"""What differs between two trees, whatever is in them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.rescue.compare import MAX_DEPTH, Difference, Kind, differences

Tree = dict[str, "bytes | Tree"]
NOW_NS = 1_764_000_000_000_000_000


@pytest.fixture
def rescued(tmp_path: Path) -> Path:
    (tmp_path / "rescued").mkdir()
    return tmp_path / "rescued"


@pytest.fixture
def healed(tmp_path: Path) -> Path:
    (tmp_path / "healed").mkdir()
    return tmp_path / "healed"


def put(folder: Path, name: str, data: bytes = b"x", at_ns: int = NOW_NS) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, ns=(at_ns, at_ns))
    return path


def found(rescued: Path, healed: Path, *, thorough: bool = False) -> list[Difference]:
    return list(differences(rescued, healed, thorough=thorough))


def test_two_trees_that_are_the_same(rescued: Path, healed: Path) -> None:
    for folder in (rescued, healed):
        put(folder, "a")
        put(folder, "deep/er/b", b"")
        (folder / "link").symlink_to("a")
        os.mkfifo(folder / "pipe")
    put(healed, "a", at_ns=NOW_NS + 1)  # the same bytes, written again
    assert found(rescued, healed) == found(rescued, healed, thorough=True) == []


def test_every_kind_of_difference_in_the_order_of_the_paths(rescued: Path, healed: Path) -> None:
    put(rescued, "a/only", b"12345")
    put(healed, "a/other")
    put(rescued, "b", b"long")
    put(healed, "b", b"longer")
    put(rescued, "c", b"1")
    put(healed, "c", b"2", NOW_NS + 1)
    put(rescued, "d")
    (healed / "d").mkdir()
    (rescued / "e").symlink_to("one")
    (healed / "e").symlink_to("other")
    put(rescued, "f/many/files", b"1")
    put(healed, "g/many/files", b"1")
    os.mkfifo(rescued / "h")
    assert found(rescued, healed) == [
        Difference(Kind.ONLY_RESCUED, "a/only", 5),
        Difference(Kind.ONLY_HEALED, "a/other"),
        Difference(Kind.DIFFERS, "b", 4, "4 bytes, 6 healed"),
        Difference(Kind.DIFFERS, "c", 1, "other bytes"),
        Difference(Kind.DIFFERS, "d", 1, "another kind of file"),
        Difference(Kind.DIFFERS, "e", 3, "another target"),
        Difference(Kind.ONLY_RESCUED, "f"),
        Difference(Kind.ONLY_HEALED, "g"),
        Difference(Kind.ONLY_RESCUED, "h"),
    ]


def test_the_same_size_and_time_are_taken_for_the_same_unless_thorough(
    rescued: Path, healed: Path
) -> None:
    put(rescued, "a", b"1")
    put(healed, "a", b"2")
    assert found(rescued, healed) == []
    assert found(rescued, healed, thorough=True) == [
        Difference(Kind.DIFFERS, "a", 1, "other bytes")
    ]


def test_a_difference_at_the_very_end_of_a_large_file(rescued: Path, healed: Path) -> None:
    large = b"x" * 1_000_000
    put(rescued, "a", large + b"1")
    put(healed, "a", large + b"2", NOW_NS + 1)
    assert [item.path for item in found(rescued, healed)] == ["a"]


def test_no_link_is_followed(rescued: Path, healed: Path) -> None:
    for folder, text in ((rescued, b"1"), (healed, b"2")):
        put(folder.parent, f"{folder.name}-outside/secret", text)
        (folder / "folder").symlink_to(folder.parent / "rescued-outside")
        (folder / "loop").symlink_to("loop")
        (folder / "broken").symlink_to("nowhere")
    assert found(rescued, healed, thorough=True) == []


def test_names_that_are_not_text_or_worse(rescued: Path, healed: Path) -> None:
    names = [b"\xff\xfe", b"new\nline", b"\x1b[2J", "ünï".encode(), b"-rf *"]
    for name in names:
        Path(os.fsdecode(os.path.join(os.fsencode(rescued), name))).write_bytes(b"x")
    told = [os.fsencode(item.path) for item in found(rescued, healed)]
    assert sorted(told) == sorted(names)


def unreadable(make: Callable[[Path], None], rescued: Path, healed: Path) -> Difference:
    put(rescued, "a", b"1")
    put(healed, "a", b"2", NOW_NS + 1)
    for folder in (rescued, healed):
        make(folder)
        put(folder, "z", os.fsencode(folder.name))
    first, second, third = found(rescued, healed)
    # One that cannot be read stops nothing.
    assert (first.path, third.path) == ("a", "z")
    return second


def test_what_cannot_be_read_is_one_difference(rescued: Path, healed: Path) -> None:
    """Root may read all there is; a path longer than the kernel takes stops him, too."""

    def make(folder: Path) -> None:
        before = Path.cwd()
        os.chdir(folder)
        try:
            for _ in range(25):
                os.mkdir("d" * 200)
                os.chdir("d" * 200)
        finally:
            os.chdir(before)

    second = unreadable(make, rescued, healed)
    assert (second.kind, second.why) == (Kind.UNREADABLE, "File name too long")
    assert second.path.startswith("d" * 200 + "/d")
    assert second.path.count("/") > 10


def test_folders_deeper_than_anybody_makes_them(rescued: Path, healed: Path) -> None:
    def make(folder: Path) -> None:
        (folder / "/".join("d" * (MAX_DEPTH + 5))).mkdir(parents=True)

    second = unreadable(make, rescued, healed)
    assert (second.kind, second.why) == (Kind.UNREADABLE, f"deeper than {MAX_DEPTH} folders")
    assert second.path.count("/") == MAX_DEPTH


@pytest.mark.parametrize("missing", ["rescued", "healed"])
def test_a_tree_that_is_not_there(rescued: Path, healed: Path, missing: str) -> None:
    (rescued.parent / missing).rmdir()
    with pytest.raises(FileNotFoundError):
        found(rescued, healed)


def trees() -> st.SearchStrategy[Tree]:
    names = st.sampled_from("abc")
    leaf = st.sampled_from([b"", b"1", b"22"])
    return st.dictionaries(
        names,
        st.recursive(leaf, lambda inner: st.dictionaries(names, inner, max_size=3), max_leaves=6),
        max_size=3,
    )


def write(folder: Path, tree: Tree) -> None:
    folder.mkdir()
    for name, value in tree.items():
        if isinstance(value, dict):
            write(folder / name, value)
        else:
            put(folder, name, value)


def expected(mine: Tree, other: Tree, inside: str = "") -> set[tuple[Kind, str]]:
    """What differs, worked out on the trees themselves."""
    told: set[tuple[Kind, str]] = set()
    for name in mine.keys() | other.keys():
        path = inside + name
        first, second = mine.get(name), other.get(name)
        if second is None:
            told.add((Kind.ONLY_RESCUED, path))
        elif first is None:
            told.add((Kind.ONLY_HEALED, path))
        elif isinstance(first, dict) and isinstance(second, dict):
            told |= expected(first, second, path + "/")
        elif first != second:
            told.add((Kind.DIFFERS, path))
    return told


@settings(deadline=None, max_examples=50)
@given(trees(), trees())
def test_any_two_trees(tmp_path_factory: pytest.TempPathFactory, mine: Tree, other: Tree) -> None:
    folder = tmp_path_factory.mktemp("trees")
    write(folder / "rescued", mine)
    write(folder / "healed", other)
    told = found(folder / "rescued", folder / "healed", thorough=True)
    assert {(item.kind, item.path) for item in told} == expected(mine, other)
    assert len(told) == len(expected(mine, other))
