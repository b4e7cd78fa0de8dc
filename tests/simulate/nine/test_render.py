"""The files below a node's root, and drbdadm dump-xml, as the real nodes had them."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import pytest

from connector.simulate.nine import SimulatedCluster
from connector.simulate.nine.render import mountinfo, openers, render
from tests.simulate.nine import captured
from tests.simulate.nine.stories import active
from tests.simulate.nine.test_situations import EVERYWHERE, told

# These were configured in another form, or with handlers.
PLAIN = ("2n-connected-healthy", "3n-connected-healthy",
         "3n-gamma-diskless-client", "2n-two-volumes-one-diverged")  # fmt: skip
MOUNTED_ELSEWHERE = "2n-two-volumes-one-diverged"


@pytest.mark.parametrize(("situation", "node"), EVERYWHERE)
def test_openers(situation: str, node: str) -> None:
    """Who has a device open, in their order; numbers of processes and ages aside."""
    state = told(situation).state
    shown = ""
    for name, side in state.nodes[node].resources.items():
        for volume in side.volumes if side.up else ():
            shown += f"== {name}/volumes/{volume.volume}/openers\n"
            shown += openers(volume, side.promoter, state.now_s)
    real = captured.text(situation, node, "debugfs_openers")
    assert sorted(_programs(shown)) == sorted(_programs(real))


def _programs(text: str) -> list[str]:
    found, volume = [], ""
    for line in text.splitlines():
        volume = line if line.startswith("==") else volume
        found.append(f"{volume} {line.split(chr(9))[0]}")
    return found


@pytest.mark.parametrize(("situation", "node"), EVERYWHERE)
def test_mounts_of_drbd(situation: str, node: str) -> None:
    lines = [
        [line.split(" ", 1)[1] for line in text.splitlines() if " 147:" in line]
        for text in (
            mountinfo(told(situation).state.nodes[node]),
            captured.text(situation, node, "mountinfo"),
        )
    ]
    if situation == MOUNTED_ELSEWHERE:
        lines = [[re.sub(r"/mnt/\w+", "/mnt", line) for line in each] for each in lines]
    assert sorted(lines[0]) == sorted(lines[1])


@pytest.mark.parametrize("situation", ["2n-swap-in-use", "2n-connected-healthy"])
def test_other_files(situation: str, tmp_path: Path) -> None:
    render(told(situation).state, "alpha", tmp_path)
    for path, name in (("proc/drbd", "proc_drbd"), ("proc/swaps", "swaps")):
        assert (tmp_path / path).read_text() == captured.text(situation, "alpha", name)


@pytest.mark.parametrize("situation", PLAIN)
def test_dump_xml(situation: str) -> None:
    done = copy.deepcopy(told(situation)).run_on("alpha")(("drbdadm", "dump-xml"), 15.0)
    assert (done.exit_status, done.stderr) == (0, "")
    assert done.stdout == captured.text(situation, "alpha", "drbdadm_dump-xml")


def test_a_root_is_kept_as_the_node_is(tmp_path: Path) -> None:
    cluster = active()
    world = cluster.world("alpha", tmp_path)
    debugfs = tmp_path / "sys/kernel/debug/drbd/resources/mail/volumes/0/openers"
    assert debugfs.read_text().startswith("mount\t")
    before = (tmp_path / "dev/kmsg").read_text()
    cluster.cut_link("alpha", "beta")
    world.clock.sleep(5.0)
    after = (tmp_path / "dev/kmsg").read_text()
    assert after.startswith(before)
    assert "PingAck did not arrive in time." in after
    cluster.umount("alpha", "mail", "/mnt/mail")
    assert debugfs.read_text() == ""
    cluster.drbdadm("alpha", "down", "mail")
    assert not debugfs.exists()


def test_a_node_that_is_down_shows_nothing_new(tmp_path: Path) -> None:
    cluster = active()
    world = cluster.world("beta", tmp_path)
    before, boot_id = (tmp_path / "dev/kmsg").read_text(), world.boot_id()
    cluster.crash("beta")
    cluster.settle()
    assert (tmp_path / "dev/kmsg").read_text() == before
    assert world.run(("drbdadm", "dump-xml"), 15.0).error == "beta is down"
    cluster.boot("beta")
    assert world.boot_id() != boot_id


def test_the_same_calls_give_the_same_bytes() -> None:
    def tell(seed: int) -> tuple[str, ...]:
        cluster = SimulatedCluster(3, seed=seed)
        cluster.mount("alpha", "mail", "/mnt")
        cluster.isolate("gamma")
        cluster.settle()
        cluster.rejoin("gamma")
        cluster.settle()
        logs = tuple(cluster.kernel_log(node) for node in cluster.state.names)
        return (*logs, *(cluster.status(node) for node in cluster.state.names))

    assert tell(3) == tell(3)
    assert tell(3) != tell(4)
