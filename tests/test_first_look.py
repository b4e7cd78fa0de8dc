"""The first look says "nothing to do" only where the whole pass says so too."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from connector.decide.context import Context
from connector.decide.policy import decide
from connector.first_look import all_well, keep, nothing_to_do
from connector.memory import last_pass
from connector.model import (
    ConfiguredResource,
    ConfiguredVolume,
    ConnectionState,
    DecisionName,
    Device,
    DiskState,
    Problem,
    ProcDrbd,
    Role,
)
from connector.observe.assemble import resources_of
from tests.agents import Agents
from tests.builders import device
from tests.cli.stage import PROJECT, Stage

MAIL = ConfiguredResource("mail", (ConfiguredVolume(0, 0),))
DB = ConfiguredResource("db", (ConfiguredVolume(0, 1), ConfiguredVolume(1, 2)))


def proc(*devices: Device, api: int | None = 1, problems: tuple[Problem, ...] = ()) -> ProcDrbd:
    """A /proc/drbd with these devices."""
    return ProcDrbd("8.4.11", api, (86, 101), devices, problems)


def whole_pass_is_quiet(seen: ProcDrbd, configured: list[ConfiguredResource]) -> bool:
    """What the whole pass makes of it, whatever is in use."""
    found = resources_of(seen, configured, {device.minor: () for device in seen.devices})
    decisions = [decide(resource, Context()) for resource in found]
    return not seen.problems and all(
        decision.name is DecisionName.HEALTHY and not decision.needs_operator
        for decision in decisions
    )


def test_in_every_combination_it_is_no_more_content_than_the_whole_pass() -> None:
    content = 0
    for states in itertools.product(
        (None, *ConnectionState),
        (None, *Role),
        (None, *DiskState),
        (None, *DiskState),
        (False, True),
    ):
        connection, role, disk, peer_disk, doubtful = states
        mail = device(
            0, connection=connection, role=role, disk=disk, peer_disk=peer_disk, doubtful=doubtful
        )
        seen = proc(mail)
        if all_well(seen, [MAIL]):
            content += 1
            assert whole_pass_is_quiet(seen, [MAIL])
    assert content > 0


@pytest.mark.parametrize(
    ("second", "well"),
    [
        (device(2), True),
        (device(2, connection=ConnectionState.VERIFY_S), True),
        (device(2, connection=ConnectionState.SYNC_TARGET), False),
        (device(2, role=Role.SECONDARY), False),
        (device(2, peer_disk=DiskState.INCONSISTENT), False),
        (device(3), False),  # minor 2 is missing, and nobody claims 3
        (device(2, connection=ConnectionState.UNCONFIGURED), False),
    ],
)
def test_a_second_volume_counts_as_much(second: Device, well: bool) -> None:
    assert all_well(proc(device(1), second), [DB]) is well


def test_what_it_cannot_be_sure_of_is_left_to_the_whole_pass() -> None:
    assert all_well(proc(device(0)), [MAIL])
    assert all_well(proc(), [])
    assert not all_well(proc(device(0)), [])
    assert not all_well(proc(device(0), device(7)), [MAIL])
    assert not all_well(proc(), [MAIL])
    assert not all_well(proc(device(0), api=2), [MAIL])
    assert not all_well(proc(device(0), api=None), [MAIL])
    assert not all_well(proc(device(0), problems=(Problem(1, "?"),)), [MAIL])
    assert not all_well(proc(device(0)), [ConfiguredResource("all", MAIL.volumes)])


def test_whatever_is_remembered_or_wanted_asks_for_the_whole_pass(tmp_path: Path) -> None:
    agents = Agents(tmp_path)
    world, settings = agents.world("beta"), agents.settings["beta"]
    assert nothing_to_do(world, settings)
    assert not nothing_to_do(world, replace(settings, textfile=tmp_path / "metrics"))
    assert not nothing_to_do(world, replace(settings, by_resource={"mial": settings.policy}))
    for path in (settings.incidents_file, settings.pauses_file):
        path.write_text("{}")
        assert not nothing_to_do(world, settings)
        path.unlink()
    assert nothing_to_do(world, settings)
    agents.pair.cut_link()
    agents.pair.sleep(10)
    assert not nothing_to_do(world, settings)
    (world.root / "proc/drbd").unlink()
    assert not nothing_to_do(world, settings)


def test_that_the_pass_was_is_kept(tmp_path: Path) -> None:
    agents = Agents(tmp_path)
    world, settings = agents.world("beta"), agents.settings["beta"]
    assert keep(world, settings, world.clock.boot_s() - 2) is None
    kept = last_pass.load(settings.last_pass_file)
    assert kept is not None
    assert (kept.success_wall_s, kept.duration_s) == (kept.at_wall_s, 2)
    in_the_way = replace(settings, run=replace(settings.run, state_dir=settings.last_pass_file))
    assert "cannot be written" in (keep(world, in_the_way, 0.0) or "")


LOOK = """\
import json, sys
from pathlib import Path
from connector.cli import cron, main
from connector.cli.node import this_world
from connector import first_look
from connector.settings import RunSettings, Settings
settings = Settings(run=RunSettings(state_dir=Path(sys.argv[2])))
world = this_world(Path(sys.argv[1]))
well = first_look.nothing_to_do(world, settings)
first_look.keep(world, settings, world.clock.boot_s())
print(json.dumps([well, sorted(sys.modules)]))
"""
NOT_NEEDED = {
    "click",
    "connector.act.execute",
    "connector.decide.policy",
    "connector.decide.table",
    "connector.model.decided",
    "connector.model.seen",
    "connector.observe.block_use",
    "connector.reconcile",
    "connector.report.passes",
    "filelock",
    "pydantic",
    "subprocess",
}


def test_it_does_without_what_decides_and_acts(tmp_path: Path) -> None:
    stage = Stage(tmp_path, node="alpha")
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(stage.root), str(stage.state)],
        env=stage.environment,
        cwd=PROJECT,
        capture_output=True,
        timeout=60,
        check=True,
    )
    well, modules = json.loads(done.stdout)
    assert well
    # The names had to be asked for this once, which takes what reads dump-xml and no more.
    assert NOT_NEEDED.intersection(modules) == set()
