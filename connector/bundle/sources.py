"""Texts that are there: files of DRBD, of the kernel and of connector, and what drbdadm says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from connector.bundle import redact
from connector.bundle.drbd_configuration import drbd_files_text, dump_xml_text
from connector.bundle.parts import MAX_PART_BYTES
from connector.bundle.redact import Redacted
from connector.memory import history
from connector.memory.files import read_bounded
from connector.model import Generation
from connector.observe import kernel_log, proc_drbd
from connector.observe.configuration_files import fingerprint
from connector.observe.nine import drbdsetup
from connector.settings import Settings
from connector.world import World

MAX_KERNEL_LINES = 20_000
MAX_CONFIGURATION_FILES = 500
MAX_GIVEN_UP = 50
_POSITIONS_QUOTED = 3

# block drbd0: …, drbd mail: …, drbd mail/0 drbd0: …, drbd: initialized. Version: 8.4.11 (…)
_OF_DRBD = re.compile(r"(?:block drbd[0-9]|drbd[ :])")
# drbd.d/mail.res:4: Parse error: …, of which the rest quotes what is in the file.
_POSITION = re.compile(r"[^\s:]{1,200}:[0-9]{1,7}(?=:)")


@dataclass(frozen=True, slots=True)
class Found:
    """A text as it was read, the name it gets, and what takes the secrets out of it.

    `redact` raises ValueError for a text of which it cannot be said what is in it.
    """

    name: str
    text: str
    redact: Callable[[str], Redacted]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """Something to read; `read` raises OSError, ConnectorError, ValueError or LookupError."""

    name: str
    read: Callable[[], Iterable[Found]]


@dataclass(frozen=True, slots=True)
class ConnectorToml:
    """Where connector.toml is, whether it must be there, and why it is not in force."""

    path: Path
    problem: str | None = None


def all_of(world: World, settings: Settings, toml: ConnectorToml) -> tuple[Source, ...]:
    """Every text to be read."""
    state = {
        "incidents.json": settings.incidents_file,
        "pauses.json": settings.pauses_file,
        "counters.json": settings.counters_file,
        "last-pass.json": settings.last_pass_file,
        "takeover.json": settings.takeover_file,
    }
    return (
        Source("proc-drbd.txt", partial(_proc_drbd, world)),
        Source("drbd/drbdsetup-status.json", partial(_drbdsetup_status, world, settings)),
        Source("kernel-log.txt", partial(_kernel_log, world)),
        Source("drbd/dump-xml.xml", partial(_dump_xml, world, settings)),
        *_drbd_files(world),
        Source("connector/connector.toml", partial(_connector_toml, toml)),
        *(
            Source(f"connector/{name}", partial(_state_file, name, path, redact.json_text))
            for name, path in state.items()
        ),
        Source(
            "connector/handlers.jsonl",
            partial(_state_file, "handlers.jsonl", settings.handlers_file, redact.json_lines),
        ),
        Source("connector/journal.jsonl", partial(_journal, settings)),
        Source("connector/given-up", partial(_given_up, settings)),
    )


def text_of(path: Path, limit: int = 2 * MAX_PART_BYTES) -> str:
    """A file's text.

    Raises:
        OSError: it cannot be read, or is larger than `limit` bytes.
        LookupError: it is not there.
    """
    data = read_bounded(path, limit)
    if data is None:
        raise LookupError(f"{path} is not there")
    return data.decode("utf-8", "replace")


def _proc_drbd(world: World) -> Iterator[Found]:
    text = proc_drbd.read(world.root).decode("utf-8", "replace")
    yield Found("proc-drbd.txt", text, redact.log_lines)


def _kernel_log(world: World) -> Iterator[Found]:
    lines = kernel_log.read(world.root)
    if not lines:
        raise LookupError("there is no kernel log, or it is empty")
    records = [r for r in kernel_log.parse_records(lines) if _OF_DRBD.match(r.text)]
    newest = records[-MAX_KERNEL_LINES:]
    text = "".join(f"[{record.at_s:12.6f}] {record.text}\n" for record in newest)
    note = f"{len(newest)} lines about DRBD of {len(lines)}"
    yield Found("kernel-log.txt", text, redact.log_lines, note)


def _drbdsetup_status(world: World, settings: Settings) -> Iterator[Found]:
    """On DRBD 9, where /proc/drbd has no states; names and addresses, and no secret."""
    if proc_drbd.parse(proc_drbd.read(world.root)).generation is not Generation.NINE:
        raise LookupError("only on DRBD 9: /proc/drbd has the states")
    text = drbdsetup.read_status(world.run, settings.run.command_timeout_s)
    yield Found("drbd/drbdsetup-status.json", text, redact.json_text)


def _dump_xml(world: World, settings: Settings) -> Iterator[Found]:
    argv = (settings.run.drbdadm, "dump-xml")
    done = world.run(argv, settings.run.command_timeout_s)
    if done.error is not None:
        raise LookupError(done.error)
    if done.exit_status != 0:
        how = "did not end in time" if done.timed_out else f"exit status {done.exit_status}"
        places = _POSITION.findall(done.stderr)[:_POSITIONS_QUOTED]
        where = f", at {', '.join(places)}" if places else ""
        raise ValueError(f"{' '.join(argv)}: {how}{where}")
    yield Found("drbd/dump-xml.xml", done.stdout, dump_xml_text)


def _drbd_files(world: World) -> tuple[Source, ...]:
    """Each file that drbdadm reads its configuration from; or what says why those are not known."""
    states = fingerprint(world.configuration)
    if states is None:
        return (Source("drbd/files", partial(_unknown_files, world)),)
    there = [Path(str(state[0])) for state in states if len(state) > 1]
    if not 0 < len(there) <= MAX_CONFIGURATION_FILES:
        return (Source("drbd/files", partial(_wrong_number, world, len(there))),)
    return tuple(Source(_name_of(path), partial(_drbd_file, path)) for path in there)


def _unknown_files(world: World) -> Iterator[Found]:
    raise ValueError(
        f"a file that {world.configuration}/drbd.conf includes cannot be read, so which files "
        "belong to it is not known"
    )


def _wrong_number(world: World, number: int) -> Iterator[Found]:
    if not number:
        raise LookupError(f"there is no drbd.conf in {world.configuration}")
    raise ValueError(f"{number} files, more than the {MAX_CONFIGURATION_FILES} that are taken")


def _name_of(path: Path) -> str:
    return "/".join(["drbd/files", *(p for p in path.parts if p not in ("/", "..", "."))])


def _drbd_file(path: Path) -> Iterator[Found]:
    yield Found(_name_of(path), text_of(path), drbd_files_text)


def _connector_toml(toml: ConnectorToml) -> Iterator[Found]:
    try:
        text = text_of(toml.path)
    except LookupError as error:
        raise LookupError(f"{error}: the defaults are in force") from error
    note = "not in force, see `the settings`" if toml.problem else ""
    yield Found("connector/connector.toml", text, _toml, note)


def _toml(text: str) -> Redacted:
    try:
        return redact.toml_text(text)
    except ValueError as error:
        # Not its whole message: it may quote a key.
        place = re.search(r"at (?:line \d+, column \d+|end of document)", str(error))
        raise ValueError(f"not valid TOML{f' ({place[0]})' if place else ''}") from error


def _state_file(name: str, path: Path, take_out: Callable[[str], Redacted]) -> Iterator[Found]:
    yield Found(f"connector/{name}", text_of(path), take_out)


def _journal(settings: Settings) -> Iterator[Found]:
    texts = history.read(settings.journal_file)
    if not texts:
        raise LookupError(f"{settings.journal_file} is not there: no pass had anything to tell")
    for text in texts:
        note = "its beginning is not in it" if text.cut else ""
        data = text.data.decode("utf-8", "replace")
        yield Found(f"connector/{Path(text.name).name}", data, redact.json_lines, note)


def _given_up(settings: Settings) -> Iterator[Found]:
    folder = settings.given_up_dir
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".json")
    except FileNotFoundError:
        paths = []
    if not paths:
        raise LookupError(f"{folder} has no record: nothing was given up here")
    for path in paths[-MAX_GIVEN_UP:]:
        yield Found(f"connector/given-up/{path.name}", text_of(path), redact.json_text)
