"""What production reads of a simulated node, it reads without a doubt."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from connector.observe import kernel_log, node
from connector.observe.dump_xml import parse_dump_xml
from connector.observe.nine import evidence as evidence_9
from connector.observe.nine import openers
from connector.observe.nine import status as drbdsetup_status
from connector.settings import RunSettings, Settings
from connector.simulate.nine.render import render
from tests.simulate.nine import captured
from tests.simulate.nine.test_situations import EVERYWHERE, told


@pytest.mark.parametrize("newer", [False, True])
@pytest.mark.parametrize(("situation", "name"), EVERYWHERE)
def test_status(situation: str, name: str, newer: bool) -> None:
    status = drbdsetup_status.parse(told(situation).status(name, newer=newer))
    assert status.problems == ()
    assert not any(resource.doubtful for resource in status.resources)
    sides = told(situation).state.nodes[name].resources
    assert {item.name: item.role for item in status.resources} == {
        side.name: side.role for side in sides.values() if side.up
    }


@pytest.mark.parametrize(("situation", "name"), EVERYWHERE)
def test_files(situation: str, name: str, tmp_path: Path) -> None:
    cluster = told(situation)
    render(cluster.state, name, tmp_path)
    for side in cluster.state.nodes[name].resources.values():
        for volume in side.volumes if side.up else ():
            found, problems = openers.parse(openers.read(tmp_path, side.name, volume.volume))
            assert problems == ()
            assert len(found) == len(volume.openers)


# gamma is Connected to both; the split brain is that of alpha and beta.
NOT_IN_THE_LOG = {("3n-split-brain-beta-against-both", "gamma")}


@pytest.mark.parametrize(("situation", "name"), EVERYWHERE)
def test_evidence_of_a_split_brain(situation: str, name: str) -> None:
    """Where the captured situation was one in truth, the simulated kernel log says so."""
    records = kernel_log.parse_records(told(situation).kernel_log(name).splitlines())
    found = evidence_9.gather(records)
    split = {resource for (resource, _), evidence in found.items() if evidence.split_brain}
    path = captured.FIXTURES / situation / "expected.json"
    truth = json.loads(path.read_text(encoding="utf-8"))[name]
    expected = {resource for resource, facts in truth.items() if facts["split_brain"]}
    assert split == (set() if (situation, name) in NOT_IN_THE_LOG else expected)


@pytest.mark.parametrize(("situation", "name"), EVERYWHERE)
def test_configuration(situation: str, name: str) -> None:
    cluster = copy.deepcopy(told(situation))
    done = cluster.run_on(name)(("drbdadm", "dump-xml"), 15.0)
    configured = {item.name: item for item in parse_dump_xml(done.stdout, name)}
    for resource in cluster.state.resources:
        minors = tuple(volume.minor for volume in configured[resource.name].volumes)
        assert minors == resource.minors
        assert configured[resource.name].after_sb == resource.after_sb


@pytest.mark.parametrize(("situation", "name"), EVERYWHERE)
def test_a_look_at_the_node(situation: str, name: str, tmp_path: Path) -> None:
    """The whole look that a pass takes: nothing is in doubt, and who is in use is seen."""
    cluster = copy.deepcopy(told(situation))
    settings = Settings(run=RunSettings(state_dir=tmp_path / "state"))
    seen = node.look(cluster.world(name, tmp_path), settings)
    assert seen.problems == ()
    path = captured.FIXTURES / situation / "expected.json"
    truth = json.loads(path.read_text(encoding="utf-8"))[name]
    for resource in seen.resources:
        if resource.name in truth and truth[resource.name]["in_use"] is not None:
            assert resource.in_use == truth[resource.name]["in_use"]
