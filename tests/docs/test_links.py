"""Links between the pages lead somewhere, and every page can be found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from . import pages

_LINK = re.compile(r"\[[^\]\n]*(?:\n[^\]\n]*)?\]\(([^)\s]+)\)")


def links(page: Path) -> list[str]:
    """The targets of a page's links that are not on the web."""
    found = _LINK.findall(pages.prose(page.read_text(encoding="utf-8")))
    return [target for target in found if not target.startswith("https://")]


def anchors(page: Path) -> set[str]:
    """The anchors that a forge makes of the headings."""
    return {
        re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        for title in pages.headings(page.read_text(encoding="utf-8"))
    }


def leads_nowhere(page: Path, target: str) -> str | None:
    """What is wrong with a link; None where it is right."""
    name, _, anchor = target.partition("#")
    found = (page.parent / name).resolve() if name else page
    if not found.is_relative_to(pages.PROJECT) or not found.exists():
        return f"{page.name}: {target}: no such file"
    if anchor and anchor not in anchors(found):
        return f"{page.name}: {target}: no such heading"
    return None


@pytest.mark.parametrize("page", pages.PAGES, ids=pages.PAGE_NAMES)
def test_links_lead_somewhere(page: Path) -> None:
    wrong = [leads_nowhere(page, target) for target in links(page)]
    assert [problem for problem in wrong if problem] == []


def test_a_wrong_link_would_be_found() -> None:
    readme = pages.PROJECT / "README.md"
    assert len(links(readme)) > 10
    assert leads_nowhere(readme, "docs/none.md")
    assert leads_nowhere(readme, "docs/lab.md#none")
    assert leads_nowhere(readme, "#none")
    assert leads_nowhere(readme, "docs/lab.md#the-stories") is None


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [pages.PROJECT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        targets = [(page.parent / target.partition("#")[0]).resolve() for target in links(page)]
        waiting += [target for target in targets if target.suffix == ".md"]
    assert set(pages.PAGES) <= reached


def test_a_decision_record_has_its_three_parts() -> None:
    records = sorted((pages.PROJECT / "docs/adr").glob("*.md"))
    for number, record in enumerate(records, start=1):
        assert record.name.startswith(f"{number:04}-")
        title, *parts = pages.headings(record.read_text(encoding="utf-8"))
        assert title.startswith(f"{number:04}: ")
        assert parts == ["Context", "Decision", "Consequences"]
    assert len(records) >= 7
