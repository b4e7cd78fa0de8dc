"""docs/dashboards.md says of each panel what the dashboard itself says."""

from __future__ import annotations

import pytest

from tests.docs import pages

from .dashboards import BOARDS
from .panels.pictures import PAIRS

PAGE = pages.text("docs/dashboards.md")
SECTIONS = {"connector-pairs.json": "All pairs", "connector-pair.json": "One pair"}


@pytest.mark.parametrize("name", BOARDS)
def test_every_panel_is_on_the_page_in_its_own_words(name: str) -> None:
    written = pages.rows(pages.section(PAGE, SECTIONS[name]))
    assert written == [[item["title"], item["description"]] for item in BOARDS[name]["panels"]]


@pytest.mark.parametrize("name", BOARDS)
def test_its_picture_is_shown(name: str) -> None:
    picture = f"{name.removesuffix('.json').replace('connector', 'dashboard')}.png"
    assert f"](pictures/{picture})" in pages.section(PAGE, SECTIONS[name])
    assert (pages.PROJECT / "docs" / "pictures" / picture).is_file()
    assert PAIRS[name] in (".*", "north")


def test_it_names_the_schema_and_does_not_claim_a_grafana() -> None:
    assert {board["schemaVersion"] for board in BOARDS.values()} == {39}
    said = " ".join(PAGE.split())
    assert "schema version 39" in said
    assert "They were never loaded in a Grafana." in said
    assert "drawn by connector's tests, **not by Grafana**" in said
    for board in BOARDS.values():
        assert f"`{board['uid']}`" in PAGE
