"""docs/README.md names every page once; a folder with an index of its own names its pages there."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from . import pages
from .test_links import links

DOCS = pages.PROJECT / "docs"
INDEX = DOCS / "README.md"
FOLDERS = {"runbooks": "INDEX.md"}
KINDS = ["To learn it", "To do something", "To look something up", "To understand why"]
SUFFIXES = {".md", ".8", ".5"}


def named(index: Path) -> Counter[str]:
    """The pages that an index links to, below docs/; how often each."""
    found = ((index.parent / target.partition("#")[0]).resolve() for target in links(index))
    return Counter(
        str(page.relative_to(DOCS)) for page in found if page.is_relative_to(DOCS) and page != index
    )


def in_folder(folder: Path) -> set[str]:
    """The pages below a folder of docs/."""
    return {str(page.relative_to(DOCS)) for page in folder.rglob("*") if page.suffix in SUFFIXES}


def test_every_page_is_in_the_index_once() -> None:
    elsewhere = {
        page
        for folder, index in FOLDERS.items()
        for page in in_folder(DOCS / folder) - {f"{folder}/{index}"}
    }
    expected = in_folder(DOCS) - elsewhere - {INDEX.name}
    assert len(expected) > 30
    assert named(INDEX) == Counter(expected)


def test_a_folder_with_its_own_index_has_every_page_there() -> None:
    for folder, name in FOLDERS.items():
        index = DOCS / folder / name
        assert in_folder(DOCS / folder) - {f"{folder}/{name}"} <= set(named(index))


def test_the_four_kinds_are_in_their_order() -> None:
    assert pages.headings(INDEX.read_text(encoding="utf-8"))[1:] == KINDS


def test_each_page_has_words_beside_it() -> None:
    lines = INDEX.read_text(encoding="utf-8").splitlines()
    items = [line for line in lines if line.startswith("- ")]
    assert len(items) > 30
    assert [line for line in items if len(line.partition("): ")[2]) < 5] == []


def test_the_readme_links_to_the_index() -> None:
    assert "docs/README.md" in links(pages.PROJECT / "README.md")
