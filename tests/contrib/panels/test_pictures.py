"""Both dashboards on a real Prometheus that knows an hour of three pairs, and their pictures."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree import ElementTree

import pytest

from tests.contrib.dashboards import NAMES
from tests.report.page.reading import Element, root_of, with_class, words

from .answers import STEP_S, Answered, Named
from .board import BY_WHOM
from .pictures import PAIRS, Page
from .table import columns, rows
from .timeline import bands
from .values import shown

pytestmark = pytest.mark.slow

# The targets that answer with nothing on this hour, and why that is right.
EMPTY = {
    ("connector-pair.json", "Needs an operator", "A"): "at its end north is healed",
    ("connector-pair.json", "What the agent says", "B"): "in mode discard nobody was needed",
}
# What the hour ends with (incident.py), as the large numbers and words say it.
STATS = {
    "connector-pairs.json": {
        "Without a safe second copy": "1",
        "Split brain": "1",
        "Need an operator": "1",
        "In use on both nodes": "0",
        "Paused": "1",
        "Nodes that cannot be scraped": "0",
    },
    "connector-pair.json": {
        "Split brain": "no",
        "Operator": "not needed",
        "Paused": "no",
        "Nodes seen": "2",
        "Different policies": "1",
        "Recoveries": "2",
    },
}


def panel(page: Page, title: str) -> Answered:
    """The panel of that title."""
    (found,) = [answer for answer in page.panels if answer.title == title]
    return found


def series(answer: Answered, name: str) -> Named:
    """The panel's series of that name."""
    (found,) = [one for one in answer.series if one.name == name]
    return found


def sections(page: Page) -> list[Element]:
    """The panels of the page, in order; ParseError where it is no well-formed document."""
    return list(root_of(page.html.partition("\n")[2]).iter("section"))


def table_rows(page: Page, title: str) -> list[list[str]]:
    """The cells of a table as they are shown, without its heading."""
    (section,) = [one for one in sections(page) if one.findtext("h2") == title]
    return [[words(cell) for cell in row.iter("td")] for row in list(section.iter("tr"))[1:]]


def test_every_dashboard_is_drawn_for_a_pair() -> None:
    assert sorted(PAIRS) == sorted(NAMES)


def test_every_query_of_every_panel_answers(drawn: Mapping[str, Page]) -> None:
    empty = {
        (page.name, answer.title, reference)
        for page in drawn.values()
        for answer in page.panels
        for reference, found in answer.targets.items()
        if not found
    }
    assert empty == EMPTY.keys()
    asked = [found for page in drawn.values() for answer in page.panels for found in answer.targets]
    assert len(asked) > 45


@pytest.mark.parametrize("name", NAMES)
def test_the_page_shows_every_panel_with_its_values(drawn: Mapping[str, Page], name: str) -> None:
    page = drawn[name]
    header = words(root_of(page.html.partition("\n")[2]).findall("body/header")[0])
    assert BY_WHOM in header
    assert "2025-11-24 16:01:00 to 2025-11-24 17:01:00 UTC" in header
    assert "<script" not in page.html
    found = sections(page)
    assert [section.findtext("h2") for section in found] == [one.title for one in page.panels]
    for section, answer in zip(found, page.panels, strict=True):
        _shows(section, answer)


def _shows(section: Element, answer: Answered) -> None:
    """Fail where something of the answer is not in what is drawn."""
    said = {text.strip() for text in section.itertext()}
    config = answer.panel["fieldConfig"]["defaults"]
    kind = answer.panel["type"]
    if not answer.series:
        assert "No data" in said, answer.title
    elif kind == "table":
        told = rows(answer)
        assert len(list(section.iter("tr"))) == len(told) + 1
        fields = columns(answer.panel, told)
        for row in told:
            texts = {row.get(field) for field, _ in fields}
            assert {text for text in texts if isinstance(text, str)} <= said
    elif kind == "stat":
        assert shown(answer.series[0].value, config).text in said
    else:
        assert {one.name for one in answer.series} <= said, answer.title
    if kind == "bargauge":
        assert {shown(one.value, config).text for one in answer.series} <= said
    if kind == "state-timeline":
        made = [band for one in answer.series for band in bands(one.points, config)]
        assert len(list(section.iter("rect"))) == len(made)
        assert {band.state.text for band in made if band.to_s - band.from_s > 900} <= said


@pytest.mark.parametrize("name", NAMES)
def test_the_large_words_say_what_the_hour_ended_with(drawn: Mapping[str, Page], name: str) -> None:
    page = drawn[name]
    assert {
        str(section.findtext("h2")): words(one)
        for section in sections(page)
        for one in with_class(section, "stat")
    } == STATS[name]


def test_the_tables_name_the_pair_that_waits_for_a_person(drawn: Mapping[str, Page]) -> None:
    page = drawn["connector-pairs.json"]
    assert sorted(table_rows(page, "Needs an operator")) == [
        ["south", "mail", "south-alpha", "hold"],
        ["south", "mail", "south-beta", "demote-and-reconnect"],
    ]
    assert table_rows(page, "Alerts that fire") == [
        ["critical", "ConnectorSplitBrain", "south", "mail", node]
        for node in ("south-alpha", "south-beta")
    ]


def test_the_table_of_all_resources_has_one_whole_row_for_each(drawn: Mapping[str, Page]) -> None:
    found = table_rows(drawn["connector-pairs.json"], "All resources")
    pairs = [(pair, name) for pair in ("north", "south", "west") for name in ("db", "mail")]
    assert [(row[0], row[1]) for row in found] == pairs
    assert all(cell for row in found for cell in row)
    usual = ["yes", "no", "no", "one node", "0 B", "100%", "no"]
    apart = ["no", "SPLIT BRAIN", "needed", "one node", found[3][6], "100%", "no"]
    assert found[3][6].endswith(" GiB")
    wanted = {("south", "mail"): apart, ("west", "db"): [*usual[:-1], "paused"]}
    assert [row[2:] for row in found] == [wanted.get(pair, usual) for pair in pairs]


def test_the_timelines_tell_how_the_split_brain_came_and_went(drawn: Mapping[str, Page]) -> None:
    page = drawn["connector-pair.json"]

    def states(title: str, name: str) -> list[str]:
        answer = panel(page, title)
        config = answer.panel["fieldConfig"]["defaults"]
        return [band.state.text for band in bands(series(answer, name).points, config)]

    assert states("Connection", "mail on north-beta") == [
        *("Connected", "WFConnection", "StandAlone", "resync", "Connected"),
    ]
    assert states("Role", "mail on north-beta") == ["Secondary", "Primary", "Secondary"]
    assert states("Decision", "mail on north-beta") == [
        *("healthy", "wait", "hold", "demote-and-wait", "demote-and-reconnect"),
        *("reconnect-standby", "syncing", "healthy"),
    ]
    assert states("Disks", "mail/0 local, seen by north-beta") == [
        *("UpToDate", "Inconsistent", "UpToDate"),
    ]
    done = series(panel(page, "Resync"), "mail/0 on north-beta").points
    values = [value for _, value in done]
    assert min(values) < 0.2
    assert len(values) * STEP_S > 3000
    assert values[-1] == 1


def test_xml_is_what_is_read() -> None:
    with pytest.raises(ElementTree.ParseError):
        sections(Page("x", (), "<!DOCTYPE html>\n<section>"))
