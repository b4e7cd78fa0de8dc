"""contrib/grafana: dashboards that Grafana can load, with queries that Prometheus can answer."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from connector.model import DecisionName, Role
from connector.report.series import CONNECTION_STATES, DISK_STATES

from .dashboards import BOARDS, FOLDER, NAMES, Query, queries, without_variables
from .promql import OTHERS, OWN, TARGET_LABELS, problems, selectors
from .rules import RECORDED, RECORDINGS, promtool

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
GRID_WIDTH = 24
_TERM = re.compile(r'(\d+) \* sum without \((\w+)\) \((\w+)\{.*?\b\2=~?"([^"]+)"\}\)')


QUERIES = list(queries())
QUERY_IDS = [f"{query.board}:{query.panel}" for query in QUERIES]


def panel(board: str, title: str) -> dict[str, Any]:
    """The panel of that title."""
    (found,) = [item for item in BOARDS[board]["panels"] if item["title"] == title]
    assert isinstance(found, dict)
    return found


def variables(board: str) -> dict[str, Any]:
    """The dashboard's variables by name."""
    return {item["name"]: item for item in BOARDS[board]["templating"]["list"]}


def test_there_are_two_dashboards() -> None:
    assert NAMES == ("connector-pair.json", "connector-pairs.json")
    assert [BOARDS[name]["uid"] for name in NAMES] == ["connector-pair", "connector-pairs"]


@pytest.mark.parametrize("name", NAMES)
def test_grafana_can_load_it(name: str) -> None:
    board = BOARDS[name]
    assert board["schemaVersion"] >= 39
    assert board["id"] is None  # Grafana gives it one
    assert board["title"]
    assert board["description"]
    ids = [item["id"] for item in board["panels"]]
    assert len(set(ids)) == len(ids) > 10
    titles = [item["title"] for item in board["panels"]]
    assert all(titles)
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("name", NAMES)
def test_every_panel_asks_for_something_and_says_what(name: str) -> None:
    for item in BOARDS[name]["panels"]:
        assert item["description"].endswith(".")
        assert item["datasource"] == DATASOURCE
        assert item["targets"]
        references = [target["refId"] for target in item["targets"]]
        assert len(set(references)) == len(references)
        for target in item["targets"]:
            assert target["expr"].strip()
            assert target["datasource"] == DATASOURCE
            assert target["instant"] is not target["range"]


@pytest.mark.parametrize("name", NAMES)
def test_no_panel_covers_another_one(name: str) -> None:
    taken: list[tuple[str, set[tuple[int, int]]]] = []
    for item in BOARDS[name]["panels"]:
        place = item["gridPos"]
        columns = range(place["x"], place["x"] + place["w"])
        assert columns.stop <= GRID_WIDTH
        rows = range(place["y"], place["y"] + place["h"])
        taken.append((item["title"], {(x, y) for x in columns for y in rows}))
    for (one, cells), (other, others) in combinations(taken, 2):
        assert not cells & others, f"{one} and {other}"


@pytest.mark.parametrize("name", NAMES)
def test_the_variables_fit(name: str) -> None:
    found = variables(name)
    assert list(found) == ["datasource", "pair", "resource"][: len(found)]
    assert len(found) == (3 if name == "connector-pair.json" else 2)
    assert found["datasource"]["type"] == "datasource"
    assert found["datasource"]["query"] == "prometheus"
    for variable in list(found.values())[1:]:
        # Nodes without a pair label have no value of it: All must let them through.
        assert variable["includeAll"]
        assert variable["allValue"] == ".*"
        assert variable["definition"] == variable["query"]["query"]
        asked = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["definition"])
        assert asked
        assert asked[2] == variable["name"]
        assert problems(without_variables(asked[1]), RECORDED) == []
        (selector,) = selectors(asked[1])
        assert asked[2] in OWN[selector.metric] | TARGET_LABELS


@pytest.mark.parametrize("query", QUERIES, ids=QUERY_IDS)
def test_a_query_names_what_there_is(query: Query) -> None:
    expression = without_variables(query.expression)
    assert problems(expression, RECORDED) == []
    found = list(selectors(expression))
    assert found
    chosen = [selector.metric for selector in found if selector.matchers]
    assert chosen, "nothing chooses the pair"


def test_a_query_takes_only_what_was_chosen() -> None:
    for query in QUERIES:
        first = next(selectors(query.expression))
        if first.metric == "ALERTS":
            continue  # one that is about Prometheus has no pair
        chosen = {(matcher.label, matcher.value) for matcher in first.matchers}
        assert ("pair", "$pair") in chosen
        if query.board == "connector-pair.json" and "resource" in OWN[first.metric]:
            assert ("resource", "$resource") in chosen


def test_a_legend_names_labels_that_there_are() -> None:
    for name, board in BOARDS.items():
        for item in board["panels"]:
            for target in item["targets"]:
                has = frozenset().union(
                    *(
                        RECORDED.get(s.metric) or ((OWN | OTHERS)[s.metric] | TARGET_LABELS)
                        for s in selectors(target["expr"])
                    )
                )
                named = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
                assert named <= has, f"{name}: {item['title']}"


def test_what_is_merged_has_no_name_of_a_metric() -> None:
    """The name is a column too, and rows merge only where all common columns agree."""
    merged = [
        target["expr"]
        for board in BOARDS.values()
        for item in board["panels"]
        if any(one["id"] == "merge" for one in item.get("transformations", ()))
        for target in item["targets"]
    ]
    assert len(merged) > 10
    for expression in merged:
        assert re.match(r"(max|min|sum|count) by \([\w, ]+\) \(", expression), expression


def test_one_pair_needs_no_recording_rules_and_all_pairs_use_them() -> None:
    used = {
        name: {s.metric for q in QUERIES if q.board == name for s in selectors(q.expression)}
        & set(RECORDINGS)
        for name in NAMES
    }
    assert used["connector-pair.json"] == set()
    assert len(used["connector-pairs.json"]) > 5


def test_prometheus_takes_every_query(tmp_path: Path) -> None:
    rules = [
        {"record": f"query:number:{number}", "expr": without_variables(query.expression)}
        for number, query in enumerate(QUERIES)
    ]
    # JSON is YAML.
    file = tmp_path / "queries.yml"
    file.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}), "utf-8")
    done = promtool("check", "rules", file)
    assert done.returncode == 0, done.stdout
    assert f"{len(QUERIES)} rules found" in done.stdout


@pytest.mark.parametrize(
    ("title", "metric", "words"),
    [
        ("Connection", "connector_connection_state", CONNECTION_STATES),
        ("Role", "connector_role", tuple(Role)),
        ("Decision", "connector_decision", tuple(DecisionName)),
        ("Disks", "connector_disk_state", DISK_STATES),
    ],
)
def test_a_timeline_shows_every_state_once(title: str, metric: str, words: tuple[str, ...]) -> None:
    item = panel("connector-pair.json", title)
    (target,) = item["targets"]
    terms = _TERM.findall(target["expr"])
    assert len(terms) == target["expr"].count("*")
    assert {name for _, _, name, _ in terms} == {metric}
    shown = [word for _, _, _, value in terms for word in value.split("|")]
    assert sorted(shown) == sorted(map(str, words))
    # Each number has its word and its colour.
    (mapping,) = item["fieldConfig"]["defaults"]["mappings"]
    assert list(mapping["options"]) == [number for number, *_ in terms]
    for number, _, _, value in terms:
        text = mapping["options"][number]["text"]
        assert text == value or "|" in value
        assert mapping["options"][number]["color"]


def test_the_dashboards_lead_to_each_other() -> None:
    known = {board["uid"] for board in BOARDS.values()}
    for name in NAMES:
        text = (FOLDER / name).read_text(encoding="utf-8")
        linked = set(re.findall(r"/d/([\w-]+)", text))
        assert linked == known - {BOARDS[name]["uid"]}
        for variable in re.findall(r"var-(\w+)=", text):
            assert variable in variables("connector-pair.json")
