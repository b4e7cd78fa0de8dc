"""What the table says of saved files is what a pass decides on the node that they are from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from connector.decide.context import Context, Policy
from connector.decide.policy import decide
from connector.model import Mode, Observation
from connector.observe.dump_xml import parse_dump_xml
from connector.observe.node import look
from connector.program import Completed
from connector.report.explain import log as explain_log
from connector.report.explain.said import Said, UseSaid
from connector.report.explain.source import of_proc_drbd
from connector.settings import RunSettings, Settings
from connector.simulate.configuration import dump_xml
from connector.simulate.play import Play
from connector.simulate.stories import STORIES
from connector.world import World

from .explaining import decided, explained

LAB = Path(__file__).parents[2] / "fixtures" / "lab"
SITUATIONS = sorted(
    (path.name, node) for path in LAB.iterdir() if path.is_dir() for node in ("alpha", "beta")
)
USES = {True: UseSaid.IN_USE, False: UseSaid.NOT_IN_USE, None: UseSaid.UNKNOWN}


class Stopped:
    """A clock that stands still at the end of a kernel log."""

    def __init__(self, log_s: float) -> None:
        self._log_s = log_s

    def wall_s(self) -> float:
        return 1_795_593_600.0

    def boot_s(self) -> float:
        return self._log_s

    def log_s(self) -> float:
        return self._log_s

    def sleep(self, seconds: float) -> None:
        raise AssertionError("a look does not wait")


def agrees(observed: Observation, text: bytes, log: str, xml: str, node: str) -> Iterator[str]:
    """Each resource's name, after a pass's decisions were compared with those of the saved files.

    What only the node itself tells, what is in use, is said.
    """
    saved = explain_log.parse(log)
    assert saved is not None
    reading = of_proc_drbd(text, "saved", parse_dump_xml(xml, node))
    assert reading.problems == ()
    assert len(reading.seen) == len(observed.resources)
    for seen, resource in zip(reading.seen, observed.resources, strict=True):
        said = Said(use=USES[resource.in_use], log=saved, managed=resource.managed_by is not None)
        found = explained(seen, said)
        for mode in Mode:
            context = Context(Policy(mode=mode), log_now_s=saved.end_s)
            assert decided(found, mode) == decide(resource, context)
        yield resource.name


@pytest.mark.parametrize(("situation", "node"), SITUATIONS)
def test_real_nodes(tmp_path: Path, situation: str, node: str) -> None:
    """/proc/drbd, dmesg and dump-xml of a node that was real, beside a look at the same."""
    taken = LAB / situation / node
    xml = (taken / "dump_xml").read_text()
    log = (taken / "kmsg").read_text()
    for place, name in (("proc/drbd", "proc_drbd"), ("dev/kmsg", "kmsg")):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_bytes((taken / name).read_bytes())
    for process in ("self", "1"):
        (tmp_path / "proc" / process).mkdir()
        (tmp_path / "proc" / process / "mountinfo").write_bytes((taken / "mountinfo").read_bytes())

    def run(argv: Sequence[str], timeout_s: float) -> Completed:
        return Completed(tuple(argv), 0, stdout=xml, stderr="", duration_s=0.0)

    end = explain_log.parse(log)
    assert end is not None
    world = World(tmp_path, run, Stopped(end.end_s), node, tmp_path / "etc")
    settings = Settings(run=RunSettings(state_dir=tmp_path / "state", lock=tmp_path / "lock"))
    observed = look(world, settings)
    text = (taken / "proc_drbd").read_bytes()
    assert list(agrees(observed, text, log, xml, node)) == ["mail", "db"]


@pytest.mark.parametrize("name", STORIES)
def test_every_scene_of_every_story(tmp_path: Path, name: str) -> None:
    play = Play(STORIES[name], tmp_path)
    xml = dump_xml(play.story.resources)
    seen = 0
    for scene in play.scenes():
        for node in (node for node, lines in scene.states.items() if lines):
            world, settings = play.worlds[node], play.settings[node]
            text = (world.root / "proc/drbd").read_bytes()
            log = play.pair.kernel_log(node)
            seen += len(list(agrees(look(world, settings), text, log, xml, node)))
    assert seen >= 2 * len(play.story.steps) - 4
