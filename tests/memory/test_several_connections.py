"""What is remembered of each DRBD 9 connection, and across a change of the kernel."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from connector.decide.policy import decide
from connector.memory import incidents as incidents_file
from connector.memory import store
from connector.memory.counters import ACTIONS, RECOVERIES
from connector.memory.incidents import Incidents
from connector.memory.pauses import Moment
from connector.memory.store import Memory
from connector.model import ConnectionState, Mode, Resource, Role
from connector.settings import RunSettings, Settings
from tests import builders
from tests.builders_9 import connection, resource, split

C = ConnectionState
NOW = Moment(1_700_000_000.0, 1000.0, "this-boot")
LATER = Moment(1_700_000_600.0, 1600.0, "this-boot")
EMPTY = Memory(Incidents("this-boot"), {}, Counter())
SETTINGS = Settings(run=RunSettings(state_dir=Path("/nowhere")))


def attempted(memory: Memory, found: Resource, now: Moment, mode: Mode = Mode.RECONNECT) -> Memory:
    """The memory after a pass that saw this and did what it decided."""
    from connector.decide.context import Policy

    settings = Settings(policy=Policy(mode=mode), run=SETTINGS.run)
    memory = store.remember(memory, [found], now)
    context = store.context_for(found, memory, settings, now, log_now_s=now.boot_s)
    return store.with_attempts(memory, {found.name: decide(found, context)})


def test_a_peer_that_is_away_for_good_does_not_wear_out_the_attempts_of_another() -> None:
    away = connection("gamma", C.CONNECTING)
    apart = resource(connection("beta", C.STANDALONE), away)
    memory = attempted(EMPTY, apart, NOW)
    assert memory.incidents.attempts("mail:beta") == 1
    assert memory.incidents.attempts("mail:gamma") == 0
    together = resource(connection("beta"), away)
    memory = store.remember(memory, [together], LATER)
    assert memory.counters == Counter({(RECOVERIES, "mail"): 1})
    assert set(memory.incidents.by_resource) == {"mail:gamma"}
    again = attempted(memory, apart, LATER)
    assert again.incidents.attempts("mail:beta") == 1


def test_each_connection_is_judged_by_what_is_remembered_of_it() -> None:
    found = resource(connection("beta", C.STANDALONE), connection("gamma", C.CONNECTING))
    memory = store.remember(EMPTY, [found], NOW)
    later = resource(connection("beta", C.CONNECTING), connection("gamma", C.CONNECTING))
    memory = store.remember(memory, [later], LATER)
    context = store.context_for(later, memory, SETTINGS, LATER, 0.0)
    ages = {peer: item.picture_age_s for peer, item in context.by_peer.items()}
    assert ages == {"beta": 0.0, "gamma": 600.0}


def test_a_peer_less_or_more_keeps_what_is_known() -> None:
    one = resource(connection("beta", C.STANDALONE))
    memory = attempted(EMPTY, one, NOW)
    assert memory.incidents.attempts("mail") == 1
    two = resource(connection("beta", C.STANDALONE), connection("gamma", C.CONNECTING))
    memory = attempted(memory, two, LATER)
    assert memory.incidents.attempts("mail:beta") == 2
    memory = store.remember(memory, [one], LATER)
    assert memory.incidents.attempts("mail") == 2
    assert set(memory.incidents.by_resource) == {"mail"}


@pytest.mark.parametrize("boot_id", ["this-boot", "the-next-boot"])
def test_a_new_kernel_keeps_attempts_and_counters(tmp_path: Path, boot_id: str) -> None:
    """From 8.4 to 9 between two passes: with a reboot, or with the module loaded anew."""
    eight = builders.resource(connection=C.STANDALONE, role=Role.SECONDARY)
    memory = attempted(attempted(EMPTY, eight, NOW), eight, LATER)
    memory = memory.counted(ACTIONS, "mail", "connect", "done", by=7)
    settings = Settings(run=RunSettings(state_dir=tmp_path))
    assert store.keep(settings, memory) is None

    now = Moment(1_700_001_000.0, 60.0 if boot_id != "this-boot" else 2000.0, boot_id)
    kept = store.load(settings, now)
    nine = resource(connection("beta", C.STANDALONE))
    context = store.context_for(nine, store.remember(kept, [nine], now), settings, now, 0.0)
    assert kept.warnings == ()
    assert context.attempts == 2
    assert kept.counters[(ACTIONS, "mail", "connect", "done")] == 7
    third = attempted(kept, nine, now)
    worn = store.context_for(nine, third, settings, now, 0.0)
    assert decide(nine, worn).needs_operator


def test_a_file_of_8_4_is_what_it_always_was(tmp_path: Path) -> None:
    eight = builders.resource(connection=C.STANDALONE, role=Role.SECONDARY)
    incidents_file.save(tmp_path / "incidents.json", attempted(EMPTY, eight, NOW).incidents)
    assert "discarding" not in (tmp_path / "incidents.json").read_text()


VICTIM = resource(connection("alpha", C.STANDALONE, evidence=split()))


def test_a_discard_is_remembered_until_the_peer_is_met(tmp_path: Path) -> None:
    memory = attempted(EMPTY, VICTIM, NOW, Mode.DISCARD)
    assert memory.incidents.discarding("mail")
    path = tmp_path / "incidents.json"
    incidents_file.save(path, memory.incidents)
    kept, _ = incidents_file.load(path, "this-boot")
    assert kept.discarding("mail")
    # A reboot takes the connection away, and the flag with it.
    assert not incidents_file.load(path, "the-next-boot")[0].discarding("mail")

    waiting = resource(connection("alpha", C.CONNECTING))
    memory = store.remember(memory, [waiting], LATER)
    assert store.context_for(waiting, memory, SETTINGS, LATER, 0.0).discard_pending
    for met in (C.SYNC_TARGET, C.STANDALONE):
        after = store.remember(memory, [resource(connection("alpha", met))], LATER)
        assert not after.incidents.discarding("mail")


def test_a_discard_that_was_taken_back_is_not_taken_back_again() -> None:
    memory = attempted(EMPTY, VICTIM, NOW, Mode.DISCARD)
    waiting = resource(connection("alpha", C.CONNECTING))
    memory = attempted(memory, waiting, LATER)
    assert memory.incidents.attempts("mail") == 2
    assert not memory.incidents.discarding("mail")


def test_a_plain_connect_leaves_nothing_pending() -> None:
    memory = attempted(EMPTY, VICTIM, NOW, Mode.DISCARD)
    unsplit = resource(connection("alpha", C.STANDALONE))
    assert not attempted(memory, unsplit, LATER).incidents.discarding("mail")
