"""Real and composed texts of /proc/drbd, each trap in them, and what makes a device doubtful."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from connector.model import (
    ConnectionState,
    Device,
    DiskState,
    Problem,
    ProcDrbd,
    Role,
    SyncProgress,
)
from connector.observe import proc_drbd
from connector.observe.proc_drbd import MAX_BYTES, MAX_DEVICES, MAX_PROBLEMS, parse, read
from tests.observe.kernel_format import Kernel

FIXTURES = Path(__file__).parents[1] / "fixtures" / "proc_drbd"
PUBLISHED: dict[str, Any] = json.loads((FIXTURES / "published" / "expected.json").read_text())
CAPTURES = sorted(path for path in (FIXTURES / "captures").glob("*/*/*") if path.is_file())

HEADER = "version: 8.4.11 (api:1/proto:86-101)\nsrcversion: F73C670A7EC572DB9CF3E5B \n"
SICK = (
    " 0: cs:StandAlone ro:Primary/Unknown ds:UpToDate/DUnknown   r-----\n"
    "    ns:0 nr:0 dw:4 dr:8 al:1 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:36\n"
)
WELL = (
    " 1: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----\n"
    "    ns:7 nr:0 dw:7 dr:9 al:1 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:0\n"
)
SYNCING = (
    " 2: cs:SyncTarget ro:Secondary/Primary ds:Inconsistent/UpToDate C r-----\n"
    "    ns:0 nr:9 dw:9 dr:0 al:0 bm:1 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:178176\n"
    "\t[============>.......] sync'ed: 66.1% (178176/524288)K\n"
    "\tfinish: 0:00:04 speed: 38,404 (38,456) want: 3,280 K/sec\n"
)
LONG = 512 * 1024
(SICK_DEVICE,) = parse(HEADER + SICK).devices
(WELL_DEVICE,) = parse(HEADER + WELL).devices
(SYNCING_DEVICE,) = parse(HEADER + SYNCING).devices


def _messages(parsed: ProcDrbd) -> list[tuple[int | None, str]]:
    return [(problem.line, problem.message) for problem in parsed.problems]


def _expected_device(said: dict[str, Any]) -> Device:
    sync = None
    if "sync" in said:
        unit_kib = {"K": 1, "M": 1024}[said["sync"]["unit"]]
        sync = SyncProgress(
            kind=said["sync"]["kind"],
            percent=said["sync"]["percent"],
            left_kib=said["sync"]["left"] * unit_kib,
            total_kib=said["sync"]["total"] * unit_kib,
            finish_s=said["sync"]["finish_s"],
            speed_kib_per_s=said["sync"]["speed"],
            average_kib_per_s=said["sync"]["avg"],
            stalled=said["sync"]["stalled"],
        )
    return Device(
        minor=said["minor"],
        connection=ConnectionState(said["cs"]),
        role=said.get("role") and Role(said["role"]),
        peer_role=said.get("peer_role") and Role(said["peer_role"]),
        disk=said.get("disk") and DiskState(said["disk"]),
        peer_disk=said.get("peer_disk") and DiskState(said["peer_disk"]),
        protocol=said.get("protocol"),
        flags=said.get("flags"),
        statistics=said.get("stats", {}),
        sync=sync,
    )


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_texts(name: str) -> None:
    said = PUBLISHED[name]
    # Two of them were published without their header.
    problems = () if said["version"] else (Problem(None, "no version line"),)
    assert parse((FIXTURES / "published" / name).read_bytes()) == ProcDrbd(
        version=said["version"],
        api=said["api"],
        proto=said["proto"] and tuple(said["proto"]),
        devices=tuple(_expected_device(device) for device in said["devices"]),
        problems=problems,
    )


def test_every_published_text_is_expected() -> None:
    assert {path.name for path in (FIXTURES / "published").glob("*.txt")} == set(PUBLISHED)


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: "-".join(path.parts[-3:]))
def test_captures_print_as_they_were_read(path: Path) -> None:
    """The kernel's format, applied to what was understood, gives the captured bytes again."""
    text = path.read_text()
    parsed = parse(text)
    version, build, *_ = text.split("\n")
    assert parsed.problems == ()
    if "drbd-8.4" in path.parts:
        kernel = Kernel(version.removeprefix("version: "), build)
        assert (parsed.version, parsed.api, parsed.proto) == ("8.4.11", 1, (86, 101))
        assert len(parsed.devices) == 3
        assert kernel.text(parsed.devices) == text
    else:
        assert parsed == ProcDrbd("9.2.12", 2, (118, 122), (), ())


def test_one_capture_by_hand() -> None:
    """The victim has discarded and is well again; the other resource is still split."""
    parsed = parse((FIXTURES / "captures" / "drbd-8.4" / "healed" / "beta").read_bytes())
    keys = ("ns", "nr", "dw", "dr", "al", "bm", "lo", "pe", "ua", "ap", "ep")
    split = (ConnectionState.STANDALONE, Role.PRIMARY, Role.UNKNOWN)
    disks = (DiskState.UP_TO_DATE, DiskState.DUNKNOWN)
    statistics: list[dict[str, int | str]] = [
        {**dict(zip(keys, counters, strict=True)), "wo": "f", "oos": oos}
        for oos, *counters in (
            (0, 0, 40, 26603, 472, 10, 0, 0, 0, 0, 0, 1),
            (36, 0, 12407, 26564, 472, 10, 0, 0, 0, 0, 0, 1),
            (16, 0, 12252, 12268, 0, 9, 0, 0, 0, 0, 0, 1),
        )
    ]
    assert parsed.devices == (
        Device(
            0,
            ConnectionState.CONNECTED,
            Role.SECONDARY,
            Role.PRIMARY,
            DiskState.UP_TO_DATE,
            DiskState.UP_TO_DATE,
            "C",
            "r-----",
            statistics[0],
        ),
        Device(1, *split, *disks, None, "r-----", statistics[1]),
        Device(2, *split, *disks, None, "r-----", statistics[2]),
    )
    assert [device.out_of_sync_kib for device in parsed.devices] == [0, 36, 16]


@pytest.mark.parametrize(
    ("build", "version"),
    [
        ("srcversion: F73C670A7EC572DB9CF3E5B ", "8.4.11 (api:1/proto:86-101)"),
        ("GIT-hash: 22b4c80 debian/changelog build by mockbuild@, 2016-10-13", "8.4.8-1 (api:1/p"),
        ("GIT-hash: 2da6f52 reproducible build, 2024-11-18 09:16:58", "9.0.14-1 (api:2/proto:8"),
        ("SVN Revision: 2947 build by root@drbd-one, 2007-07-30 16:43:05", "8.0.14rc1 (api:86/p"),
        ("built-in", "8.4.3 (api:1/proto:86-101)"),
        ("", "0.7.0 (api:76/proto:74)"),
    ],
)
def test_build_lines(build: str, version: str) -> None:
    name = version.split()[0]
    text = f"version: {name} (api:1/proto:74)\n{build}\n{WELL}"
    assert parse(text) == ProcDrbd(name, 1, (74, 74), (WELL_DEVICE,), ())


@pytest.mark.parametrize(
    ("header", "version", "problem"),
    [
        ("", None, (None, "no version line")),
        ("version: 8.4.11 (api:1/pr\n", None, (1, "a version line that cannot be read: ")),
        ("version: 9.4.0 (api:2/proto:1-2) (x)\n", "9.4.0", (1, "a version line that says more: ")),
        (HEADER + HEADER, "8.4.11", (3, "a second version line: ")),
        ("version: 8.4.11 (api:1/proto:86-101)\nbuilt by me\n", "8.4.11", (2, "unknown line: ")),
    ],
)
def test_a_header_that_is_missing_or_unreadable(
    header: str, version: str | None, problem: tuple[int | None, str]
) -> None:
    parsed = parse(header + WELL)
    assert parsed.version == version
    assert parsed.devices == (WELL_DEVICE,)
    ((line, message),) = _messages(parsed)
    assert (line, message[: len(problem[1])]) == problem


@pytest.mark.parametrize("text", ["", b"", "\n \n\t\n", b"\0\0\0"])
def test_an_empty_text_is_a_problem(text: str | bytes) -> None:
    assert parse(text) == ProcDrbd(None, None, None, (), (Problem(None, "empty"),))


def test_a_header_alone_is_none() -> None:
    assert parse(HEADER) == ProcDrbd("8.4.11", 1, (86, 101), (), ())


@pytest.mark.parametrize("lead", ["", "    ", "\t", "        "])
def test_any_indentation_and_line_ends_mean_the_same(lead: str) -> None:
    lines = (HEADER + SICK + "\n" + WELL.replace(" 1:", "1:") + SYNCING).split("\n")
    text = "\n".join(lead + line.lstrip() for line in lines)
    for changed in (text, text.replace("\n", "\r\n"), text.replace("\n", " \n")):
        assert parse(changed + "\n").devices == (SICK_DEVICE, WELL_DEVICE, SYNCING_DEVICE)
        assert parse(changed + "\n").problems == ()


def test_a_protocol_that_lost_its_blanks_is_still_none() -> None:
    text = HEADER + SICK.replace("DUnknown   r", "DUnknown r")
    assert parse(text) == ProcDrbd("8.4.11", 1, (86, 101), (SICK_DEVICE,), ())


def test_statistics_may_be_anything_but_oos() -> None:
    line = "    ns:0 pe:[0;0] lo:-1 ap:- new:x ua:99999999999999999999999 wo:2 oos:4\n"
    (device,) = parse(HEADER + SICK.splitlines(keepends=True)[0] + line).devices
    assert device.statistics == {
        "ns": 0,
        "pe": "[0;0]",
        "lo": -1,
        "ap": "-",
        "new": "x",
        "ua": "99999999999999999999999",
        "wo": 2,
        "oos": 4,
    }
    assert not device.doubtful


def test_debug_lines_are_ignored_and_so_is_any_line_behind_a_tab() -> None:
    debug = (
        "\tresync: used:0/61 hits:0 misses:0 starving:0 locked:0 changed:0\n"
        "        act_log: used:0/61 hits:0 misses:0 starving:0 dirty:0 changed:0\n"
        "\tblocked on activity log: 0/0/0\n"
        "\tnn: lc_number refcnt rs_left\n"
        " \t 0: FREE\n"
        "\t 1:    5    2      4012 NO_WRITES LOCKED\n"
        "         2: FREE\n"
        "         3:    5    2      4012 --------- ------\n"
        "\tsomething that a later kernel prints: 12\n"
    )
    assert parse(HEADER + debug + SICK + debug + SYNCING + debug) == ProcDrbd(
        "8.4.11", 1, (86, 101), (SICK_DEVICE, SYNCING_DEVICE), ()
    )


@pytest.mark.parametrize(
    ("word", "line", "changed"),
    [
        ("TOO_LARGE", 3, {"connection": None}),
        ("connected", 3, {"connection": None}),
        ("Connecte", 3, {"connection": None}),
        ("Connected\x80", 3, {"connection": None}),
    ],
)
def test_an_unknown_connection_state(word: str, line: int, changed: dict[str, None]) -> None:
    parsed = parse(HEADER + WELL.replace("Connected", word) + SICK)
    assert _messages(parsed) == [(line, f"minor 1: unknown connection state: {word!a}")]
    assert parsed.devices[1] == SICK_DEVICE
    assert (parsed.devices[0].connection, parsed.devices[0].doubtful) == (None, True)
    assert parsed.devices[0].role is Role.PRIMARY


@pytest.mark.parametrize(
    ("old", "new", "field", "message"),
    [
        ("ro:Primary/", "ro:Prim/", "role", "unknown role: 'Prim'"),
        ("ro:Primary/", "ro:Unknown/", None, "unknown role: 'Unknown'"),
        ("/Secondary ", "/TOO_SMALL ", "peer_role", "unknown peer role: 'TOO_SMALL'"),
        ("ds:UpToDate/", "ds:Uptodate/", "disk", "unknown disk state: 'Uptodate'"),
        ("ds:UpToDate/", "ds:DUnknown/", None, "unknown disk state: 'DUnknown'"),
        ("/UpToDate ", "/\x1b[31m ", "peer_disk", "unknown peer disk state: '\\x1b[31m'"),
        ("/UpToDate ", "/" + "x" * 70 + " ", "peer_disk", f"unknown peer disk state: '{'x' * 60}'"),
    ],
)
def test_an_unknown_role_or_disk(old: str, new: str, field: str | None, message: str) -> None:
    parsed = parse(HEADER + WELL.replace(old, new) + SICK)
    device, other = parsed.devices
    ((line, found),) = _messages(parsed)
    assert (line, found.removesuffix("...")) == (3, f"minor 1: {message}")
    assert found.endswith("...") is ("xxx" in new)
    assert device.doubtful
    assert other == SICK_DEVICE
    if field is not None:
        assert getattr(device, field) is None


@pytest.mark.parametrize(
    ("line", "connection"),
    [
        (" 0: cs:StandAlone ro:Prim", ConnectionState.STANDALONE),
        (" 0: cs:StandAlone ro:Primary/Unknown", ConnectionState.STANDALONE),
        (" 0: cs:StandAlone ro:Primary/Unknown ds:UpToDate", ConnectionState.STANDALONE),
        (" 0: cs:StandAlone ro:Primary/Unknown   r-----", ConnectionState.STANDALONE),
        (" 0: cs:StandAlone ds:UpToDate/DUnknown   r-----", ConnectionState.STANDALONE),
        (" 0: cs:StandAlone", ConnectionState.STANDALONE),
        (" 0: cs:Stand", None),
        (" 0: cs:", None),
        (" 0: cs:Unconfigured ro:Primary/Unknown ds:A/B", ConnectionState.UNCONFIGURED),
        (" 0: cs:Connected cs:Connected ro:Primary/Unknown", ConnectionState.CONNECTED),
    ],
)
def test_a_minor_line_that_is_cut_off(line: str, connection: ConnectionState | None) -> None:
    parsed = parse(HEADER + line + "\n" + WELL)
    device, other = parsed.devices
    assert other == WELL_DEVICE
    assert (device.minor, device.connection, device.doubtful) == (0, connection, True)
    assert (device.role, device.peer_role, device.disk, device.peer_disk) == (None,) * 4
    assert (3, f"minor 0: a minor line that is cut off or damaged: {line[4:]!a}") in _messages(
        parsed
    )


@pytest.mark.parametrize(
    ("tail", "protocol", "flags", "doubtful", "message"),
    [
        ("C r---", "C", "r---", False, None),
        ("B s---b", "B", "s---b", False, None),
        ("A rapuas", "A", "rapuas", False, None),
        ("D r-----", None, "r-----", False, "unknown protocol: 'D'"),
        ("C r--x--", "C", "r--x--", False, "unknown flags: 'r--x--'"),
        ("C r---x-", "C", "r---x-", False, "unknown flags: 'r---x-'"),
        ("C r---d?", "C", "r---d?", False, "unknown flags: 'r---d?'"),
        ("C x-----", "C", "x-----", True, "unknown flags: 'x-----'"),
        ("C r--", "C", "r--", True, "unknown flags: 'r--'"),
        ("C r------", "C", "r------", True, "unknown flags: 'r------'"),
        ("C", "C", None, True, "a minor line without flags: "),
        ("", None, None, True, "a minor line without flags: "),
    ],
)
def test_protocol_and_flags(
    tail: str, protocol: str | None, flags: str | None, doubtful: bool, message: str | None
) -> None:
    parsed = parse(HEADER + WELL.replace("C r-----", tail) + SICK)
    device, other = parsed.devices
    assert other == SICK_DEVICE
    assert (device.connection, device.disk) == (ConnectionState.CONNECTED, DiskState.UP_TO_DATE)
    assert (device.protocol, device.flags, device.doubtful) == (protocol, flags, doubtful)
    assert [text for _, text in _messages(parsed)] == (
        [] if message is None else [f"minor 1: {message}"]
    ) or (flags is None and message is not None and message in parsed.problems[0].message)


@pytest.mark.parametrize(
    ("tail", "flags", "doubtful"),
    [
        ("", None, False),
        (" ", None, False),
        (" F", "F", False),
        (" X", "X", True),
        (" C r---", "C", True),
    ],
)
def test_what_0_7_prints_behind_the_local_data(
    tail: str, flags: str | None, doubtful: bool
) -> None:
    parsed = parse(
        "version: 0.7.25 (api:79/proto:74)\n\n 0: cs:Connected st:Primary/Secondary ld:Consistent"
        f"{tail}\n    ns:0 nr:0 dw:0 dr:0 al:0 bm:0 lo:0 pe:0 ua:0 ap:0\n"
    )
    (device,) = parsed.devices
    assert (device.disk, device.peer_disk) == (DiskState.CONSISTENT, None)
    assert (device.flags, device.protocol, device.doubtful) == (flags, None, doubtful)
    assert bool(parsed.problems) is doubtful


@pytest.mark.parametrize(
    ("statistics", "message"),
    [
        ("    ns:0 oos:-4\n", "oos is not a number of KiB: '-4'"),
        ("    ns:0 oos:0x4\n", "oos is not a number of KiB: '0x4'"),
        ("    ns:0 oos:999999999999999999999\n", "oos is not a number of KiB: '99999999999999999"),
        ("    ns:0 oos:\n", "statistics that cannot be read: '    ns:0 oos:'"),
        ("    ns:0 nr 0 oos:4\n", "statistics that cannot be read: "),
        ("    ns:0 oos:4 oos:0\n", "statistics that name one key twice: "),
        ("    ns:0 nr:0 dw:7 dr:9\n", "statistics that are cut off: "),
        ("", "no statistics follow"),
    ],
)
def test_statistics_that_make_a_device_doubtful(statistics: str, message: str) -> None:
    minor_line = WELL.splitlines(keepends=True)[0]
    parsed = parse(HEADER + minor_line + statistics + SICK)
    device, other = parsed.devices
    assert other == SICK_DEVICE
    assert device.doubtful
    assert device.out_of_sync_kib in (None, 0)
    ((line, found),) = _messages(parsed)
    assert line == (4 if statistics else 3)
    assert found.startswith(f"minor 1: {message}")


@pytest.mark.parametrize(("version", "doubtful"), [("8.2.5", False), ("8.2.6", True)])
def test_oos_is_expected_since_8_2_6(version: str, doubtful: bool) -> None:
    head = f"version: {version} (api:88/proto:86-88)\n" + WELL.splitlines(keepends=True)[0]
    (device,) = parse(head + "    ns:0 nr:0 dw:0 dr:0 al:0 bm:0 lo:0 pe:0 ua:0 ap:0\n").devices
    assert (device.doubtful, device.out_of_sync_kib) == (doubtful, None)
    assert parse(head + "    ns:0 nr:0 ap:0 ep:1 wo:b\n").devices[0].doubtful


def test_lines_whose_minor_line_is_lost_belong_to_nobody() -> None:
    lost = "".join(SYNCING.splitlines(keepends=True)[1:])
    for before, device in ((WELL, WELL_DEVICE), (" 1: cs:Unconfigured\n", None)):
        parsed = parse(HEADER + before + lost + SICK)
        assert parsed.devices[0] == (device or Device(1, ConnectionState.UNCONFIGURED))
        assert parsed.devices[1] == SICK_DEVICE
        assert [message.split(":")[0] for _, message in _messages(parsed)] == [
            "statistics that belong to no minor",
            "progress that belongs to no minor",
            "progress that belongs to no minor",
        ]


@pytest.mark.parametrize(
    "junk",
    [
        "X0: cs:StandAlone ro:Primary/Unknown ds:UpToDate/DUnknown   r-----\n",
        " 0; cs:StandAlone ro:Primary/Unknown ds:UpToDate/DUnknown   r-----\n",
        " 00: cs:StandAlone ro:Primary/Unknown ds:UpToDate/DUnknown   r-----\n",
        "-1: cs:StandAlone ro:Primary/Unknown ds:UpToDate/DUnknown   r-----\n",
        "12345678: cs:StandAlone ro:Primary/Unknown ds:UpToDate/DUnknown   r-----\n",
        " 0: cX:StandAlone ro:Primary/Unknown ds:UpToDate/DUnknown   r-----\n",
        "[0: cs:StandAlone ro:Primary/Unknown ds:UpToDate/DUnknown   r-----\n",
        " 0% cs:StandAlone ro:Primary/Unknown ds:UpToDate/DUnknown   r-----\n",
        "\t0 cs:StandAlone ro:Primary/Unknown ds:UpToDate/DUnknown   r-----\n",
        "hello\n",
        "    indented with blanks\n",
    ],
)
def test_an_unknown_line_is_a_problem_and_ends_the_block(junk: str) -> None:
    statistics = SICK.splitlines(keepends=True)[1]
    parsed = parse(HEADER + WELL + junk + statistics + SYNCING)
    assert parsed.devices == (WELL_DEVICE, SYNCING_DEVICE)
    first, second = _messages(parsed)
    assert first[0] == 5
    what = "a minor line that cannot be read" if "cs:" in junk else "unknown line"
    assert first[1].startswith(f"{what}: ")
    assert second == (6, f"statistics that belong to no minor: {statistics[:60]!a}...")


@pytest.mark.parametrize(
    "between",
    ["hello\n", "built-in\n", HEADER, "X2: cs:StandAlone\n", "\t0 cs:StandAlone\n"],
)
def test_what_follows_a_strange_line_is_not_the_minors_before_it(between: str) -> None:
    lines = SYNCING.splitlines(keepends=True)
    parsed = parse(HEADER + "".join(lines[:2]) + between + "".join(lines[2:]) + WELL)
    assert parsed.devices == (dataclasses.replace(SYNCING_DEVICE, sync=None), WELL_DEVICE)
    orphans = [message for _, message in _messages(parsed) if "belongs to no minor" in message]
    assert len(orphans) == 2
    parsed = parse(HEADER + lines[0] + between + lines[1])
    assert parsed.devices[0].doubtful
    assert parsed.devices[0].statistics == {}


@pytest.mark.parametrize(
    "glued",
    [
        HEADER.rstrip("\n") + SICK,
        HEADER.splitlines()[0] + SICK,
        HEADER + WELL.rstrip("\n") + SICK,
        HEADER + WELL.rstrip("\n") + SICK.lstrip(),
        HEADER + WELL.splitlines()[0] + SICK,
        HEADER + SYNCING.rstrip("\n") + SICK,
        HEADER + WELL + "\tact_log: used:0/127 hits:0" + SICK,
        HEADER.rstrip("\n") + " 0: cs:Unconfigured\n",
    ],
)
def test_a_minor_line_glued_to_another_line(glued: str) -> None:
    parsed = parse(glued + WELL.replace(" 1:", " 9:"))
    assert parsed.problems
    assert parsed.devices[-1].minor == 9
    assert not parsed.devices[-1].doubtful
    # The minor is lost, or what it was glued to is doubtful; it is never taken for what it is not.
    assert all(
        device.doubtful or device in (WELL_DEVICE, SYNCING_DEVICE) for device in parsed.devices[:-1]
    )


def test_a_minor_that_repeats() -> None:
    other = WELL.replace(" 1:", " 0:")
    parsed = parse(HEADER + SICK + WELL + other + SICK)
    assert [(device.minor, device.doubtful) for device in parsed.devices] == [
        (0, True),
        (1, False),
        (0, True),
        (0, True),
    ]
    message = "minor 0: printed more than once, and not the same"
    assert _messages(parsed) == [(3, message), (7, message), (9, message)]
    assert parse(HEADER + SICK + SICK).devices == (SICK_DEVICE, SICK_DEVICE)
    assert parse(HEADER + SICK + SICK).problems == ()


@pytest.mark.parametrize(
    ("connection", "message"),
    [
        ("Connected", "progress in state Connected: "),
        ("PausedSyncT", "progress in state PausedSyncT: "),
        ("VerifyS", "resync in state VerifyS: "),
    ],
)
def test_progress_outside_its_states(connection: str, message: str) -> None:
    parsed = parse(HEADER + SYNCING.replace("SyncTarget", connection) + WELL)
    assert parsed.devices[0].doubtful
    assert parsed.devices[1] == WELL_DEVICE
    ((line, found),) = _messages(parsed)
    assert (line, found[: len(message) + 9]) == (5, f"minor 2: {message}")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("\t[==>....] sync'ed: 66.1% (178176/524288)K\n", "the progress ends after the bar: "),
        ("\tfinish: 0:00:04 speed: 38,404 (38,456) K/sec\n", "the progress cannot be read: "),
        ("\t[==>....] synced: 66.1% (178176/524288)K\n\tstalled\n", "the progress cannot be read"),
        ("\t[==>....] sync'ed: 6% (1/2)G\n\tstalled\n", "the progress cannot be read: "),
        (
            "\t[=>] sync'ed: 6.1% (1/2)K\n\tfinish: 0:00:04 speed: 38,404 (38,\n168) K/sec\n",
            "the progress cannot be read: ",
        ),
        ("\t[=>] sync'ed: 6% (1/2)K\n\tstalled\n" * 2, "the progress cannot be read: "),
    ],
)
def test_progress_that_cannot_be_read(lines: str, message: str) -> None:
    head = "".join(SYNCING.splitlines(keepends=True)[:2])
    parsed = parse(HEADER + head + lines + WELL)
    device, other = parsed.devices
    assert device.doubtful
    assert (device.connection, device.disk) == (
        ConnectionState.SYNC_TARGET,
        DiskState.INCONSISTENT,
    )
    assert other == WELL_DEVICE
    assert parsed.problems[0].line == 5
    assert parsed.problems[0].message.startswith(f"minor 2: {message}")


def test_a_resync_without_progress_is_no_fault() -> None:
    """Until 8.3 the kernel looks at the state twice, and it may end in between."""
    parsed = parse(HEADER + "".join(SYNCING.splitlines(keepends=True)[:2]))
    assert parsed.problems == ()
    assert parsed.devices[0].sync is None
    assert not parsed.devices[0].doubtful


@pytest.mark.parametrize("cut", [1, 5])
def test_a_text_without_a_last_line_break(cut: int) -> None:
    text = HEADER + WELL + SICK
    parsed = parse(text[:-cut])
    assert parsed.devices[0] == WELL_DEVICE
    assert parsed.devices[1].doubtful
    assert (6, "the last line has no end: the text may have been cut off") in _messages(parsed)


def test_blanks_behind_the_last_line_break_are_not_the_last_minors() -> None:
    parsed = parse(HEADER + WELL + " ")
    assert parsed.devices == (WELL_DEVICE,)
    assert [line for line, _ in _messages(parsed)] == [5]


def test_problems_come_in_the_order_of_their_lines() -> None:
    parsed = parse(SICK + "junk\n" + WELL.replace(" 1:", " 0:") + "end")
    assert [line for line, _ in _messages(parsed)] == [None, 1, 3, 4, 6, 6]


@pytest.mark.parametrize("kind", [str, bytes])
def test_more_bytes_than_are_read(kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    text = HEADER + WELL + SICK + SYNCING
    for at in (len(HEADER + WELL + SICK), len(HEADER + WELL) + 70, len(HEADER + WELL + SICK) - 9):
        monkeypatch.setattr(proc_drbd, "MAX_BYTES", at)
        parsed = parse(text if kind is str else text.encode())
        assert parsed.devices[0] == WELL_DEVICE
        assert [device.doubtful for device in parsed.devices[1:]] == [True]
        assert _messages(parsed)[0] == (None, f"longer than {at} bytes: the rest is not read")
    monkeypatch.setattr(proc_drbd, "MAX_BYTES", len(text))
    assert parse(text if kind is str else text.encode()).problems == ()


def test_more_minors_than_are_read() -> None:
    lines = [f"{minor:2d}: cs:Unconfigured\n" for minor in range(MAX_DEVICES)]
    assert parse(HEADER + "".join(lines)).problems == ()
    parsed = parse(HEADER + "".join(lines) + WELL.replace(" 1:", "9999:") + SICK)
    assert len(parsed.devices) == MAX_DEVICES
    assert _messages(parsed) == [
        (MAX_DEVICES + 3, "more than 4096 minors: the rest is not read"),
    ]


def test_more_problems_than_are_told() -> None:
    parsed = parse(HEADER + "".join(f"junk {n}\n" for n in range(150)) + WELL)
    assert len(parsed.problems) == MAX_PROBLEMS + 1
    assert parsed.problems[0] == Problem(3, "unknown line: 'junk 0'")
    assert parsed.problems[-1] == Problem(None, "50 more problems")
    assert parsed.devices == (WELL_DEVICE,)


def test_a_doubt_beyond_the_last_problem_told_is_still_a_doubt() -> None:
    parsed = parse(HEADER + "junk\n" * 150 + WELL.replace("Connected", "Connect"))
    assert parsed.devices[0].doubtful


def test_bytes_that_are_no_text_are_read_all_the_same() -> None:
    parsed = parse((HEADER + WELL).encode() + b"\xff\xfe\n" + SICK.encode())
    assert parsed.devices == (WELL_DEVICE, SICK_DEVICE)
    assert _messages(parsed) == [(5, "unknown line: '\\ufffd\\ufffd'")]


@pytest.mark.parametrize(
    "text",
    [
        "\n" * LONG,
        "x\n" * (LONG // 2),
        " " * LONG,
        "0" * LONG,
        "[" + "=" * LONG,
        "0:" * (LONG // 2) + "cs:",
        " 0: cs:" + "A " * (LONG // 2),
        " 0: cs:A ro:A/A ds:A/A" + " " * (LONG - 100) + "C" + " " * 40 + "r- x",
        " 0: cs:SyncSource ro:Primary/Primary ds:UpToDate/UpToDate C r---\n ns:0\n"
        + "\t[>] sync'ed: 1.0% (1/2)K\n" * (LONG // 30),
        " 0: cs:SyncSource ro:Primary/Primary ds:UpToDate/UpToDate C r---\n ns:0\n\t[>] sync'ed:"
        + " " * (LONG - 200),
        " ns:" + "a:" * (LONG // 2),
        " ns:0" + " a:0" * (LONG // 4) + " !",
        " 1: cs:x\n ns:0\n" * (LONG // 16),
        "version: " + "8" * LONG,
    ],
    ids=range(14),
)
def test_the_time_is_bounded_by_the_length(text: str) -> None:
    start = time.process_time()
    parsed = parse(text)
    # The slowest takes half a second; backtracking would take hours.
    assert time.process_time() - start < 10
    assert parsed.problems


def test_reading_is_bounded_and_apart_from_parsing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path)
    (tmp_path / "proc" / "drbd").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        read(tmp_path)
    (tmp_path / "proc" / "drbd").rmdir()
    (tmp_path / "proc" / "drbd").write_bytes(b"\xff" * (MAX_BYTES + 9))
    assert read(tmp_path) == b"\xff" * (MAX_BYTES + 1)


def test_importing_the_parser_imports_nothing_heavy() -> None:
    """Cron pays for it every minute."""
    program = (
        "import connector.model, sys; before = set(sys.modules); "
        "import connector.observe.proc_drbd; print(*sorted(set(sys.modules) - before))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    ).stdout.split()
    assert all(name.startswith("connector.observe") for name in loaded)
