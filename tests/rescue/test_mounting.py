"""The command that mounts a rescue, and where it may be mounted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from connector.errors import ConnectorError, UsageError
from connector.program import Completed
from connector.rescue.kept import KeptVolume
from connector.rescue.mounting import mount, mount_command, source_of, volume_of
from tests.rescue.making import Hands, a_copy, a_snapshot, rescue

SOURCE, WHERE = Path("/var/lib/connector/rescues/x/volume-0.img"), Path("/mnt/rescue")


@pytest.mark.parametrize(
    ("item", "options"),
    [
        (a_copy(), "ro,noload,nodev,nosuid,noexec,loop"),
        (a_copy(filesystem="xfs"), "ro,norecovery,nouuid,nodev,nosuid,noexec,loop"),
        (a_snapshot(), "ro,noload,nodev,nosuid,noexec"),
        (a_snapshot(filesystem="xfs"), "ro,norecovery,nouuid,nodev,nosuid,noexec"),
    ],
)
def test_read_only_and_with_its_type(item: KeptVolume, options: str) -> None:
    command = mount_command(SOURCE, item, WHERE)
    assert command == ("mount", "-t", item.filesystem, "-o", options, str(SOURCE), "/mnt/rescue")


@pytest.mark.parametrize("kind", [None, "btrfs"])
def test_what_connector_does_not_know_is_exported(kind: str | None) -> None:
    with pytest.raises(UsageError, match=r"volume 0 holds no ext or xfs .*connector rescue export"):
        mount_command(SOURCE, a_copy(filesystem=kind), WHERE)


def test_the_file_or_the_device() -> None:
    found = rescue(a_copy(), a_snapshot(1))
    sources = [source_of(Path("/rescues"), found, item) for item in found.volumes]
    assert sources == [
        Path("/rescues") / found.name / "volume-0.img",
        Path("/dev/pair/connector-20251124T160000Z-1"),
    ]


def test_which_volume() -> None:
    one, two = rescue(), rescue(a_copy(), a_snapshot(1))
    assert volume_of(one, None) == volume_of(one, 0) == one.volumes[0]
    assert volume_of(two, 1) == two.volumes[1]
    with pytest.raises(UsageError, match="has the volumes 0, 1: say which, --volume N"):
        volume_of(two, None)
    with pytest.raises(UsageError, match="has the volumes 0: say which"):
        volume_of(one, 1)


class Mount:
    """`mount`, which says no where it should."""

    def __init__(self, status: int = 0) -> None:
        self.status = status

    def __call__(self, argv: Sequence[str]) -> Completed:
        said = "mount: wrong fs type\n" if self.status else ""
        return Completed(tuple(argv), self.status, stderr=said)


def test_a_new_folder_is_made(tmp_path: Path) -> None:
    hands = Hands(tmp_path, {"mount": Mount()})
    mount(hands.world, SOURCE, a_copy(), tmp_path / "mnt/rescue")
    assert (tmp_path / "mnt/rescue").is_dir()
    (line,) = hands.lines
    assert line.endswith(f",loop {SOURCE} {tmp_path}/mnt/rescue")


def test_where_something_is_nothing_is_mounted(tmp_path: Path) -> None:
    (tmp_path / "in-use").mkdir()
    (tmp_path / "in-use/file").write_text("x")
    hands = Hands(tmp_path, {"mount": Mount()})
    with pytest.raises(UsageError, match="in-use is not empty"):
        mount(hands.world, SOURCE, a_copy(), tmp_path / "in-use")
    with pytest.raises(UsageError, match="no ext or xfs"):
        mount(hands.world, SOURCE, a_copy(filesystem=None), tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert hands.lines == []


def test_what_mount_says_is_quoted(tmp_path: Path) -> None:
    hands = Hands(tmp_path, {"mount": Mount(32)})
    with pytest.raises(ConnectorError, match="ended with 32 and said: mount: wrong fs type"):
        mount(hands.world, SOURCE, a_copy(), tmp_path / "mnt")
