"""The metrics, read back as Prometheus reads them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics import exposition as openmetrics_exposition
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from connector import __version__
from connector.act.answers import CommandOutcome
from connector.decide.context import Policy
from connector.memory import counters
from connector.memory.last_pass import LastPass
from connector.model import (
    Action,
    ActionKind,
    Cause,
    ConnectionState,
    Decision,
    DecisionName,
    DiskState,
    Evidence,
    Mode,
    Role,
    SyncProgress,
)
from connector.report.metrics import (
    PREFIX,
    config_hash,
    metrics_memory,
    snapshot,
    text,
)
from connector.report.passes import ResourceReport
from connector.report.series import FAMILIES, MetricsMemory, values
from connector.settings import RunSettings, Settings
from tests import builders
from tests.report.reading import samples, value

GOLDEN = Path(__file__).parents[1] / "fixtures" / "metrics" / "two_resources.prom"
C = ConnectionState
LAST = LastPass(at_wall_s=1_700_000_000.25, success_wall_s=1_699_999_940.0, duration_s=0.25)

OF_VOLUMES = ("disk_state", "out_of_sync_bytes", "sync_ratio")


def two_resources() -> list[ResourceReport]:
    """A resync with two volumes, and a split brain that a person has to end."""
    sync = SyncProgress("resync", percent=34.9, left_kib=346112, total_kib=524288)
    syncing = builders.resource(
        "mail",
        connection=C.SYNC_TARGET,
        role=Role.SECONDARY,
        volumes=[
            builders.volume(
                builders.device(
                    connection=C.SYNC_TARGET,
                    role=Role.SECONDARY,
                    peer_role=Role.PRIMARY,
                    disk=DiskState.INCONSISTENT,
                    out_of_sync_kib=346112,
                    sync=sync,
                ),
                used_by=(),
            ),
            builders.volume(
                builders.device(1, role=Role.SECONDARY, peer_role=Role.PRIMARY),
                number=1,
                used_by=(),
            ),
        ],
    )
    split = builders.resource(
        'we"ird\nname',
        connection=C.STANDALONE,
        role=Role.SECONDARY,
        out_of_sync_kib=20,
        evidence=Evidence(cause=Cause.SPLIT_BRAIN),
    )
    would = (Action(ActionKind.CONNECT, split.name, split.picture),)
    decision = Decision(
        split.name, DecisionName.RECONNECT_STANDBY, "why", would=would, needs_operator=True
    )
    return [
        builders.resource_report(
            syncing, decision=Decision("mail", DecisionName.SYNCING, "why"), paused=True
        ),
        builders.resource_report(split, decision=decision),
    ]


def counted() -> MetricsMemory:
    every = Counter(
        {
            (counters.ACTIONS, "mail", "connect", "done"): 3,
            (counters.RECOVERIES, "mail"): 2,
            (counters.PARSE_PROBLEMS,): 1,
        }
    )
    return MetricsMemory(every, lock_contended=4, last_pass=LAST, config_hash="0123456789ab")


def test_the_whole_page() -> None:
    """`CONNECTOR_WRITE_GOLDEN=1` writes the fixture anew; look at the difference."""
    version = f'{{version="{__version__}"}}'
    data = text(snapshot(two_resources(), counted()))
    data = data.replace(version.encode(), b'{version="VERSION"}')
    if os.environ.get("CONNECTOR_WRITE_GOLDEN"):
        GOLDEN.write_bytes(data)
    assert data.decode() == GOLDEN.read_text(encoding="utf-8")


def test_the_state_of_the_golden_page_in_short() -> None:
    read = samples(two_resources(), counted())
    assert value(read, "sync_ratio", resource="mail", volume="0", minor="0") == 1 - 346112 / 524288
    assert value(read, "sync_ratio", resource="mail", volume="1", minor="1") == 1
    volume = {"resource": "mail", "volume": "0", "minor": "0"}
    assert value(read, "out_of_sync_bytes", **volume) == 346112 * 1024
    assert value(read, "would_act", resource='we"ird\nname') == 1
    assert value(read, "split_brain", resource='we"ird\nname') == 1
    assert value(read, "paused", resource="mail") == 1
    assert value(read, "last_success_timestamp_seconds") == 1_699_999_940


def test_openmetrics_says_the_same() -> None:
    registry = snapshot(two_resources(), counted())
    data = openmetrics_exposition.generate_latest(  # type: ignore[no-untyped-call]
        registry
    ).decode()
    families = list(
        openmetrics.text_string_to_metric_families(data)  # type: ignore[no-untyped-call]
    )
    read = {
        (sample.name.removeprefix(PREFIX), frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }
    assert read == samples(two_resources(), counted())


def test_names_types_and_labels_are_those_of_the_list() -> None:
    data = text(snapshot(two_resources(), counted())).decode()
    seen = {family.name: family for family in text_string_to_metric_families(data)}
    for family in FAMILIES:
        found = seen.pop(PREFIX + family.name.removesuffix("_total"))
        assert found.type == ("counter" if family.is_counter else "gauge")
        assert {frozenset(sample.labels) for sample in found.samples} == {frozenset(family.labels)}
    assert seen == {}


def test_no_series_twice_and_no_host_label() -> None:
    keys = [(name, labels) for name, labels, _ in values(two_resources(), counted())]
    assert len(keys) == len(set(keys))
    assert not {"host", "node", "instance"} & {word for item in FAMILIES for word in item.labels}


def test_every_series_is_there_before_anything_happened() -> None:
    """Counters and states of a healthy resource, before any pass, are the same series as later."""
    healthy = [
        builders.resource_report(builders.resource(item.resource.name)) for item in two_resources()
    ]
    before, after = samples(healthy), samples(two_resources(), counted())
    assert {key for key in before if key[0] not in ("config_hash_info", *OF_VOLUMES)} == {
        key for key in after if key[0] not in ("config_hash_info", *OF_VOLUMES)
    }
    assert value(before, "last_run_timestamp_seconds") == 0
    actions = [key for key in before if key[0] == "actions_total"]
    assert len(actions) == 2 * len(ActionKind) * len(CommandOutcome)


def test_counters_survive_between_runs(tmp_path: Path) -> None:
    settings = Settings(run=RunSettings(state_dir=tmp_path))
    counters.save(settings.counters_file, counted().counters)
    counters.count_contention(settings.contended_file)
    counters.count_contention(settings.contended_file)
    kept, _ = counters.load(settings.counters_file)
    read = samples([builders.resource_report()], metrics_memory(settings, kept, None))
    labels = {"resource": "mail", "action": "connect", "outcome": "done"}
    assert value(read, "actions_total", **labels) == 3
    assert value(read, "recoveries_total", resource="mail") == 2
    assert value(read, "parse_problems_total") == 1
    assert value(read, "lock_contended_total") == 2
    assert value(read, "config_hash_info", hash=config_hash(settings)) == 1


def test_what_was_counted_for_a_resource_that_is_gone_stays() -> None:
    read = samples([builders.resource_report(builders.resource("web"))], counted())
    assert value(read, "recoveries_total", resource="mail") == 2
    assert value(read, "recoveries_total", resource="web") == 0


def test_a_counter_of_another_shape_does_not_break_the_page() -> None:
    odd: Counter[counters.Key] = Counter({(counters.ACTIONS, "mail"): 5, ("other", "a"): 1})
    assert samples([], MetricsMemory(odd)) == samples([], MetricsMemory())


@settings(deadline=None)
@given(name=st.text())
def test_any_name_comes_back(name: str) -> None:
    read = samples([builders.resource_report(builders.resource(name))])
    assert value(read, "in_use", resource=name) == 1


def test_a_name_that_was_no_utf_8() -> None:
    read = samples([builders.resource_report(builders.resource("m\udce4il"))])
    assert value(read, "in_use", resource="m\\udce4il") == 1


def test_the_hash_is_of_the_policies_in_force() -> None:
    common = Settings()
    assert config_hash(common) == config_hash(
        Settings(
            policy=Policy(demote_grace_s=90.0),
            by_resource={"mail": Policy()},
            run=RunSettings(state_dir=Path("/elsewhere")),
            textfile=Path("/elsewhere.prom"),
        )
    )
    others = [
        Settings(policy=Policy(mode=Mode.DISCARD)),
        Settings(policy=Policy(act_if_managed=True)),
        Settings(policy=Policy(max_attempts=4)),
        Settings(by_resource={"mail": Policy(demote_grace_s=91)}),
        Settings(by_resource={"web": Policy(demote_grace_s=91)}),
    ]
    hashes = {config_hash(settings) for settings in [common, *others]}
    assert len(hashes) == 1 + len(others)
    assert all(len(item) == 12 and int(item, 16) >= 0 for item in hashes)


def test_prometheus_is_imported_only_for_a_snapshot() -> None:
    code = (
        "import sys; import connector.report.metrics, connector.report.exporter; "
        "print('prometheus_client' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
