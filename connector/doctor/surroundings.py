"""All that the doctor knows of this node, and the one look that reads it."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from connector.doctor import drbd_conf, ha_cf, owners, running, schedule, textfile
from connector.doctor.asked import Dumped, Refused, dumped, utils_version
from connector.doctor.drbd_conf import DrbdConf
from connector.doctor.ha_cf import HaCf
from connector.doctor.manifest import Manifest
from connector.doctor.owners import Owners
from connector.doctor.peer import Peer
from connector.doctor.reading import Text, Unseen, read_text, reason
from connector.doctor.running import Running
from connector.doctor.schedule import Schedule
from connector.doctor.textfile import Textfile
from connector.memory import last_pass
from connector.memory.last_pass import LastPass
from connector.model import ProcDrbd
from connector.observe import proc_drbd
from connector.observe.mounts import DRBD_MAJOR, Mount
from connector.observe.namespaces import drbd_mounts
from connector.settings import DEFAULT_CONFIG, Settings
from connector.world import World

HA_CF = "etc/ha.d/ha.cf"
_MAX_PROGRAMS = 100


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What was read. None: there is none of it here. Unseen: it could not be looked at.

    `programs` says of each program that a handler begins with whether it can be run.
    `own` is this node's manifest, to compare with the `peer`'s; None where nobody asked for it.
    `settings_error` is what is wrong with connector.toml; then `settings` are the defaults.
    """

    host: str
    wall_s: float
    boot_s: float
    settings: Settings
    settings_error: str | None
    proc: ProcDrbd | Unseen | None
    utils: str | Unseen | None
    drbd: Dumped | Refused | Unseen
    conf: DrbdConf | Unseen
    mounts: tuple[Mount, ...]
    mounts_unseen: tuple[Unseen, ...]
    running: Running | Unseen
    schedule: Schedule
    last_pass: LastPass | Unseen | None
    textfile: Textfile | None
    ha_cf: HaCf | Unseen | None
    owners: Owners
    programs: Mapping[str, bool] = field(default_factory=dict)
    config: Path = DEFAULT_CONFIG
    own: Manifest | None = None
    peer: Peer | Unseen | None = None


def look(world: World, settings: Settings, settings_error: str | None = None) -> Surroundings:
    """Look at this node once. All files of the system are read below `world.root`.

    The state directory and the textfile are where the settings say. Raises nothing for what the
    system is like; what cannot be read is in the answer.
    """
    root = world.root
    timeout_s = settings.run.command_timeout_s
    drbdadm = settings.run.drbdadm
    drbd = dumped(world.run, drbdadm, world.host, timeout_s)
    mounts, mounts_unseen = _mounts(root)
    return Surroundings(
        host=world.host,
        wall_s=world.clock.wall_s(),
        boot_s=world.clock.boot_s(),
        settings=settings,
        settings_error=settings_error,
        proc=_proc(root),
        utils=utils_version(world.run, drbdadm, timeout_s),
        drbd=drbd,
        conf=drbd_conf.read(root / "etc", "/etc"),
        mounts=mounts,
        mounts_unseen=mounts_unseen,
        running=running.read(root),
        schedule=schedule.read(root),
        last_pass=_last_pass(settings.last_pass_file),
        textfile=textfile.read(root, settings.textfile),
        ha_cf=_ha_cf(root),
        owners=owners.read(root, world.run, [mount.where for mount in mounts]),
        programs=_programs(drbd, root),
    )


def _proc(root: Path) -> ProcDrbd | Unseen | None:
    path = root / "proc/drbd"
    try:
        with path.open("rb") as stream:
            return proc_drbd.parse(stream.read(proc_drbd.MAX_BYTES + 1))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return Unseen(f"{path}: {reason(error)}")


def _mounts(root: Path) -> tuple[tuple[Mount, ...], tuple[Unseen, ...]]:
    """What is mounted from DRBD in this process's own namespace, in the kernel's order."""
    visible = drbd_mounts(root)
    mine = tuple(mount for mount in visible.own if mount.major == DRBD_MAJOR)
    return mine, tuple(Unseen(problem.message) for problem in visible.problems)


def _last_pass(path: Path) -> LastPass | Unseen | None:
    try:
        return last_pass.load(path)
    except OSError as error:
        return Unseen(f"{path}: {reason(error)}")


def _ha_cf(root: Path) -> HaCf | Unseen | None:
    found = read_text(root / HA_CF)
    return ha_cf.parse(found.text, f"/{HA_CF}") if isinstance(found, Text) else found


def _programs(drbd: Dumped | Refused | Unseen, root: Path) -> Mapping[str, bool]:
    """Whether each handler's program can be run; of those that are named with their whole path."""
    if not isinstance(drbd, Dumped):
        return {}
    commands = {
        value
        for resource in drbd.resources
        for (section, _), value in resource.options.items()
        if section == "handlers"
    }
    paths = {program for command in commands if (program := program_of(command))}
    return {path: _can_run(root, path) for path in sorted(paths)[:_MAX_PROGRAMS]}


def program_of(command: str) -> str | None:
    """The program that a handler's shell line begins with; None without a whole path."""
    word = command.split()[0].rstrip(";") if command.split() else ""
    return word if word.startswith("/") and "\0" not in word else None


def _can_run(root: Path, path: str) -> bool:
    real = path if str(root) == "/" else f"{root}{path}"
    try:
        found = os.stat(real)
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(found.st_mode) and found.st_mode & 0o111 != 0
