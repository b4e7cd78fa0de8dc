"""The disks of the simulated pair answer as real ones, as far as keeping them asks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from connector.rescue.superblock import identify
from connector.simulate import SimulatedPair


@pytest.fixture
def pair(tmp_path: Path) -> SimulatedPair:
    pair = SimulatedPair()
    pair.world("beta", tmp_path / "root")
    (tmp_path / "out").mkdir()
    return pair


def test_each_volume_has_its_disk(pair: SimulatedPair, tmp_path: Path) -> None:
    root = tmp_path / "root"
    for minor, disk in enumerate(("vda", "vdb", "vdc")):
        size = int((root / f"sys/class/block/drbd{minor}/size").read_text()) * 512
        found = identify((root / "dev" / disk).read_bytes())
        assert found is not None
        assert (found.kind, found.size_bytes) == ("ext4", size)
        assert found.used_bytes == size // 4


def test_a_copy_holds_the_blocks_of_just_that_volume_and_node(
    pair: SimulatedPair, tmp_path: Path
) -> None:
    pair.cut_link()
    pair.sleep(10)
    pair.mount("alpha", "db", "/srv/db", 1)
    pair.write("alpha", "db", 1, 7, "on alpha alone")
    for node, disk, expected in (
        ("alpha", "vdc", {"7": "on alpha alone"}),
        ("alpha", "vdb", {}),
        ("beta", "vdc", {}),
    ):
        target = tmp_path / "out" / f"{node}-{disk}"
        done = pair.run_on(node)(("e2image", "-ra", f"/any/root/dev/{disk}", str(target)), 15)
        assert (done.exit_status, done.stderr) == (0, "")
        assert json.loads(target.read_bytes()) == expected


@pytest.mark.parametrize(
    ("source", "target", "why"),
    [
        ("/dev/vdz", "out/copy", "No such file or directory while trying to open /dev/vdz"),
        ("/dev/vda", "nowhere/copy", "No such file or directory while writing"),
    ],
)
def test_what_e2image_cannot_copy(
    pair: SimulatedPair, tmp_path: Path, source: str, target: str, why: str
) -> None:
    done = pair.run_on("beta")(("e2image", "-ra", source, str(tmp_path / target)), 15)
    assert done.exit_status == 1
    assert why in done.stderr
    assert not (tmp_path / target).exists()


@pytest.mark.parametrize(
    "argv",
    [("drbdsetup", "status"), ("drbdsetup", "show"), ("e2image", "-r", "/dev/vda", "x"), ("lvs",)],
)
def test_what_is_not_simulated_is_said_so(pair: SimulatedPair, argv: tuple[str, ...]) -> None:
    done = pair.run_on("beta")(argv, 15)
    assert done.exit_status is None
    assert done.error is not None
    assert argv[0] in done.error


def test_a_node_that_is_down_runs_nothing(pair: SimulatedPair) -> None:
    pair.crash("beta")
    done = pair.run_on("beta")(("drbdsetup", "show", "mail"), 15)
    assert (done.exit_status, done.error) == (None, "beta is down")
