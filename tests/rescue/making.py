"""Builders for rescues and their disks, and an LVM that keeps its snapshots in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from connector.model import ConnectionState, Resource, Role
from connector.program import Completed
from connector.rescue import shelf
from connector.rescue.device import BackingDevice, LogicalVolume
from connector.rescue.kept import KeptVolume, Method, Rescue, name_for
from connector.rescue.superblock import FileSystem
from connector.settings import RescueSettings, RunSettings, Settings
from connector.world import World
from tests.builders import device as drbd_device
from tests.builders import resource, volume

MIB = 1024 * 1024
DAY_S = 86_400.0
KEPT_AT_S = 1_764_000_000.0
BOOT_ID = "11111111-2222-3333-4444-555555555555"


def logical_volume(**changes: Any) -> LogicalVolume:
    """A logical volume of 64 MiB in a group that has 64 MiB left."""
    plain = LogicalVolume("pair", "data0", 64 * MIB, 64 * MIB, 4 * MIB, False)
    return replace(plain, **changes)


def backing(**changes: Any) -> BackingDevice:
    """A disk of 64 MiB with nothing on it; 4 KiB were changed here and 8 KiB by the peer."""
    plain = BackingDevice(0, 0, "/dev/vda", 64 * MIB, None, None, 4, 8, 100)
    return replace(plain, **changes)


def ext4(used_bytes: int, size_bytes: int = 64 * MIB) -> FileSystem:
    """An ext4 of which so much is in use."""
    return FileSystem("ext4", size_bytes, used_bytes)


def a_copy(number: int = 0, **changes: Any) -> KeptVolume:
    """A volume that is kept as a file."""
    plain = KeptVolume(
        volume=number,
        minor=number,
        method=Method.E2IMAGE,
        source=f"/dev/vd{'abc'[number]}",
        filesystem="ext4",
        size_bytes=12 * MIB,
        file=f"volume-{number}.img",
        disk_writes_kib=100,
        out_of_sync_kib=4,
    )
    return plain.model_copy(update=changes)


def a_snapshot(number: int = 0, **changes: Any) -> KeptVolume:
    """A volume that is kept as a snapshot."""
    only = {
        "method": Method.SNAPSHOT,
        "file": None,
        "volume_group": "pair",
        "snapshot": f"connector-20251124T160000Z-{number}",
    }
    return a_copy(number, **{**only, **changes})


def rescue(
    *volumes: KeptVolume, name: str = "mail", kept_at_s: float = KEPT_AT_S, **changes: Any
) -> Rescue:
    """A rescue of the resource `name`: one copy, unless other volumes are given."""
    plain = Rescue(
        name=name_for(name, kept_at_s),
        resource=name,
        host="beta",
        boot_id=BOOT_ID,
        kept_at_s=kept_at_s,
        why="a pass, discard: the peer was Primary",
        volumes=volumes or (a_copy(),),
    )
    return plain.model_copy(update=changes)


def put(settings: Settings, *rescues: Rescue) -> None:
    """Have these on the shelf, each with a few bytes for every copy."""
    for item in rescues:
        folder = settings.rescues_dir / item.name
        folder.mkdir(parents=True)
        for kept in item.volumes:
            if kept.file:
                (folder / kept.file).write_bytes(b"what was there")
        shelf.write(folder, item)


def names_on(settings: Settings) -> list[str]:
    """What is on the shelf by name; what is hidden there counts, too."""
    folder = settings.rescues_dir
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def settings_in(folder: Path, **rescue_settings: Any) -> Settings:
    """Settings whose files are all below `folder`."""
    return Settings(
        run=RunSettings(state_dir=folder / "state", lock=folder / "lock"),
        rescue=RescueSettings(**{"spare_percent": 0, **rescue_settings}),
    )


def victim(
    *amounts: tuple[int | None, int | None],
    connection: ConnectionState = ConnectionState.STANDALONE,
    role: Role = Role.SECONDARY,
    name: str = "mail",
) -> Resource:
    """A resource with a volume for each (out of sync, written to the disk), both in KiB."""
    volumes = []
    for number, (out_of_sync_kib, writes_kib) in enumerate(amounts or ((4, 100),)):
        shown = drbd_device(number, connection=connection, role=role, out_of_sync_kib=None)
        counts = {"oos": out_of_sync_kib, "dw": writes_kib}
        statistics = {key: value for key, value in counts.items() if value is not None}
        volumes.append(volume(replace(shown, statistics=statistics), number=number, used_by=()))
    return resource(name, connection=connection, role=role, volumes=volumes)


@dataclass
class Hands:
    """A world below a folder whose programs are the given ones; what was run is in `lines`.

    A program that nobody gives is not found, which is how the real runner says it.
    """

    root: Path
    programs: Mapping[str, Callable[[Sequence[str]], Completed | None]] = field(
        default_factory=dict
    )
    now_s: float = KEPT_AT_S
    lines: list[str] = field(default_factory=list)

    def wall_s(self) -> float:
        """Since 1970."""
        return self.now_s

    boot_s = log_s = wall_s

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now_s += seconds

    def run(self, argv: Sequence[str], timeout_s: float) -> Completed:
        """Run one of the programs."""
        assert timeout_s >= 0
        self.lines.append(" ".join(argv))
        program = self.programs.get(argv[0])
        done = program(argv) if program else None
        return done or Completed(tuple(argv), None, error=f"{argv[0]} was not found")

    @property
    def world(self) -> World:
        """What the code under test gets."""
        boot_id = self.root / "proc/sys/kernel/random/boot_id"
        boot_id.parent.mkdir(parents=True, exist_ok=True)
        boot_id.write_text(f"{BOOT_ID}\n")
        return World(self.root, self.run, self, "beta", self.root / "etc")


NOT_THERE = '  Failed to find logical volume "{}"\n'


@dataclass
class Lvm:
    """lvs, lvcreate and lvremove of lvm2 2.03.16, as far as connector asks; names are GROUP/NAME.

    `held` cannot be removed, `overflowed` are invalid; `rows` is what lvs says of the volume below.
    """

    snapshots: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    overflowed: set[str] = field(default_factory=set)
    rows: Sequence[Mapping[str, str]] = ()
    full: bool = False

    @property
    def programs(self) -> dict[str, Callable[[Sequence[str]], Completed | None]]:
        """For `Hands`."""
        return {"lvs": self.lvs, "lvcreate": self.lvcreate, "lvremove": self.lvremove}

    def lvs(self, argv: Sequence[str]) -> Completed:
        """Tell of one volume."""
        name = argv[-1]
        if "lv_attr" not in " ".join(argv):
            return Completed(tuple(argv), 0, stdout=printed(self.rows))
        if name not in self.snapshots:
            return Completed(tuple(argv), 5, stdout=printed([]), stderr=NOT_THERE.format(name))
        attributes = "swi-I-s---" if name in self.overflowed else "swi-a-s---"
        used = "100.00" if name in self.overflowed else "3.17"
        row = {"lv_name": name.split("/")[1], "lv_attr": attributes, "data_percent": used}
        return Completed(tuple(argv), 0, stdout=printed([row]))

    def lvcreate(self, argv: Sequence[str]) -> Completed:
        """Make a snapshot."""
        if self.full:
            said = '  Volume group "pair" has insufficient free space (1 extents): 4 required.\n'
            return Completed(tuple(argv), 5, stderr=said)
        group = argv[-1].partition("/")[0]
        self.snapshots.add(f"{group}/{argv[list(argv).index('-n') + 1]}")
        return Completed(tuple(argv), 0)

    def lvremove(self, argv: Sequence[str]) -> Completed:
        """Remove a snapshot."""
        if argv[-1] in self.held:
            said = f"  Logical volume {argv[-1]} contains a filesystem in use.\n"
            return Completed(tuple(argv), 5, stderr=said)
        self.snapshots.discard(argv[-1])
        return Completed(tuple(argv), 0)


def printed(rows: Sequence[Mapping[str, str]]) -> str:
    """What `lvs --reportformat json` prints of these."""
    return json.dumps({"report": [{"lv": list(rows)}]}, indent=4) + "\n"


def row(**changes: str) -> dict[str, str]:
    """What lvs says of a volume of 64 MiB in a group that has 64 MiB left."""
    plain = {
        "vg_name": "pair",
        "lv_name": "data0",
        "lv_size": str(64 * MIB),
        "vg_free": str(64 * MIB),
        "vg_extent_size": str(4 * MIB),
        "segtype": "linear",
    }
    return {**plain, **changes}
