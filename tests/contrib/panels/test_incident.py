"""The hour that the pictures show: told by the real code, the same each time."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from prometheus_client.openmetrics import parser

from connector.memory import last_pass
from connector.report.metrics import PREFIX
from connector.report.series import FAMILIES
from tests.report.reading import ones, value

from . import openmetrics
from .incident import MINUTES, SCRAPE_AT_S, Scrape, hour

pytestmark = pytest.mark.slow

_NODES = ("alpha", "beta")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the nodes keep."""
    return tmp_path_factory.mktemp("nodes")


@pytest.fixture(scope="module")
def scrapes(folder: Path) -> list[Scrape]:
    """Every scrape of the hour."""
    return hour(folder)


def about(scrapes: list[Scrape], instance: str) -> list[Scrape]:
    """Those of one node, in order."""
    return [scrape for scrape in scrapes if scrape.instance == instance]


def test_every_node_is_scraped_once_a_minute(scrapes: list[Scrape]) -> None:
    instances = {f"{pair}-{node}" for pair in ("north", "south", "west") for node in _NODES}
    assert {scrape.instance for scrape in scrapes} == instances
    for instance in instances:
        times_s = [scrape.at_s for scrape in about(scrapes, instance)]
        assert len(times_s) == MINUTES
        assert all(later - at == pytest.approx(60) for at, later in pairwise(times_s))
        for scrape in about(scrapes, instance):
            ended_s = value(scrape.read, "last_run_timestamp_seconds")
            assert 0 < scrape.at_s - ended_s <= SCRAPE_AT_S


def test_north_is_healed_by_its_agents(scrapes: list[Scrape], folder: Path) -> None:
    last = about(scrapes, "north-beta")[-1]
    mail = {"resource": "mail"}
    assert value(last.read, "split_brain", **mail) == 0
    assert value(last.read, "recoveries_total", **mail) == 1
    given = {**mail, "action": "connect-discard-my-data", "outcome": "done"}
    assert value(last.read, "actions_total", **given) == 1
    assert len(list((folder / "north/beta/state/given-up").iterdir())) == 1
    assert not (folder / "north/alpha/state/given-up").exists()
    kept = last_pass.load(folder / "north/beta/state/last-pass.json")
    assert kept is not None
    assert kept.success_wall_s == kept.at_wall_s


def test_a_resync_goes_on_for_minutes_and_only_forward(scrapes: list[Scrape]) -> None:
    labels = {"resource": "mail", "volume": "0", "minor": "0"}
    for node in _NODES:
        ratios, left = (
            [value(one.read, name, **labels) for one in about(scrapes, f"north-{node}")]
            for name in ("sync_ratio", "out_of_sync_bytes")
        )
        running = [place for place, ratio in enumerate(ratios) if ratio < 1]
        assert 7 <= len(running) <= 12
        assert running == list(range(running[0], running[-1] + 1))
        assert [ratios[at] for at in running] == sorted({ratios[at] for at in running})
        assert [left[at] for at in running] == sorted({left[at] for at in running}, reverse=True)
        assert left[running[-1] + 1] == 0


def test_south_waits_for_a_person_to_the_end(scrapes: list[Scrape]) -> None:
    for node in _NODES:
        last = about(scrapes, f"south-{node}")[-1]
        assert value(last.read, "needs_operator", resource="mail") == 1
        assert value(last.read, "split_brain", resource="mail") == 1
        assert value(last.read, "needs_operator", resource="db") == 0
    actions = {words: count for words, count in last.read.items() if words[0] == "actions_total"}
    assert not any(dict(labels)["outcome"] != "done" and n for (_, labels), n in actions.items())


def test_in_west_nothing_happens_but_a_pause(scrapes: list[Scrape]) -> None:
    for node in _NODES:
        seen = about(scrapes, f"west-{node}")
        states = {found for one in seen for found in ones(one.read, "connection_state", "state")}
        assert states == {("Connected", 1.0)}
        paused = [value(one.read, "paused", resource="db") for one in seen]
        assert paused == [0.0] * 40 + [1.0] * 20


def test_the_same_hour_each_time(scrapes: list[Scrape], tmp_path: Path) -> None:
    again = hour(tmp_path, minutes=23)  # past the split brain of north
    assert openmetrics.text(again, 0) == openmetrics.text(scrapes[: len(again)], 0)


def test_the_file_is_openmetrics_with_all_that_prometheus_adds(scrapes: list[Scrape]) -> None:
    shift_s = 86400.0
    few = [scrape for scrape in scrapes if scrape.instance == "south-beta"][-2:]
    families = list(
        parser.text_string_to_metric_families(  # type: ignore[no-untyped-call]
            openmetrics.text(few, shift_s)
        )
    )
    names = {PREFIX + family.name.removesuffix("_total") for family in FAMILIES}
    assert {family.name for family in families} == {"up", *names}
    found = [sample for family in families for sample in family.samples]
    assert len(found) == sum(len(scrape.read) + 1 for scrape in few)
    times_s = sorted({float(sample.timestamp) - shift_s for sample in found})
    assert times_s == pytest.approx([scrape.at_s for scrape in few], abs=0.001)
    added = {"instance": "south-beta", "job": "connector", "pair": "south"}
    assert all(added.items() <= sample.labels.items() for sample in found)
    last_runs = [s.value for s in found if s.name == "connector_last_run_timestamp_seconds"]
    assert last_runs == pytest.approx(
        [value(scrape.read, "last_run_timestamp_seconds") + shift_s for scrape in few]
    )


def test_a_time_that_was_never_set_is_not_moved() -> None:
    read = {("last_success_timestamp_seconds", frozenset[tuple[str, str]]()): 0.0}
    text = openmetrics.text([Scrape(10.0, "a", "b", read)], 5.0)
    assert '{instance="a-b",job="connector",pair="a"} 0.0 15.000\n' in text


def test_any_name_can_be_written() -> None:
    labels = frozenset({("resource", 'a"b\\c\nd')})
    text = openmetrics.text([Scrape(1.0, "a", "b", {("in_use", labels): 1.0})], 0)
    assert 'resource="a\\"b\\\\c\\nd"' in text
