"""/proc/drbd: whatever the bytes are, no word is read that is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from connector.model import ConnectionState, Device, DiskState, ProcDrbd, Role
from connector.observe.proc_drbd import MAX_DEVICES, MAX_PROBLEMS, parse
from tests.fuzz.entry import Entry, fixtures, is_one_line

_LONGEST_MESSAGE = 600
# A minor line, told by its beginning alone.
_MINOR = re.compile(r"[ \t\r\f\v]*(0|[1-9][0-9]{0,6}):[ \t\r\f\v]*cs:")
# These are told, but no decision rests on them: the device stays certain.
_NOTES = ("unknown protocol: ", "unknown flags: ")

_Line = tuple[int, str]


def run(data: bytes, _folder: Path) -> None:
    """Parse it, and look up every state of every device in the text."""
    text = data.decode("utf-8", "replace")
    parsed = parse(data)
    assert parsed == parse(text)
    _check_problems(parsed)
    lines = list(enumerate(text.replace("\0", "").split("\n"), 1))
    by_minor: dict[int, list[_Line]] = {}
    for number, line in lines:
        if found := _MINOR.match(line):
            by_minor.setdefault(int(found[1]), []).append((number, line))
    # One for each line that begins like one, whatever is wrong with the rest of it.
    begun = sum(map(len, by_minor.values()))
    assert len(parsed.devices) == min(begun, MAX_DEVICES)
    doubted = {
        problem.line
        for problem in parsed.problems
        if not any(note in problem.message for note in _NOTES)
    }
    certain: dict[int, Device] = {}
    for device in parsed.devices:
        own = by_minor[device.minor]
        assert any(_says(line, device) for _, line in own)
        if not device.doubtful:
            assert any(_says(line, device) for number, line in own if number not in doubted)
            _check_certain(device)
            assert certain.setdefault(device.minor, device) == device


def _check_problems(parsed: ProcDrbd) -> None:
    assert len(parsed.problems) <= MAX_PROBLEMS + 1
    for problem in parsed.problems:
        assert problem.message.isascii()
        assert is_one_line(problem.message)
        assert len(problem.message) < _LONGEST_MESSAGE


def _says(line: str, device: Device) -> bool:
    """Whether every state of the device stands in this line, as a whole word."""
    return all(re.search(pattern, line) for pattern in _patterns(device))


def _patterns(device: Device) -> Iterator[str]:
    if device.connection is not None:
        yield rf"cs:{device.connection}(?!\S)"
    if device.role is not None:
        yield rf"(?:ro|st):{device.role}/"
    if device.peer_role is not None:
        yield rf"/{device.peer_role}(?!\S)"
    if device.disk is not None:
        yield rf"(?:ds:{device.disk}/|ld:{device.disk}(?!\S))"
    if device.peer_disk is not None:
        yield rf"/{device.peer_disk}(?!\S)"


def _check_certain(device: Device) -> None:
    """What is not doubtful is whole, and is nothing that the kernel never prints."""
    if device.connection is ConnectionState.UNCONFIGURED:
        assert device == Device(device.minor, ConnectionState.UNCONFIGURED)
        return
    assert device.connection is not None
    assert device.role in (Role.PRIMARY, Role.SECONDARY)
    assert device.peer_role is not None
    assert device.disk not in (None, DiskState.DUNKNOWN)
    assert device.statistics
    assert device.out_of_sync_kib is None or device.out_of_sync_kib >= 0
    if device.sync is not None:
        kinds = {"resync": ("SyncSource", "SyncTarget"), "verify": ("VerifyS", "VerifyT")}
        assert device.connection in kinds[device.sync.kind]


PROC_DRBD = Entry(
    "proc_drbd",
    run,
    lambda: fixtures("proc_drbd/**/*.txt", "proc_drbd/captures/*/*/*", "lab/*/*/proc_drbd"),
    words=(
        *(f"cs:{state}" for state in ConnectionState),
        *(f"ro:{role}/{role}" for role in Role),
        *(f"ds:{disk}/{disk}" for disk in DiskState),
        *("st:Primary/", "ld:Consistent", " C r-----", "   r---", "\n 0: cs:", "\n    ns:0 nr:0"),
        *(
            " oos:0",
            " wo:f",
            "pe:[0;0]",
            "\t[==>...] sync'ed: 1.0% (1/2)K",
            "verified: ",
            "stalled",
        ),
        *("\tfinish: 0:00:01 speed: 1,234 (5) K/sec", " want: ", "version: 8.4.11 (api:1/proto:1)"),
        *("srcversion: ", "GIT-hash: ", "built-in", "(compat 8.4)", "\tact_log: used:0/61", "\x00"),
    ),
)
