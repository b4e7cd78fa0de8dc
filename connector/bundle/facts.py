"""What is found out rather than read: the status, versions, mounts and processes."""

from __future__ import annotations

import json
import platform
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from importlib import metadata
from typing import Any

from connector import __version__
from connector.bundle import redact
from connector.bundle.sources import Found, Source, text_of
from connector.errors import ConnectorError
from connector.observe import proc_drbd
from connector.observe.namespaces import drbd_mounts
from connector.observe.processes import DeviceUser, processes_using
from connector.report.as_json import to_json
from connector.settings import Settings
from connector.survey import survey
from connector.world import World

PROCESSES_TIMEOUT_S = 10.0
_SMALL_BYTES = 64 * 1024
_LIBRARIES = (
    *("bcrypt", "click", "filelock", "prometheus-client", "pydantic"),
    *("pyyaml", "rich", "tenacity"),
)
_OS_RELEASE = re.compile(r'^(ID|VERSION_ID|PRETTY_NAME)="?([^"\n]{0,200})"?$', re.MULTILINE)
_UTILS = re.compile(r"^([A-Z_]{1,40})=(.{0,200})$", re.MULTILINE)

Environment = Mapping[str, str]


def all_of(world: World, settings: Settings, environment: Environment) -> tuple[Source, ...]:
    """Everything to be found out; the processes last, since that may take long."""
    return (
        Source("versions.json", partial(_versions, world, settings)),
        Source("connector/environment.json", partial(_environment, environment)),
        Source("connector/status.json", partial(_status, world, settings)),
        Source("mounts.json", partial(_mounts, world)),
        Source("processes.json", partial(_processes, world)),
    )


def _found(name: str, value: Any, note: str = "") -> Iterator[Found]:
    yield Found(name, json.dumps(value), redact.json_text, note)


def _status(world: World, settings: Settings) -> Iterator[Found]:
    report, _ = survey(world, settings)
    return _found("connector/status.json", to_json(report))


def _environment(environment: Environment) -> Iterator[Found]:
    """connector's own variables only."""
    own = {name: environment[name] for name in sorted(environment) if _is_own(name)}
    return _found("connector/environment.json", own)


def _is_own(name: str) -> bool:
    return name.startswith("CONNECTOR_")


def _versions(world: World, settings: Settings) -> Iterator[Found]:
    asked: dict[str, Callable[[], Any]] = {
        "connector": lambda: __version__,
        "python": platform.python_version,
        "libraries": _libraries,
        "kernel": lambda: text_of(world.root / "proc/sys/kernel/osrelease", _SMALL_BYTES).strip(),
        "drbd_module": lambda: text_of(world.root / "sys/module/drbd/version", 4096).strip(),
        "drbd_proc": lambda: proc_drbd.parse(proc_drbd.read(world.root)).version,
        "drbd_utils": lambda: _utils(world, settings),
        "operating_system": lambda: dict(
            _OS_RELEASE.findall(text_of(world.configuration / "os-release", _SMALL_BYTES))
        ),
    }
    return _found("versions.json", {name: _or_why_not(ask) for name, ask in asked.items()})


@cache
def _libraries() -> dict[str, str]:
    return {name: metadata.version(name) for name in _LIBRARIES}


def _or_why_not(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except (OSError, LookupError, ValueError, metadata.PackageNotFoundError) as error:
        return f"not known: {error}"


def _utils(world: World, settings: Settings) -> dict[str, str]:
    done = world.run((settings.run.drbdadm, "--version"), settings.run.command_timeout_s)
    found = dict(_UTILS.findall(done.stdout))
    if not found:
        raise LookupError(done.error or f"exit status {done.exit_status}")
    return found


def _mounts(world: World) -> Iterator[Found]:
    seen = drbd_mounts(world.root)
    mounts = [
        {
            "device": f"{mount.major}:{mount.minor}",
            "where": _printable(mount.where),
            "fstype": mount.fstype,
            "source": _printable(mount.source),
            "own_namespace": mount in seen.own,
        }
        for mount in (*seen.own, *seen.others)
    ]
    problems = [problem.message for problem in seen.problems]
    return _found("mounts.json", {"mounts": mounts, "problems": problems})


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _processes(world: World) -> Iterator[Found]:
    """Names and what they hold; no command line, in which there may be a password.

    Raises:
        ConnectorError: it takes too long: a file may be on a network file system that hangs.
    """
    devices = proc_drbd.parse(proc_drbd.read(world.root)).devices
    minors = [device.minor for device in devices]
    found: list[DeviceUser] = []
    looking = threading.Thread(
        target=lambda: found.extend(processes_using(world.root, minors)), daemon=True
    )
    looking.start()
    looking.join(PROCESSES_TIMEOUT_S)
    if looking.is_alive():
        raise ConnectorError(f"who holds the devices was not found out in {PROCESSES_TIMEOUT_S} s")
    users = [
        {"pid": user.pid, "name": _printable(user.name), "holds": _printable(user.what)}
        for user in found
    ]
    return _found("processes.json", {"processes": users})
