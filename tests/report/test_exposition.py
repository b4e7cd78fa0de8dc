"""What is written straight from the series is, byte for byte, what prometheus_client writes."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import generate_latest
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics import exposition as openmetrics_exposition

from connector.act.answers import CommandOutcome
from connector.memory import counters
from connector.memory.last_pass import LastPass
from connector.model import ActionKind, ConnectionState, Role
from connector.report.exposition import Snapshot, classic, encoded, openmetrics
from connector.report.passes import ResourceReport
from connector.report.series import MetricsMemory
from tests import builders

NUMBERS = st.one_of(
    st.integers(min_value=0, max_value=2**63),
    st.floats(min_value=0, allow_infinity=True, allow_nan=False),
)
NAMES = st.one_of(st.text(), st.sampled_from(['we"ird\n\\name', "{0}", "{}", "%s", "m\udce4il"]))


def reports(names: list[str], kib: int = 0) -> list[ResourceReport]:
    """One resource of each name, every other one in trouble."""
    return [
        builders.resource_report(
            builders.resource(name, connection=ConnectionState.STANDALONE, role=Role.SECONDARY)
            if number % 2
            else builders.resource(name, out_of_sync_kib=kib)
        )
        for number, name in enumerate(names)
    ]


def by_the_library(snapshot: Snapshot) -> tuple[bytes, bytes]:
    """Both formats as prometheus_client writes them."""
    written = openmetrics_exposition.generate_latest(snapshot)  # type: ignore[no-untyped-call]
    return generate_latest(snapshot), written


@settings(deadline=None)
@given(names=st.lists(NAMES, max_size=4, unique=True), numbers=st.tuples(NUMBERS, NUMBERS))
def test_every_byte_is_the_librarys(names: list[str], numbers: tuple[float, float]) -> None:
    at_wall_s, count = float(numbers[0]), int(min(numbers[1], 2**64))
    counted: Counter[counters.Key] = Counter({(counters.RECOVERIES, name): count for name in names})
    memory = MetricsMemory(counted, count, LastPass(at_wall_s, at_wall_s / 3, 0.1), 'ha"sh')
    snapshot = Snapshot(reports(names, kib=count), memory)
    assert (classic(snapshot), openmetrics(snapshot)) == by_the_library(snapshot)


def test_every_byte_with_two_volumes_and_all_that_can_be_counted() -> None:
    volumes = [builders.volume(), builders.volume(builders.device(1), number=1)]
    counted: Counter[counters.Key] = Counter(
        {
            (counters.ACTIONS, "mail", action.value, outcome.value): 1_000_000 * number
            for number, (action, outcome) in enumerate(
                (action, outcome) for action in ActionKind for outcome in CommandOutcome
            )
        }
    )
    two = builders.resource("mail", volumes=volumes)
    snapshot = Snapshot([builders.resource_report(two)], MetricsMemory(counted))
    assert (classic(snapshot), openmetrics(snapshot)) == by_the_library(snapshot)


def test_a_difference_would_be_seen() -> None:
    one, other = (Snapshot(reports([name]), MetricsMemory()) for name in ("mail", "web"))
    assert classic(one) != by_the_library(other)[0]
    assert openmetrics(one) != by_the_library(one)[0]


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "text/plain;version=0.0.4",
        "text/plain;version=1.0.0;escaping=allow-utf-8",
        "application/openmetrics-text",
        "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5",
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8",
        "application/openmetrics-text;version=2.0.0",
    ],
)
def test_the_content_type_tells_the_format(accept: str) -> None:
    snapshot = Snapshot(reports(["mail", "web"], kib=8), MetricsMemory())
    encode, content_type = choose_encoder(accept)
    assert encoded(snapshot, content_type) == encode(snapshot)


def test_what_is_seen_later_changes_nothing() -> None:
    items = reports(["mail"])
    snapshot = Snapshot(items, MetricsMemory())
    before = classic(snapshot)
    items.clear()
    assert classic(snapshot) == before
