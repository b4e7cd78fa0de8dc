"""Every captured DRBD 9 node: what is seen of it and decided, with both utils' JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from connector.act.commands import printable
from connector.decide.context import Context, Policy
from connector.decide.policy import decide
from connector.model import Decision, DecisionName, Evidence, Mode, Observation, Resource, Source
from connector.observe.node import look
from connector.program import Completed
from connector.settings import RunSettings, Settings
from tests.captures_9 import FOLDER, STATUS_OF_UTILS, expected, nodes, situations, world_of

NODES = [(situation, node) for situation in situations() for node in nodes(situation)]
# What happened before the capture began is in no log; and DRBD "ignored, for now" the last one.
SPLIT_BUT_NOT_TOLD = {
    ("3n-gamma-split-brain", "alpha"),
    ("3n-gamma-split-brain", "gamma"),
    ("3n-split-brain-beta-against-both", "gamma"),
}
# Judged not healthy, although everything is connected and up to date on both nodes.
HEALTHY_ALL_THE_SAME = {
    ("2n-discard-pending-then-primary", "alpha"),
    ("2n-discard-pending-then-primary", "beta"),
}


@dataclass(frozen=True)
class Found:
    """A look at a captured node, and the decisions in two modes by resource."""

    seen: Observation
    decided: dict[Mode, dict[str, Decision]]


def found(root: Path, situation: str, node: str, utils: str) -> Found:
    world = world_of(root, situation, node, utils)
    seen = look(world, Settings(run=RunSettings(state_dir=root / "state")))
    decided = {
        mode: {
            item.name: decide(item, _context(mode, world.clock.log_s())) for item in seen.resources
        }
        for mode in (Mode.RECONNECT, Mode.DISCARD)
    }
    return Found(seen, decided)


def _context(mode: Mode, log_now_s: float) -> Context:
    """A picture that has lasted, and was not acted upon yet."""
    return Context(Policy(mode=mode), log_now_s=log_now_s, picture_age_s=1000.0)


def lines(situation: str, node: str, shown: Found) -> Iterator[str]:
    """A line for each connection, as decisions.txt has it."""
    for resource in shown.seen.resources:
        for place, item in enumerate(resource.each):
            decisions = [
                each[resource.name].connections[place]
                if resource.connections
                else each[resource.name]
                for each in shown.decided.values()
            ]
            cells = [
                situation,
                node,
                resource.name,
                item.peer or "-",
                str(item.connection or "-"),
                f"{item.role}/{item.peer_role}",
                " ".join(_disks(item)),
                "in use" if resource.in_use else "not in use",
                _told(item.evidence),
                *map(_decided, decisions),
            ]
            yield " | ".join(cells)


def _disks(resource: Resource) -> list[str]:
    devices = [volume.device for volume in resource.volumes]
    return [f"{device.disk}/{device.peer_disk}" if device else "-" for device in devices]


def _told(evidence: Evidence) -> str:
    return "split" if evidence.split_brain else str(evidence.cause or "-")


def _decided(decision: Decision) -> str:
    commands = "; ".join(map(printable, decision.actions)) or "-"
    return f"{decision.name}{'!' if decision.needs_operator else ''}: {commands}"


def written() -> list[str]:
    text = (FOLDER / "decisions.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("utils", STATUS_OF_UTILS)
@pytest.mark.parametrize(("situation", "node"), NODES)
def test_what_is_seen_and_decided(tmp_path: Path, situation: str, node: str, utils: str) -> None:
    shown = found(tmp_path, situation, node, utils)
    beginning = f"{situation} | {node} | "
    assert list(lines(situation, node, shown)) == [
        line for line in written() if line.startswith(beginning)
    ]
    assert shown.seen.problems == ()
    assert shown.seen.source is Source.DRBDSETUP


def test_every_node_is_written_down() -> None:
    assert {tuple(line.split(" | ")[:2]) for line in written()} == set(NODES)
    assert len(NODES) == 156


@pytest.mark.parametrize(("situation", "node"), NODES)
def test_it_agrees_with_what_was_judged(tmp_path: Path, situation: str, node: str) -> None:
    shown = found(tmp_path, situation, node, "9.22")
    judged = expected(situation)[node]
    for resource in shown.seen.resources:
        truth = judged.get(resource.name, {})
        if truth.get("in_use") is not None:
            assert resource.in_use is truth["in_use"]
        if truth.get("split_brain") is not None:
            told = (situation, node) not in SPLIT_BUT_NOT_TOLD
            assert resource.split_brain is (truth["split_brain"] and told)
        if truth.get("healthy") is not None:
            decision = shown.decided[Mode.RECONNECT][resource.name]
            healthy = decision.name is DecisionName.HEALTHY and not decision.needs_operator
            assert healthy is (truth["healthy"] or (situation, node) in HEALTHY_ALL_THE_SAME)


@pytest.mark.parametrize(("situation", "node"), NODES)
def test_nothing_dangerous_is_ever_said(tmp_path: Path, situation: str, node: str) -> None:
    """What the measurements taught, held in every captured situation and mode."""
    shown = found(tmp_path, situation, node, "9.34")
    for mode, decisions in shown.decided.items():
        for resource in shown.seen.resources:
            commands = list(map(printable, decisions[resource.name].actions))
            discards = [line for line in commands if "--discard-my-data" in line]
            assert not any("--force" in line or "--tentative" in line for line in commands)
            assert len(discards) <= 1
            if discards:
                assert mode is Mode.DISCARD
                assert commands == discards
                assert resource.in_use is False
                assert resource.split_brain
            if resource.in_use:
                assert not any(line.startswith("drbdadm secondary") for line in commands)
            for line in commands:
                assert line == f"drbdadm secondary {resource.name}" or ":" in line.split()[-1]


VICTIM = ("2n-split-brain-both-standalone", "beta")
NEWER = {
    "a word for the connection": (
        '"connection-state": "StandAlone"',
        '"connection-state": "Sulking"',
    ),
    "a word for the replication": ('"replication-state": "Off"', '"replication-state": "Paused"'),
    "a word for a disk": ('"peer-disk-state": "DUnknown"', '"peer-disk-state": "Sleeping"'),
    "a word for the role": ('"role": "Secondary"', '"role": "Tertiary"'),
    "a key of the resource": ('"node-id": 1', '"node-id": 1, "witness": true'),
    "a key of a connection": ('"congested": false', '"congested": false, "mood": "calm"'),
    "a key of a device": ('"minor": 0', '"minor": 0, "encrypted": true'),
    "a key of a peer device": ('"resync-suspended": "no"', '"resync-suspended": "no", "urgent": 1'),
    "a number for a truth": ('"client": false', '"client": 0'),
}


@pytest.mark.parametrize("change", NEWER)
def test_what_a_newer_version_says_is_told_and_nothing_is_done(tmp_path: Path, change: str) -> None:
    world = world_of(tmp_path, *VICTIM)
    before, after = NEWER[change]

    def newer(argv: Sequence[str], timeout_s: float) -> Completed:
        done = world.run(argv, timeout_s)
        if argv[0] != "drbdsetup":
            return done
        assert before in done.stdout
        return replace(done, stdout=done.stdout.replace(before, after))

    seen = look(replace(world, run=newer), Settings(run=RunSettings(state_dir=tmp_path / "state")))
    assert seen.problems
    for mode in Mode:
        for resource in seen.resources:
            decision = decide(resource, _context(mode, world.clock.log_s()))
            assert decision.actions == ()
            assert decision.needs_operator


def test_names_in_any_script(tmp_path: Path) -> None:
    """drbd.conf takes them in quotes; the kernel log has their bytes escaped."""
    world = world_of(tmp_path, *VICTIM)

    def renamed(argv: Sequence[str], timeout_s: float) -> Completed:
        done = world.run(argv, timeout_s)
        return replace(done, stdout=done.stdout.replace("mail", "почта").replace("alpha", "köln"))

    log = tmp_path / "dev/kmsg"
    escaped = {
        word: "".join(f"\\x{byte:02x}" if byte > 127 else chr(byte) for byte in name.encode())
        for word, name in (("mail", "почта"), ("alpha", "köln"))
    }
    text = log.read_text()
    for word, name in escaped.items():
        text = text.replace(word, name)
    log.write_text(text)
    settings = Settings(run=RunSettings(state_dir=tmp_path / "state"))
    seen = look(replace(world, run=renamed), settings)
    assert seen.problems == ()
    (resource,) = seen.resources
    assert resource.doubts == ()
    assert resource.split_brain
    decision = decide(resource, _context(Mode.DISCARD, world.clock.log_s()))
    assert list(map(printable, decision.actions)) == [
        "drbdadm connect --discard-my-data почта:köln"
    ]
